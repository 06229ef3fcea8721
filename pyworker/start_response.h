/* SPDX-License-Identifier: MIT */
/*
 * The start_response callable and the write callable that it returns (PEP 3333). Both only point
 * at the running call and are attached anew for each request.
 */
#ifndef YMO_PYWORKER_START_RESPONSE_H
#define YMO_PYWORKER_START_RESPONSE_H

#include "pyworker/pycompat.h"

#include "pyworker/call.h"

/* New types, or NULL with an exception set. Instances come from tp_alloc and an attach. */
PyTypeObject *ymo_start_response_make_type(void);
PyTypeObject *ymo_start_response_make_write_type(void);

/* `self` is of either type. NULL: from now on its calls raise ValueError. */
void ymo_start_response_attach(PyObject *self, struct ymo_call *call);

#endif
