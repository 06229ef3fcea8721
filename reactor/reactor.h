/* SPDX-License-Identifier: MIT */
/*
 * The event loop of a process: accepts, reads, feeds codecs, submits requests to the executor,
 * writes responses. It runs on a thread of its own and never holds the GIL.
 */
#ifndef YMO_REACTOR_REACTOR_H
#define YMO_REACTOR_REACTOR_H

#include "base/err.h"
#include "protocols/codec.h"
#include "reactor/board.h"
#include "reactor/tls/tls.h"
#include "request/executor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ymo_reactor;

/* A bound, listening, non-blocking socket. The reactor closes it when it stops accepting. */
struct ymo_reactor_listener {
    int fd;
    const struct ymo_codec_ops *codec;
    struct ymo_tls *tls; /* NULL: plain */
    bool redirect;       /* answered here: sends its clients on to the first listener with TLS */
    bool is_unix;
    const struct ymo_webaddrs *allowed; /* who may connect; NULL: anyone */
    const char *name;                   /* for the log: "http://127.0.0.1:8081" */
    uint32_t id;                        /* the same in all processes of a generation */
};

struct ymo_reactor_config {
    const struct ymo_reactor_listener *listeners;
    size_t n_listeners;
    struct ymo_executor *executor;
    struct ymo_codec_limits limits;
    const char *script_name; /* "" or "/prefix" */
    const char *server;      /* Server header value, "" = none */
    const char *hsts;        /* Strict-Transport-Security in responses over TLS, NULL = none */
    int max_connections;
    bool request_buffering;
    bool notes; /* text of the application goes to the logs of front ends that take it */
    size_t body_memory, response_buffer;
    const char *tmp_dir;
    double idle_timeout, head_timeout, body_timeout, write_timeout, linger_timeout;
    double graceful_timeout, handshake_timeout;
    int max_handshakes;
    uint64_t body_min_rate;
    bool use_kqueue;
    /* Has the application a handler of its own for this signal? Then it keeps it. NULL: for none.
     * Called in ymo_reactor_start. */
    bool (*leave_signal)(int signo);

    const struct ymo_place *place; /* NULL: no supervisor, no siblings. Outlives the reactor */
    int capacity;                  /* requests that the executor runs at once */
    double request_timeout, slow_request_log;
    /* When the supervisor is asked for a replacement; 0 = never. Jitter is in them. */
    uint64_t max_requests, max_memory;
    double max_lifetime;
    double watchdog_timeout; /* the beat is four times as fast; 0: no beat */
};

/* The config is copied except for strings and the listener array, which must outlive the reactor.
 */
int ymo_reactor_create(const struct ymo_reactor_config *cfg,
                       struct ymo_reactor **r_r) YMO_MUST_CHECK;

/*
 * Take over SIGTERM, SIGINT, SIGQUIT and SIGHUP (signals.c says what they do then) and start the
 * reactor's thread; it says READY to the supervisor. Main thread, after the application was loaded:
 * a handler of the application's own is left in place.
 */
int ymo_reactor_start(struct ymo_reactor *r) YMO_MUST_CHECK;

/* Any thread: begin a graceful stop. Ends in executor->drain. `arg` is the reactor. */
void ymo_reactor_stop(void *arg);

/*
 * Main thread, after the executor has ended: end the loop, join the thread, close what is open,
 * free. Until then the reactor watches graceful_timeout, also over the interpreter's own shutdown.
 */
void ymo_reactor_join(struct ymo_reactor *r);

#endif
