/* SPDX-License-Identifier: MIT */
/*
 * wsgi.errors: a text stream that forwards to whatever sys.stderr is at the time, and to nowhere
 * when there is none. It may be kept and used from any thread: one is enough for all requests.
 * A request that takes notes has one of its own, which also notes what is written until it ends.
 * sys.stderr escapes what it cannot encode and is line-buffered, so nothing is lost or late.
 */
#ifndef YMO_PYWORKER_ERRORS_H
#define YMO_PYWORKER_ERRORS_H

#include "pyworker/pycompat.h"

#include "pyworker/call.h"

/* New references, or NULL with an exception set. */
PyTypeObject *ymo_errors_make_type(void);
PyObject *ymo_errors_new(PyTypeObject *type);

/* From here on what is written is noted for `call`'s request, too; NULL: no more. GIL held. */
void ymo_errors_attach(PyObject *self, struct ymo_call *call);

#endif
