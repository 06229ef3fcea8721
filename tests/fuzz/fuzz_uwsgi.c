/* SPDX-License-Identifier: MIT */
/* Whatever arrives, and however it is cut: the same requests or the same refusal come out. */
#include "protocols/uwsgi/uwsgi.h"
#include "tests/protocols/codec_run.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *wrong = ymo_codec_run_corpus(&ymo_uwsgi_ops, data, size);
    if (wrong) {
        fprintf(stderr, "%s\n", wrong);
        abort();
    }
    return 0;
}
