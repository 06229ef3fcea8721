/* SPDX-License-Identifier: MIT */
/* From a head that passed the raw check to CGI variables (RFC 3875, PEP 3333). */
#include "protocols/http1/http1.h"
#include "protocols/http1/http1_state.h"

struct parse {
    struct ymo_http1 *h;
    struct ymo_request *req;
    struct ymo_http1_bad bad;
    struct ymo_slice url;
    struct ymo_slice name; /* of the field whose value comes next */
    struct ymo_slice host;
    struct ymo_slice coding; /* value of Transfer-Encoding */
    uint64_t length;         /* value of Content-Length */
    uint32_t fields, hosts, codings, lengths;
    bool complete;             /* the parser saw the end of the head */
    bool close, keep;          /* tokens of Connection */
    bool expect, expect_other; /* 100-continue; anything else */
};

static int
refuse(struct parse *ps, int status, const char *why)
{
    if (!ps->bad.status)
        ps->bad = (struct ymo_http1_bad){status, why};
    return -1;
}

static int
no_memory(struct parse *ps)
{
    return refuse(ps, 503, "no memory for the request");
}

static bool
is_ows(char c)
{
    return c == ' ' || c == '\t';
}

static struct ymo_slice
trim(struct ymo_slice s)
{
    while (s.len && is_ows(s.data[s.len - 1]))
        s.len--;
    while (s.len && is_ows(s.data[0])) {
        s.data++;
        s.len--;
    }
    return s;
}

/* The next element of a comma-separated list, trimmed; false at the end. */
static bool
next_element(struct ymo_slice *list, struct ymo_slice *element_r)
{
    if (!list->data)
        return false;
    const char *comma = list->len ? memchr(list->data, ',', list->len) : NULL;
    size_t n = comma ? (size_t)(comma - list->data) : list->len;
    *element_r = trim(ymo_slice_of(list->data, n));
    *list = comma ? ymo_slice_of(comma + 1, list->len - n - 1) : ymo_slice_of(NULL, 0);
    return true;
}

/* The parser misreads some of these ("close" followed by TAB, "keep-alive, close" in 1.0). */
static void
connection_tokens(struct parse *ps, struct ymo_slice value)
{
    struct ymo_slice token;
    while (next_element(&value, &token)) {
        if (ymo_slice_ieq(token, YMO_SLICE("close")))
            ps->close = true;
        else if (ymo_slice_ieq(token, YMO_SLICE("keep-alive")))
            ps->keep = true;
    }
}

static void
expectations(struct parse *ps, struct ymo_slice value)
{
    struct ymo_slice token;
    while (next_element(&value, &token)) {
        if (ymo_slice_ieq(token, YMO_SLICE("100-continue")))
            ps->expect = true;
        else if (token.len)
            ps->expect_other = true;
    }
}

static int
content_length(struct parse *ps, struct ymo_slice *value)
{
    uint64_t n = 0;
    if (value->len == 0 || ps->lengths++ > 0)
        return refuse(ps, 400, "empty or repeated Content-Length"); /* RFC 9110 8.6 */
    for (size_t i = 0; i < value->len; i++) {
        if (!ymo_http1_is(value->data[i], YMO_HTTP1_DIGIT))
            return refuse(ps, 400, "malformed Content-Length");
        unsigned digit = (unsigned)value->data[i] - '0';
        if (n > (UINT64_MAX - digit) / 10)
            return refuse(ps, 400, "malformed Content-Length");
        n = n * 10 + digit;
    }
    /* "003" is legal; the application gets it as everyone writes it. */
    while (value->len > 1 && value->data[0] == '0') {
        value->data++;
        value->len--;
    }
    ps->length = n;
    return 0;
}

/*
 * A field that we know no number for. Names with '_' would collide with those with '-' once they
 * are CGI variables, so they are dropped as front ends do it; where that hides framing somewhere
 * down the line, the request goes. HTTP_PROXY is a proxy setting to many CGI-minded programs.
 */
static int
other_field(struct parse *ps, struct ymo_slice name, struct ymo_slice value)
{
    if (memchr(name.data, '_', name.len)) {
        if (ymo_slice_ieq(name, YMO_SLICE("content_length")) ||
            ymo_slice_ieq(name, YMO_SLICE("transfer_encoding")))
            return refuse(ps, 400, "framing header written with an underscore");
        return 0;
    }
    if (ymo_slice_ieq(name, YMO_SLICE("proxy")))
        return 0;
    char *cgi = ymo_arena_alloc(ps->req->arena, 5 + name.len);
    if (!cgi)
        return no_memory(ps);
    memcpy(cgi, "HTTP_", 5);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        cgi[5 + i] = c >= 'a' && c <= 'z' ? (char)(c - 0x20) : c == '-' ? '_' : c;
    }
    if (ymo_request_add_header(ps->req, YMO_VAR_OTHER, ymo_slice_of(cgi, 5 + name.len), value) < 0)
        return no_memory(ps);
    return 0;
}

