/* SPDX-License-Identifier: MIT */
/* What follows from all of the variables, and what stands in for those that are missing. */
#include "protocols/cgi/cgi.h"
#include "protocols/http1/http1_class.h"

static int
add(struct ymo_cgi *g, enum ymo_var id, struct ymo_slice value)
{
    if (ymo_request_add(g->req, id, YMO_SLICE(""), value) < 0)
        return ymo_cgi_refuse(g, 503, "no memory for the request");
    return 0;
}

static int
add_given(struct ymo_cgi *g, enum ymo_var id)
{
    return g->meta[id].len ? add(g, id, g->meta[id]) : 0;
}

static int
set_method(struct ymo_cgi *g)
{
    struct ymo_slice method = g->meta[YMO_VAR_REQUEST_METHOD];
    if (method.len == 0)
        return ymo_cgi_refuse(g, 400, "no REQUEST_METHOD");
    for (size_t i = 0; i < method.len; i++) {
        if (!ymo_http1_is(method.data[i], YMO_HTTP1_TCHAR))
            return ymo_cgi_refuse(g, 400, "malformed REQUEST_METHOD");
    }
    if (ymo_slice_eq(method, YMO_SLICE("CONNECT")))
        return ymo_cgi_refuse(g, 501, "CONNECT");
    g->req->method = method;
    g->req->head_only = ymo_slice_eq(method, YMO_SLICE("HEAD"));
    return add(g, YMO_VAR_REQUEST_METHOD, method);
}

/* Which of the dialects is spoken here is not known: the caller makes a body of it. */
static int
set_length(struct ymo_cgi *g)
{
    struct ymo_slice s = g->meta[YMO_VAR_CONTENT_LENGTH];
    uint64_t n = 0, max = g->env->limits->max_body;
    g->length = YMO_CGI_LENGTH_NONE;
    if (s.len == 0)
        return 0;
    if (ymo_slice_eq(s, YMO_SLICE("-1"))) {
        g->length = YMO_CGI_LENGTH_OPEN;
        return 0;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (!ymo_http1_is(s.data[i], YMO_HTTP1_DIGIT))
            return ymo_cgi_refuse(g, 400, "malformed CONTENT_LENGTH");
        unsigned digit = (unsigned)s.data[i] - '0';
        if (n > (UINT64_MAX - digit) / 10)
            return ymo_cgi_refuse(g, 400, "malformed CONTENT_LENGTH");
        n = n * 10 + digit;
    }
    if ((max && n > max) || n > INT64_MAX)
        return ymo_cgi_refuse(g, 413, "CONTENT_LENGTH larger than max_body");
    while (s.len > 1 && s.data[0] == '0') {
        s.data++;
        s.len--;
    }
    g->length = YMO_CGI_LENGTH_GIVEN;
    g->req->content_length = (int64_t)n;
    return add(g, YMO_VAR_CONTENT_LENGTH, s);
}

static int
set_path(struct ymo_cgi *g)
{
    struct ymo_cgi_path path;
    struct ymo_slice uri = g->meta[YMO_VAR_REQUEST_URI], query = g->meta[YMO_VAR_QUERY_STRING];
    const char *why = NULL;
    int rc = ymo_cgi_path_split(g->meta[YMO_VAR_SCRIPT_NAME], g->meta[YMO_VAR_PATH_INFO], uri,
                                g->path_is_full, g->req->arena, &path, &why);
    if (rc == YMO_ENOMEM)
        return ymo_cgi_refuse(g, 503, "no memory for the request");
    if (rc < 0)
        return ymo_cgi_refuse(g, 400, why);
    if (!query.data)
        query = ymo_cgi_path_query(uri);
    if (uri.len == 0) {
        uri = ymo_cgi_path_uri(&path, query, g->req->arena);
        if (!uri.data)
            return ymo_cgi_refuse(g, 503, "no memory for the request");
    }
    if (path.script.len && add(g, YMO_VAR_SCRIPT_NAME, path.script) < 0)
        return -1;
    if (add(g, YMO_VAR_REQUEST_URI, uri) < 0 || add(g, YMO_VAR_PATH_INFO, path.info) < 0)
        return -1;
    return add(g, YMO_VAR_QUERY_STRING, query);
}

