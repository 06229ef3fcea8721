/* SPDX-License-Identifier: MIT */
/*
 * One request through the application: environ, the call, the result's iteration, close(), END.
 * GIL held on entry and on return; released only while the request waits for its client.
 */
#ifndef YMO_PYWORKER_INVOKE_H
#define YMO_PYWORKER_INVOKE_H

#include "pyworker/pycompat.h"

#include "pyworker/call.h"

/* `ex` (QUEUED) has been taken from the queue by the worker that owns `c` and `parker`. Always ends
 * the exchange; leaves no exception set. */
void ymo_invoke_run(struct ymo_call *c, struct ymo_exchange *ex, struct ymo_parker *parker);

/*
 * Main thread, while it runs no request: let the application's signal handlers run. What they
 * raise ends the process or is logged.
 */
void ymo_invoke_signals(struct ymo_pystate *st);

#endif
