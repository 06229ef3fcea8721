/* SPDX-License-Identifier: MIT */
/* Which of a front end's variables the application gets to see. */
#include "protocols/cgi/cgi.h"

/*
 * What a front end is told to pass on (uwsgi_param, SetEnv) the application gets, whatever its
 * name, with these exceptions. They are no part of a request, and programs that the application
 * starts with its environ would obey some of them. However the case is written: a name that differs
 * from one of these in nothing else is a mistake or a trick.
 */
static const struct ymo_slice kept_out[] = {
    {"PATH", 4}, /* Apache's own, as the next two are on some systems */
    {"LIBPATH", 7},
    {"SHLIB_PATH", 10},
    {"RAW_URI", 7},          /* ours, made of REQUEST_URI */
    {"SERVER_SOFTWARE", 15}, /* ours, as it is over HTTP */
};

static const struct ymo_slice kept_out_prefixes[] = {
    {"UWSGI_", 6}, /* orders to another server, some of which name code to be run */
    {"FCGI_", 5},  /* between front end and process */
    {"LD_", 3},    {"DYLD_", 5}, {"PYTHON", 6}, /* orders to loaders and interpreters */
    {"HTTP_", 5}, /* written otherwise than a header's: those are not looked up here */
};

static bool
begins(struct ymo_slice s, struct ymo_slice prefix)
{
    return s.len > prefix.len && memcmp(s.data, prefix.data, prefix.len) == 0;
}

static bool
is_kept_out(struct ymo_slice key)
{
    for (size_t i = 0; i < sizeof(kept_out) / sizeof(kept_out[0]); i++) {
        if (ymo_slice_ieq(key, kept_out[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof(kept_out_prefixes) / sizeof(kept_out_prefixes[0]); i++) {
        size_t n = kept_out_prefixes[i].len;
        if (key.len >= n && ymo_slice_ieq(ymo_slice_of(key.data, n), kept_out_prefixes[i]))
            return true;
    }
    return false;
}

static bool
is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/*
 * A name of letters, digits and underscores. Apache's switches for itself have a '-'
 * (proxy-nokeepalive), and what a server and its frameworks add to an environ has a '.'
 * (wsgi.input): no front end may replace that.
 */
static bool
is_plain_name(struct ymo_slice key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.data[i];
        if (!is_letter(c) && c != '_' && !(c >= '0' && c <= '9'))
            return false;
    }
    return is_letter(key.data[0]);
}

/*
 * Could the http codec have made this name of a header's? One that it could not is a mistake in
 * the front end's configuration or a clever way around a check for the proper name.
 */
static bool
is_header_name(struct ymo_slice key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.data[i];
        if (c <= 0x20 || c > 0x7e || c == '-' || c == '=' || c == ':' || (c >= 'a' && c <= 'z'))
            return false;
    }
    return key.len > 5;
}

static int
done(struct ymo_cgi *g, int rc)
{
    return rc < 0 ? ymo_cgi_refuse(g, 503, "no memory for the request") : 0;
}

/* The last one counts. */
static int
replace(struct ymo_cgi *g, struct ymo_pair *pair, enum ymo_var id, struct ymo_slice key,
        struct ymo_slice value)
{
    if (!pair)
        return done(g, ymo_request_add(g->req, id, key, value));
    pair->value = value; /* one that was never joined */
    return 0;
}

static int
take_header(struct ymo_cgi *g, enum ymo_var id, struct ymo_slice key, struct ymo_slice value)
{
    switch (id) {
    case YMO_VAR_HTTP_TRANSFER_ENCODING:
        /* What front ends have already decoded (nginx) and what they have not look alike here. */
        g->chunked = !g->coded && ymo_slice_ieq(value, YMO_SLICE("chunked"));
        g->coded = true;
        return 0;
    case YMO_VAR_HTTP_HOST:
    case YMO_VAR_HTTP_AUTHORIZATION:
        /* A joined one would be none; configured ones come after the client's. */
        return replace(g, ymo_request_find(g->req, id), id, key, value);
    case YMO_VAR_OTHER:
        /*
         * HTTP_PROXY is a proxy setting to many CGI-minded programs; type and length are CGI
         * variables of their own (RFC 3875 4.1.18).
         */
        if (!is_header_name(key) || ymo_slice_eq(key, YMO_SLICE("HTTP_PROXY")) ||
            ymo_slice_eq(key, YMO_SLICE("HTTP_CONTENT_TYPE")) ||
            ymo_slice_eq(key, YMO_SLICE("HTTP_CONTENT_LENGTH")))
            return 0;
        break;
    default:
        break;
    }
    return done(g, ymo_request_add_header(g->req, id, key, value));
}

void
ymo_cgi_begin(struct ymo_cgi *g, struct ymo_request *req, const struct ymo_codec_env *env)
{
    *g = (struct ymo_cgi){.req = req, .env = env};
}

int
ymo_cgi_take(struct ymo_cgi *g, struct ymo_slice key, struct ymo_slice value)
{
    if (key.len == 0)
        return ymo_cgi_refuse(g, 400, "a variable without a name");
    if (++g->n > YMO_CGI_MAX_VARS)
        return ymo_cgi_refuse(g, 431, "too many variables");
    /* No client can send one through HTTP, and C code below the application stops there. */
    if (value.len && memchr(value.data, 0, value.len))
        return ymo_cgi_refuse(g, 400, "NUL in a variable");
    if (value.len == 0)
        value = YMO_SLICE(""); /* NULL means absent here */

    enum ymo_var id = ymo_var_from_name(key);
    if (id != YMO_VAR_OTHER && id < YMO_VAR_HTTP_HOST) {
        g->meta[id] = value;
        return 0;
    }
    if (begins(key, YMO_SLICE("HTTP_")))
        return take_header(g, id, key, value);
    if (ymo_slice_eq(key, YMO_SLICE("REQUEST_SCHEME")))
        g->request_scheme = value;
    else if (ymo_slice_eq(key, YMO_SLICE("UWSGI_SCHEME")))
        g->uwsgi_scheme = value;
    if (!is_plain_name(key) || is_kept_out(key))
        return 0;
    return replace(g, ymo_request_find_name(g->req, key), YMO_VAR_OTHER, key, value);
}
