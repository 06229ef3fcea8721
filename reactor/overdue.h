/* SPDX-License-Identifier: MIT */
/*
 * The requests that are with the executor, and those among them that take too long: over
 * slow_request_log they are shown, over request_timeout given up. Nobody can stop the code that
 * runs one, so a request that was given up keeps its thread, and the process is replaced.
 * Loop's owner only, except init.
 */
#ifndef YMO_REACTOR_OVERDUE_H
#define YMO_REACTOR_OVERDUE_H

#include "base/list.h"

#include <ev.h>
#include <stdbool.h>

struct ymo_exchange;
struct ymo_reactor;

struct ymo_overdue {
    struct ymo_list in_flight; /* oldest first */
    ev_timer tick;             /* runs only while something is in flight */
    double every;              /* seconds; 0: nothing is timed */
    unsigned n_abandoned;      /* of those in flight */
    ev_timer stuck;            /* a stop is held up by them alone */
};

void ymo_overdue_init(struct ymo_reactor *r);
/* `ex` is about to be submitted. */
void ymo_overdue_add(struct ymo_reactor *r, struct ymo_exchange *ex);
/* Are all threads with requests that were given up, and is a replacement to be expected? */
bool ymo_overdue_all(const struct ymo_reactor *r);
/* Its END was taken, or it was taken back. */
void ymo_overdue_remove(struct ymo_reactor *r, struct ymo_exchange *ex);
/*
 * Once a turn of a graceful stop. When only requests that were given up are left, ends the process
 * (status 0) after a moment in which they may still end.
 */
void ymo_overdue_stopping(struct ymo_reactor *r);
/* Say that requests do not end, and end the process at once, with status 0. */
_Noreturn void ymo_overdue_leave(const struct ymo_reactor *r);
void ymo_overdue_stop(struct ymo_reactor *r);

#endif
