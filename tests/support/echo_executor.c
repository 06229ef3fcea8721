/* SPDX-License-Identifier: MIT */
#include "tests/support/echo_executor.h"

#include <stdlib.h>

static void
submit(struct ymo_executor *base, struct ymo_exchange *first, struct ymo_exchange *last)
{
    struct ymo_echo_executor *x = (struct ymo_echo_executor *)base;
    for (struct ymo_exchange *ex = first; ex; ex = ex->next)
        atomic_fetch_add(&x->submitted, 1);
    ymo_queue_push(&x->queue, first, last);
}

static bool
kick(struct ymo_executor *base)
{
    return ymo_queue_kick(&((struct ymo_echo_executor *)base)->queue);
}

static bool
cancel(struct ymo_executor *base, struct ymo_exchange *ex)
{
    struct ymo_echo_executor *x = (struct ymo_echo_executor *)base;
    bool back = ymo_queue_take_back(&x->queue, ex);
    atomic_fetch_add(&x->taken_back, back);
    atomic_fetch_add(&x->cancelled, 1);
    return back;
}

static void
drain(struct ymo_executor *base)
{
    struct ymo_echo_executor *x = (struct ymo_echo_executor *)base;
    atomic_fetch_add(&x->drained, 1);
    ymo_queue_close(&x->queue);
}

static void
report(struct ymo_executor *base, const struct ymo_exchange *ex)
{
    struct ymo_echo_executor *x = (struct ymo_echo_executor *)base;
    atomic_fetch_add(&x->reported, 1);
    if (ex != x->last_reported)
        atomic_fetch_add(&x->n_reported, 1);
    x->last_reported = ex;
}

static const struct ymo_executor_ops ops = {submit, kick, cancel, report, drain};

static void *
work(void *arg)
{
    struct ymo_echo_worker *self = arg;
    struct ymo_echo_executor *x = self->x;
    struct ymo_mailbox *mailbox = NULL;
    for (;;) {
        bool closed;
        struct ymo_exchange *ex = ymo_queue_pop(&x->queue, &self->w, &closed);
        if (ex) {
            ymo_exchange_begin(ex, &self->w.parker);
            mailbox = ex->mailbox;
            atomic_fetch_add(&x->started, 1);
            x->handler(ex, x->arg);
            continue;
        }
        if (mailbox)
            ymo_mailbox_flush(mailbox);
        if (closed)
            return NULL;
        (void)!ymo_parker_park(&self->w.parker);
    }
}

void
ymo_echo_executor_start(struct ymo_echo_executor *x, int n_workers, ymo_echo_fn *handler, void *arg)
{
    *x = (struct ymo_echo_executor){.handler = handler, .arg = arg, .n_workers = n_workers};
    x->base.ops = &ops;
    ymo_queue_init(&x->queue);
    if (n_workers > YMO_ECHO_WORKERS)
        abort();
    for (int i = 0; i < n_workers; i++) {
        x->workers[i].x = x;
        ymo_queue_worker_init(&x->workers[i].w);
        if (pthread_create(&x->workers[i].thread, NULL, work, &x->workers[i]) != 0)
            abort();
    }
}

void
ymo_echo_executor_join(struct ymo_echo_executor *x)
{
    for (int i = 0; i < x->n_workers; i++) {
        pthread_join(x->workers[i].thread, NULL);
        ymo_queue_worker_destroy(&x->workers[i].w);
    }
    ymo_queue_destroy(&x->queue);
}

void
ymo_echo_executor_reply(struct ymo_exchange *ex, const void *data, size_t len)
{
    ex->resp.status = 200;
    ex->resp.reason = YMO_SLICE("OK");
    ex->resp.content_length = (int64_t)len;
    ex->resp.no_body = ex->req.head_only;
    if (ymo_exchange_respond(ex, data, len, true) < 0)
        ymo_exchange_end(ex, true);
}
