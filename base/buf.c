/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_CAP = 256 };

void
ymo_buf_free(struct ymo_buf *b)
{
    free(b->mem);
    *b = (struct ymo_buf){0};
}

int
ymo_buf_reserve(struct ymo_buf *b, size_t n)
{
    if (n <= b->cap - b->off - b->len)
        return YMO_OK;
    if (n > SIZE_MAX / 4 - b->len)
        return YMO_ENOMEM;
    /*
     * Moving is free of charge only when at least as much was consumed as must be moved: each
     * byte then moves a constant number of times, however small the appends are.
     */
    if (n <= b->cap - b->len && b->off >= b->len) {
        memmove(b->mem, b->mem + b->off, b->len);
        b->off = 0;
        return YMO_OK;
    }
    size_t cap = b->cap + b->cap / 2;
    if (cap < b->len + n)
        cap = b->len + n;
    if (cap < MIN_CAP)
        cap = MIN_CAP;
    char *mem = malloc(cap);
    if (!mem)
        return YMO_ENOMEM;
    if (b->len)
        memcpy(mem, b->mem + b->off, b->len);
    free(b->mem);
    b->mem = mem;
    b->off = 0;
    b->cap = cap;
    return YMO_OK;
}

void
ymo_buf_commit(struct ymo_buf *b, size_t n)
{
    YMO_ASSERT(n <= b->cap - b->off - b->len);
    b->len += n;
}

int
ymo_buf_append(struct ymo_buf *b, const void *data, size_t n)
{
    int rc = ymo_buf_reserve(b, n);
    if (rc < 0)
        return rc;
    if (n)
        memcpy(ymo_buf_room(b), data, n);
    b->len += n;
    return YMO_OK;
}

int
ymo_buf_append_slice(struct ymo_buf *b, struct ymo_slice s)
{
    return ymo_buf_append(b, s.data, s.len);
}

int
ymo_buf_printf(struct ymo_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return YMO_EINVAL;
    int rc = ymo_buf_reserve(b, (size_t)n + 1); /* vsnprintf also writes a NUL */
    if (rc < 0)
        return rc;
    va_start(ap, fmt);
    (void)vsnprintf(ymo_buf_room(b), (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
    return YMO_OK;
}

void
ymo_buf_consume(struct ymo_buf *b, size_t n)
{
    YMO_ASSERT(n <= b->len);
    b->len -= n;
    b->off = b->len ? b->off + n : 0;
}
