/* SPDX-License-Identifier: MIT */
/*
 * What a thread sleeps on that waits for many parkers at once, in an event loop of its own: a
 * descriptor that is readable after an unpark of any of them, and the list of those. No unpark
 * blocks or takes a lock, and only the first of a batch makes a system call.
 */
#ifndef YMO_BASE_BELL_H
#define YMO_BASE_BELL_H

#include "base/err.h"
#include "base/parker.h"

#include <stdatomic.h>

struct ymo_bell {
    int fd;      /* readable when something has rung; the owner's loop watches it */
    int fd_ring; /* written to; the same one where the system has eventfd */
    _Atomic(struct ymo_parker *) rung; /* linked by next_rung, the latest first */

    /*
     * What ymo_parker_park does for the bell's parkers; it lets the owner's loop run until the
     * parker was taken. Same contract.
     */
    int (*park)(struct ymo_parker *p);
};

/* 0, or YMO_EIO (errno says why). */
int ymo_bell_init(struct ymo_bell *b, int (*park)(struct ymo_parker *p)) YMO_MUST_CHECK;
void ymo_bell_destroy(struct ymo_bell *b);

/*
 * From now on wake-ups of `p` ring the bell; what woke it before is forgotten. Nobody sleeps on it.
 */
void ymo_bell_hang(struct ymo_bell *b, struct ymo_parker *p);

/* parker.c: any thread, signal handlers too. `p` is in no list. */
void ymo_bell_ring(struct ymo_bell *b, struct ymo_parker *p);

/*
 * Owner: make `fd` unreadable and take what has rung, linked by next_rung. What rings from here on
 * makes it readable again. Each of the list is to be given to ymo_bell_next before it is used.
 */
struct ymo_parker *ymo_bell_take(struct ymo_bell *b) YMO_MUST_CHECK;

/* Owner: the one behind `p` in the list; from here on `p` can ring again. */
struct ymo_parker *ymo_bell_next(struct ymo_parker *p);

#endif
