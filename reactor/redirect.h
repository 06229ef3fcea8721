/* SPDX-License-Identifier: MIT */
/*
 * Listeners that send their clients on to https. They are answered here, whatever the path is: the
 * application never sees these requests. Reactor thread.
 */
#ifndef YMO_REACTOR_REDIRECT_H
#define YMO_REACTOR_REDIRECT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "request/request.h"

#include <stdbool.h>

struct ymo_conn;
struct ymo_exchange;

/*
 * Queue the answer to `ex`, whose head has just been read: 301 for GET and HEAD, 308 for other
 * methods, so that a POST stays one (RFC 9110 15.4.2, 15.4.9); 400 where no address can be made of
 * the request. Unless it is `last` (the request has no body) the connection closes after it.
 */
void ymo_redirect_answer(struct ymo_conn *c, struct ymo_exchange *ex, bool last);

/*
 * The address of the same thing behind https: the request's host and its target as it was sent,
 * the client's port replaced by `port` ("" and "443" are left out). *url_r is empty when there is
 * no host, or one that is neither a DNS name nor an address. Memory from the request's arena.
 * 0 or YMO_ENOMEM.
 */
int ymo_redirect_url(const struct ymo_request *req, struct ymo_slice port,
                     struct ymo_slice *url_r) YMO_MUST_CHECK;

#endif
