/* SPDX-License-Identifier: MIT */
/*
 * The interpreter as `python3 -m` would start it: environment variables, virtual environment,
 * sys.path, sys.argv and sys.executable are what applications expect them to be.
 */
#ifndef YMO_PYWORKER_INTERP_H
#define YMO_PYWORKER_INTERP_H

#include "pyworker/pycompat.h"

#include "pyworker/pyworker.h"

/* 0; or YMO_EINVAL after the reason was logged. Main thread, once; the GIL is held afterwards. */
int ymo_interp_start(const struct ymo_pyworker_config *cfg) YMO_MUST_CHECK;

#endif
