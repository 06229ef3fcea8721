/* SPDX-License-Identifier: MIT */
/*
 * The limits after which a worker process asks to be replaced: requests, lifetime, memory. It
 * serves on until the replacement does. Only below a supervisor. Loop's owner only, except init.
 */
#ifndef YMO_REACTOR_RECYCLE_H
#define YMO_REACTOR_RECYCLE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct ymo_reactor;

struct ymo_recycle {
    uint64_t ended; /* requests, since the start */
    ev_timer life;
    ev_timer look;    /* at the memory */
    bool cannot_look; /* and that was logged */
};

void ymo_recycle_init(struct ymo_reactor *r);
void ymo_recycle_start(struct ymo_reactor *r);
/* A request has ended. */
void ymo_recycle_ended(struct ymo_reactor *r);
void ymo_recycle_stop(struct ymo_reactor *r);

#endif
