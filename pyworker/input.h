/* SPDX-License-Identifier: MIT */
/*
 * wsgi.input: read, readline, readlines, readinto, iteration over the request's body.
 *
 * A body in memory is read straight from it. One in a file is read through a buffer, and a
 * streaming one (`request_buffering: off`) waits for the client; both without the GIL.
 * One thread at a time may read; it need not be the worker's own. When the request ends while
 * another thread is inside, that thread is woken and leaves with ValueError before END is posted.
 */
#ifndef YMO_PYWORKER_INPUT_H
#define YMO_PYWORKER_INPUT_H

#include "pyworker/pycompat.h"

#include "pyworker/call.h"

/* A new type, or NULL with an exception set. Instances come from tp_alloc and an attach. */
PyTypeObject *ymo_input_make_type(void);

/* Read the body of the request that `call` runs. */
void ymo_input_attach(PyObject *self, struct ymo_call *call);

/*
 * The request ends: every use raises ValueError from now on. Worker's thread; may release the GIL.
 */
void ymo_input_detach(PyObject *self);

#endif
