/* SPDX-License-Identifier: MIT */
/* Table rows: an input, and what must come out of it however it is cut. */
#ifndef YMO_TESTS_PROTOCOLS_CODEC_VECTOR_H
#define YMO_TESTS_PROTOCOLS_CODEC_VECTOR_H

#include "protocols/codec.h"

#include <stddef.h>

struct ymo_codec_vector {
    const char *what;
    struct ymo_slice input;
    const char *brief;   /* see codec_run.h */
    const char *want[6]; /* whole lines of the full account that must be there … */
    const char *lack[3]; /* … and beginnings of lines that must not */
};

#define YMO_N(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Play each row whole, in single bytes, cut in two at every offset and at random; compare all of
 * these with each other and with the row. env NULL: ymo_codec_run_env.
 */
void ymo_codec_vector_check(const struct ymo_codec_ops *ops, const struct ymo_codec_vector *rows,
                            size_t n, const struct ymo_codec_env *env);

#endif
