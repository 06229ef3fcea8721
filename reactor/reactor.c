/* SPDX-License-Identifier: MIT */
/* The loop's life: start, signals, graceful stop, end. */
#include "reactor/reactor.h"

#include "base/log.h"
#include "reactor/forkguard.h"
#include "reactor/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A client whose connection was accepted just before the stop has this long to say what it wants.
 */
#define LAST_WORDS 1.0

/*
 * When others go on serving the same addresses, an idle connection is not closed at once: its
 * client may be sending a request in that very moment, and would find it lost. It has this long to
 * send the next, whose answer says that the connection ends. Clients in the middle of something
 * will have.
 */
#define FAREWELL 5.0

/* ---- the turn -------------------------------------------------------------------------- */

static void
close_idle(struct ymo_reactor *r)
{
    struct ymo_list *n, *next;
    double farewell =
        r->cfg.graceful_timeout / 2 < FAREWELL ? r->cfg.graceful_timeout / 2 : FAREWELL;
    r->closing_idle = false;
    if (!r->patient)
        farewell = LAST_WORDS;
    r->farewell = ymo_deadlines_now(&r->deadlines) + farewell;
    r->deadlines.seconds[YMO_DEADLINE_IDLE] = farewell;
    if (r->deadlines.seconds[YMO_DEADLINE_SHAKE] > farewell)
        r->deadlines.seconds[YMO_DEADLINE_SHAKE] = farewell;
    YMO_LIST_FOREACH (n, next, &r->conns) {
        struct ymo_conn *c = YMO_CONTAINER_OF(n, struct ymo_conn, node);
        if (c->used && !r->patient && ymo_conn_idle(c))
            ymo_conn_look(c); /* closed on a request that is here already, it would be lost */
        if (c->used && !r->patient && ymo_conn_idle(c))
            ymo_conn_finish(c, false);
        else if (c->deadline.kind == YMO_DEADLINE_IDLE || c->deadline.kind == YMO_DEADLINE_SHAKE)
            ymo_deadline_set(&r->deadlines, &c->deadline, c->deadline.kind, false);
    }
}

bool
ymo_reactor_sends_away(const struct ymo_reactor *r, const struct ymo_codec_ops *codec)
{
    return r->stopping &&
           (!r->patient || codec->max_open == 1 || ymo_deadlines_now(&r->deadlines) >= r->farewell);
}

/* Its exit handlers have what is left of graceful_timeout, and a second in any case. */
static void
let_interpreter_end(struct ymo_reactor *r)
{
    double left = ev_timer_remaining(r->loop, &r->graceful);
    ev_timer_stop(r->loop, &r->graceful);
    ev_timer_set(&r->graceful, left > LAST_WORDS ? left : LAST_WORDS, 0.);
    ev_timer_start(r->loop, &r->graceful);
}

static void
prepare_cb(struct ev_loop *loop, ev_prepare *w, int revents)
{
    struct ymo_reactor *r = w->data;
    (void)revents;
    for (;;) {
        bool done = ymo_dispatch_turn(r);
        if (r->closing_idle) {
            close_idle(r);
            continue;
        }
        ymo_lifeline_turn(r);
        if (r->stopping)
            ymo_overdue_stopping(r);
        if (r->stopping && !r->drained && r->n_conns == 0 && r->in_flight == 0 &&
            !(r->handoff && ymo_handoff_expecting(r->handoff))) {
            r->drained = true;
            let_interpreter_end(r);
            r->cfg.executor->ops->drain(r->cfg.executor);
        }
        if (done &&
            ymo_mailbox_set_mode(&r->mailbox, r->napping ? YMO_MAILBOX_NAP : YMO_MAILBOX_SLEEP))
            return;
        (void)ymo_mailbox_set_mode(&r->mailbox, YMO_MAILBOX_AWAKE);
        if (!done) {
            /* Sent from the loop itself this costs nothing: it looks at the sockets without
             * blocking and comes back. */
            ev_async_send(loop, &r->wake);
            return;
        }
    }
}

