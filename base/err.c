/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include "base/log.h"

#include <stdlib.h>

const char *
ymo_err_str(int err)
{
    switch ((enum ymo_err)err) {
    case YMO_OK:
        return "no error";
    case YMO_ENOMEM:
        return "out of memory";
    case YMO_EINVAL:
        return "invalid value";
    case YMO_EAGAIN:
        return "not ready";
    case YMO_ECLOSED:
        return "closed";
    case YMO_EIO:
        return "input/output error";
    case YMO_EINTR:
        return "interrupted";
    case YMO_ELIMIT:
        return "limit exceeded";
    }
    return err > 0 ? "no error" : "unknown error";
}

void
ymo_err_bug(const char *file, int line, const char *what)
{
    ymo_log_write(YMO_LOG_FATAL, "bug in yimmo-wsgi: %s:%d: %s does not hold", file, line, what);
    abort();
}
