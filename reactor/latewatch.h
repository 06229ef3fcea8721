/* SPDX-License-Identifier: MIT */
/*
 * Connections whose front end has said all of a request and waits for the answer. It says no more
 * unless it goes away, and most answers are there before it could. So the socket is put into the
 * poll set only when an answer takes longer: a connection that ends with its answer, as with uwsgi,
 * was never in it. Reactor thread only.
 */
#ifndef YMO_REACTOR_LATEWATCH_H
#define YMO_REACTOR_LATEWATCH_H

#include <stdbool.h>

struct ymo_reactor;
struct ymo_conn;

/* True when its reads can wait: then it is in the list, or was before. */
bool ymo_latewatch_add(struct ymo_conn *c);

/* A nap is over. True when others are to be looked at after the next one. */
bool ymo_latewatch_turn(struct ymo_reactor *r);

/* No nap will come. */
void ymo_latewatch_all(struct ymo_reactor *r);

#endif
