/* SPDX-License-Identifier: MIT */
/*
 * What uwsgi and FastCGI have in common: a front end says in CGI variables (RFC 3875) what it was
 * asked, each in its own dialect, and gets a head back. Here its variables become the request that
 * the http codec would have made of the same bytes, and responses become heads for front ends.
 * Pure functions over what the caller owns; the files beside this one.
 *
 * What the application sees that it would not see of a client's own HTTP, and only that: other
 * variables, apart from those that cgi_vars.c keeps out; CONTENT_LENGTH "0" where a front end
 * writes it for requests without a body; paths as the front end has normalised them; and headers as
 * it passes them on.
 */
#ifndef YMO_PROTOCOLS_CGI_CGI_H
#define YMO_PROTOCOLS_CGI_CGI_H

#include "protocols/codec.h"

enum { YMO_CGI_MAX_VARS = 1000 }; /* names are compared with one another: keep that cheap */

/* What CONTENT_LENGTH says. */
enum ymo_cgi_length {
    YMO_CGI_LENGTH_NONE,  /* it is absent or empty */
    YMO_CGI_LENGTH_GIVEN, /* a number: req->content_length */
    YMO_CGI_LENGTH_OPEN,  /* "-1": there is a body, and nobody knows how long it will be */
};

/* A request in the making. On the caller's stack: begin, take each variable, finish. */
struct ymo_cgi {
    /* for the caller, after finish */
    enum ymo_cgi_length length;
    bool coded;   /* HTTP_TRANSFER_ENCODING was there, and … */
    bool chunked; /* … said "chunked", once, and nothing else */

    /* why it must be refused; `why` is static */
    int status;
    const char *why;

    /* the caller may set it between begin and finish */
    bool path_is_full; /* PATH_INFO includes SCRIPT_NAME (uwsgi modifier 30) */

    /* own */
    struct ymo_request *req;
    const struct ymo_codec_env *env;
    uint32_t n;
    struct ymo_slice meta[YMO_VAR_HTTP_HOST]; /* what is no header; data NULL = absent */
    struct ymo_slice request_scheme, uwsgi_scheme;
};

/* What take and finish return when the request must be refused: `why` is static. */
static inline int
ymo_cgi_refuse(struct ymo_cgi *g, int status, const char *why)
{
    g->status = status;
    g->why = why;
    return -1;
}

/* `req` is fresh from env->open; both outlive `g`. */
void ymo_cgi_begin(struct ymo_cgi *g, struct ymo_request *req, const struct ymo_codec_env *env);

/*
 * One variable; key and value live as long as the request. 0, or -1 with g->status and g->why.
 * Of a repeated variable the last one counts, except that headers are joined as the http codec does
 * it; of HTTP_HOST and HTTP_AUTHORIZATION, too, the last one counts.
 */
int ymo_cgi_take(struct ymo_cgi *g, struct ymo_slice key, struct ymo_slice value) YMO_MUST_CHECK;

/*
 * All variables are there: fill in what is missing, work out path, scheme and addresses. Sets
 * g->length, g->coded and g->chunked; req->content_length is what CONTENT_LENGTH gives, else 0: the
 * caller decides what it means. 0, or -1 with g->status and g->why (400, 413, 501, 503).
 */
int ymo_cgi_finish(struct ymo_cgi *g) YMO_MUST_CHECK;

/* ---- paths (cgi_path.c) ---------------------------------------------------------------- */

struct ymo_cgi_path {
    struct ymo_slice script, info; /* SCRIPT_NAME, PATH_INFO; empty or beginning with '/' */
};

/*
 * From SCRIPT_NAME, PATH_INFO and REQUEST_URI as front ends give them (data NULL = absent) to what
 * PEP 3333 means by the first two: script + info is the whole path. 0; YMO_EINVAL with *why_r;
 * YMO_ENOMEM.
 */
int ymo_cgi_path_split(struct ymo_slice script, struct ymo_slice info, struct ymo_slice uri,
                       bool info_is_full, struct ymo_arena *arena, struct ymo_cgi_path *path_r,
                       const char **why_r) YMO_MUST_CHECK;

/* A REQUEST_URI for a front end that gives none. data NULL: no memory. */
struct ymo_slice ymo_cgi_path_uri(const struct ymo_cgi_path *path, struct ymo_slice query,
                                  struct ymo_arena *arena);

/* What follows the first '?' of `uri`; empty when there is none. */
struct ymo_slice ymo_cgi_path_query(struct ymo_slice uri);

/* ---- heads of responses (cgi_head.c) --------------------------------------------------- */

enum ymo_cgi_dialect {
    YMO_CGI_STATUS_LINE,  /* "HTTP/1.1 200 OK": uwsgi */
    YMO_CGI_STATUS_FIELD, /* "Status: 200 OK": FastCGI */
};

/*
 * Append the head of `resp`. No transfer coding and nothing about connections: both belong to the
 * front end, and so does Server, unless the application gives one. 0 or YMO_ENOMEM.
 */
int ymo_cgi_head_write(enum ymo_cgi_dialect dialect, const struct ymo_response *resp,
                       const struct ymo_codec_out *out, struct ymo_buf *dst) YMO_MUST_CHECK;

/* Append a whole response of the server's own; without its text when `head_only`. */
int ymo_cgi_head_fail(enum ymo_cgi_dialect dialect, int status, bool head_only,
                      const struct ymo_codec_out *out, struct ymo_buf *dst) YMO_MUST_CHECK;

#endif
