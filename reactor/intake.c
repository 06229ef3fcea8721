/* SPDX-License-Identifier: MIT */
#include "reactor/intake.h"

#include "base/log.h"
#include "reactor/loop.h"
#include "reactor/redirect.h"

#include <errno.h>
#include <string.h>

struct ymo_request *
ymo_intake_open(void *arg, uint32_t id)
{
    struct ymo_exchange *ex = ymo_dispatch_open(arg, id);
    return ex ? &ex->req : NULL;
}

struct ymo_exchange *
ymo_intake_find(const struct ymo_conn *c, uint32_t id)
{
    /* Newest first: with one open exchange, as in HTTP/1.1, the first look hits. */
    for (struct ymo_list *n = c->exchanges.prev; n != &c->exchanges; n = n->prev) {
        struct ymo_exchange *ex = YMO_CONTAINER_OF(n, struct ymo_exchange, in_conn);
        /* One that has its end may not be on the wire yet, and its number in use again. */
        if (ex->id == id && !ex->withdrawn && !ex->end_written)
            return ex;
    }
    return NULL;
}

static void
begin_receiving(struct ymo_conn *c, struct ymo_exchange *ex)
{
    ex->receiving = true;
    if (!c->receiving)
        c->receiving = ex;
}

void
ymo_intake_received(struct ymo_conn *c, struct ymo_exchange *ex)
{
    ex->receiving = false;
    if (c->receiving != ex)
        return;
    c->receiving = NULL;
    c->paused = false;
    for (struct ymo_list *n = c->exchanges.next; n != &c->exchanges && c->codec->max_open > 1;
         n = n->next) {
        struct ymo_exchange *other = YMO_CONTAINER_OF(n, struct ymo_exchange, in_conn);
        if (other->receiving)
            c->receiving = other;
    }
}

void
ymo_intake_continue(struct ymo_conn *c, struct ymo_exchange *ex)
{
    struct ymo_outq *q = ymo_writer_outq(c);
    size_t before = q ? q->bytes.len : 0;
    ex->want_continue = false;
    if (!q || c->codec->proceed(c->codec_state, ex->id, &q->bytes) < 0) {
        ymo_conn_kill(c);
        return;
    }
    ymo_outq_wrote(q, before);
    ymo_dispatch_dirty(c);
}

static void
cannot_store(struct ymo_conn *c, struct ymo_exchange *ex, int rc)
{
    if (rc == YMO_EIO)
        ymo_error("conn %llu: cannot store a request body in %s: %s; see tmp_dir",
                  (unsigned long long)c->serial, c->r->cfg.tmp_dir, strerror(errno));
    ymo_conn_fail(c, ex, 503, "cannot store the request body");
}

static void
on_body_end(struct ymo_conn *c, struct ymo_exchange *ex)
{
    int rc = ymo_body_finish(&ex->body);
    if (rc < 0) {
        cannot_store(c, ex, rc);
        return;
    }
    ex->body_done = true;
    ex->want_continue = false;
    ymo_intake_received(c, ex);
    if (!ex->body.streaming)
        ymo_dispatch_submit(c->r, ex);
}

/* `more`: bytes of the body have arrived together with the head. */
static void
on_head(struct ymo_conn *c, struct ymo_exchange *ex, bool last, bool more)
{
    struct ymo_reactor *r = c->r;
    /* Of several bodies on one connection only the first streams: the others would wait for it. */
    bool streaming = !r->cfg.request_buffering && !last && !c->receiving;
    c->used = true;
    if (c->listener->cfg->redirect) {
        ymo_redirect_answer(c, ex, last);
        return;
    }
    if (c->tls && !c->codec->front_end && ymo_tlsconn_add_vars(c->tls, &ex->req) < 0) {
        ymo_conn_fail(c, ex, 503, "out of memory");
        return;
    }
    int rc = ymo_request_mount(&ex->req, ymo_slice_str(r->cfg.script_name));
    if (rc < 0) {
        ymo_conn_fail(c, ex, rc == YMO_ENOMEM ? 503 : 404,
                      rc == YMO_ENOMEM ? "out of memory" : "path is outside script_name");
        return;
    }
    ymo_body_begin(&ex->body, streaming, r->cfg.body_memory, r->cfg.tmp_dir,
                   ymo_exchange_body_wanted, ex);
    if (last) {
        on_body_end(c, ex);
        return;
    }
    begin_receiving(c, ex);
    c->body_since = ymo_deadlines_now(&r->deadlines);
    ex->want_continue = ex->req.expect_continue && !more;
    if (streaming) {
        if (ex->want_continue)
            ymo_body_rearm(&ex->body);
        ymo_dispatch_submit(r, ex);
    } else if (ex->want_continue) {
        ymo_intake_continue(c, ex);
    }
}