/* Not X-Forwarded-Proto, which any client can send. */
static bool
is_https(const struct ymo_cgi *g)
{
    struct ymo_slice https = g->meta[YMO_VAR_HTTPS];
    if (ymo_slice_ieq(https, YMO_SLICE("on")) || ymo_slice_eq(https, YMO_SLICE("1")))
        return true;
    struct ymo_slice scheme = g->request_scheme.len ? g->request_scheme : g->uwsgi_scheme;
    return ymo_slice_ieq(scheme, YMO_SLICE("https"));
}

/*
 * Take host [":" port] apart. An IPv6 address keeps its brackets; one without them is a host, since
 * its last part cannot be told from a port.
 */
static void
split_host(struct ymo_slice s, struct ymo_slice *host_r, struct ymo_slice *port_r)
{
    const char *from = s.data;
    *host_r = s;
    *port_r = YMO_SLICE("");
    if (s.len && s.data[0] == '[')
        from = memchr(s.data, ']', s.len);
    if (s.len == 0 || !from)
        return;
    const char *end = s.data + s.len;
    const char *colon = memchr(from, ':', (size_t)(end - from));
    if (!colon || memchr(colon + 1, ':', (size_t)(end - colon) - 1))
        return;
    *host_r = ymo_slice_of(s.data, (size_t)(colon - s.data));
    *port_r = ymo_slice_of(colon + 1, (size_t)(end - colon) - 1);
}

static bool
is_port(struct ymo_slice s)
{
    if (s.len == 0 || s.len > 5)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!ymo_http1_is(s.data[i], YMO_HTTP1_DIGIT))
            return false;
    }
    return true;
}

/* PEP 3333 allows neither to be missing or empty. The front end's word comes before the client's,
 * and that before the address that the front end has connected to, which no client knows. */
static int
set_server(struct ymo_cgi *g)
{
    const struct ymo_codec_env *env = g->env;
    struct ymo_slice name, ignored, port = g->meta[YMO_VAR_SERVER_PORT], host, host_port;
    split_host(g->meta[YMO_VAR_SERVER_NAME], &name, &ignored); /* HAProxy leaves the port there */
    split_host(ymo_request_get(g->req, YMO_VAR_HTTP_HOST), &host, &host_port);
    if (name.len == 0)
        name = host;
    if (name.len == 0)
        name = env->server_name;
    if (name.len == 0)
        name = YMO_SLICE("localhost");
    if (!is_port(port))
        port = host_port;
    if (!is_port(port))
        port = g->req->https ? YMO_SLICE("443") : YMO_SLICE("80");
    struct ymo_slice protocol = g->meta[YMO_VAR_SERVER_PROTOCOL];
    if (protocol.len == 0)
        protocol = YMO_SLICE("HTTP/1.1");
    if (add(g, YMO_VAR_SERVER_PROTOCOL, protocol) < 0 || add(g, YMO_VAR_SERVER_NAME, name) < 0)
        return -1;
    return add(g, YMO_VAR_SERVER_PORT, port);
}

/* Without a word about the client, the front end itself is the one we know. */
static int
set_client(struct ymo_cgi *g)
{
    const struct ymo_codec_env *env = g->env;
    if (g->meta[YMO_VAR_REMOTE_ADDR].len == 0) {
        g->meta[YMO_VAR_REMOTE_ADDR] = env->remote_addr;
        g->meta[YMO_VAR_REMOTE_PORT] = env->remote_port;
    }
    if (add(g, YMO_VAR_REMOTE_ADDR, g->meta[YMO_VAR_REMOTE_ADDR]) < 0)
        return -1;
    return add_given(g, YMO_VAR_REMOTE_PORT);
}

/* What the front end knows of the client's TLS, in the names that our own would have. */
static int
set_tls(struct ymo_cgi *g)
{
    for (int id = YMO_VAR_HTTPS; id < YMO_VAR_HTTP_HOST; id++) {
        if (add_given(g, (enum ymo_var)id) < 0)
            return -1;
    }
    return 0;
}

int
ymo_cgi_finish(struct ymo_cgi *g)
{
    g->req->https = is_https(g);
    if (set_method(g) < 0 || set_length(g) < 0 || set_path(g) < 0 ||
        add_given(g, YMO_VAR_CONTENT_TYPE) < 0 || set_server(g) < 0 || set_tls(g) < 0)
        return -1;
    return set_client(g);
}
