/* SPDX-License-Identifier: MIT */
/*
 * Status and headers of start_response into a neutral response: checked, and copied into the
 * arena straight from the string objects. GIL held; runs no Python code.
 */
#ifndef YMO_PYWORKER_WSGI_HEADERS_H
#define YMO_PYWORKER_WSGI_HEADERS_H

#include "pyworker/pycompat.h"

#include "base/arena.h"
#include "base/err.h"
#include "request/response.h"

/*
 * Fill `r`, which was initialised, from "200 OK" and a list of (name, value) tuples.
 * 0; or -1 with TypeError, ValueError or MemoryError set, and `r` is to be initialised again.
 */
int ymo_wsgi_headers_parse(struct ymo_response *r, struct ymo_arena *arena, PyObject *status,
                           PyObject *headers) YMO_MUST_CHECK;

#endif
