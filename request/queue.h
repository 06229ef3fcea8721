/* SPDX-License-Identifier: MIT */
/*
 * The shared queue of a process: any idle worker takes the next request. As one interpreter lock
 * needs one runner, a second worker is woken only when the first has not emptied the queue within
 * the reactor's nap (see ymo_queue_kick), not for every request.
 */
#ifndef YMO_REQUEST_QUEUE_H
#define YMO_REQUEST_QUEUE_H

#include "base/parker.h"
#include "request/exchange.h"

#include <pthread.h>
#include <stdint.h>

/* One per worker thread; the worker's own storage. */
struct ymo_queue_worker {
    struct ymo_parker parker;
    /* the queue's, under its lock */
    struct ymo_queue_worker *next_idle;
    bool idle;
    uint64_t epoch; /* of its last pop; 0 while idle */
};

struct ymo_queue {
    pthread_mutex_t lock; /* leaf lock */
    struct ymo_exchange *first, *last;
    struct ymo_queue_worker *idle; /* last in, first out: the warmest cache first */
    unsigned n_waking;             /* woken and not yet back at pop */
    /*
     * Which awake workers are quick: an epoch lasts from one kick to the next, and a worker counts
     * as quick while its last pop lies in this epoch or the one before.
     */
    uint64_t epoch; /* 64 bits never come round: 0 must go on saying idle */
    unsigned n_quick, n_quick_before;
    unsigned pops, wakes; /* in this epoch */
    /* Set by the owner at first: a worker that is listed as idle may be busy with requests it took
     * before, as one that runs several at once. Then a kick does not trust that it wakes soon. */
    bool busy_idle;
    bool closed;
};

void ymo_queue_init(struct ymo_queue *q);
void ymo_queue_destroy(struct ymo_queue *q);
void ymo_queue_worker_init(struct ymo_queue_worker *w);
void ymo_queue_worker_destroy(struct ymo_queue_worker *w);

/* Reactor: append a batch and wake a worker when none is on its way. */
void ymo_queue_push(struct ymo_queue *q, struct ymo_exchange *first, struct ymo_exchange *last);

/* Reactor: see ymo_executor_ops.kick. */
bool ymo_queue_kick(struct ymo_queue *q);

/* Reactor: take a request that no worker has popped back out. False when one has. */
bool ymo_queue_take_back(struct ymo_queue *q, struct ymo_exchange *ex);

/* Reactor: no push will follow. Wakes all workers; pop drains the rest, then says closed. */
void ymo_queue_close(struct ymo_queue *q);

/*
 * Worker: the next request, or NULL. NULL and *closed_r: leave. NULL otherwise: the worker has been
 * listed as idle; it flushes the mailbox, releases the GIL, parks on w->parker and calls again.
 */
struct ymo_exchange *ymo_queue_pop(struct ymo_queue *q, struct ymo_queue_worker *w,
                                   bool *closed_r) YMO_MUST_CHECK;

#endif