static void
check_cb(struct ev_loop *loop, ev_check *w, int revents)
{
    struct ymo_reactor *r = w->data;
    (void)loop, (void)revents;
    (void)ymo_mailbox_set_mode(&r->mailbox, YMO_MAILBOX_AWAKE);
}

static void
wake_cb(struct ev_loop *loop, ev_async *w, int revents)
{
    (void)loop, (void)w, (void)revents; /* the turn does the work */
}

static void
wake_loop(void *arg)
{
    struct ymo_reactor *r = arg;
    ev_async_send(r->loop, &r->wake);
}

static void
expired(void *arg, struct ymo_deadline *d)
{
    struct ymo_conn *c = YMO_CONTAINER_OF(d, struct ymo_conn, deadline);
    enum ymo_deadline_kind kind = d->kind;
    (void)arg;
    d->kind = YMO_DEADLINE_NONE;
    switch (kind) {
    case YMO_DEADLINE_SHAKE:
        ymo_info("conn %llu: %s: closed: no TLS handshake within tls_handshake_timeout",
                 (unsigned long long)c->serial, c->remote_addr);
        ymo_conn_kill(c);
        break;
    case YMO_DEADLINE_HEAD:
        ymo_conn_fail(c, NULL, 408, "the request head was not complete within head_timeout");
        break;
    case YMO_DEADLINE_BODY:
        ymo_conn_fail(c, c->receiving, 408, "no more of the body came within body_timeout");
        break;
    case YMO_DEADLINE_IDLE:
        ymo_conn_finish(c, false);
        break;
    case YMO_DEADLINE_WRITE:
        /* A full socket takes no more before a third of it is free: megabytes, of which a slow
         * client can read for minutes. */
        if (ymo_writer_unacked(c) < c->unacked) {
            ymo_conn_deadline(c, true);
            break;
        }
        ymo_info("conn %llu: %s: closed: the client took nothing for write_timeout",
                 (unsigned long long)c->serial, c->remote_addr);
        ymo_conn_kill(c);
        break;
    case YMO_DEADLINE_LINGER:
    case YMO_DEADLINE_NONE:
    case YMO_DEADLINE_KINDS:
        ymo_conn_kill(c);
        break;
    }
}

void
ymo_reactor_conn_gone(struct ymo_reactor *r)
{
    if (r->accepting || r->stopping)
        return;
    ev_timer_stop(r->loop, &r->resume);
    ymo_listener_update(r);
}

static void
resume_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    ymo_listener_update(t->data);
}

/* ---- stop ------------------------------------------------------------------------------ */

static void
kill_conns(struct ymo_reactor *r)
{
    struct ymo_list *n, *next;
    YMO_LIST_FOREACH (n, next, &r->conns)
        ymo_conn_kill(YMO_CONTAINER_OF(n, struct ymo_conn, node));
}

/* Connections that are owed an answer, or the rest of one. */
static int
n_owed(const struct ymo_reactor *r)
{
    int n = 0;
    YMO_LIST_EACH (const struct ymo_conn, c, &r->conns, node) {
        n += c->state != YMO_CONN_LINGER &&
             ((c->n_exchanges > 0 && !c->receiving) || c->out != NULL);
    }
    return n;
}

static void
graceful_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_reactor *r = t->data;
    int owed = n_owed(r);
    (void)revents;
    if (r->drained || r->in_flight > r->overdue.n_abandoned || owed > 0) {
        if (r->drained)
            ymo_warn("graceful_timeout (%g s) passed and the interpreter has not ended: leaving",
                     r->cfg.graceful_timeout);
        else
            ymo_warn("graceful_timeout (%g s) passed: leaving with %d responses unfinished",
                     r->cfg.graceful_timeout, owed);
        _exit(1);
    }
    if (r->in_flight > 0)
        ymo_overdue_leave(r);
    /* What is left are clients that never finished their requests: nobody waits for an answer. */
    ymo_notice("graceful_timeout (%g s) passed: closing %d connections with incomplete requests",
               r->cfg.graceful_timeout, r->n_conns);
    kill_conns(r);
    ev_timer_set(t, r->cfg.graceful_timeout, 0.); /* for the interpreter's end */
    ev_timer_start(loop, t);
}