static int
field(struct parse *ps, struct ymo_slice name, struct ymo_slice value)
{
    enum ymo_var id = ymo_var_from_header(name);
    switch (id) {
    case YMO_VAR_OTHER:
        return other_field(ps, name, value);
    case YMO_VAR_HTTP_HOST:
        ps->hosts++;
        ps->host = value;
        break;
    case YMO_VAR_CONTENT_LENGTH:
        if (content_length(ps, &value) < 0)
            return -1;
        break;
    case YMO_VAR_HTTP_TRANSFER_ENCODING:
        /* What is left of the body's coding when the application reads it is nothing. */
        ps->codings++;
        ps->coding = value;
        return 0;
    case YMO_VAR_HTTP_CONNECTION:
        connection_tokens(ps, value);
        break;
    case YMO_VAR_HTTP_EXPECT:
        expectations(ps, value);
        break;
    default:
        break;
    }
    return ymo_request_add_header(ps->req, id, name, value) < 0 ? no_memory(ps) : 0;
}

static int
on_url(http_parser *p, const char *data, size_t n)
{
    struct parse *ps = p->data;
    ps->url = ymo_slice_of(data, n);
    return 0;
}

static int
on_field(http_parser *p, const char *data, size_t n)
{
    struct parse *ps = p->data;
    ps->name = ymo_slice_of(data, n);
    return 0;
}

static int
on_value(http_parser *p, const char *data, size_t n)
{
    struct parse *ps = p->data;
    struct ymo_slice name = ps->name;
    ps->name = ymo_slice_of("", 0);
    ps->fields++;
    if (name.len == 0)
        return refuse(ps, 400, "ambiguous head");
    return field(ps, name, trim(ymo_slice_of(data, n)));
}

static int
on_headers_complete(http_parser *p)
{
    struct parse *ps = p->data;
    ps->complete = true;
    /* Upgrade is an offer, which we do not take (RFC 9110 7.8): the body follows as always. */
    p->upgrade = 0;
    return 0;
}

static const http_parser_settings callbacks = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
};

static int
run_parser(struct parse *ps, struct ymo_slice head)
{
    http_parser *p = &ps->h->parser;
    http_parser_init(p, HTTP_REQUEST);
    p->data = ps;
    size_t n = http_parser_execute(p, &callbacks, head.data, head.len);
    p->data = NULL;
    if (ps->bad.status)
        return -1;
    enum http_errno err = HTTP_PARSER_ERRNO(p);
    if (err == HPE_INVALID_METHOD)
        return refuse(ps, 501, "unknown method"); /* RFC 9110 9.1: a token it is */
    if (err != HPE_OK)
        return refuse(ps, 400, http_errno_description(err));
    if (n != head.len || !ps->complete || ps->fields != ps->h->fields || !ps->url.len)
        return refuse(ps, 400, "ambiguous head");
    return 0;
}

/* RFC 9112 6.1 and 7: "chunked" once is the one coding we know. */
static int
check_coding(struct parse *ps)
{
    if (ps->h->http10)
        return refuse(ps, 400, "Transfer-Encoding in HTTP/1.0");
    if (ps->codings > 1)
        return refuse(ps, 400, "repeated Transfer-Encoding");
    if (ymo_slice_ieq(ps->coding, YMO_SLICE("chunked")))
        return 0;
    struct ymo_slice list = ps->coding, last = {"", 0};
    bool chunked_before = false;
    while (next_element(&list, &last)) {
        if (last.len == 0)
            return refuse(ps, 400, "malformed Transfer-Encoding");
        chunked_before |= list.data && ymo_slice_ieq(last, YMO_SLICE("chunked"));
    }
    if (chunked_before || !ymo_slice_ieq(last, YMO_SLICE("chunked")))
        return refuse(ps, 400, "the body's length cannot be told from its Transfer-Encoding");
    return refuse(ps, 501, "transfer coding not supported");
}

static int
set_framing(struct parse *ps)
{
    struct ymo_http1 *h = ps->h;
    struct ymo_request *req = ps->req;
    const http_parser *p = &h->parser;
    bool chunked = ps->codings > 0;
    uint64_t max = h->env->limits->max_body;

    if (chunked && ps->lengths)
        return refuse(ps, 400, "Content-Length beside Transfer-Encoding");
    if (chunked && check_coding(ps) < 0)
        return -1;
    if (chunked != ((p->flags & F_CHUNKED) != 0) ||
        (ps->lengths > 0) != ((p->flags & F_CONTENTLENGTH) != 0))
        return refuse(ps, 400, "ambiguous body framing");
    if ((max && ps->length > max) || ps->length > INT64_MAX)
        return refuse(ps, 413, "Content-Length larger than max_body");

    if (chunked) {
        req->content_length = -1;
        h->phase = YMO_HTTP1_CHUNKS;
        ymo_http1_chunk_begin(&h->chunk, h->env->limits);
    } else {
        req->content_length = (int64_t)ps->length;
        h->left = ps->length;
        h->phase = ps->length ? YMO_HTTP1_LENGTH : YMO_HTTP1_READ;
    }
    if (!h->http10) { /* RFC 9110 10.1.1: 1.0 clients cannot mean it */
        if (ps->expect_other)
            return refuse(ps, 417, "unknown expectation");
        req->expect_continue = ps->expect && req->content_length != 0;
    }
    return 0;
}

