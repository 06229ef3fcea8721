/* SPDX-License-Identifier: MIT */
/*
 * What runs requests, seen from the reactor. pyworker is one; a C echo (tests/support) is another.
 * All functions are called on the reactor's thread and return at once.
 */
#ifndef YMO_REQUEST_EXECUTOR_H
#define YMO_REQUEST_EXECUTOR_H

#include "request/exchange.h"

struct ymo_executor;

struct ymo_executor_ops {
    /*
     * Take over a batch linked by `next` (QUEUED), oldest first: all that one turn of the loop
     * produced, so that it costs one wake-up. Never fails.
     */
    void (*submit)(struct ymo_executor *x, struct ymo_exchange *first, struct ymo_exchange *last);

    /*
     * A nap of the reactor ended: if requests still wait and a worker sleeps, wake one more. True
     * when that may be needed again (requests still wait and workers still sleep).
     */
    bool (*kick)(struct ymo_executor *x);

    /*
     * The client of a submitted exchange is gone (its cancel flag is set), or the exchange is to
     * run elsewhere. True when it had not been started and was taken back: it is the reactor's
     * again (to be submitted again or released) and no END will come.
     */
    bool (*cancel)(struct ymo_executor *x, struct ymo_exchange *ex);

    /*
     * `ex` (RUNNING, and `timed`) takes too long: log where it is, then what all other threads do.
     * Happens on a thread of the executor's own, soon; `ex` may have ended by then.
     */
    void (*report)(struct ymo_executor *x, const struct ymo_exchange *ex);

    /* No submit will follow: finish what is queued, then let the workers end. */
    void (*drain)(struct ymo_executor *x);
};

/* First member of every executor. */
struct ymo_executor {
    const struct ymo_executor_ops *ops;
};

#endif
