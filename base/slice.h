/* SPDX-License-Identifier: MIT */
/* A borrowed run of bytes. Never owns, never NUL-terminated unless its source says so. */
#ifndef YMO_BASE_SLICE_H
#define YMO_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct ymo_slice {
    const char *data;
    size_t len;
};

#define YMO_SLICE(literal) ((struct ymo_slice){"" literal, sizeof(literal) - 1})

static inline struct ymo_slice
ymo_slice_of(const char *data, size_t len)
{
    return (struct ymo_slice){data, len};
}

static inline struct ymo_slice
ymo_slice_str(const char *s)
{
    return (struct ymo_slice){s, strlen(s)};
}

static inline bool
ymo_slice_eq(struct ymo_slice a, struct ymo_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* ASCII case-insensitive equality. */
static inline bool
ymo_slice_ieq(struct ymo_slice a, struct ymo_slice b)
{
    if (a.len != b.len || a.len == 0)
        return a.len == b.len;
    /* Most differ at once, by more than the bit that tells cases apart. */
    return ((a.data[0] ^ b.data[0]) & ~0x20) == 0 && strncasecmp(a.data, b.data, a.len) == 0;
}

#endif