void
ymo_reactor_begin_stop(struct ymo_reactor *r, bool patient)
{
    if (r->stopping) {
        r->closing_idle = r->closing_idle || (r->patient && !patient);
        r->patient = r->patient && patient;
        return;
    }
    r->stopping = true;
    r->patient = patient;
    ymo_lifeline_leaving(r);
    ymo_listener_close_all(r);
    r->closing_idle = true;
    ev_timer_set(&r->graceful, r->cfg.graceful_timeout, 0.);
    ev_timer_start(r->loop, &r->graceful);
}

static void
ask_cb(struct ev_loop *loop, ev_async *w, int revents)
{
    struct ymo_reactor *r = w->data;
    (void)revents;
    if (atomic_load(&r->join_asked))
        ev_break(loop, EVBREAK_ALL);
    else if (atomic_load(&r->stop_asked))
        ymo_reactor_begin_stop(r, false);
}

void
ymo_reactor_stop(void *arg)
{
    struct ymo_reactor *r = arg;
    atomic_store(&r->stop_asked, true);
    ev_async_send(r->loop, &r->ask);
}

/* ---- life ------------------------------------------------------------------------------ */

/*
 * Takes the place of libev's function for the whole process. gevent, which shares our libev where
 * both use the system's, has all memory of libev come from Python, whose lock the reactor never
 * takes; and a loop that was made before that change, or used after Python's end, would crash.
 */
__attribute__((visibility("default"))) void
ev_set_allocator(void *(*cb)(void *ptr, long size))
{
    (void)cb;
}

static struct ev_loop *
new_loop(bool use_kqueue)
{
    unsigned supported = ev_supported_backends(), want = 0;
    if (use_kqueue) {
        if (supported & EVBACKEND_KQUEUE)
            want = EVBACKEND_KQUEUE;
        else
            ymo_warn("use_kqueue is set, but this system's libev has no kqueue: using %s",
                     supported & EVBACKEND_EPOLL ? "epoll" : "its default");
    }
    /* Not libev's own choice: where it prefers io_uring, that costs more system time. */
    if (!want && (supported & EVBACKEND_EPOLL))
        want = EVBACKEND_EPOLL;
    return ev_loop_new(want | EVFLAG_NOENV);
}

static void
init_watchers(struct ymo_reactor *r)
{
    ev_async_init(&r->wake, wake_cb);
    ev_async_init(&r->ask, ask_cb);
    ev_prepare_init(&r->prepare, prepare_cb);
    ev_check_init(&r->check, check_cb);
    ev_timer_init(&r->graceful, graceful_cb, 0., 0.);
    ev_timer_init(&r->resume, resume_cb, 0., 0.);
    ymo_listener_init_yield(r);
    ymo_signals_init(r);
    r->wake.data = r->ask.data = r->prepare.data = r->check.data = r;
    r->graceful.data = r->resume.data = r;
    ev_async_start(r->loop, &r->wake);
    ev_async_start(r->loop, &r->ask);
    ev_prepare_start(r->loop, &r->prepare);
    ev_check_start(r->loop, &r->check);
}

static void
init_deadlines(struct ymo_reactor *r)
{
    double *s = r->deadlines.seconds;
    ymo_deadlines_init(&r->deadlines, r->loop, expired, r);
    s[YMO_DEADLINE_SHAKE] = r->cfg.handshake_timeout;
    s[YMO_DEADLINE_HEAD] = r->cfg.head_timeout;
    s[YMO_DEADLINE_BODY] = r->cfg.body_timeout;
    s[YMO_DEADLINE_IDLE] = r->cfg.idle_timeout;
    s[YMO_DEADLINE_WRITE] = r->cfg.write_timeout;
    s[YMO_DEADLINE_LINGER] = r->cfg.linger_timeout;
}

