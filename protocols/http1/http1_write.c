/* SPDX-License-Identifier: MIT */
/* Responses (RFC 9112 4 and 6). */
#include "protocols/headtext.h"
#include "protocols/http1/http1_state.h"

#include <stdint.h>

/* Status line; 16 bytes more than the reason. */
static char *
put_status(char *at, int status, struct ymo_slice reason)
{
    at = YMO_HEADTEXT_PUT(at, "HTTP/1.1 ");
    at = ymo_headtext_status(at, status); /* with a space before an empty reason (RFC 9112 4) */
    at = ymo_headtext_put(at, reason);
    return YMO_HEADTEXT_PUT(at, "\r\n");
}

/* Persistence is what 1.1 takes for granted and 1.0 must be told (RFC 9112 9.3). */
static char *
put_connection(char *at, const struct ymo_http1 *h)
{
    if (!h->keep_alive)
        return YMO_HEADTEXT_PUT(at, "Connection: close\r\n");
    return h->http10 ? YMO_HEADTEXT_PUT(at, "Connection: keep-alive\r\n") : at;
}

#define HSTS YMO_SLICE("Strict-Transport-Security")

/*
 * The policy to send with this response, or nothing. In the clear it would mean nothing, and must
 * not be sent (RFC 6797 7.2).
 */
static struct ymo_slice
policy(const struct ymo_http1 *h, const struct ymo_codec_out *out)
{
    return h->env->https ? out->hsts : ymo_slice_of("", 0);
}

/* One policy per response, and the application's own is the one (RFC 6797 8.1). */
static bool
has_policy(const struct ymo_response *resp)
{
    for (uint32_t i = 0; i < resp->n_headers; i++) {
        if (ymo_slice_ieq(resp->headers[i].name, HSTS))
            return true;
    }
    return false;
}

/* Room for everything in a head but reason, given headers, date, server and policy. */
enum { FIXED = 320 };

int
ymo_http1_write_head(void *state, uint32_t id, const struct ymo_response *resp,
                     const struct ymo_codec_out *out, struct ymo_buf *dst)
{
    struct ymo_http1 *h = state;
    (void)id;
    bool empty = resp->no_body || h->head_only || resp->status == 204 || resp->status == 304;
    bool told = resp->content_length >= 0;

    struct ymo_slice hsts = policy(h, out);
    if (hsts.len && has_policy(resp))
        hsts.len = 0;
    size_t size = FIXED + resp->reason.len + out->date.len + out->server.len + hsts.len;
    for (uint32_t i = 0; i < resp->n_headers; i++)
        size += resp->headers[i].name.len + resp->headers[i].value.len + 4;
    int rc = ymo_buf_reserve(dst, size);
    if (rc < 0)
        return rc;

    h->chunked_body = !empty && !told && !h->http10;
    h->until_close = !empty && !told && h->http10; /* RFC 9112 6.3 */
    if (out->close || h->until_close)
        h->keep_alive = false;

    char *start = ymo_buf_room(dst), *at = put_status(start, resp->status, resp->reason);
    for (uint32_t i = 0; i < resp->n_headers; i++)
        at = ymo_headtext_field(at, resp->headers[i].name, resp->headers[i].value);
    if (!resp->has_date && out->date.len)
        at = ymo_headtext_field(at, YMO_SLICE("Date"), out->date);
    if (!resp->has_server && out->server.len)
        at = ymo_headtext_field(at, YMO_SLICE("Server"), out->server);
    if (hsts.len)
        at = ymo_headtext_field(at, HSTS, hsts);
    if (resp->status == 204) {
        /* Neither is allowed (RFC 9110 8.6, RFC 9112 6.1). */
    } else if (told) {
        at = YMO_HEADTEXT_PUT(at, "Content-Length: ");
        at = ymo_headtext_decimal(at, (uint64_t)resp->content_length);
        at = YMO_HEADTEXT_PUT(at, "\r\n");
    } else if (h->chunked_body) {
        at = YMO_HEADTEXT_PUT(at, "Transfer-Encoding: chunked\r\n");
    } else if (resp->no_body && !h->head_only && resp->status != 304) {
        /* Nothing else would tell the client that nothing follows. */
        at = YMO_HEADTEXT_PUT(at, "Content-Length: 0\r\n");
    }
    at = put_connection(at, h);
    at = YMO_HEADTEXT_PUT(at, "\r\n");
    ymo_buf_commit(dst, (size_t)(at - start));
    return YMO_OK;
}

int
ymo_http1_write_frame(void *state, uint32_t id, size_t len, struct ymo_buf *dst, size_t *take_r)
{
    const struct ymo_http1 *h = state;
    (void)id;
    *take_r = len;
    if (!h->chunked_body)
        return YMO_OK;
    char line[18];
    size_t i = sizeof(line);
    line[--i] = '\n';
    line[--i] = '\r';
    for (uint64_t n = len; n || i == sizeof(line) - 2; n >>= 4)
        line[--i] = "0123456789abcdef"[n & 15];
    return ymo_buf_append(dst, line + i, sizeof(line) - i);
}

int
ymo_http1_write_unframe(void *state, uint32_t id, struct ymo_buf *dst)
{
    const struct ymo_http1 *h = state;
    (void)id;
    return h->chunked_body ? ymo_buf_append(dst, "\r\n", 2) : YMO_OK;
}

int
ymo_http1_write_end(void *state, uint32_t id, struct ymo_buf *dst)
{
    const struct ymo_http1 *h = state;
    (void)id;
    return h->chunked_body ? ymo_buf_append(dst, "0\r\n\r\n", 5) : YMO_OK;
}

int
ymo_http1_write_proceed(void *state, uint32_t id, struct ymo_buf *dst)
{
    (void)state;
    (void)id;
    return ymo_buf_append_slice(dst, YMO_SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
}

int
ymo_http1_write_fail(void *state, uint32_t id, int status, const struct ymo_codec_out *out,
                     struct ymo_buf *dst)
{
    struct ymo_http1 *h = state;
    (void)id;
    h->chunked_body = h->until_close = false;
    if (out->close || h->phase != YMO_HTTP1_READ)
        h->keep_alive = false;
    if (status == 0)
        return YMO_OK;
    struct ymo_slice reason = ymo_headtext_reason(status);
    struct ymo_slice hsts = policy(h, out);
    int rc =
        ymo_buf_reserve(dst, FIXED + 2 * reason.len + out->date.len + out->server.len + hsts.len);
    if (rc < 0)
        return rc;
    char *start = ymo_buf_room(dst), *at = put_status(start, status, reason);
    if (out->date.len)
        at = ymo_headtext_field(at, YMO_SLICE("Date"), out->date);
    if (out->server.len)
        at = ymo_headtext_field(at, YMO_SLICE("Server"), out->server);
    if (hsts.len)
        at = ymo_headtext_field(at, HSTS, hsts);
    at = YMO_HEADTEXT_PUT(at, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: ");
    at = ymo_headtext_decimal(at, 4 + reason.len + 1);
    at = YMO_HEADTEXT_PUT(at, "\r\n");
    at = put_connection(at, h);
    at = YMO_HEADTEXT_PUT(at, "\r\n");
    if (!h->head_only) { /* RFC 9110 9.3.2: its length all the same */
        at = ymo_headtext_decimal(at, (uint64_t)status);
        *at++ = ' ';
        at = ymo_headtext_put(at, reason);
        *at++ = '\n';
    }
    ymo_buf_commit(dst, (size_t)(at - start));
    return YMO_OK;
}
