/* SPDX-License-Identifier: MIT */
/* Heads of responses as front ends take them (RFC 3875 6). */
#include "protocols/cgi/cgi.h"
#include "protocols/headtext.h"

#define PUT(at, literal) YMO_HEADTEXT_PUT(at, literal)

/* Room for everything in a head but reason, given headers and date. */
enum { FIXED = 160 };

/*
 * What an application must not say to a front end: how its connection to us works (RFC 9110 7.6.1),
 * a framing that is ours to choose, and a second status.
 */
static bool
is_forbidden(struct ymo_slice name)
{
    switch (name.len) {
    case 2:
        return ymo_slice_ieq(name, YMO_SLICE("TE"));
    case 6:
        return ymo_slice_ieq(name, YMO_SLICE("Status"));
    case 7:
        return ymo_slice_ieq(name, YMO_SLICE("Trailer")) ||
               ymo_slice_ieq(name, YMO_SLICE("Upgrade"));
    case 10:
        return ymo_slice_ieq(name, YMO_SLICE("Connection")) ||
               ymo_slice_ieq(name, YMO_SLICE("Keep-Alive"));
    case 14:
        return ymo_slice_ieq(name, YMO_SLICE("Content-Length"));
    case 16:
        return ymo_slice_ieq(name, YMO_SLICE("Proxy-Connection"));
    case 17:
        return ymo_slice_ieq(name, YMO_SLICE("Transfer-Encoding"));
    default:
        return false;
    }
}

static char *
put_status(char *at, enum ymo_cgi_dialect dialect, int status, struct ymo_slice reason)
{
    at = dialect == YMO_CGI_STATUS_LINE ? PUT(at, "HTTP/1.1 ") : PUT(at, "Status: ");
    at = ymo_headtext_status(at, status);
    at = ymo_headtext_put(at, reason);
    return PUT(at, "\r\n");
}

static char *
put_length(char *at, uint64_t n)
{
    at = PUT(at, "Content-Length: ");
    at = ymo_headtext_decimal(at, n);
    return PUT(at, "\r\n");
}

int
ymo_cgi_head_write(enum ymo_cgi_dialect dialect, const struct ymo_response *resp,
                   const struct ymo_codec_out *out, struct ymo_buf *dst)
{
    size_t size = FIXED + resp->reason.len + out->date.len;
    for (uint32_t i = 0; i < resp->n_headers; i++)
        size += resp->headers[i].name.len + resp->headers[i].value.len + 4;
    int rc = ymo_buf_reserve(dst, size);
    if (rc < 0)
        return rc;

    char *start = ymo_buf_room(dst), *at = put_status(start, dialect, resp->status, resp->reason);
    for (uint32_t i = 0; i < resp->n_headers; i++) {
        if (!is_forbidden(resp->headers[i].name))
            at = ymo_headtext_field(at, resp->headers[i].name, resp->headers[i].value);
    }
    if (!resp->has_date && out->date.len) /* HAProxy adds none */
        at = ymo_headtext_field(at, YMO_SLICE("Date"), out->date);
    if (resp->content_length >= 0 && resp->status != 204) /* RFC 9110 8.6 */
        at = put_length(at, (uint64_t)resp->content_length);
    at = PUT(at, "\r\n");
    ymo_buf_commit(dst, (size_t)(at - start));
    return YMO_OK;
}

int
ymo_cgi_head_fail(enum ymo_cgi_dialect dialect, int status, bool head_only,
                  const struct ymo_codec_out *out, struct ymo_buf *dst)
{
    struct ymo_slice reason = ymo_headtext_reason(status);
    int rc = ymo_buf_reserve(dst, FIXED + 2 * reason.len + out->date.len);
    if (rc < 0)
        return rc;
    char *start = ymo_buf_room(dst), *at = put_status(start, dialect, status, reason);
    if (out->date.len)
        at = ymo_headtext_field(at, YMO_SLICE("Date"), out->date);
    at = PUT(at, "Content-Type: text/plain; charset=utf-8\r\n");
    at = put_length(at, 4 + reason.len + 1);
    at = PUT(at, "\r\n");
    if (!head_only) { /* RFC 9110 9.3.2: its length all the same */
        at = ymo_headtext_status(at, status);
        at = ymo_headtext_put(at, reason);
        *at++ = '\n';
    }
    ymo_buf_commit(dst, (size_t)(at - start));
    return YMO_OK;
}
