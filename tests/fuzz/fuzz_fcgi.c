/* SPDX-License-Identifier: MIT */
/* Whatever arrives, and however it is cut: the same requests and the same records come out. */
#include "tests/protocols/fcgi_run.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *wrong = ymo_fcgi_run_corpus(data, size);
    if (wrong) {
        fprintf(stderr, "%s\n", wrong);
        abort();
    }
    return 0;
}
