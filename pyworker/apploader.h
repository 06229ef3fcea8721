/* SPDX-License-Identifier: MIT */
/* From MODULE:EXPRESSION to the application object. GIL held, main thread. */
#ifndef YMO_PYWORKER_APPLOADER_H
#define YMO_PYWORKER_APPLOADER_H

#include "pyworker/pycompat.h"

#include "base/err.h"

/*
 * Import `module` and evaluate `expression` in its namespace; NULL: `application`, then `app`.
 * The callable, a new reference; or NULL after the traceback, if there is one, and a sentence that
 * says what was looked for and where were logged. No exception is set either way.
 */
PyObject *ymo_apploader_load(const char *module, const char *expression) YMO_MUST_CHECK;

#endif
