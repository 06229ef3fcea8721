/* SPDX-License-Identifier: MIT */
/* Whatever a client begins with, and however it is cut: the same look, and nothing read beyond. */
#include "tests/reactor/tlshello_run.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *wrong = ymo_tlshello_run_corpus(data, size);
    if (wrong) {
        fprintf(stderr, "%s\n", wrong);
        abort();
    }
    return 0;
}
