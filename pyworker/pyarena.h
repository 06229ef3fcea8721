/* SPDX-License-Identifier: MIT */
/*
 * From 3.11 on a greenlet begins with memory for its frames, which the interpreter has the system
 * map, and unmap when the greenlet ends. With one greenlet a request that costs more than the rest
 * of a small request: these pieces are kept for the next one.
 */
#ifndef YMO_PYWORKER_PYARENA_H
#define YMO_PYWORKER_PYARENA_H

#include "pyworker/pycompat.h"

/* GIL held. From now on, for the rest of the process's life. */
void ymo_pyarena_keep(void);

#endif
