/* SPDX-License-Identifier: MIT */
/*
 * Exchanges on their way to the executor and back. A turn of the loop hands over everything it read
 * as one batch, so that waking a worker is paid once, and takes everything the workers posted.
 */
#include "base/log.h"
#include "reactor/latewatch.h"
#include "reactor/loop.h"

#include <stdlib.h>

/*
 * How long the reactor sleeps at most while a worker may hold finished answers back, in seconds.
 * Longer than a batch of small requests takes, too short to notice when it does not.
 */
#define NAP 0.001

/* Looks into the mailbox between two looks at the sockets. */
enum { PASSES = 16 };

static void
nap_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_reactor *r = t->data;
    bool asked = false, waits = r->handoff && ymo_handoff_look(r->handoff, &asked);
    (void)revents;
    bool late = ymo_latewatch_turn(r);
    r->napping = asked || r->cfg.executor->ops->kick(r->cfg.executor) || waits || late;
    if (r->napping) {
        ev_timer_set(t, NAP, 0.);
        ev_timer_start(loop, t);
    }
}

void
ymo_dispatch_nap(struct ymo_reactor *r)
{
    if (r->napping)
        return;
    r->napping = true;
    ev_timer_set(&r->nap, NAP, 0.);
    ev_timer_start(r->loop, &r->nap);
}

void
ymo_dispatch_init(struct ymo_reactor *r)
{
    ev_timer_init(&r->nap, nap_cb, NAP, 0.);
    r->nap.data = r;
}

void
ymo_dispatch_free(struct ymo_reactor *r)
{
    ev_timer_stop(r->loop, &r->nap);
    while (r->free_exchanges) {
        struct ymo_exchange *ex = r->free_exchanges;
        r->free_exchanges = ex->next;
        ymo_exchange_free(ex);
        free(ex);
    }
    while (r->free_outqs) {
        struct ymo_outq *q = r->free_outqs;
        r->free_outqs = q->next_free;
        ymo_buf_free(&q->bytes);
        free(q);
    }
}

struct ymo_exchange *
ymo_dispatch_open(struct ymo_conn *c, uint32_t id)
{
    struct ymo_reactor *r = c->r;
    struct ymo_exchange *ex = r->free_exchanges;
    if (ex) {
        r->free_exchanges = ex->next;
        r->n_free_exchanges--;
    } else {
        ex = malloc(sizeof(*ex));
        if (!ex)
            return NULL;
        ymo_exchange_init(ex);
    }
    ymo_exchange_open(ex, c, id, &r->mailbox, r->cfg.response_buffer);
    ex->takes_notes = r->cfg.notes && c->codec->note;
    ymo_list_append(&c->exchanges, &ex->in_conn);
    c->n_exchanges++;
    return ex;
}

void
ymo_dispatch_release(struct ymo_reactor *r, struct ymo_exchange *ex)
{
    if (ex->raw.data)
        ymo_handoff_forget(ex);
    ymo_exchange_release(ex);
    if (r->n_free_exchanges < YMO_POOL_EXCHANGES) {
        ex->next = r->free_exchanges;
        r->free_exchanges = ex;
        r->n_free_exchanges++;
        return;
    }
    ymo_exchange_free(ex);
    free(ex);
}

void
ymo_dispatch_submit(struct ymo_reactor *r, struct ymo_exchange *ex)
{
    ymo_overdue_add(r, ex);
    ymo_exchange_submit(ex);
    ex->next = NULL;
    ex->prev = r->batch_last;
    if (r->batch_last)
        r->batch_last->next = ex;
    else
        r->batch_first = ex;
    r->batch_last = ex;
    r->in_flight++;
}

/* Out of this turn's batch, which has not been handed over. */
static void
take_from_batch(struct ymo_reactor *r, struct ymo_exchange *ex)
{
    if (ex->prev)
        ex->prev->next = ex->next;
    else
        r->batch_first = ex->next;
    if (ex->next)
        ex->next->prev = ex->prev;
    else
        r->batch_last = ex->prev;
    ex->next = ex->prev = NULL;
}

bool
ymo_dispatch_recall(struct ymo_reactor *r, struct ymo_exchange *ex)
{
    return ex->handed_over && r->cfg.executor->ops->cancel(r->cfg.executor, ex);
}

