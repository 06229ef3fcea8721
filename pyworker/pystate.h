/* SPDX-License-Identifier: MIT */
/*
 * All Python objects that live as long as the process, in one struct instead of globals.
 * Everything here is used with the GIL held.
 */
#ifndef YMO_PYWORKER_PYSTATE_H
#define YMO_PYWORKER_PYSTATE_H

#include "pyworker/pycompat.h"

#include "pyworker/environ.h"
#include "pyworker/pyworker.h"

#include <stdbool.h>

struct ymo_call;

struct ymo_pystate {
    PyObject *app;    /* the application */
    PyObject *errors; /* wsgi.errors of all requests that take no notes */
    PyTypeObject *start_response_type, *write_type, *input_type, *errors_type, *file_wrapper_type;
    PyObject *buffered_reader, *buffered_random, *file_io; /* of module io; see file_wrapper.c */
    PyObject *str_close, *str_read, *str_write, *str_flush;
    struct ymo_environ environ;

    PyObject *greenlet_exit; /* the exception that kills a greenlet; NULL without greenlets */

    struct ymo_call *calls; /* of all workers, linked by next */

    bool forked;             /* this process is a child that application code forked */
    void (*stop)(void *arg); /* application code asked the process to end */
    void *stop_arg;
};

/*
 * Make types, strings and the environ template; `app` is set by the caller afterwards.
 * 0, or -1 with an exception set; clear() is to be called either way.
 */
int ymo_pystate_init(struct ymo_pystate *st, const struct ymo_pyworker_config *cfg) YMO_MUST_CHECK;
void ymo_pystate_clear(struct ymo_pystate *st);

#endif
