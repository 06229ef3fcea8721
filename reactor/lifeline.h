/* SPDX-License-Identifier: MIT */
/*
 * A worker process's side of supervision: what it says and hears over its link, and what it shows
 * on its seat. Without a place nothing here does anything. Loop's owner only, except init.
 */
#ifndef YMO_REACTOR_LIFELINE_H
#define YMO_REACTOR_LIFELINE_H

#include "reactor/board.h"
#include "reactor/link.h"

#include <ev.h>
#include <stdbool.h>

struct ymo_reactor;

struct ymo_lifeline {
    struct ymo_seat *seat; /* NULL: no supervisor */
    ev_io link;
    ev_timer beat;
    ev_timer again;              /* RETIRE got no answer: ask once more */
    int wants;                   /* enum ymo_link_reason that was asked for, or -1 */
    bool app_told;               /* the application's own SIGTERM handler has been called */
    unsigned in_flight, n_conns; /* as the seat shows them */
};

void ymo_lifeline_init(struct ymo_reactor *r);
/* The loop is about to serve: show it, and say READY. */
void ymo_lifeline_start(struct ymo_reactor *r);
/* Once a turn: show what has changed. */
void ymo_lifeline_turn(struct ymo_reactor *r);
/* A graceful stop begins. */
void ymo_lifeline_leaving(struct ymo_reactor *r);
/*
 * Ask for a replacement, and go on until DRAIN comes. Only the first reason counts. True when this
 * was the first: then the caller says why in the log.
 */
bool ymo_lifeline_retire(struct ymo_reactor *r, enum ymo_link_reason reason);
void ymo_lifeline_stop(struct ymo_reactor *r);

#endif
