/* SPDX-License-Identifier: MIT */
#include "tests/protocols/uwsgi_make.h"

#include <stdlib.h>

static void
put(struct ymo_buf *dst, const void *data, size_t n)
{
    if (ymo_buf_append(dst, data, n) < 0)
        abort();
}

static void
put_string(struct ymo_buf *dst, struct ymo_slice s)
{
    const unsigned char len[2] = {(unsigned char)(s.len & 255), (unsigned char)(s.len >> 8)};
    if (s.len > 65535)
        abort();
    put(dst, len, sizeof(len));
    put(dst, s.data, s.len);
}

void
ymo_uwsgi_make_var(struct ymo_buf *dst, struct ymo_slice name, struct ymo_slice value)
{
    put_string(dst, name);
    put_string(dst, value);
}

void
ymo_uwsgi_make_head(struct ymo_buf *dst, unsigned modifier1, size_t size)
{
    const unsigned char head[4] = {(unsigned char)modifier1, (unsigned char)(size & 255),
                                   (unsigned char)(size >> 8), 0};
    if (size > 65535)
        abort();
    put(dst, head, sizeof(head));
}

void
ymo_uwsgi_make(struct ymo_buf *dst, unsigned modifier1, const char *vars)
{
    struct ymo_buf all = {0};
    while (*vars) {
        const char *eq = strchr(vars, '='), *end = strchr(vars, '\n');
        if (!end)
            end = vars + strlen(vars);
        if (!eq || eq > end)
            abort();
        ymo_uwsgi_make_var(&all, ymo_slice_of(vars, (size_t)(eq - vars)),
                           ymo_slice_of(eq + 1, (size_t)(end - eq) - 1));
        vars = *end ? end + 1 : end;
    }
    ymo_uwsgi_make_head(dst, modifier1, all.len);
    if (all.len)
        put(dst, ymo_buf_data(&all), all.len);
    ymo_buf_free(&all);
}
