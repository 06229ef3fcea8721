/* SPDX-License-Identifier: MIT */
/* A new process out of one that has an interpreter. Main thread, GIL held. */
#ifndef YMO_PYWORKER_PYFORK_H
#define YMO_PYWORKER_PYFORK_H

#include "pyworker/pycompat.h"

#include "base/err.h"

/*
 * Before the first fork: collect garbage once and take what is left out of later collections,
 * which would write to every object and so copy the memory that is to be shared. Warns of threads
 * that the application has started, as a fork leaves them behind.
 */
void ymo_pyfork_prepare(void);

/*
 * Fork twice. 0 in the new process, whose parent (an intermediate process) has ended; 1 in this
 * one; YMO_EIO after the reason was logged.
 */
int ymo_pyfork_spawn(void) YMO_MUST_CHECK;

#endif