void
ymo_dispatch_put_back(struct ymo_reactor *r, struct ymo_exchange *ex)
{
    ex->next = ex->prev = NULL;
    r->cfg.executor->ops->submit(r->cfg.executor, ex, ex);
}

void
ymo_dispatch_forget(struct ymo_reactor *r, struct ymo_exchange *ex)
{
    ymo_overdue_remove(r, ex);
    r->in_flight--;
}

bool
ymo_dispatch_cancel(struct ymo_reactor *r, struct ymo_exchange *ex)
{
    switch ((enum ymo_exchange_state)atomic_load(&ex->state)) {
    case YMO_EXCHANGE_OPEN:
        break;
    case YMO_EXCHANGE_QUEUED:
    case YMO_EXCHANGE_RUNNING:
        ymo_exchange_cancel(ex);
        if (!ex->handed_over)
            take_from_batch(r, ex);
        else if (!r->cfg.executor->ops->cancel(r->cfg.executor, ex))
            return false;
        ymo_dispatch_forget(r, ex);
        break;
    case YMO_EXCHANGE_ENDED:
        if (ex->out_refs > 0)
            return false;
        break;
    case YMO_EXCHANGE_FREE:
        ymo_err_bug(__FILE__, __LINE__, "a free exchange is in a connection's list");
    }
    ymo_conn_release(ex->conn, ex);
    return true;
}

static void
hand_over(struct ymo_reactor *r)
{
    struct ymo_exchange *first = r->batch_first, *last = r->batch_last;
    r->batch_first = r->batch_last = NULL;
    for (struct ymo_exchange *ex = first; ex; ex = ex->next)
        ex->handed_over = true;
    r->cfg.executor->ops->submit(r->cfg.executor, first, last);
    if (r->handoff)
        ymo_handoff_submitted(r->handoff);
    ymo_dispatch_nap(r);
}

void
ymo_dispatch_dirty(struct ymo_conn *c)
{
    if (c->dirty)
        return;
    c->dirty = true;
    c->next_dirty = c->r->dirty;
    c->r->dirty = c;
}

static void
deliver(struct ymo_reactor *r, struct ymo_msg *m)
{
    struct ymo_exchange *ex = m->ex;
    struct ymo_conn *c = ex->conn;
    if (m->flags & YMO_MSG_WANTED) {
        atomic_store(&ex->body_wanted_posted, false);
        ymo_conn_resume(c, ex);
        return;
    }
    m->next = NULL;
    if (ex->out_last)
        ex->out_last->next = m;
    else
        ex->out_first = m;
    ex->out_last = m;
    if (m->flags & YMO_MSG_END) {
        ymo_exchange_ended(ex);
        ex->end_taken = true;
        ymo_dispatch_forget(r, ex);
        ymo_recycle_ended(r);
        if (r->handoff)
            ymo_handoff_ended(r->handoff);
        if (c->receiving == ex && c->paused)
            ymo_conn_resume(c, ex); /* its body has no reader to wait for */
    }
    ymo_dispatch_dirty(c);
}

static void
write_dirty(struct ymo_reactor *r)
{
    while (r->dirty) {
        struct ymo_conn *c = r->dirty;
        r->dirty = c->next_dirty;
        c->dirty = false;
        ymo_writer_pump(c);
    }
}

static void
free_dead(struct ymo_reactor *r)
{
    while (!ymo_list_empty(&r->dead))
        ymo_conn_free(YMO_CONTAINER_OF(r->dead.next, struct ymo_conn, node));
}

bool
ymo_dispatch_turn(struct ymo_reactor *r)
{
    bool more = true;
    for (int pass = 0; more && pass < PASSES; pass++) {
        /* First the requests, so that a worker on another processor starts while we write. */
        if (r->batch_first)
            hand_over(r);
        for (struct ymo_msg *m = ymo_mailbox_take(&r->mailbox), *next; m; m = next) {
            next = m->next;
            deliver(r, m);
        }
        write_dirty(r);
        more = r->batch_first || atomic_load(&r->mailbox.nonempty);
    }
    free_dead(r);
    if (r->napping && r->in_flight == 0) {
        ev_timer_stop(r->loop, &r->nap);
        r->napping = false;
        ymo_latewatch_all(r);
    }
    return !more;
}
