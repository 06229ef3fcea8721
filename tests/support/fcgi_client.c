/* SPDX-License-Identifier: MIT */
#include "tests/support/fcgi_client.h"

#include "tests/protocols/fcgi_make.h"
#include "tests/support/test.h"

#include <fastcgi.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_MAX = 32 * 1024 };

bool
ymo_fcgi_client_open(struct ymo_fcgi_client *c, int port, int rcvbuf)
{
    memset(c, 0, sizeof(*c));
    return CHECK(ymo_http_client_open(&c->http, port, rcvbuf));
}

void
ymo_fcgi_client_close(struct ymo_fcgi_client *c)
{
    ymo_http_client_close(&c->http);
    for (unsigned i = 0; i < YMO_FCGI_CLIENT_IDS; i++)
        ymo_fcgi_client_forget(c, i);
}

void
ymo_fcgi_client_forget(struct ymo_fcgi_client *c, unsigned id)
{
    ymo_buf_free(&c->answers[id].out);
    ymo_buf_free(&c->answers[id].err);
    c->answers[id] = (struct ymo_fcgi_answer){.ended = false};
}

bool
ymo_fcgi_client_say(struct ymo_fcgi_client *c, const char *script)
{
    struct ymo_buf all = {0};
    ymo_fcgi_make(&all, script);
    bool sent = ymo_http_client_send(&c->http, ymo_buf_data(&all), all.len);
    ymo_buf_free(&all);
    return sent;
}

static bool
take(struct ymo_fcgi_client *c, unsigned type, unsigned id, struct ymo_slice content)
{
    if (id == 0) {
        c->managed++;
        return CHECK(type == FCGI_GET_VALUES_RESULT || type == FCGI_UNKNOWN_TYPE);
    }
    if (!CHECK(id < YMO_FCGI_CLIENT_IDS))
        return false;
    struct ymo_fcgi_answer *a = &c->answers[id];
    if (!CHECK(!a->ended) ||
        !CHECK(type == FCGI_STDOUT || type == FCGI_STDERR || type == FCGI_END_REQUEST))
        return false;
    if (type == FCGI_STDERR)
        return CHECK(content.len > 0) && CHECK_INT(ymo_buf_append_slice(&a->err, content), 0);
    if (type == FCGI_END_REQUEST) {
        a->ended = true;
        a->protocol_status = content.len == 8 ? (unsigned char)content.data[4] : -1;
        return true;
    }
    if (!CHECK(!a->closed))
        return false;
    a->closed = content.len == 0;
    a->records += content.len > 0;
    if (a->closed)
        return true;
    c->row = c->last == id ? c->row + 1 : 1;
    c->last = id;
    if (c->row > c->most_in_a_row)
        c->most_in_a_row = c->row;
    return CHECK_INT(ymo_buf_append_slice(&a->out, content), 0);
}

bool
ymo_fcgi_client_record(struct ymo_fcgi_client *c)
{
    struct ymo_buf *in = &c->http.in;
    for (;;) {
        const unsigned char *h = in->len >= 8 ? (const unsigned char *)ymo_buf_data(in) : NULL;
        size_t len = h ? (size_t)h[4] << 8 | h[5] : 0, padded = h ? 8 + len + h[6] : 8;
        if (h && !CHECK(h[0] == 1 && len <= RECORD_MAX))
            return false;
        if (h && in->len >= padded) {
            bool ok =
                take(c, h[1], (unsigned)(h[2] << 8 | h[3]), ymo_slice_of((const char *)h + 8, len));
            ymo_buf_consume(in, padded);
            return ok;
        }
        if (!ymo_http_client_fill(&c->http))
            return false;
    }
}

bool
ymo_fcgi_client_await(struct ymo_fcgi_client *c, unsigned id)
{
    while (!c->answers[id].ended) {
        if (!ymo_fcgi_client_record(c))
            return CHECK(false);
    }
    return true;
}

int
ymo_fcgi_client_status(const struct ymo_fcgi_client *c, unsigned id)
{
    const struct ymo_buf *out = &c->answers[id].out;
    if (out->len < 11 || memcmp(ymo_buf_data(out), "Status: ", 8) != 0)
        return 0;
    return (int)strtol(ymo_buf_data(out) + 8, NULL, 10);
}

struct ymo_slice
ymo_fcgi_client_body(const struct ymo_fcgi_client *c, unsigned id)
{
    struct ymo_slice out = ymo_buf_slice(&c->answers[id].out);
    for (size_t i = 0; i + 4 <= out.len; i++) {
        if (memcmp(out.data + i, "\r\n\r\n", 4) == 0)
            return ymo_slice_of(out.data + i + 4, out.len - i - 4);
    }
    return YMO_SLICE("");
}
