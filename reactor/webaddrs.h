/* SPDX-License-Identifier: MIT */
/*
 * FCGI_WEB_SERVER_ADDRS (FastCGI specification, 3.2): the addresses of the web servers that may
 * connect to a FastCGI application over TCP. Made before other threads run, constant then.
 */
#ifndef YMO_REACTOR_WEBADDRS_H
#define YMO_REACTOR_WEBADDRS_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/socket.h>

#define YMO_WEBADDRS_ENV "FCGI_WEB_SERVER_ADDRS"

struct ymo_webaddrs;

/*
 * From IPv4 and IPv6 addresses with commas between them. 0; YMO_EINVAL: some part is none, or
 * there is none at all; YMO_ENOMEM.
 */
int ymo_webaddrs_parse(const char *text, struct ymo_webaddrs **list_r) YMO_MUST_CHECK;
void ymo_webaddrs_free(struct ymo_webaddrs *list);

/* Is the peer's address in the list? True of one that has no IP address (a unix socket). */
bool ymo_webaddrs_has(const struct ymo_webaddrs *list, const struct sockaddr *peer);

#endif
