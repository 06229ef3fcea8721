/* SPDX-License-Identifier: MIT */
/* Making one listening socket. Main thread only. */
#ifndef YMO_SUPERVISOR_BINDING_H
#define YMO_SUPERVISOR_BINDING_H

#include "base/log.h"
#include "supervisor/sockets.h"

#include <sys/socket.h>

/* What those who open one address after the other share. */
struct ymo_binding {
    int backlog;
    const struct ymo_sockets *old; /* what a reload may take over */
    struct ymo_sockets *socks;     /* what there is already of the new list */
    enum ymo_log_level level;      /* of a failure: it ends a start, but not a reload */
};

/*
 * Bound and listening, non-blocking, close-on-exec. An address that only old sockets are in the way
 * of is taken beside them. -1 with errno set.
 */
int ymo_binding_socket(const struct ymo_binding *b, const struct sockaddr *sa, socklen_t len);

/* Log why ymo_binding_socket failed with `err`, and what the reader can do about it. */
void ymo_binding_explain(const struct ymo_binding *b, const char *name, const struct ymo_addr *a,
                         int err);

/* The port of an IPv4 or IPv6 address, or -1. */
int ymo_binding_port(const struct sockaddr *sa);

#endif
