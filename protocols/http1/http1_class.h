/* SPDX-License-Identifier: MIT */
/* What bytes may be where in HTTP. */
#ifndef YMO_PROTOCOLS_HTTP1_HTTP1_CLASS_H
#define YMO_PROTOCOLS_HTTP1_HTTP1_CLASS_H

#include <stdbool.h>
#include <stdint.h>

/* Bits of ymo_http1_class. */
enum {
    YMO_HTTP1_TCHAR = 1,  /* token (RFC 9110 5.6.2) */
    YMO_HTTP1_URI = 2,    /* visible ASCII: what a request-target may hold for us */
    YMO_HTTP1_HOST = 4,   /* reg-name, except '%' (RFC 3986 3.2.2) */
    YMO_HTTP1_HEX = 8,    /* hexadecimal digit */
    YMO_HTTP1_CTL = 16,   /* control byte other than TAB: never inside a field line */
    YMO_HTTP1_DIGIT = 32, /* decimal digit */
};
extern const uint8_t ymo_http1_class[256];

static inline bool
ymo_http1_is(char c, unsigned bits)
{
    return (ymo_http1_class[(unsigned char)c] & bits) != 0;
}

static inline unsigned
ymo_http1_hex_value(char c)
{
    return c <= '9' ? (unsigned)c - '0' : ((unsigned)c | 0x20u) - 'a' + 10;
}

#endif
