/* SPDX-License-Identifier: MIT */
#include "reactor/conn.h"

#include "base/log.h"
#include "reactor/forkguard.h"
#include "reactor/intake.h"
#include "reactor/latewatch.h"
#include "reactor/loop.h"
#include "reactor/peername.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
ymo_conn_update_read(struct ymo_conn *c)
{
    bool want = !c->eof && (c->state == YMO_CONN_LINGER ||
                            (c->state == YMO_CONN_OPEN && !c->paused && c->in.len < c->r->in_max));
    if (want != !!ev_is_active(&c->rd) && !(want && ymo_latewatch_add(c))) {
        ymo_list_remove(&c->late);
        if (want)
            ev_io_start(c->r->loop, &c->rd);
        else
            ev_io_stop(c->r->loop, &c->rd);
    }
    if (c->tls && want && c->state == YMO_CONN_OPEN && ymo_tlsconn_pending(c->tls))
        ev_feed_event(c->r->loop, &c->rd, EV_READ);
}

/* ---- input ----------------------------------------------------------------------------- */

/* More than answers to requests ever fill of a queue. */
enum { REPLIES_MAX = 2 * YMO_OUTQ_BYTES };

/* All the exchanges it may have are being served: what arrives now waits. */
static bool
is_full(const struct ymo_conn *c)
{
    /* Protocol-level output must not grow without end for a peer that reads none of it. */
    if (c->codec->max_open > 1 && c->out && c->out->bytes.len > REPLIES_MAX)
        return true;
    return !c->receiving && c->n_exchanges >= c->codec->max_open;
}

/* Give the codec what it can take of `in`; returns the bytes that are done with. */
static size_t
feed(struct ymo_conn *c, struct ymo_slice in)
{
    struct ymo_codec_event ev;
    size_t off = 0;
    while (c->state == YMO_CONN_OPEN && off < in.len && !is_full(c)) {
        size_t rest = in.len - off, give = rest;
        struct ymo_exchange *ex = c->receiving;
        if (ex && ex->body.streaming && !ex->end_taken) {
            /* Framing only adds to a body: it never yields more bytes than it is given. */
            size_t half = c->r->cfg.body_memory / 2;
            size_t room = ymo_body_room(&ex->body, rest < half ? rest : half);
            if (give > room)
                give = room;
        }
        size_t n =
            give ? c->codec->feed(c->codec_state, ymo_slice_of(in.data + off, give), &ev) : 0;
        YMO_ASSERT(n <= give);
        off += n;
        if (give && ev.what == YMO_CODEC_HEAD && c->r->handoff)
            ymo_handoff_keep(c->r->handoff, c, ymo_intake_find(c, ev.id),
                             ymo_slice_of(in.data + off - n, n));
        if (give && ev.what != YMO_CODEC_MORE)
            ymo_intake_event(c, &ev, off < in.len);
        else if (give == rest)
            break;
        else if (n == 0) {
            c->paused = true; /* until the reader makes room: ymo_conn_resume */
            break;
        }
    }
    return off;
}

static void
at_eof(struct ymo_conn *c)
{
    struct ymo_codec_event ev;
    if (c->state != YMO_CONN_OPEN)
        return;
    if (c->codec->front_end && c->n_exchanges > 0 && !c->receiving) {
        ymo_debug("conn %llu: the front end is gone", (unsigned long long)c->serial);
        ymo_conn_kill(c);
        return;
    }
    /* A half-closed client still gets the answers it asked for. */
    bool answered = c->receiving && c->receiving->end_taken && !c->codec->front_end;
    if (is_full(c) || c->paused || answered)
        return;
    c->codec->eof(c->codec_state, &ev);
    if (ev.what == YMO_CODEC_BAD)
        ymo_conn_fail(c, c->receiving, ev.status, ev.why);
    else
        ymo_conn_finish(c, false);
}

