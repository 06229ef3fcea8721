/* SPDX-License-Identifier: MIT */
#include "reactor/redirect.h"

#include "base/log.h"
#include "reactor/loop.h"

#include <string.h>

/* RFC 1035 2.3.4; and what is longer than that is no name that anybody was meant to visit. */
enum { HOST_MAX = 255 };

static bool
is_name_byte(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
           c == '_' || c == '.';
}

static bool
is_literal_byte(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') || c == ':' ||
           c == '.';
}

/*
 * The host without its port; an IPv6 address with its brackets. Empty when it will not do. This is
 * narrower than what the codec lets pass (RFC 3986 3.2.2 allows "a,b" and "%41"): it goes into a
 * header of ours, and browsers are not of one mind about the rest.
 */
static struct ymo_slice
host_of(struct ymo_slice authority)
{
    const struct ymo_slice none = {"", 0};
    size_t n = 0;
    if (authority.len && authority.data[0] == '[') {
        n = 1;
        while (n < authority.len && is_literal_byte(authority.data[n]))
            n++;
        if (n < 3 || n == authority.len || authority.data[n] != ']')
            return none;
        n++;
    } else {
        while (n < authority.len && is_name_byte(authority.data[n]))
            n++;
        if (n > 0 && authority.data[0] == '.')
            return none;
    }
    if (n > HOST_MAX || (n < authority.len && authority.data[n] != ':'))
        return none;
    return ymo_slice_of(authority.data, n);
}

/* What follows scheme and authority in an absolute-form target; the target itself otherwise. */
static struct ymo_slice
path_of(struct ymo_slice target)
{
    const char *end = target.data + target.len;
    if (target.len == 0 || target.data[0] == '/')
        return target;
    const char *p = memchr(target.data, ':', target.len);
    if (!p || end - p < 3 || p[1] != '/' || p[2] != '/')
        return ymo_slice_of("", 0); /* "*": nothing that has an address */
    for (p += 3; p < end && *p != '/' && *p != '?'; p++)
        ;
    /* Nothing behind the authority is the root (RFC 9110 4.2.3). */
    return p < end ? ymo_slice_of(p, (size_t)(end - p)) : YMO_SLICE("/");
}

int
ymo_redirect_url(const struct ymo_request *req, struct ymo_slice port, struct ymo_slice *url_r)
{
    struct ymo_slice host = host_of(ymo_request_get(req, YMO_VAR_HTTP_HOST));
    struct ymo_slice path = path_of(ymo_request_get(req, YMO_VAR_REQUEST_URI));
    *url_r = ymo_slice_of("", 0);
    if (host.len == 0 || path.len == 0)
        return YMO_OK;
    for (size_t i = 0; i < path.len; i++) {
        if ((unsigned char)path.data[i] <= 0x20 || (unsigned char)path.data[i] >= 0x7f)
            return YMO_OK; /* the codec let none through; a header must not depend on it */
    }
    if (ymo_slice_eq(port, YMO_SLICE("443")))
        port.len = 0;
    const struct ymo_slice parts[] = {
        YMO_SLICE("https://"),
        host,
        ymo_slice_of(":", port.len ? 1 : 0),
        port,
        ymo_slice_of("/", path.data[0] == '?' ? 1 : 0),
        path,
    };
    size_t len = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        len += parts[i].len;
    char *mem = ymo_arena_alloc(req->arena, len), *at = mem;
    if (!mem)
        return YMO_ENOMEM;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].len)
            memcpy(at, parts[i].data, parts[i].len);
        at += parts[i].len;
    }
    *url_r = ymo_slice_of(mem, len);
    return YMO_OK;
}

/* The port of the first listener for https; empty when it is a unix socket. */
static struct ymo_slice
secure_port(const struct ymo_reactor *r)
{
    for (size_t i = 0; i < r->cfg.n_listeners; i++) {
        if (r->listeners[i].cfg->tls && !r->listeners[i].cfg->codec->front_end)
            return ymo_slice_str(r->listeners[i].port);
    }
    return ymo_slice_of("", 0);
}

/* Head and body of ex->resp into the queue. */
static int
write_answer(struct ymo_conn *c, struct ymo_exchange *ex, struct ymo_slice body)
{
    const struct ymo_codec_ops *codec = c->codec;
    struct ymo_codec_out out = ymo_writer_out(c->r, c->r->stopping || !ex->body_done);
    struct ymo_outq *q = ymo_writer_outq(c);
    if (!q)
        return YMO_ENOMEM;
    size_t before = q->bytes.len, take = body.len;
    int rc = codec->head(c->codec_state, ex->id, &ex->resp, &out, &q->bytes);
    while (rc == YMO_OK && body.len > 0 && !ex->resp.no_body) {
        rc = codec->frame(c->codec_state, ex->id, body.len, &q->bytes, &take);
        if (rc == YMO_OK)
            rc = ymo_buf_append(&q->bytes, body.data, take);
        if (rc == YMO_OK)
            rc = codec->unframe(c->codec_state, ex->id, &q->bytes);
        body = ymo_slice_of(body.data + take, body.len - take);
    }
    if (rc == YMO_OK)
        rc = codec->end(c->codec_state, ex->id, &q->bytes);
    if (rc == YMO_OK)
        ymo_outq_wrote(q, before);
    return rc;
}

void
ymo_redirect_answer(struct ymo_conn *c, struct ymo_exchange *ex, bool last)
{
    static const struct ymo_slice type = {"text/plain; charset=utf-8", 25};
    const struct ymo_slice body = YMO_SLICE("This is served over https.\n");
    struct ymo_slice url;
    bool safe = ymo_slice_eq(ex->req.method, YMO_SLICE("GET")) || ex->req.head_only;
    int rc = ymo_redirect_url(&ex->req, secure_port(c->r), &url);
    if (rc == YMO_OK && url.len == 0) {
        ymo_conn_fail(c, ex, 400, "no host that https could be asked of");
        return;
    }
    ex->body_done = last;
    ex->resp.status = safe ? 301 : 308;
    ex->resp.reason = safe ? YMO_SLICE("Moved Permanently") : YMO_SLICE("Permanent Redirect");
    ex->resp.content_length = (int64_t)body.len;
    ex->resp.no_body = ex->req.head_only;
    if (rc < 0 || ymo_response_add(&ex->resp, &ex->arena, YMO_SLICE("Content-Type"), type) < 0 ||
        ymo_response_add(&ex->resp, &ex->arena, YMO_SLICE("Location"), url) < 0) {
        ymo_conn_fail(c, ex, 503, "out of memory");
        return;
    }
    ex->head_sent = true;
    if (write_answer(c, ex, body) < 0) {
        ymo_conn_kill(c);
        return;
    }
    ex->end_written = true;
    ymo_dispatch_dirty(c);
}
