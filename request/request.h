/* SPDX-License-Identifier: MIT */
/*
 * A request as every protocol delivers it and every executor takes it: CGI variables plus a few
 * facts worked out once. Written by the codec (reactor thread) until the exchange is submitted,
 * frozen from then on. All memory is the exchange's arena.
 */
#ifndef YMO_REQUEST_REQUEST_H
#define YMO_REQUEST_REQUEST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "request/var.h"

#include <stdbool.h>
#include <stdint.h>

struct ymo_pair {
    enum ymo_var id;        /* YMO_VAR_OTHER: see name */
    uint32_t room;          /* request.c's own: bytes it allocated for value, 0 = none */
    struct ymo_slice name;  /* CGI form, "HTTP_X_FOO"; empty when id is known */
    struct ymo_slice value; /* raw bytes */
};

struct ymo_request {
    struct ymo_arena *arena;
    struct ymo_pair *vars;
    uint32_t n_vars, cap_vars;
    uint64_t known; /* bit n set: variable id n is present (ids above 63 share bit 63) */

    struct ymo_slice method; /* also in vars */
    int64_t content_length;  /* bytes announced; 0 = no body; -1 = ends when it ends (chunked) */
    bool https;              /* wsgi.url_scheme */
    bool head_only;          /* HEAD: the response has no body */
    bool expect_continue;    /* the client waits for 100 before it sends the body */
};

/* Empty request whose memory comes from `arena`. */
void ymo_request_init(struct ymo_request *req, struct ymo_arena *arena);

/*
 * Append a variable. Nothing is copied: `value` (and `name`, when id is YMO_VAR_OTHER) must live
 * in the arena or be static. No look for duplicates. 0 or YMO_ENOMEM.
 */
int ymo_request_add(struct ymo_request *req, enum ymo_var id, struct ymo_slice name,
                    struct ymo_slice value) YMO_MUST_CHECK;

/*
 * Append a header variable, joining it with an earlier one of the same name (", ", or "; " for
 * HTTP_COOKIE; RFC 9110 5.3, RFC 9113 8.2.3). Lifetime as for add. 0 or YMO_ENOMEM.
 */
int ymo_request_add_header(struct ymo_request *req, enum ymo_var id, struct ymo_slice name,
                           struct ymo_slice value) YMO_MUST_CHECK;

/* First variable with this id / name, or NULL. */
struct ymo_pair *ymo_request_find(const struct ymo_request *req, enum ymo_var id);
struct ymo_pair *ymo_request_find_name(const struct ymo_request *req, struct ymo_slice cgi_name);

/* Value of a known variable, or an empty slice. */
struct ymo_slice ymo_request_get(const struct ymo_request *req, enum ymo_var id);

/*
 * Mount the application at `prefix` ("/app", no trailing slash; empty: as the front end says, or
 * the root): the whole path, that is SCRIPT_NAME, if a front end gave one, and PATH_INFO, must be
 * the prefix itself or begin with it and a slash. Splits it there into SCRIPT_NAME and PATH_INFO.
 * 0; YMO_EINVAL when the path is outside the mount (answer 404); YMO_ENOMEM.
 */
int ymo_request_mount(struct ymo_request *req, struct ymo_slice prefix) YMO_MUST_CHECK;

#endif
