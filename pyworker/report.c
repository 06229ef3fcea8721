/* SPDX-License-Identifier: MIT */
#include "pyworker/report.h"

#include "base/clock.h"
#include "pyworker/call.h"

#include <stdio.h>

void
ymo_report_request(const struct ymo_exchange *ex, char *dst, size_t len)
{
    struct ymo_slice uri = ymo_request_get(&ex->req, YMO_VAR_REQUEST_URI);
    if (uri.len == 0)
        uri = ymo_request_get(&ex->req, YMO_VAR_PATH_INFO);
    size_t n = uri.len < len ? uri.len : len;
    snprintf(dst, len, "%.*s %.*s", (int)ex->req.method.len, ex->req.method.data, (int)n, uri.data);
}

bool
ymo_report_fill(struct ymo_report *rp, const struct ymo_exchange *ex)
{
    if (atomic_load(&ex->state) != YMO_EXCHANGE_RUNNING)
        return false;
    const struct ymo_call *c = ex->executor_data;
    /* The number first: if it were a later request's, `running` could not be `ex` any more, as the
     * reactor, which calls us, has not released it. */
    rp->serial = atomic_load_explicit(&c->serial, memory_order_acquire);
    if (atomic_load_explicit(&c->running, memory_order_acquire) != ex)
        return false;
    rp->ex = ex;
    rp->worker = c->worker;
    rp->thread = c->thread;
    rp->started = atomic_load(&ex->started);
    ymo_report_request(ex, rp->request, sizeof(rp->request));
    return true;
}

void
ymo_report_head(int worker, const char *request, int64_t started, char *dst, size_t len)
{
    if (started == 0) {
        snprintf(dst, len, "worker %d, in %s", worker, request);
        return;
    }
    int64_t ns = ymo_clock_ns() - started;
    snprintf(dst, len, "worker %d, in %s for %.1f s", worker, request, (double)ns / 1e9);
}
