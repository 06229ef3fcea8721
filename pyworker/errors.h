/* SPDX-License-Identifier: MIT */
/*
 * wsgi.errors: a text stream that forwards to whatever sys.stderr is at the time, and to nowhere
 * when there is none. It knows no request, so it may be kept and used from any thread.
 * sys.stderr escapes what it cannot encode and is line-buffered, so nothing is lost or late.
 */
#ifndef YMO_PYWORKER_ERRORS_H
#define YMO_PYWORKER_ERRORS_H

#include "pyworker/pycompat.h"

/* New references, or NULL with an exception set. */
PyTypeObject *ymo_errors_make_type(void);
PyObject *ymo_errors_new(PyTypeObject *type);

#endif
