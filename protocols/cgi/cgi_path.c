/* SPDX-License-Identifier: MIT */
/*
 * SCRIPT_NAME and PATH_INFO. Front ends agree about neither: the whole path comes in the one or in
 * the other, and a prefix in one of them, in both or in none. What they mean is worked out from
 * both and from REQUEST_URI; a configured mount (ymo_request_mount) cuts the whole path afterwards.
 */
#include "protocols/cgi/cgi.h"
#include "protocols/http1/http1_class.h"

static bool
is_pct(struct ymo_slice s, size_t i)
{
    return s.data[i] == '%' && s.len - i >= 3 && ymo_http1_is(s.data[i + 1], YMO_HTTP1_HEX) &&
           ymo_http1_is(s.data[i + 2], YMO_HTTP1_HEX);
}

/* The path of a request-target, not decoded: its scheme and authority may be there (RFC 9112 3.2.2)
 */
static struct ymo_slice
path_of(struct ymo_slice uri)
{
    if (uri.len && uri.data[0] != '/') {
        size_t i = 0;
        while (i + 3 <= uri.len && memcmp(uri.data + i, "://", 3) != 0)
            i++;
        if (i + 3 > uri.len)
            return YMO_SLICE("");
        i += 3;
        while (i < uri.len && uri.data[i] != '/' && uri.data[i] != '?')
            i++;
        uri = ymo_slice_of(uri.data + i, uri.len - i);
    }
    size_t n = 0;
    while (n < uri.len && uri.data[n] != '?' && uri.data[n] != '#')
        n++;
    return ymo_slice_of(uri.data, n);
}

struct ymo_slice
ymo_cgi_path_query(struct ymo_slice uri)
{
    const char *q = uri.len ? memchr(uri.data, '?', uri.len) : NULL;
    return q ? ymo_slice_of(q + 1, uri.len - (size_t)(q - uri.data) - 1) : YMO_SLICE("");
}

/* Decoded into `dst`, which has room for path.len bytes. What is no valid encoding stays. */
static size_t
decode(struct ymo_slice path, char *dst)
{
    size_t n = 0;
    for (size_t i = 0; i < path.len; n++) {
        if (is_pct(path, i)) {
            dst[n] = (char)(ymo_http1_hex_value(path.data[i + 1]) << 4 |
                            ymo_http1_hex_value(path.data[i + 2]));
            i += 3;
        } else {
            dst[n] = path.data[i++];
        }
    }
    return n;
}

/* Merge slashes and resolve "." and ".." in place (RFC 3986 5.2.4), as nginx and Apache do it. */
static size_t
normalise(char *p, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        size_t end = i + 1;
        while (end < len && p[end] != '/')
            end++;
        size_t seg = end - i; /* with the slash it begins with */
        bool last = end == len;
        if (seg == 1 || (seg == 2 && p[i + 1] == '.')) {
            if (last)
                p[n++] = '/';
        } else if (seg == 3 && p[i + 1] == '.' && p[i + 2] == '.') {
            while (n > 0 && p[--n] != '/') {
            }
            if (last)
                p[n++] = '/';
        } else {
            memmove(p + n, p + i, seg);
            n += seg;
        }
        i = end;
    }
    return n;
}

static bool
is_segment_prefix(struct ymo_slice prefix, struct ymo_slice path)
{
    return path.len >= prefix.len && memcmp(path.data, prefix.data, prefix.len) == 0 &&
           (path.len == prefix.len || path.data[prefix.len] == '/');
}

/* Is `info` the path that the client asked for? 1, 0 or YMO_ENOMEM. */
static int
is_whole(struct ymo_slice info, struct ymo_slice uri, struct ymo_arena *arena)
{
    struct ymo_slice raw = path_of(uri);
    if (raw.len < info.len || raw.data[0] != '/')
        return 0;
    char *path = ymo_arena_alloc(arena, raw.len);
    if (!path)
        return YMO_ENOMEM;
    size_t n = decode(raw, path);
    if (ymo_slice_eq(ymo_slice_of(path, n), info))
        return 1;
    n = normalise(path, n);
    return ymo_slice_eq(ymo_slice_of(path, n), info);
}

