/* SPDX-License-Identifier: MIT */
/*
 * What all Python threads are doing, into the log, while C code of the application's keeps the
 * interpreter's lock: the standard library's faulthandler can tell without it. It is asked by a
 * realtime signal, raised on the thread that asks, and writes to a file in memory.
 */
#ifndef YMO_PYWORKER_NOGIL_H
#define YMO_PYWORKER_NOGIL_H

#include "pyworker/pycompat.h"

#include "pyworker/report.h"

#include <stdatomic.h>

struct ymo_nogil {
    int fd;    /* -1: not available */
    int signo; /* SIGRTMAX-2, or the next lower one that is free */
};

/*
 * GIL held. Where it cannot be had, that is logged, and log() can only say so: most stacks do not
 * need it. The signal must not be blocked on the thread that calls log().
 */
void ymo_nogil_init(struct ymo_nogil *g);

/* GIL held. */
void ymo_nogil_clear(struct ymo_nogil *g);

/*
 * Without the GIL, and only when nobody can be running Python code: the frames are read as they
 * lie. `idents` are the workers' threads, 0 for those that have not begun.
 */
void ymo_nogil_log(const struct ymo_nogil *g, const struct ymo_report *reports, unsigned n,
                   const atomic_ulong *idents, int n_workers);

#endif