/* One Host in 1.1, at most one in 1.0, valid in both (RFC 9112 3.2). */
static int
check_host(struct parse *ps, struct ymo_slice authority, struct ymo_slice *name_r,
           struct ymo_slice *port_r)
{
    if (ps->hosts > 1)
        return refuse(ps, 400, "repeated Host");
    if (ps->hosts == 0 && !ps->h->http10)
        return refuse(ps, 400, "no Host");
    if (!ymo_http1_target_host(ps->host, name_r, port_r))
        return refuse(ps, 400, "invalid Host");
    if (authority.len == 0)
        return 0;
    /* The target's authority replaces what Host says (3.2.2). */
    (void)ymo_http1_target_host(authority, name_r, port_r);
    struct ymo_pair *pair = ymo_request_find(ps->req, YMO_VAR_HTTP_HOST);
    if (pair)
        pair->value = authority;
    else if (ymo_request_add(ps->req, YMO_VAR_HTTP_HOST, ymo_slice_of("", 0), authority) < 0)
        return no_memory(ps);
    return 0;
}

static int
add(struct parse *ps, enum ymo_var id, struct ymo_slice value)
{
    return ymo_request_add(ps->req, id, ymo_slice_of("", 0), value) < 0 ? no_memory(ps) : 0;
}

static int
add_meta(struct parse *ps)
{
    const struct ymo_codec_env *env = ps->h->env;
    struct ymo_request *req = ps->req;
    struct ymo_http1_target target;
    struct ymo_slice host, port;
    const char *why;

    if (!ymo_http1_target_split(ps->url, req->method, &target, &why))
        return refuse(ps, 400, why);
    if (check_host(ps, target.authority, &host, &port) < 0)
        return -1;
    struct ymo_slice path = ymo_http1_target_decode(target.path, req->arena);
    if (!path.data)
        return no_memory(ps);

    if (host.len == 0)
        host = YMO_SLICE("localhost");
    if (port.len == 0)
        port = env->https ? YMO_SLICE("443") : YMO_SLICE("80");
    if (env->server_name.len)
        host = env->server_name;
    if (env->server_port.len)
        port = env->server_port;

    if (add(ps, YMO_VAR_REQUEST_METHOD, req->method) < 0 ||
        add(ps, YMO_VAR_REQUEST_URI, ps->url) < 0 || add(ps, YMO_VAR_PATH_INFO, path) < 0 ||
        add(ps, YMO_VAR_QUERY_STRING, target.query) < 0 ||
        add(ps, YMO_VAR_SERVER_PROTOCOL,
            ps->h->http10 ? YMO_SLICE("HTTP/1.0") : YMO_SLICE("HTTP/1.1")) < 0 ||
        add(ps, YMO_VAR_SERVER_NAME, host) < 0 || add(ps, YMO_VAR_SERVER_PORT, port) < 0 ||
        add(ps, YMO_VAR_REMOTE_ADDR, env->remote_addr) < 0)
        return -1;
    return env->remote_port.len ? add(ps, YMO_VAR_REMOTE_PORT, env->remote_port) : 0;
}

static int
fill(struct parse *ps, struct ymo_slice head)
{
    struct ymo_http1 *h = ps->h;
    /* The input does not outlive this call, the request does. */
    head = ymo_arena_dup(ps->req->arena, head);
    if (!head.data)
        return no_memory(ps);
    ps->req->method = ymo_slice_of(
        head.data, (size_t)((const char *)memchr(head.data, ' ', head.len) - head.data));
    ps->req->https = h->env->https;
    ps->req->head_only = h->head_only;
    if (run_parser(ps, head) < 0)
        return -1;
    if (h->parser.http_major != 1)
        return refuse(ps, 505, "protocol version not supported");
    h->http10 = h->parser.http_minor == 0;
    if (add_meta(ps) < 0 || set_framing(ps) < 0)
        return -1;
    h->keep_alive = !ps->close && (!h->http10 || ps->keep); /* RFC 9112 9.3 */
    return 0;
}

void
ymo_http1_parse(struct ymo_http1 *h, struct ymo_slice head, struct ymo_http1_bad *bad_r)
{
    struct parse ps = {.h = h};
    ps.url = ps.name = ps.host = ps.coding = ymo_slice_of("", 0);
    /* A tunnel is nothing that we offer, and the parser would stop reading after it. */
    if (head.len > 8 && memcmp(head.data, "CONNECT ", 8) == 0) {
        *bad_r = (struct ymo_http1_bad){501, "CONNECT"};
        return;
    }
    ps.req = h->env->open(h->env->open_arg, YMO_HTTP1_ID);
    if (!ps.req)
        (void)no_memory(&ps);
    else
        (void)fill(&ps, head);
    *bad_r = ps.bad;
}
