/* SPDX-License-Identifier: MIT */
/*
 * Requests as greenlets: a worker thread runs gevent's hub, and up to so many requests at once,
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

/* In a process forked from a loaded one: gevent's loop, where it has one, must not be shared. */
void ymo_greens_forked(void);

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

/* Any thread: is the current greenlet the one that runs the call? True where threads run calls. */
bool ymo_greens_is_current(const struct ymo_call *c);

#endif
