/* SPDX-License-Identifier: MIT */
/*
 * Pieces of response heads, for codecs that have reserved room for the whole of one. Each returns
 * where it stopped writing.
 */
#ifndef YMO_PROTOCOLS_HEADTEXT_H
#define YMO_PROTOCOLS_HEADTEXT_H

#include "base/slice.h"

#include <stdint.h>

static inline char *
ymo_headtext_put(char *at, struct ymo_slice s)
{
    if (s.len)
        memcpy(at, s.data, s.len);
    return at + s.len;
}
#define YMO_HEADTEXT_PUT(at, literal) ymo_headtext_put((at), YMO_SLICE(literal))

/* A field line; 4 bytes more than name and value. */
static inline char *
ymo_headtext_field(char *at, struct ymo_slice name, struct ymo_slice value)
{
    at = ymo_headtext_put(at, name);
    at = YMO_HEADTEXT_PUT(at, ": ");
    at = ymo_headtext_put(at, value);
    return YMO_HEADTEXT_PUT(at, "\r\n");
}

/* At most 20 bytes. */
char *ymo_headtext_decimal(char *at, uint64_t n);

/* 100 … 999 and a space; 4 bytes. */
char *ymo_headtext_status(char *at, int status);

/* A reason phrase for a status that the server itself gives (RFC 9110 15); never empty. */
struct ymo_slice ymo_headtext_reason(int status);

#endif
