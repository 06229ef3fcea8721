/* SPDX-License-Identifier: MIT */
/*
 * A growable byte queue: append at the end, consume at the front. A zeroed struct is a valid
 * empty buffer that owns nothing. Pointers into it are valid until the next append or reserve.
 */
#ifndef YMO_BASE_BUF_H
#define YMO_BASE_BUF_H

#include "base/err.h"
#include "base/slice.h"

#include <stddef.h>

struct ymo_buf {
    char *mem;  /* owned allocation, NULL when cap is 0 */
    size_t off; /* first unconsumed byte; off + len <= cap */
    size_t len; /* unconsumed bytes */
    size_t cap; /* bytes allocated */
};

static inline char *
ymo_buf_data(const struct ymo_buf *b)
{
    return b->mem + b->off;
}

static inline struct ymo_slice
ymo_buf_slice(const struct ymo_buf *b)
{
    return ymo_slice_of(b->mem ? b->mem + b->off : "", b->len);
}

/* Release the memory; the buffer is empty and usable again. */
void ymo_buf_free(struct ymo_buf *b);

/*
 * Make room for `n` more bytes after the data: moves the data to the front when that suffices,
 * else grows at least by half, so that any sequence of appends costs linear time in total.
 * YMO_ENOMEM leaves the buffer as it was.
 */
int ymo_buf_reserve(struct ymo_buf *b, size_t n) YMO_MUST_CHECK;

/* Where the reserved room begins, and how large it is. */
static inline char *
ymo_buf_room(const struct ymo_buf *b)
{
    return b->mem + b->off + b->len;
}
static inline size_t
ymo_buf_room_len(const struct ymo_buf *b)
{
    return b->cap - b->off - b->len;
}

/* Count `n` bytes that the caller wrote into the reserved room. */
void ymo_buf_commit(struct ymo_buf *b, size_t n);

/* 0 or YMO_ENOMEM. */
int ymo_buf_append(struct ymo_buf *b, const void *data, size_t n) YMO_MUST_CHECK;
int ymo_buf_append_slice(struct ymo_buf *b, struct ymo_slice s) YMO_MUST_CHECK;
int ymo_buf_printf(struct ymo_buf *b, const char *fmt, ...) YMO_PRINTF(2, 3) YMO_MUST_CHECK;

/* Drop `n` <= len bytes from the front. */
void ymo_buf_consume(struct ymo_buf *b, size_t n);

#endif
