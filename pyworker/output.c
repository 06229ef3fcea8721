/* SPDX-License-Identifier: MIT */
#include "pyworker/output.h"

#include "base/log.h"

#include <unistd.h>

/* How many of `len` bytes Content-Length leaves room for. */
static size_t
allowed(struct ymo_call *c, size_t len)
{
    int64_t announced = c->ex->resp.content_length;
    if (announced < 0)
        return len;
    uint64_t room = (uint64_t)announced - c->sent;
    if (len <= room)
        return len;
    c->excess = true;
    return (size_t)room;
}

static int
wait_for_room(struct ymo_exchange *ex)
{
    while (ymo_exchange_full(ex) && !ymo_exchange_cancelled(ex)) {
        PyThreadState *saved = PyEval_SaveThread();
        int rc = ymo_exchange_wait(ex);
        PyEval_RestoreThread(saved);
        if (rc == YMO_EINTR && ymo_call_interrupted() < 0)
            return YMO_EINTR;
    }
    return ymo_exchange_cancelled(ex) ? YMO_ECLOSED : YMO_OK;
}

static int
send_head(struct ymo_call *c, const char *data, size_t len)
{
    int rc = ymo_exchange_respond(c->ex, data, len, false);
    if (rc == YMO_OK)
        c->head_sent = true;
    return rc;
}

int
ymo_output_send(struct ymo_call *c, const char *data, size_t len)
{
    if (c->ex->resp.no_body)
        return c->head_sent ? YMO_OK : send_head(c, NULL, 0);
    len = allowed(c, len);
    while (len > 0) {
        size_t n = len < YMO_OUTPUT_SLICE ? len : YMO_OUTPUT_SLICE;
        int rc = wait_for_room(c->ex);
        if (rc == YMO_OK)
            rc = c->head_sent ? ymo_exchange_send(c->ex, data, n) : send_head(c, data, n);
        if (rc < 0)
            return rc;
        c->sent += n;
        data += n;
        len -= n;
    }
    return YMO_OK;
}

void
ymo_output_whole(struct ymo_call *c, const char *data, size_t len)
{
    struct ymo_exchange *ex = c->ex;
    if (!ex->resp.no_body)
        len = allowed(c, len);
    ymo_call_detach(c);
    if (ymo_exchange_respond(ex, data, len, true) < 0)
        ymo_exchange_end(ex, true);
}

int
ymo_output_file(struct ymo_call *c, int fd, int64_t off, uint64_t len)
{
    int rc = c->head_sent ? YMO_OK : send_head(c, NULL, 0);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    rc = ymo_exchange_send_file(c->ex, fd, off, len);
    if (rc == YMO_OK)
        c->sent += len;
    return rc;
}

void
ymo_output_end(struct ymo_call *c, bool broken)
{
    struct ymo_exchange *ex = c->ex;
    bool head_sent = c->head_sent;
    ymo_call_detach(c);
    if (!broken && !head_sent) {
        if (ymo_exchange_respond(ex, NULL, 0, true) == YMO_OK)
            return;
        broken = true;
    }
    ymo_exchange_end(ex, broken);
}