/* Feed `fresh` (not yet part of c->in) or, when that is empty, c->in; keep the rest. */
static void
take_input(struct ymo_conn *c, struct ymo_slice fresh)
{
    if (c->feeding)
        return;
    c->feeding = true;
    if (fresh.len > 0) {
        size_t n = feed(c, fresh);
        if (n < fresh.len && c->state == YMO_CONN_OPEN &&
            ymo_buf_append(&c->in, fresh.data + n, fresh.len - n) < 0)
            ymo_conn_kill(c);
    } else if (c->in.len > 0) {
        size_t n = feed(c, ymo_buf_slice(&c->in));
        if (c->state == YMO_CONN_OPEN) {
            ymo_buf_consume(&c->in, n);
            if (c->in.len == 0)
                ymo_buf_free(&c->in);
        }
    }
    c->feeding = false;
    if (c->eof)
        at_eof(c);
}

void
ymo_conn_input(struct ymo_conn *c)
{
    take_input(c, ymo_slice_of(NULL, 0));
    if (c->state == YMO_CONN_DEAD)
        return;
    ymo_conn_update_read(c);
    /* With output waiting, only what the peer takes is progress. */
    ymo_conn_deadline(c, !c->out);
}

void
ymo_conn_resume(struct ymo_conn *c, struct ymo_exchange *ex)
{
    if (c->state != YMO_CONN_OPEN || c->receiving != ex)
        return;
    if (ex->want_continue)
        ymo_intake_continue(c, ex);
    c->paused = false;
    ymo_conn_input(c);
}

static void
discard(struct ymo_conn *c)
{
    struct ymo_reactor *r = c->r;
    ssize_t n = c->transport->read(c, r->scratch, YMO_SCRATCH);
    if (n == YMO_EAGAIN)
        return;
    /* Each arrival renews the deadline, up to a bound in total. */
    if (n <= 0 || ymo_deadlines_now(&r->deadlines) - c->body_since > 6 * r->cfg.linger_timeout)
        ymo_conn_kill(c);
    else
        ymo_conn_deadline(c, true);
}

static void
read_cb(struct ev_loop *loop, ev_io *io, int revents)
{
    struct ymo_conn *c = io->data;
    struct ymo_reactor *r = c->r;
    ssize_t n;
    (void)loop, (void)revents;
    if (c->state == YMO_CONN_LINGER) {
        discard(c);
        return;
    }
    if (c->shaking) {
        ymo_tlsconn_shake(c);
        return;
    }
    if (c->in.len == 0) {
        n = c->transport->read(c, r->scratch, YMO_SCRATCH);
        if (n > 0)
            take_input(c, ymo_slice_of(r->scratch, (size_t)n));
    } else {
        size_t room = r->in_max - c->in.len;
        if (ymo_buf_reserve(&c->in, room < 16384 ? room : 16384) < 0) {
            ymo_conn_kill(c);
            return;
        }
        size_t have = ymo_buf_room_len(&c->in);
        n = c->transport->read(c, ymo_buf_room(&c->in), have < room ? have : room);
        if (n > 0) {
            ymo_buf_commit(&c->in, (size_t)n);
            take_input(c, ymo_slice_of(NULL, 0));
        }
    }
    if (n == 0) {
        c->eof = true;
        at_eof(c);
    } else if (n < 0 && n != YMO_EAGAIN) {
        ymo_debug("conn %llu: the client is gone", (unsigned long long)c->serial);
        ymo_conn_kill(c);
    }
    if (c->state == YMO_CONN_DEAD)
        return;
    ymo_conn_update_read(c);
    ymo_conn_deadline(c, n > 0 && !c->out);
}

void
ymo_conn_look(struct ymo_conn *c)
{
    bool reads = ev_is_active(&c->rd) || !ymo_list_empty(&c->late);
    if (c->state == YMO_CONN_OPEN && !c->shaking && reads)
        read_cb(c->r->loop, &c->rd, EV_READ);
}

static void
write_cb(struct ev_loop *loop, ev_io *io, int revents)
{
    struct ymo_conn *c = io->data;
    (void)loop, (void)revents;
    if (c->shaking) {
        ymo_tlsconn_shake(c);
        return;
    }
    if (!c->out && c->transport->flush) {
        int rc = c->transport->flush(c);
        if (rc == YMO_OK)
            ev_io_stop(c->r->loop, &c->wr);
        else if (rc != YMO_EAGAIN)
            ymo_conn_kill(c);
        return;
    }
    ymo_writer_pump(c);
}

/* ---- life ------------------------------------------------------------------------------ */