static int
decoded_path(struct ymo_slice uri, struct ymo_arena *arena, struct ymo_slice *path_r)
{
    struct ymo_slice raw = path_of(uri);
    char *path = ymo_arena_alloc(arena, raw.len + 1);
    if (!path)
        return YMO_ENOMEM;
    *path_r = ymo_slice_of(path, decode(raw, path));
    if (memchr(path, 0, path_r->len))
        return YMO_EINVAL;
    /* "OPTIONS *" asks about the server as a whole. */
    if (path_r->len == 0 && !ymo_slice_eq(uri, YMO_SLICE("*")))
        *path_r = YMO_SLICE("/");
    return YMO_OK;
}

int
ymo_cgi_path_split(struct ymo_slice script, struct ymo_slice info, struct ymo_slice uri,
                   bool info_is_full, struct ymo_arena *arena, struct ymo_cgi_path *path_r,
                   const char **why_r)
{
    int rc = YMO_OK;
    *path_r = (struct ymo_cgi_path){YMO_SLICE(""), YMO_SLICE("")};
    if (!info.data) {
        /* nginx's fastcgi_params and Apache for fcgi: all of it is in SCRIPT_NAME. */
        *why_r = "encoded NUL in the path";
        info = script;
        script = YMO_SLICE("");
        if (info.len == 0)
            rc = decoded_path(uri, arena, &info);
        if (rc < 0)
            return rc;
    }
    if (ymo_slice_eq(info, YMO_SLICE("*")) && ymo_slice_eq(uri, YMO_SLICE("*")))
        info = YMO_SLICE("");
    *why_r = "PATH_INFO does not begin with a slash";
    if (info.len && info.data[0] != '/')
        return YMO_EINVAL;
    *why_r = "SCRIPT_NAME does not begin with a slash";
    if (script.len && script.data[0] != '/')
        return YMO_EINVAL;

    /* Apache has "/mount/" for what is right below the mount. */
    if (script.len && script.data[script.len - 1] == '/') {
        script.len--;
        if (info.len == 0)
            info = YMO_SLICE("/");
    }
    if (script.len && is_segment_prefix(script, info)) {
        /* nginx with `uwsgi_param SCRIPT_NAME`; or an application with such a path of its own. */
        rc = info_is_full ? 1 : is_whole(info, uri, arena);
        if (rc < 0)
            return rc;
        if (rc)
            info = ymo_slice_of(info.data + script.len, info.len - script.len);
    }
    path_r->script = script.len ? script : YMO_SLICE("");
    path_r->info = info.len ? info : YMO_SLICE("");
    return YMO_OK;
}

/* What PEP 3333 ("URL Reconstruction") leaves as it is, and ':', '@' and the like (RFC 3986 3.3).
 */
static bool
is_plain(char c)
{
    return ymo_http1_is(c, YMO_HTTP1_HOST) || c == '/' || c == ':' || c == '@';
}

static char *
encode(char *at, struct ymo_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (is_plain(s.data[i])) {
            *at++ = s.data[i];
        } else {
            *at++ = '%';
            *at++ = "0123456789ABCDEF"[c >> 4];
            *at++ = "0123456789ABCDEF"[c & 15];
        }
    }
    return at;
}

struct ymo_slice
ymo_cgi_path_uri(const struct ymo_cgi_path *path, struct ymo_slice query, struct ymo_arena *arena)
{
    char *mem = ymo_arena_alloc(arena, 3 * (path->script.len + path->info.len) + query.len + 2);
    if (!mem)
        return ymo_slice_of(NULL, 0);
    char *at = encode(encode(mem, path->script), path->info);
    if (at == mem)
        *at++ = '/';
    if (query.len) {
        *at++ = '?';
        memcpy(at, query.data, query.len);
        at += query.len;
    }
    return ymo_slice_of(mem, (size_t)(at - mem));
}
