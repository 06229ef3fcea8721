/* SPDX-License-Identifier: MIT */
/* Request-targets (RFC 9112 3.2) and the Host field (RFC 9110 7.2). */
#include "protocols/http1/http1_state.h"

static bool
is_pct(struct ymo_slice s, size_t i)
{
    return s.len - i >= 3 && ymo_http1_is(s.data[i + 1], YMO_HTTP1_HEX) &&
           ymo_http1_is(s.data[i + 2], YMO_HTTP1_HEX);
}

static const char *
check_bytes(struct ymo_slice target)
{
    if (memchr(target.data, '#', target.len))
        return "fragment in a request-target";
    const char *p = target.data, *end = target.data + target.len;
    while ((p = memchr(p, '%', (size_t)(end - p))) != NULL) {
        if (!is_pct(target, (size_t)(p - target.data)))
            return "malformed percent-encoding in a request-target";
        p += 3;
    }
    return NULL;
}

/* Length of "http://" or "https://" at the front, else 0. */
static size_t
scheme_len(struct ymo_slice target)
{
    if (target.len >= 7 && strncasecmp(target.data, "http://", 7) == 0)
        return 7;
    if (target.len >= 8 && strncasecmp(target.data, "https://", 8) == 0)
        return 8;
    return 0;
}

bool
ymo_http1_target_split(struct ymo_slice target, struct ymo_slice method,
                       struct ymo_http1_target *target_r, const char **why_r)
{
    *target_r = (struct ymo_http1_target){{"", 0}, {"", 0}, {"", 0}};
    if ((*why_r = check_bytes(target)) != NULL)
        return false;
    if (target.data[0] == '*') {
        *why_r = "\"*\" is a target for OPTIONS only"; /* RFC 9112 3.2.4 */
        return target.len == 1 && ymo_slice_eq(method, YMO_SLICE("OPTIONS"));
    }

    struct ymo_slice rest = target; /* from the path on */
    if (target.data[0] != '/') {
        size_t scheme = scheme_len(target);
        *why_r = "request-target is neither a path nor an http URL";
        if (!scheme)
            return false;
        size_t end = scheme;
        while (end < target.len && target.data[end] != '/' && target.data[end] != '?')
            end++;
        target_r->authority = ymo_slice_of(target.data + scheme, end - scheme);
        /* No userinfo (RFC 9110 4.2.4), no empty host (4.2.1). */
        struct ymo_slice host, port;
        *why_r = "invalid authority in the request-target";
        if (!ymo_http1_target_host(target_r->authority, &host, &port) || host.len == 0)
            return false;
        rest = ymo_slice_of(target.data + end, target.len - end);
    }

    /* "//x" is a path like any other: an authority is only ever behind a scheme. */
    const char *q = rest.len ? memchr(rest.data, '?', rest.len) : NULL;
    size_t path_len = q ? (size_t)(q - rest.data) : rest.len;
    target_r->path = ymo_slice_of(rest.data, path_len);
    if (q)
        target_r->query = ymo_slice_of(q + 1, rest.len - path_len - 1);
    if (path_len == 0)
        target_r->path = YMO_SLICE("/"); /* RFC 9110 4.2.3 */

    const char *p = target_r->path.data, *end = p + target_r->path.len;
    while ((p = memchr(p, '%', (size_t)(end - p))) != NULL) {
        /* No application expects a NUL in a path, and C code below it stops there. */
        if (p[1] == '0' && p[2] == '0') {
            *why_r = "encoded NUL in the path";
            return false;
        }
        p += 3;
    }
    return true;
}

struct ymo_slice
ymo_http1_target_decode(struct ymo_slice path, struct ymo_arena *arena)
{
    const char *pct = path.len ? memchr(path.data, '%', path.len) : NULL;
    if (!pct)
        return path;
    char *mem = ymo_arena_alloc(arena, path.len);
    if (!mem)
        return ymo_slice_of(NULL, 0);
    size_t i = (size_t)(pct - path.data), n = i;
    memcpy(mem, path.data, i);
    while (i < path.len) {
        char c = path.data[i++];
        if (c == '%') {
            c = (char)(ymo_http1_hex_value(path.data[i]) << 4 |
                       ymo_http1_hex_value(path.data[i + 1]));
            i += 2;
        }
        mem[n++] = c;
    }
    return ymo_slice_of(mem, n);
}

static bool
is_literal(struct ymo_slice inner)
{
    /* IPv6 by its alphabet; IPvFuture and zone ids have no place in a Host field. */
    for (size_t i = 0; i < inner.len; i++) {
        if (!ymo_http1_is(inner.data[i], YMO_HTTP1_HEX) && inner.data[i] != ':' &&
            inner.data[i] != '.')
            return false;
    }
    return inner.len >= 2 && memchr(inner.data, ':', inner.len) != NULL;
}

bool
ymo_http1_target_host(struct ymo_slice value, struct ymo_slice *host_r, struct ymo_slice *port_r)
{
    size_t n = 0;
    *host_r = *port_r = ymo_slice_of("", 0);
    if (value.len == 0)
        return true;
    if (value.data[0] == '[') {
        const char *close = memchr(value.data, ']', value.len);
        if (!close || !is_literal(ymo_slice_of(value.data + 1, (size_t)(close - value.data) - 1)))
            return false;
        n = (size_t)(close - value.data) + 1;
    } else {
        while (n < value.len) {
            if (ymo_http1_is(value.data[n], YMO_HTTP1_HOST))
                n++;
            else if (value.data[n] == '%' && is_pct(value, n))
                n += 3;
            else
                break;
        }
    }
    if (n == 0)
        return false;
    *host_r = ymo_slice_of(value.data, n);
    if (n == value.len)
        return true;
    if (value.data[n] != ':')
        return false;
    *port_r = ymo_slice_of(value.data + n + 1, value.len - n - 1);
    unsigned port = 0;
    for (size_t i = 0; i < port_r->len; i++) {
        if (!ymo_http1_is(port_r->data[i], YMO_HTTP1_DIGIT))
            return false;
        port = port * 10 + ((unsigned)port_r->data[i] - '0');
        if (port > 65535)
            return false;
    }
    return true;
}