int
ymo_reactor_create(const struct ymo_reactor_config *cfg, struct ymo_reactor **r_r)
{
    struct ymo_reactor *r = calloc(1, sizeof(*r));
    if (!r)
        return YMO_ENOMEM;
    r->cfg = *cfg;
    r->loop = new_loop(cfg->use_kqueue);
    r->listeners = calloc(cfg->n_listeners, sizeof(*r->listeners));
    r->hidden = calloc(cfg->n_listeners + 1, sizeof(*r->hidden));
    if (!r->loop || !r->listeners || !r->hidden)
        goto fail;
    ymo_list_init(&r->conns);
    ymo_list_init(&r->dead);
    ymo_list_init(&r->late);
    r->accept_complained = -3600;
    r->date_at = (time_t)-1;
    r->in_max = YMO_SCRATCH + 4096; /* the largest packet of uwsgi, the largest record of FastCGI */
    if (r->in_max < cfg->limits.header_bytes + 4096)
        r->in_max = cfg->limits.header_bytes + 4096;
    ymo_mailbox_init(&r->mailbox, wake_loop, r);
    init_watchers(r);
    init_deadlines(r);
    ymo_dispatch_init(r);
    ymo_overdue_init(r);
    ymo_recycle_init(r);
    ymo_lifeline_init(r);
    for (size_t i = 0; i < cfg->n_listeners; i++)
        ymo_listener_init(&r->listeners[i], r, &cfg->listeners[i]);
    bool tls = false;
    for (size_t i = 0; i < cfg->n_listeners; i++) {
        r->hidden[i] = cfg->listeners[i].fd;
        tls = tls || cfg->listeners[i].tls;
    }
    if (tls && ymo_tlsio_create(r, cfg->max_handshakes, &r->tls) < 0)
        goto fail;
    if (ymo_handoff_create(r, &r->handoff) < 0)
        goto fail;
    *r_r = r;
    return YMO_OK;
fail:
    ymo_tlsio_free(r->tls);
    if (r->loop)
        ev_loop_destroy(r->loop);
    free(r->listeners);
    free(r->hidden);
    free(r);
    return YMO_ENOMEM;
}

static void *
thread_main(void *arg)
{
    struct ymo_reactor *r = arg;
    ymo_recycle_start(r);
    ymo_lifeline_start(r);
    ev_run(r->loop, 0);
    return NULL;
}

int
ymo_reactor_start(struct ymo_reactor *r)
{
    sigset_t all, before;
    ymo_signals_take(r);
    ymo_forkguard_hide(r->hidden, r->cfg.n_listeners);
    ymo_listener_update(r);
    /* Handlers run on the main thread, where applications expect theirs. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&r->thread, NULL, thread_main, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        errno = rc;
        return YMO_EIO;
    }
    r->thread_started = true;
#ifdef __linux__
    (void)pthread_setname_np(r->thread, "yimmo-reactor");
#endif
    return YMO_OK;
}

void
ymo_reactor_join(struct ymo_reactor *r)
{
    if (r->thread_started) {
        atomic_store(&r->join_asked, true);
        ev_async_send(r->loop, &r->ask);
        pthread_join(r->thread, NULL);
    }
    bool was_stopping = r->stopping;
    r->stopping = true;
    if (!was_stopping)
        ymo_listener_close_all(r);
    kill_conns(r);
    while (!ymo_dispatch_turn(r))
        ;
    ymo_overdue_stop(r);
    ymo_recycle_stop(r);
    ymo_lifeline_stop(r);
    ymo_dispatch_free(r);
    ymo_handoff_free(r->handoff);
    ymo_tlsio_free(r->tls);
    ymo_mailbox_destroy(&r->mailbox);
    ymo_deadlines_stop(&r->deadlines);
    /* libev's handler would write to the loop that is gone. From here on a signal ends us. */
    ymo_signals_drop(r);
    ev_loop_destroy(r->loop);
    free(r->listeners);
    free(r->hidden);
    free(r);
}
