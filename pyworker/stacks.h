/* SPDX-License-Identifier: MIT */
/* What all Python threads are doing, into the log, by means of the interpreter. GIL held. */
#ifndef YMO_PYWORKER_STACKS_H
#define YMO_PYWORKER_STACKS_H

#include "pyworker/pycompat.h"

#include "base/err.h"
#include "pyworker/pystate.h"
#include "pyworker/report.h"

struct ymo_stacks {
    PyObject *current_frames; /* sys._current_frames */
    PyObject *from_list;      /* traceback.StackSummary.from_list */
    PyObject *threading;
};

/*
 * Look up what is needed, so that nothing is imported when it is used: the request that hangs may
 * hold an import's lock. 0, or -1 with an exception set; clear() is to be called either way.
 */
int ymo_stacks_init(struct ymo_stacks *s) YMO_MUST_CHECK;
void ymo_stacks_clear(struct ymo_stacks *s);

/*
 * Log at WARNING the stacks of those of the requests that still run, then those of all other
 * threads. No exception is set afterwards. The GIL is given to others on the way, but all stacks
 * are of one moment.
 */
void ymo_stacks_log(const struct ymo_stacks *s, const struct ymo_pystate *st,
                    const struct ymo_report *reports, unsigned n);

#endif
