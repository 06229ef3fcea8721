/* SPDX-License-Identifier: MIT */
/*
 * The environ dictionary of a request (PEP 3333). A template holds what is the same for all
 * requests and is copied; the keys of known variables are ready-made string objects, and the last
 * value of each is kept, because most of them repeat from request to request.
 * Everything here is used with the GIL held.
 */
#ifndef YMO_PYWORKER_ENVIRON_H
#define YMO_PYWORKER_ENVIRON_H

#include "pyworker/pycompat.h"

#include "base/err.h"
#include "pyworker/pyworker.h"
#include "request/exchange.h"
#include "request/var.h"

struct ymo_environ {
    PyObject *template;
    PyObject *keys[YMO_VAR_COUNT];   /* interned; index 0 is unused */
    PyObject *values[YMO_VAR_COUNT]; /* the last value of each, or NULL */
    PyObject *key_input, *key_errors, *key_scheme, *key_raw_uri, *https;
};

/* 0, or -1 with an exception set; clear() is to be called either way. */
int ymo_environ_init(struct ymo_environ *e, const struct ymo_pyworker_config *cfg, PyObject *errors,
                     PyObject *file_wrapper) YMO_MUST_CHECK;
void ymo_environ_clear(struct ymo_environ *e);

/*
 * A new dictionary for the exchange's request, or NULL with an exception set. `errors`: instead of
 * the one of init; or NULL.
 */
PyObject *ymo_environ_build(struct ymo_environ *e, struct ymo_exchange *ex, PyObject *input,
                            PyObject *errors) YMO_MUST_CHECK;

#endif
