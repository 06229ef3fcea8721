/* SPDX-License-Identifier: MIT */
/*
 * Requests as greenlets: a worker thread runs gevent's hub, and up to `limit` requests at once,
 * each in a greenlet of its own (gevent.Greenlet). The hub watches a bell (base/bell.h), which the
 * queue rings for new requests and the reactor for a request that waits for its client; so all
 * waits of ours let the thread's other greenlets run.
 *
 * All on the worker's thread with the GIL, unless said.
 */
#ifndef YMO_PYWORKER_GREENS_H
#define YMO_PYWORKER_GREENS_H

#include "pyworker/pycompat.h"

#include "base/err.h"
#include "pyworker/call.h"
#include "request/queue.h"

#include <stdbool.h>

struct ymo_greens;

/*
 * Main thread, after the application was loaded: can this interpreter run greenlets? 0; YMO_EINVAL
 * after the reason was logged. An application that is not monkey-patched is only warned of.
 */
int ymo_greens_check(struct ymo_pystate *st, int limit) YMO_MUST_CHECK;

/*
 * Up to `limit` requests at once on worker number `worker`, from `q`. Main thread, after the last
 * fork; NULL after the reason was logged.
 */
struct ymo_greens *ymo_greens_create(struct ymo_pystate *st, struct ymo_queue *q,
                                     struct ymo_queue_worker *w, int worker, int limit);

/* Without the GIL, when the queue and the reactor do not use the worker's parker any more. */
void ymo_greens_free(struct ymo_greens *gs);

/*
 * Run requests until the queue is closed and the last one has ended. 0; or YMO_EIO after it was
 * logged why gevent's loop cannot be used: then none has been taken, and the thread is as before.
 */
int ymo_greens_run(struct ymo_greens *gs) YMO_MUST_CHECK;

/*
 * The same for a worker whose `limit` is 0, of an application that uses gevent: it runs one request
 * at a time, on the thread's own greenlet, as without gevent; but its waits, and the one for work,
 * run the loop. They must: gevent's locks are handed to another thread by the loop of the one
 * that gives them up. 0 or YMO_EIO, as above. `leave` when the queue is closed.
 */
int ymo_greens_enter(struct ymo_greens *gs, struct ymo_call *c) YMO_MUST_CHECK;
void ymo_greens_leave(struct ymo_greens *gs, struct ymo_call *c);

/*
 * An exception is set that came out of the hub: a greenlet of the application's or a signal handler
 * threw it. End the process if it asks to, else log it.
 */
void ymo_greens_handle_raised(struct ymo_greens *gs);

/* Any thread: is the current greenlet the one that runs the call? True where threads run calls. */
bool ymo_greens_is_current(const struct ymo_call *c);

#endif
