/* SPDX-License-Identifier: MIT */
/*
 * Shows where requests hang. Two threads that sleep until they are asked: one with a Python thread
 * state takes the interpreter's lock and shows all stacks (stacks.h); the other takes no lock, and
 * shows them (nogil.h) when the first one does not get it.
 */
#ifndef YMO_PYWORKER_WATCH_H
#define YMO_PYWORKER_WATCH_H

#include "pyworker/pycompat.h"

#include "base/err.h"
#include "pyworker/pystate.h"
#include "request/exchange.h"

struct ymo_watch;

/* Main thread. `st` must outlive it. Aborts when out of memory. */
struct ymo_watch *ymo_watch_create(struct ymo_pystate *st, int n_workers);
void ymo_watch_free(struct ymo_watch *w);

/*
 * GIL held, after the last fork. Where the threads do not start, that is logged and reports do
 * nothing.
 */
void ymo_watch_start(struct ymo_watch *w);

/* GIL held; released while the threads end. Reports do nothing from here on. */
void ymo_watch_stop(struct ymo_watch *w);

/* GIL held: a worker's thread says which one it is, and that its thread state is about to go. */
void ymo_watch_enter(struct ymo_watch *w, int worker);
void ymo_watch_leave(struct ymo_watch *w, int worker);

/* Any thread, at any time between create and free; returns at once. `ex` is alive. */
void ymo_watch_report(struct ymo_watch *w, const struct ymo_exchange *ex);

#endif
