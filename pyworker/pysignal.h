/* SPDX-License-Identifier: MIT */
/* Signals and forks as application code expects them. GIL held, main thread unless said. */
#ifndef YMO_PYWORKER_PYSIGNAL_H
#define YMO_PYWORKER_PYSIGNAL_H

#include "pyworker/pycompat.h"

#include "base/err.h"
#include "base/parker.h"

#include <stdbool.h>

/*
 * Undo the interpreter's own SIGINT handler, so that the server finds the default and can tell
 * that the application has not installed one. 0, or -1 with an exception set.
 */
int ymo_pysignal_init(void) YMO_MUST_CHECK;

/*
 * Have the signals that Python code handles by now end a sleep on `parker`, which worker 0 waits on
 * for the rest of the process's life.
 */
void ymo_pysignal_wake(struct ymo_parker *parker);

/* Have *forked_r set in every child that Python code forks. 0, or -1 with an exception set. */
int ymo_pysignal_watch_forks(bool *forked_r) YMO_MUST_CHECK;

/*
 * Is `exc`, which came out of a request on the main thread, a wish to end the process that a
 * signal handler of the application's raised, and not the request's own doing?
 */
bool ymo_pysignal_asks_to_end(PyObject *exc);

/* Has Python code installed a function as the handler of this signal? */
bool ymo_pysignal_is_handled(int signo);

/*
 * Has C code installed one that Python does not know of? gevent has, for its loop's signals, and
 * where that shares our libev, a signal cannot be taken by two loops.
 */
bool ymo_pysignal_is_foreign(int signo);

/* Is it SystemExit or KeyboardInterrupt? */
bool ymo_pysignal_is_exit(PyObject *exc);

#endif