struct ymo_conn *
ymo_conn_open(struct ymo_reactor *r, const struct ymo_listener *l, int fd,
              const struct sockaddr *peer)
{
    const struct ymo_codec_ops *codec = l->cfg->codec;
    struct ymo_conn *c = calloc(1, sizeof(*c) + codec->state_size);
    if (!c) {
        close(fd);
        return NULL;
    }
    c->r = r;
    c->transport = &ymo_plain_ops;
    c->codec = codec;
    c->listener = l;
    c->fd = fd;
    c->serial = ++r->next_serial;
    ev_io_init(&c->rd, read_cb, fd, EV_READ);
    ev_io_init(&c->wr, write_cb, fd, EV_WRITE);
    c->rd.data = c->wr.data = c;
    ymo_deadline_init(&c->deadline);
    ymo_list_init(&c->exchanges);
    ymo_list_init(&c->late);
    c->env.limits = &r->cfg.limits;
    c->env.https = l->cfg->tls != NULL;
    c->env.open = ymo_intake_open;
    c->env.open_arg = c;
    c->env.remote_addr = c->env.remote_port = ymo_slice_of("", 0);
    c->env.server_name = c->env.server_port = ymo_slice_of("", 0);
    ymo_peername_set(c, l, peer);
    codec->init(c->codec_state, &c->env);
    if (l->cfg->tls && ymo_tlsconn_open(c, l->cfg->tls) < 0) {
        codec->fini(c->codec_state);
        close(fd);
        free(c);
        return NULL;
    }
    ymo_list_append(&r->conns, &c->node);
    r->n_conns++;
    ymo_conn_deadline(c, true);
    ymo_trace("conn %llu: from %s:%s", (unsigned long long)c->serial, c->remote_addr,
              c->remote_port);
    return c;
}

void
ymo_conn_begin(struct ymo_conn *c)
{
    /* A front end sends its request right behind its SYN. */
    if (c->codec->front_end && !c->tls)
        read_cb(c->r->loop, &c->rd, EV_READ);
    else
        ev_io_start(c->r->loop, &c->rd);
}

static void
cancel_all(struct ymo_conn *c)
{
    struct ymo_list *n, *next;
    c->receiving = NULL;
    /* What waits comes first: a worker that is sent home from one of them must not begin another.
     */
    YMO_LIST_FOREACH (n, next, &c->exchanges) {
        struct ymo_exchange *ex = YMO_CONTAINER_OF(n, struct ymo_exchange, in_conn);
        if (atomic_load(&ex->state) == YMO_EXCHANGE_QUEUED)
            (void)ymo_dispatch_cancel(c->r, ex);
    }
    YMO_LIST_FOREACH (n, next, &c->exchanges)
        (void)ymo_dispatch_cancel(c->r, YMO_CONTAINER_OF(n, struct ymo_exchange, in_conn));
}

void
ymo_conn_fail(struct ymo_conn *c, struct ymo_exchange *ex, int status, const char *why)
{
    bool answer = status != 0 && (!ex || !ex->head_sent);
    bool others = ex && c->codec->max_open > 1; /* that go on */
    if (c->state != YMO_CONN_OPEN)
        return;
    if (why) {
        char outcome[sizeof("answered 000")] = "closed";
        if (answer)
            (void)snprintf(outcome, sizeof(outcome), "answered %d", status);
        ymo_info("conn %llu: %s%s%s: %s: %s", (unsigned long long)c->serial, c->remote_addr,
                 c->remote_port[0] ? ":" : "", c->remote_port, outcome, why);
    }
    if (answer) {
        struct ymo_codec_out out = ymo_writer_out(c->r, true);
        struct ymo_outq *q = ymo_writer_outq(c);
        size_t before = q ? q->bytes.len : 0;
        if (!q || c->codec->fail(c->codec_state, ex ? ex->id : 0, status, &out, &q->bytes) < 0) {
            ymo_conn_kill(c);
            return;
        }
        ymo_outq_wrote(q, before);
        if (others) {
            bool persist = c->codec->next(c->codec_state, ex->id);
            ymo_dispatch_dirty(c);
            ymo_intake_withdraw(c, ex);
            if (persist)
                return;
        }
    }
    cancel_all(c);
    ymo_conn_finish(c, true);
}

