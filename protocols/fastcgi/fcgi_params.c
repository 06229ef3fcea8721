/* SPDX-License-Identifier: MIT */
/* Name-value pairs (3.4). */
#include "protocols/fastcgi/fcgi_state.h"

/* A length: one byte, or four whose first bit is set. */
static bool
take_length(struct ymo_slice in, size_t *at, size_t *len_r)
{
    const unsigned char *p = (const unsigned char *)in.data + *at;
    size_t left = in.len - *at;
    if (left >= 1 && p[0] < 0x80) {
        *len_r = p[0];
        *at += 1;
        return true;
    }
    if (left < 4)
        return false;
    *len_r = (size_t)(p[0] & 0x7f) << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    *at += 4;
    return true;
}

int
ymo_fcgi_params_next(struct ymo_slice in, size_t *at_r, struct ymo_slice *name_r,
                     struct ymo_slice *value_r)
{
    size_t at = *at_r, name, value;
    if (at == in.len)
        return 0;
    if (!take_length(in, &at, &name) || !take_length(in, &at, &value))
        return -1;
    if (name > in.len - at || value > in.len - at - name)
        return -1;
    *name_r = ymo_slice_of(in.data + at, name);
    *value_r = ymo_slice_of(in.data + at + name, value);
    *at_r = at + name + value;
    return 1;
}

static size_t
put_length(unsigned char *at, size_t len)
{
    if (len < 0x80) {
        at[0] = (unsigned char)len;
        return 1;
    }
    at[0] = (unsigned char)(0x80 | len >> 24);
    at[1] = (unsigned char)(len >> 16);
    at[2] = (unsigned char)(len >> 8);
    at[3] = (unsigned char)len;
    return 4;
}

int
ymo_fcgi_params_put(struct ymo_buf *dst, struct ymo_slice name, struct ymo_slice value)
{
    unsigned char lengths[8];
    YMO_ASSERT(name.len < 0x80000000 && value.len < 0x80000000);
    size_t n = put_length(lengths, name.len);
    n += put_length(lengths + n, value.len);
    int rc = ymo_buf_reserve(dst, n + name.len + value.len);
    if (rc < 0)
        return rc;
    if (ymo_buf_append(dst, lengths, n) < 0 || ymo_buf_append_slice(dst, name) < 0)
        return YMO_ENOMEM;
    return ymo_buf_append_slice(dst, value);
}
