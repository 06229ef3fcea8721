/* SPDX-License-Identifier: MIT */
/* An executor in C: threads that run one handler for every exchange. */
#ifndef YMO_TESTS_SUPPORT_ECHO_EXECUTOR_H
#define YMO_TESTS_SUPPORT_ECHO_EXECUTOR_H

#include "request/executor.h"
#include "request/queue.h"

#include <stdatomic.h>

enum { YMO_ECHO_WORKERS = 8 };

/* On a worker's thread. Ends the exchange, with respond or end. */
typedef void ymo_echo_fn(struct ymo_exchange *ex, void *arg);

struct ymo_echo_executor {
    struct ymo_executor base; /* first */
    struct ymo_queue queue;
    ymo_echo_fn *handler;
    void *arg;
    int n_workers;
    struct ymo_echo_worker {
        struct ymo_echo_executor *x;
        struct ymo_queue_worker w;
        pthread_t thread;
    } workers[YMO_ECHO_WORKERS];

    /* how often what was called */
    atomic_int submitted, cancelled, taken_back, started, reported, drained;
    const struct ymo_exchange *last_reported; /* reactor */
    atomic_int n_reported;                    /* exchanges; `reported` counts calls */
};

/* Aborts when a thread cannot be had. */
void ymo_echo_executor_start(struct ymo_echo_executor *x, int n_workers, ymo_echo_fn *handler,
                             void *arg);
/* After drain: until all workers have left. */
void ymo_echo_executor_join(struct ymo_echo_executor *x);

/* For handlers: 200 with the headers' framing for `len` bytes, all in one message. */
void ymo_echo_executor_reply(struct ymo_exchange *ex, const void *data, size_t len);

#endif
