/* SPDX-License-Identifier: MIT */
/*
 * What a process reads off its siblings' seats before it takes new work or gives waiting work away.
 * Everything here is a guess that may be out of date: nothing may depend on it but speed.
 */
#ifndef YMO_REACTOR_SIBLINGS_H
#define YMO_REACTOR_SIBLINGS_H

#include "reactor/board.h"

#include <stdbool.h>

/* How busy a process is, oneself included. */
struct ymo_load {
    unsigned in_flight, capacity, n_conns;
};

/* Would a process as busy as `other` answer a request sooner than one as busy as `mine`? */
bool ymo_siblings_sooner(struct ymo_load mine, struct ymo_load other);

/* The load of a seat. False when nobody serves there. */
bool ymo_siblings_load(const struct ymo_board *b, int seat, struct ymo_load *load_r);

/*
 * Had one better leave the next new connection to a sibling: to one who would answer sooner, or has
 * clearly fewer connections and would not answer later?
 */
bool ymo_siblings_should_yield(const struct ymo_board *b, int my_seat, struct ymo_load mine);

#endif
