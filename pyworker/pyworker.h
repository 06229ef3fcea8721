/* SPDX-License-Identifier: MIT */
/*
 * The embedded interpreter as an executor: loads the application, runs requests on N threads of
 * which number 0 is the process's main thread (and so Python's main thread). Knows nothing of
 * sockets, protocols or libev. Python.h is included nowhere outside pyworker/.
 */
#ifndef YMO_PYWORKER_PYWORKER_H
#define YMO_PYWORKER_PYWORKER_H

#include "base/err.h"
#include "base/slice.h"
#include "request/executor.h"
#include "request/mailbox.h"

#include <stdbool.h>
#include <stddef.h>

struct ymo_pyworker_config {
    const char *module;
    const char *app;               /* expression, or NULL: `application`, then `app` */
    const char *const *pythonpath; /* directories put before the interpreter's path */
    size_t n_pythonpath;
    const char *virtualenv; /* directory, or NULL: $VIRTUAL_ENV when set */
    const char *script_name;
    char **argv; /* of the process, for sys.argv */
    int argc;
    int n_threads;
    int greenlets;          /* requests at once per thread, on gevent's loop; 0 = one, without it */
    double switch_interval; /* seconds; 0 = Python's own */
    bool reports;           /* `report` will be called: be ready to show stacks */
    bool multiprocess;
    const char *software; /* SERVER_SOFTWARE, "yimmo-wsgi/0.1.0" */
};

struct ymo_pyworker;

/*
 * Start the interpreter and load the application, on the main thread, before any other thread of
 * ours exists. 0; or YMO_EINVAL after the traceback and one sentence were logged (exit status 1).
 */
int ymo_pyworker_start(const struct ymo_pyworker_config *cfg,
                       struct ymo_pyworker **pw_r) YMO_MUST_CHECK;

/*
 * In a template that has loaded the application and started no thread: fork with the interpreter's
 * consent. 0 in the new process, which may go on to `run` (it is a grandchild: its parent is gone,
 * and whoever is the subreaper gets it); 1 in the template; YMO_EIO after the reason was logged.
 * The first call freezes what is loaded, so that garbage collections do not copy it.
 */
int ymo_pyworker_fork(struct ymo_pyworker *pw) YMO_MUST_CHECK;

/*
 * After start: has the application (or something it imported) installed a handler of its own for
 * this signal? Then the signal is left to it.
 */
bool ymo_pyworker_handles_signal(int signo);

/* The interface for the reactor; lives as long as the pyworker. */
struct ymo_executor *ymo_pyworker_executor(struct ymo_pyworker *pw);

/*
 * Run worker 0 on the calling (main) thread and the others on threads of their own, until drain.
 * `stop(arg)` is called when application code asks the process to end (SystemExit or
 * KeyboardInterrupt out of a signal handler): it starts the same graceful stop as SIGTERM.
 * Returns with all workers joined.
 */
void ymo_pyworker_run(struct ymo_pyworker *pw, void (*stop)(void *arg), void *arg);

/* atexit handlers, then the end of the interpreter. Main thread. Frees `pw`. */
void ymo_pyworker_finish(struct ymo_pyworker *pw);

/* "3.11.2 (/usr/lib/…)" for --version and the start-up line; static. */
const char *ymo_pyworker_python_version(void);

#endif
