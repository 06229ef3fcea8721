/* SPDX-License-Identifier: MIT */
/* From the messages of a connection's exchanges to bytes on its socket. */
#include "base/log.h"
#include "reactor/intake.h"
#include "reactor/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#ifdef __linux__
#include <linux/sockios.h>
#endif

enum { TURN_BYTES = 4 * 1024 * 1024, FILE_PIECE = 1024 * 1024 };

struct ymo_codec_out
ymo_writer_out(struct ymo_reactor *r, bool close)
{
    time_t now = (time_t)ev_now(r->loop);
    if (now != r->date_at) {
        struct tm tm;
        gmtime_r(&now, &tm);
        strftime(r->date, sizeof(r->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        r->date_at = now;
    }
    return (struct ymo_codec_out){.date = ymo_slice_str(r->date),
                                  .server = ymo_slice_str(r->cfg.server),
                                  .hsts = ymo_slice_str(r->cfg.hsts ? r->cfg.hsts : ""),
                                  .close = close};
}

struct ymo_outq *
ymo_writer_outq(struct ymo_conn *c)
{
    struct ymo_reactor *r = c->r;
    if (c->out)
        return c->out;
    if (r->free_outqs) {
        c->out = r->free_outqs;
        r->free_outqs = c->out->next_free;
        r->n_free_outqs--;
    } else {
        c->out = calloc(1, sizeof(*c->out));
    }
    return c->out;
}

void
ymo_writer_drop_outq(struct ymo_conn *c)
{
    struct ymo_reactor *r = c->r;
    struct ymo_outq *q = c->out;
    c->out = NULL;
    YMO_ASSERT(q->n == 0);
    if (r->n_free_outqs < YMO_POOL_OUTQS && q->bytes.cap <= 2 * YMO_OUTQ_COPY_MAX) {
        q->next_free = r->free_outqs;
        r->free_outqs = q;
        r->n_free_outqs++;
        return;
    }
    ymo_buf_free(&q->bytes);
    free(q);
}

int
ymo_writer_unacked(const struct ymo_conn *c)
{
    int n = 0;
#ifdef SIOCOUTQ
    if (ioctl(c->fd, SIOCOUTQ, &n) != 0)
        n = 0;
#else
    (void)c;
#endif
    return n;
}

/* ---- messages to segments -------------------------------------------------------------- */

static int
write_head(struct ymo_conn *c, struct ymo_exchange *ex, struct ymo_buf *dst)
{
    /* A body that is still arriving would have to be read before the next request. */
    struct ymo_codec_out out = ymo_writer_out(c->r, c->r->stopping || !ex->body_done);
    ex->head_sent = true;
    return c->codec->head(c->codec_state, ex->id, &ex->resp, &out, dst);
}

/* One frame of the message's payload. */
static int
write_piece(struct ymo_conn *c, struct ymo_exchange *ex, struct ymo_msg *m, struct ymo_outq *q)
{
    size_t before = q->bytes.len, take = 0;
    size_t len = m->len > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)m->len;
    int rc = c->codec->frame(c->codec_state, ex->id, len, &q->bytes, &take);
    if (rc < 0)
        return rc;
    YMO_ASSERT(take > 0 && take <= len);
    bool last = take == m->len;
    m->len -= take;
    if (m->flags & YMO_MSG_FILE) {
        ymo_outq_wrote(q, before);
        ymo_outq_file(q, m, m->off, take, last);
        m->off += (int64_t)take;
        before = q->bytes.len;
    } else if (take <= YMO_OUTQ_COPY_MAX && !(m->flags & YMO_MSG_SHARED)) {
        /* Not the short rest of a shared one: the last segment that points into it frees it. */
        rc = ymo_buf_append(&q->bytes, m->data, take);
        if (rc < 0)
            return rc;
        ymo_exchange_sent(ex, take);
        m->data += take;
    } else {
        ymo_outq_wrote(q, before);
        m->flags |= YMO_MSG_SHARED;
        ymo_outq_ref(q, m, m->data, take, last);
        m->data += take;
        before = q->bytes.len;
    }
    rc = c->codec->unframe(c->codec_state, ex->id, &q->bytes);
    if (rc < 0)
        return rc;
    ymo_outq_wrote(q, before);
    return YMO_OK;
}

/* Whole: it is short, and text in the middle of a line is no use to anybody. */
static int
write_note(struct ymo_conn *c, struct ymo_exchange *ex, struct ymo_msg *m, struct ymo_buf *dst)
{
    size_t len = (size_t)m->len;
    m->len = 0;
    ymo_exchange_sent(ex, len);
    return c->codec->note(c->codec_state, ex->id, ymo_slice_of(m->data, len), dst);
}

/* Resets the connection; what stands in for that where there is no reset comes to `dst`. */
static int
write_cut(struct ymo_conn *c, struct ymo_buf *dst)
{
    c->reset = true;
    if (!c->listener->cfg->is_unix || !c->codec->cut)
        return YMO_OK;
    return c->codec->cut(c->codec_state, dst);
}

static int
write_end(struct ymo_conn *c, struct ymo_exchange *ex, bool broken, struct ymo_buf *dst)
{
    ex->end_written = true;
    if (c->codec->max_open > 1)
        ymo_intake_received(c, ex); /* nobody reads what may still come of its body */
    if (!broken)
        return c->codec->end(c->codec_state, ex->id, dst);
    if (ex->head_sent) {
        /* The missing end tells the client; where an end cannot be missed, a reset does. */
        ex->broken = true;
        return c->codec->framed(c->codec_state, ex->id) ? YMO_OK : write_cut(c, dst);
    }
    struct ymo_codec_out out = ymo_writer_out(c->r, c->r->stopping || !ex->body_done);
    ex->head_sent = true;
    return c->codec->fail(c->codec_state, ex->id, 500, &out, dst);
}

/* As much of one exchange as the queue has room for; `fair`: no more than one frame of a message
 * that has more. */
static int
convert(struct ymo_conn *c, struct ymo_exchange *ex, struct ymo_outq *q, bool fair)
{
    struct ymo_msg *m;
    int rc;
    while ((m = ex->out_first) != NULL && ymo_outq_room(q)) {
        size_t before = q->bytes.len;
        if (m->flags & YMO_MSG_HEAD) {
            m->flags &= ~(unsigned)YMO_MSG_HEAD;
            rc = write_head(c, ex, &q->bytes);
            if (rc < 0)
                return rc;
            ymo_outq_wrote(q, before);
        }
        if (m->flags & YMO_MSG_NOTE) {
            rc = write_note(c, ex, m, &q->bytes);
            if (rc < 0)
                return rc;
            ymo_outq_wrote(q, before);
        }
        bool held = false;
        while (m->len > 0 && ymo_outq_room(q)) {
            unsigned refs = ex->out_refs;
            rc = write_piece(c, ex, m, q);
            if (rc < 0)
                return rc;
            held = ex->out_refs > refs; /* freed when its last segment is written */
            if (fair)
                break;
        }
        if (m->len > 0)
            return YMO_OK;
        if (m->flags & YMO_MSG_END) {
            before = q->bytes.len;
            rc = write_end(c, ex, m->flags & YMO_MSG_BROKEN, &q->bytes);
            if (rc < 0)
                return rc;
            ymo_outq_wrote(q, before);
        }
        ex->out_first = m->next;
        if (!ex->out_first)
            ex->out_last = NULL;
        if (!held)
            ymo_exchange_msg_free(m);
    }
    return YMO_OK;
}

/* Its answer is not wanted. */
static void
drop(struct ymo_conn *c, struct ymo_exchange *ex)
{
    if (ex->out_refs > 0)
        return; /* what is queued is still being written from its messages */
    for (struct ymo_msg *m; (m = ex->out_first) != NULL;) {
        ex->out_first = m->next;
        if (m->len > 0 && !(m->flags & YMO_MSG_FILE))
            ymo_exchange_sent(ex, (size_t)m->len);
        ymo_exchange_msg_free(m);
    }
    ex->out_last = NULL;
    if (ex->end_taken)
        ymo_conn_release(c, ex);
}

/* Frame by frame in turn: a large answer must not keep the small ones of its connection waiting. */
static int
convert_in_turn(struct ymo_conn *c)
{
    for (bool more = true; more;) {
        more = false;
        for (unsigned i = c->n_exchanges; i > 0 && !ymo_list_empty(&c->exchanges); i--) {
            if (c->out && !ymo_outq_room(c->out))
                return YMO_OK; /* nobody loses a turn */
            struct ymo_list *n = c->exchanges.next;
            struct ymo_exchange *ex = YMO_CONTAINER_OF(n, struct ymo_exchange, in_conn);
            ymo_list_remove(n);
            ymo_list_append(&c->exchanges, n);
            if (ex->withdrawn) {
                drop(c, ex);
                continue;
            }
            if (!ex->out_first)
                continue;
            struct ymo_outq *q = ymo_writer_outq(c);
            int rc = q ? convert(c, ex, q, true) : YMO_ENOMEM;
            if (rc < 0)
                return rc;
            more = more || ex->out_first;
        }
    }
    return YMO_OK;
}

static int
convert_all(struct ymo_conn *c)
{
    struct ymo_list *n, *next;
    if (c->codec->max_open > 1)
        return convert_in_turn(c);
    YMO_LIST_FOREACH (n, next, &c->exchanges) {
        struct ymo_exchange *ex = YMO_CONTAINER_OF(n, struct ymo_exchange, in_conn);
        if (!ex->out_first)
            continue;
        struct ymo_outq *q = ymo_writer_outq(c);
        int rc = q ? convert(c, ex, q, false) : YMO_ENOMEM;
        if (rc < 0)
            return rc;
    }
    return YMO_OK;
}

/* ---- segments to the socket ------------------------------------------------------------ */

/* Consecutive byte and reference segments as one vector. True when a file follows them. */
static bool
gather(const struct ymo_outq *q, struct iovec *iov, int *n_r)
{
    const char *bytes = q->bytes.mem ? ymo_buf_data(&q->bytes) : NULL;
    int n = 0;
    for (unsigned i = 0; i < q->n; i++) {
        const struct ymo_seg *s = &q->segs[(q->first + i) % YMO_OUTQ_SEGS];
        if (s->kind == YMO_SEG_FILE) {
            *n_r = n;
            return true;
        }
        const char *at = s->kind == YMO_SEG_REF ? s->data : bytes;
        if (s->kind == YMO_SEG_BYTES)
            bytes += s->len;
        iov[n++] = (struct iovec){(void *)(uintptr_t)at, s->len};
    }
    *n_r = n;
    return false;
}

/*
 * When nothing follows, the end of the connection does: the peer had better learn of both at once,
 * lest it takes a connection that is about to close for one that it may use. And one packet costs
 * less than two.
 */
static bool
ends_with_queue(const struct ymo_conn *c)
{
    if (c->reset)
        return false; /* which throws away what waits for more */
    if (c->state == YMO_CONN_FLUSHING)
        return true;
    if (c->codec->max_open > 1 || c->n_exchanges != 1)
        return false;
    const struct ymo_exchange *ex =
        YMO_CONTAINER_OF(c->exchanges.next, struct ymo_exchange, in_conn);
    return ex->end_written && !ex->broken && !c->codec->may_persist(c->codec_state, ex->id);
}

static ssize_t
write_front(struct ymo_conn *c, struct ymo_outq *q)
{
    struct ymo_seg *s = &q->segs[q->first];
    if (s->kind == YMO_SEG_FILE)
        return c->transport->sendfile(c, s->msg->fd, s->off,
                                      s->len < FILE_PIECE ? s->len : FILE_PIECE);
    struct iovec iov[YMO_OUTQ_SEGS];
    int n;
    bool more = gather(q, iov, &n) || ends_with_queue(c);
    return c->transport->writev(c, iov, n, more);
}

/* True when everything is written. */
static bool
flush(struct ymo_conn *c)
{
    struct ymo_reactor *r = c->r;
    size_t budget = TURN_BYTES; /* a fast reader must not keep the others waiting */
    bool moved = false;
    while (c->out && c->out->n > 0 && budget > 0) {
        ssize_t n = write_front(c, c->out);
        if (n == YMO_EAGAIN) {
            moved = moved || c->moved;
            c->moved = false;
            break;
        }
        if (n < 0) {
            if (n == YMO_EIO)
                ymo_error("conn %llu: a file cannot be sent on: %s", (unsigned long long)c->serial,
                          errno == ENODATA ? "it became shorter" : strerror(errno));
            ymo_conn_kill(c);
            return false;
        }
        budget -= (size_t)n < budget ? (size_t)n : budget;
        while (n > 0) {
            size_t len = c->out->segs[c->out->first].len;
            size_t step = (size_t)n < len ? (size_t)n : len;
            ymo_outq_advance(c->out, step);
            n -= (ssize_t)step;
        }
        moved = true;
    }
    if (!c->out || c->out->n == 0) {
        if (c->out)
            ymo_writer_drop_outq(c);
        if (ev_is_active(&c->wr))
            ev_io_stop(r->loop, &c->wr);
        return true;
    }
    if (!ev_is_active(&c->wr))
        ev_io_start(r->loop, &c->wr);
    ymo_conn_deadline(c, moved);
    return false;
}

/*
 * Exchanges whose response is written whole. True when one was finished. Where a connection has
 * several, it is enough that nothing points into them: their ends are copied, and the end of all
 * writing may be far away.
 */
static bool
finish_written(struct ymo_conn *c)
{
    struct ymo_list *n, *next;
    bool any = false;
    YMO_LIST_FOREACH (n, next, &c->exchanges) {
        struct ymo_exchange *ex = YMO_CONTAINER_OF(n, struct ymo_exchange, in_conn);
        if (!ex->end_written || ex->out_refs > 0)
            continue;
        bool body_done = ex->body_done, broken = ex->broken;
        bool several = c->codec->max_open > 1; /* then a body that is not read stops nobody */
        bool persist = c->codec->next(c->codec_state, ex->id) && (body_done || several) && !broken;
        ymo_conn_release(c, ex);
        any = true;
        bool idle = c->in.len == 0 && c->n_exchanges == 0 && !c->codec->in_head(c->codec_state);
        if (!persist || (idle && ymo_reactor_sends_away(c->r, c->codec))) {
            /* A request that comes now must not reset what was answered before. */
            bool late = several && persist;
            ymo_conn_finish(c, !broken && (!body_done || late || c->in.len > 0));
            break;
        }
    }
    return any;
}

/* The connection takes no more answers: whatever comes is dropped. */
static void
drop_messages(struct ymo_conn *c)
{
    struct ymo_list *n, *next;
    YMO_LIST_FOREACH (n, next, &c->exchanges)
        drop(c, YMO_CONTAINER_OF(n, struct ymo_exchange, in_conn));
}

static void
pump(struct ymo_conn *c)
{
    while (c->state == YMO_CONN_OPEN) {
        if (convert_all(c) < 0) {
            ymo_error("conn %llu: closed: out of memory", (unsigned long long)c->serial);
            ymo_conn_kill(c);
            return;
        }
        if (!c->out)
            return;
        if (c->codec->max_open > 1 && finish_written(c) && c->state != YMO_CONN_OPEN)
            break;
        if (!flush(c))
            return;
        if (!finish_written(c) && c->n_exchanges == 0)
            return;
    }
    if (c->state == YMO_CONN_FLUSHING && flush(c))
        ymo_conn_flushed(c);
}

void
ymo_writer_pump(struct ymo_conn *c)
{
    if (c->pumping)
        return;
    c->pumping = true;
    pump(c);
    c->pumping = false;
    if (c->state != YMO_CONN_OPEN) {
        drop_messages(c);
        return;
    }
    if (c->in.len > 0 || c->eof)
        ymo_conn_input(c);
    else
        ymo_conn_deadline(c, false);
}

void
ymo_writer_break_off(struct ymo_conn *c)
{
    struct ymo_buf last = {0};
    /* Not behind a part of a frame, where it would be content. */
    if (write_cut(c, &last) == YMO_OK && last.len > 0 && !c->out) {
        struct iovec iov = {ymo_buf_data(&last), last.len};
        (void)c->transport->writev(c, &iov, 1, false);
    }
    ymo_buf_free(&last);
    ymo_conn_kill(c);
}
