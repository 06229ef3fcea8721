/* SPDX-License-Identifier: MIT */
/*
 * The uwsgi protocol, server side: a packet of variables, the body behind it, and a response as
 * HTTP/1.0 would have it, which ends with the connection. One request a connection. What modifiers
 * can ask for besides a request is not served.
 */
#ifndef YMO_PROTOCOLS_UWSGI_UWSGI_H
#define YMO_PROTOCOLS_UWSGI_UWSGI_H

#include "protocols/codec.h"

/* The number of the one exchange that can be open. */
enum { YMO_UWSGI_ID = 1 };

extern const struct ymo_codec_ops ymo_uwsgi_ops;

#endif