static void
on_body(struct ymo_conn *c, struct ymo_exchange *ex, struct ymo_slice data, bool last)
{
    struct ymo_reactor *r = c->r;
    ex->want_continue = false; /* it did not wait for it */
    /* What nobody reads is passed over: the peer may take no answer before it has sent all. */
    ssize_t n = ex->end_taken ? (ssize_t)data.len : ymo_body_append(&ex->body, data.data, data.len);
    if (n < 0) {
        cannot_store(c, ex, (int)n);
        return;
    }
    YMO_ASSERT((size_t)n == data.len);
    if (last) {
        on_body_end(c, ex);
        return;
    }
    /* A slow trickle keeps the pause short and the connection for ever: ask for an average rate. */
    double elapsed = ymo_deadlines_now(&r->deadlines) - c->body_since;
    if (!ex->body.streaming && c->codec->max_open == 1 && r->cfg.body_min_rate &&
        elapsed > r->cfg.body_timeout &&
        (double)ex->body.size < elapsed * (double)r->cfg.body_min_rate)
        ymo_conn_fail(c, ex, 408, "the body arrives slower than body_min_rate");
}

static void
on_reply(struct ymo_conn *c, struct ymo_slice data)
{
    struct ymo_outq *q = ymo_writer_outq(c);
    size_t before = q ? q->bytes.len : 0;
    if (!q || ymo_buf_append_slice(&q->bytes, data) < 0) {
        ymo_conn_kill(c);
        return;
    }
    ymo_outq_wrote(q, before);
    ymo_dispatch_dirty(c);
}

/* Nobody waits for its answer: what still comes of it is dropped. */
void
ymo_intake_withdraw(struct ymo_conn *c, struct ymo_exchange *ex)
{
    ex->withdrawn = true;
    ymo_intake_received(c, ex);
    if (!ymo_dispatch_cancel(c->r, ex))
        ymo_dispatch_dirty(c);
}

static void
on_abort(struct ymo_conn *c, struct ymo_exchange *ex, const struct ymo_codec_event *ev)
{
    if (ev->why)
        ymo_info("conn %llu: %s: request %u: answered %d: %s", (unsigned long long)c->serial,
                 c->remote_addr, ev->id, ev->status, ev->why);
    ymo_intake_withdraw(c, ex);
    if (ev->data.len > 0)
        on_reply(c, ev->data);
    if (ev->last)
        ymo_conn_finish(c, true);
}

void
ymo_intake_event(struct ymo_conn *c, const struct ymo_codec_event *ev, bool more)
{
    if (ev->what == YMO_CODEC_BAD) {
        ymo_conn_fail(c, c->receiving, ev->status, ev->why);
        return;
    }
    if (ev->what == YMO_CODEC_REPLY) {
        on_reply(c, ev->data);
        if (ev->last)
            ymo_conn_finish(c, true);
        return;
    }
    struct ymo_exchange *ex = ymo_intake_find(c, ev->id);
    if (!ex)
        return; /* its answer broke off: the codec waits for an end, the connection will be reset */
    switch (ev->what) {
    case YMO_CODEC_HEAD:
        on_head(c, ex, ev->last, more);
        break;
    case YMO_CODEC_BODY:
        on_body(c, ex, ev->data, ev->last);
        break;
    case YMO_CODEC_DONE:
        on_body_end(c, ex);
        break;
    case YMO_CODEC_ABORT:
        on_abort(c, ex, ev);
        break;
    case YMO_CODEC_MORE:
    case YMO_CODEC_REPLY:
    case YMO_CODEC_BAD:
        break;
    }
}
