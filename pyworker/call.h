/* SPDX-License-Identifier: MIT */
/*
 * The call of the application that a worker is running: one struct a worker, used again for each
 * request. The Python objects that the application gets (start_response, write, wsgi.input) point
 * here only while the request runs: an application may keep them for as long as it likes, and
 * finds them closed.
 * Fields are guarded by the GIL.
 */
#ifndef YMO_PYWORKER_CALL_H
#define YMO_PYWORKER_CALL_H

#include "pyworker/pycompat.h"

#include "base/buf.h"
#include "pyworker/pystate.h"
#include "request/exchange.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ymo_greens;

struct ymo_call {
    /* for the worker's life */
    struct ymo_pystate *st;
    struct ymo_call *next;     /* in st->calls */
    int worker;                /* its number */
    unsigned long thread;      /* the worker's, as Python numbers threads */
    bool main;                 /* the worker runs on Python's main thread */
    struct ymo_greens *greens; /* NULL: one call at a time runs on the thread itself */
    struct ymo_parker *reader; /* for waits in wsgi.input; NULL: the exchange's */
    PyObject *greenlet;        /* that runs the call, or NULL: the thread does; borrowed */

    /*
     * For who is asked where a request hangs. Any thread may read them: `running` is an exchange
     * only from before it is RUNNING until before its END, and is compared, never followed.
     */
    _Atomic(const struct ymo_exchange *) running;
    atomic_ulong serial; /* of the running request; exchanges are used again */

    /* used for the next request too when nobody else has kept them; or NULL */
    PyObject *start_response, *write, *input;
    PyObject *errors; /* of a request that takes notes; the others share the state's */

    /* the running request's */
    struct ymo_exchange *ex; /* NULL between requests: from before END on */
    bool started;            /* start_response was called */
    bool head_sent;
    bool excess;   /* the body was longer than its Content-Length and was cut */
    uint64_t sent; /* body bytes */

    struct ymo_buf note; /* what waits for the end of its line; see notes.h */
    size_t noted;        /* bytes of text for the front end so far */
};

/*
 * Zeroed memory becomes a call of the worker's, on its thread; listed in st->calls until clear.
 */
void ymo_call_init(struct ymo_call *c, struct ymo_pystate *st, int worker);

/* The call will run `ex` (taken from the queue, not yet RUNNING). */
void ymo_call_announce(struct ymo_call *c, struct ymo_exchange *ex);

/* Begin with `ex` (RUNNING). 0, or -1 with an exception set. */
int ymo_call_begin(struct ymo_call *c, struct ymo_exchange *ex) YMO_MUST_CHECK;

/*
 * Just before END: close the objects. Another thread of the application's may be inside
 * wsgi.input.read() without the GIL: it is sent out first, and the GIL is released for that.
 */
void ymo_call_detach(struct ymo_call *c);

/* Give up the objects and leave the list, at the end of the worker. */
void ymo_call_clear(struct ymo_call *c);

/*
 * YMO_EINTR came out of a wait: let Python's signal handlers run, on the main thread. 0, or -1 with
 * the exception that one of them raised, or that was thrown into the waiting greenlet.
 */
int ymo_call_interrupted(void) YMO_MUST_CHECK;

#endif