void
ymo_conn_finish(struct ymo_conn *c, bool linger)
{
    if (c->state != YMO_CONN_OPEN)
        return;
    c->state = YMO_CONN_FLUSHING;
    c->linger = linger;
    ymo_conn_update_read(c);
    if (c->out)
        ymo_dispatch_dirty(c);
    else
        ymo_conn_flushed(c);
}

void
ymo_conn_flushed(struct ymo_conn *c)
{
    if (!c->linger || c->eof) {
        ymo_conn_kill(c);
        return;
    }
    c->transport->shutdown(c);
    c->state = YMO_CONN_LINGER;
    c->body_since = ymo_deadlines_now(&c->r->deadlines);
    if (!c->feeding)
        ymo_buf_free(&c->in);
    ymo_conn_update_read(c);
    ymo_conn_deadline(c, true);
}

void
ymo_conn_kill(struct ymo_conn *c)
{
    struct ymo_reactor *r = c->r;
    if (c->state == YMO_CONN_DEAD)
        return;
    c->state = YMO_CONN_DEAD;
    ev_io_stop(r->loop, &c->rd);
    ev_io_stop(r->loop, &c->wr);
    ymo_list_remove(&c->late);
    ymo_deadline_set(&r->deadlines, &c->deadline, YMO_DEADLINE_NONE, false);
    /* A child that the application forked holds a copy of the descriptor: closing ours alone would
     * not end the connection. */
    c->transport->close(c, !c->given && (c->shared || atomic_load_explicit(&ymo_forkguard_forked,
                                                                           memory_order_relaxed)));
    c->codec->fini(c->codec_state);
    if (c->out) {
        ymo_outq_clear(c->out);
        ymo_writer_drop_outq(c);
    }
    cancel_all(c);
    ymo_list_remove(&c->node);
    if (c->n_exchanges == 0)
        ymo_list_append(&r->dead, &c->node);
    r->n_conns--;
    ymo_trace("conn %llu: closed", (unsigned long long)c->serial);
    ymo_reactor_conn_gone(r);
}

void
ymo_conn_release(struct ymo_conn *c, struct ymo_exchange *ex)
{
    ymo_intake_received(c, ex);
    ymo_dispatch_release(c->r, ex);
    YMO_ASSERT(c->n_exchanges > 0);
    c->n_exchanges--;
    if (c->n_exchanges == 0 && c->state == YMO_CONN_DEAD && ymo_list_empty(&c->node))
        ymo_list_append(&c->r->dead, &c->node);
}

void
ymo_conn_free(struct ymo_conn *c)
{
    YMO_ASSERT(c->state == YMO_CONN_DEAD && c->n_exchanges == 0);
    ymo_list_remove(&c->node);
    ymo_buf_free(&c->in);
    ymo_tlsconn_free(c->tls);
    free(c);
}

bool
ymo_conn_idle(const struct ymo_conn *c)
{
    return c->state == YMO_CONN_OPEN && c->n_exchanges == 0 && c->in.len == 0 && !c->out &&
           !c->shaking && !(c->tls && ymo_tlsconn_midway(c->tls)) &&
           !c->codec->in_head(c->codec_state);
}

void
ymo_conn_deadline(struct ymo_conn *c, bool progress)
{
    enum ymo_deadline_kind kind;
    bool keep = !progress;
    if (c->state == YMO_CONN_LINGER) {
        kind = YMO_DEADLINE_LINGER;
    } else if (c->shaking) {
        kind = YMO_DEADLINE_SHAKE;
        keep = true;
    } else if (c->out) {
        kind = YMO_DEADLINE_WRITE;
        if (progress || c->deadline.kind != kind)
            c->unacked = ymo_writer_unacked(c);
    } else if (c->receiving) {
        kind = c->paused || c->receiving->want_continue ? YMO_DEADLINE_NONE : YMO_DEADLINE_BODY;
    } else if (c->n_exchanges > 0) {
        kind = YMO_DEADLINE_NONE;
    } else {
        /* A head has one deadline, however its bytes drip in; so has a pause between requests. */
        kind = c->codec->in_head(c->codec_state) ? YMO_DEADLINE_HEAD : YMO_DEADLINE_IDLE;
        keep = true;
    }
    ymo_deadline_set(&c->r->deadlines, &c->deadline, kind, keep);
}
