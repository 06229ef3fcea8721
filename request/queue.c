/* SPDX-License-Identifier: MIT */
#include "request/queue.h"

void
ymo_queue_init(struct ymo_queue *q)
{
    *q = (struct ymo_queue){.epoch = 2};
    YMO_ASSERT(pthread_mutex_init(&q->lock, NULL) == 0);
}

void
ymo_queue_destroy(struct ymo_queue *q)
{
    pthread_mutex_destroy(&q->lock);
}

void
ymo_queue_worker_init(struct ymo_queue_worker *w)
{
    *w = (struct ymo_queue_worker){.idle = false};
    ymo_parker_init(&w->parker);
}

void
ymo_queue_worker_destroy(struct ymo_queue_worker *w)
{
    ymo_parker_destroy(&w->parker);
}

/* Under the lock: pick the worker to wake; the caller unparks it outside. */
static struct ymo_queue_worker *
take_idle(struct ymo_queue *q)
{
    struct ymo_queue_worker *w = q->idle;
    if (w) {
        q->idle = w->next_idle;
        w->next_idle = NULL;
        w->idle = false;
        q->n_waking++;
        q->wakes++;
    }
    return w;
}

void
ymo_queue_push(struct ymo_queue *q, struct ymo_exchange *first, struct ymo_exchange *last)
{
    struct ymo_queue_worker *wake = NULL;
    pthread_mutex_lock(&q->lock);
    YMO_ASSERT(!q->closed);
    struct ymo_exchange *prev = q->last;
    for (struct ymo_exchange *ex = first; ex; ex = ex->next) {
        ex->in_queue = true;
        ex->prev = prev;
        prev = ex;
    }
    if (q->last)
        q->last->next = first;
    else
        q->first = first;
    q->last = last;
    if (q->n_waking + q->n_quick + q->n_quick_before == 0)
        wake = take_idle(q);
    pthread_mutex_unlock(&q->lock);
    if (wake)
        ymo_parker_unpark(&wake->parker);
}

bool
ymo_queue_kick(struct ymo_queue *q)
{
    struct ymo_queue_worker *wake = NULL;
    pthread_mutex_lock(&q->lock);
    if (q->first && q->pops == 0 && (q->n_waking == 0 || (q->busy_idle && q->wakes == 0)))
        wake = take_idle(q);
    q->n_quick_before = q->n_quick;
    q->n_quick = 0;
    q->pops = q->wakes = 0;
    q->epoch++;
    bool again = (q->first && q->idle) || q->n_quick_before > 0;
    pthread_mutex_unlock(&q->lock);
    if (wake)
        ymo_parker_unpark(&wake->parker);
    return again;
}

static void
unlink_exchange(struct ymo_queue *q, struct ymo_exchange *ex)
{
    if (ex->prev)
        ex->prev->next = ex->next;
    else
        q->first = ex->next;
    if (ex->next)
        ex->next->prev = ex->prev;
    else
        q->last = ex->prev;
    ex->next = ex->prev = NULL;
    ex->in_queue = false;
}

bool
ymo_queue_take_back(struct ymo_queue *q, struct ymo_exchange *ex)
{
    pthread_mutex_lock(&q->lock);
    bool mine = ex->in_queue;
    if (mine)
        unlink_exchange(q, ex);
    pthread_mutex_unlock(&q->lock);
    return mine;
}

void
ymo_queue_close(struct ymo_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    struct ymo_queue_worker *list = q->idle;
    for (struct ymo_queue_worker *w = list; w; w = w->next_idle) {
        w->idle = false;
        q->n_waking++;
    }
    q->idle = NULL;
    /* Unparked under the lock: a worker that leaves may destroy its parker once it can pop. */
    for (struct ymo_queue_worker *w = list, *next; w; w = next) {
        next = w->next_idle;
        w->next_idle = NULL;
        ymo_parker_unpark(&w->parker);
    }
    pthread_mutex_unlock(&q->lock);
}

/* Under the lock: the worker was quick in this epoch, whatever it was before. */
static void
mark_quick(struct ymo_queue *q, struct ymo_queue_worker *w)
{
    if (w->epoch == q->epoch)
        return;
    if (w->epoch == q->epoch - 1)
        q->n_quick_before--;
    q->n_quick++;
    w->epoch = q->epoch;
}

static void
mark_idle(struct ymo_queue *q, struct ymo_queue_worker *w)
{
    if (w->epoch == q->epoch)
        q->n_quick--;
    else if (w->epoch == q->epoch - 1)
        q->n_quick_before--;
    w->epoch = 0;
}

struct ymo_exchange *
ymo_queue_pop(struct ymo_queue *q, struct ymo_queue_worker *w, bool *closed_r)
{
    *closed_r = false;
    pthread_mutex_lock(&q->lock);
    if (w->idle) {
        /* A spurious wake-up or a signal: nobody took us off the list. Stay there unless work came.
         */
        if (!q->first) {
            pthread_mutex_unlock(&q->lock);
            return NULL;
        }
        struct ymo_queue_worker **p = &q->idle;
        while (*p != w)
            p = &(*p)->next_idle;
        *p = w->next_idle;
        w->next_idle = NULL;
        w->idle = false;
    } else if (w->epoch == 0 && q->n_waking > 0) {
        q->n_waking--;
    }
    struct ymo_exchange *ex = q->first;
    if (ex) {
        unlink_exchange(q, ex);
        mark_quick(q, w);
        q->pops++;
    } else {
        mark_idle(q, w);
        *closed_r = q->closed;
        if (!q->closed) {
            w->idle = true;
            w->next_idle = q->idle;
            q->idle = w;
        }
    }
    pthread_mutex_unlock(&q->lock);
    return ex;
}
