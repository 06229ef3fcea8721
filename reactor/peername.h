/* SPDX-License-Identifier: MIT */
/* Who is at the two ends of a connection, as text for the codec. Reactor thread only. */
#ifndef YMO_REACTOR_PEERNAME_H
#define YMO_REACTOR_PEERNAME_H

#include "reactor/conn.h"

/* Fill the addresses in c->env, whose text is in `c` and `l`; unix sockets have none. */
void ymo_peername_set(struct ymo_conn *c, const struct ymo_listener *l,
                      const struct sockaddr *peer);

/* A peer's IP address alone. */
void ymo_peername_format(const struct sockaddr *peer, char addr[INET6_ADDRSTRLEN]);

#endif
