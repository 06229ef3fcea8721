/* SPDX-License-Identifier: MIT */
/* Python exceptions into the log. GIL held. */
#ifndef YMO_PYWORKER_PYLOG_H
#define YMO_PYWORKER_PYLOG_H

#include "pyworker/pycompat.h"

#include "base/log.h"

/* Log the traceback of the exception object, chained ones included, as Python would print it. No
 * exception is set afterwards. */
void ymo_pylog_traceback(enum ymo_log_level level, PyObject *exc);

/* That text in UTF-8, whatever is in it: new reference to bytes; NULL, without an exception, when
 * it cannot be had. */
PyObject *ymo_pylog_format(PyObject *exc);

/* Log and clear the exception that is set, if any: `what` as a line, then the traceback. */
void ymo_pylog_raised(enum ymo_log_level level, const char *what);

#endif
