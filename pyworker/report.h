/* SPDX-License-Identifier: MIT */
/*
 * Which request is to be looked at, and who runs it: taken down on the reactor's thread, where the
 * exchange is alive, and used on others, where it may have gone.
 */
#ifndef YMO_PYWORKER_REPORT_H
#define YMO_PYWORKER_REPORT_H

#include "pyworker/pycompat.h"

#include "request/exchange.h"

#include <stdbool.h>
#include <stdint.h>

enum { YMO_REPORT_REQUEST = 256, YMO_REPORT_HEAD = YMO_REPORT_REQUEST + 128 };

struct ymo_report {
    const struct ymo_exchange *ex; /* to be compared, never followed */
    unsigned long serial;          /* of the call, see call.h */
    int worker;
    unsigned long thread; /* as Python numbers threads */
    int64_t started;      /* ymo_clock_ns */
    char request[YMO_REPORT_REQUEST];
};

/* Reactor, GIL or not: false when the worker has finished with `ex` already. */
bool ymo_report_fill(struct ymo_report *rp, const struct ymo_exchange *ex);

/* "GET /path?query", cut to fit. Where `ex` is alive. */
void ymo_report_request(const struct ymo_exchange *ex, char *dst, size_t len);

/* "worker 1, in GET /path for 2.1 s"; without the time when `started` is 0. */
void ymo_report_head(int worker, const char *request, int64_t started, char *dst, size_t len);

#endif
