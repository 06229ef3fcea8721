/* SPDX-License-Identifier: MIT */
#include "reactor/overdue.h"

#include "base/clock.h"
#include "base/log.h"
#include "reactor/loop.h"

#include <stdio.h>
#include <unistd.h>

/* The looks at what runs: this often in the shorter of the two times, within bounds in seconds. */
#define LOOKS       4
#define EVERY_MIN   0.01
#define EVERY_MAX   1.0
#define URI_MAX     200 /* bytes of it in the log */
#define LAST_MOMENT 1.0 /* seconds: for abandoned requests to end, when all else has */
#define ABOUT_MAX   (URI_MAX + 128)
#define NS_PER_S    1e9

static struct ymo_exchange *
of_node(struct ymo_list *n)
{
    return YMO_CONTAINER_OF(n, struct ymo_exchange, in_flight);
}

/*
 * "GET /path from 127.0.0.1". While a worker runs the exchange: it is allowed to read the request
 * as we do, nobody writes it after the submit, and nothing of its arena moves when the worker
 * allocates more.
 */
static const char *
about(const struct ymo_exchange *ex, char dst[ABOUT_MAX])
{
    const struct ymo_request *req = &ex->req;
    struct ymo_slice uri = ymo_request_get(req, YMO_VAR_REQUEST_URI);
    struct ymo_slice from = ymo_request_get(req, YMO_VAR_REMOTE_ADDR);
    if (uri.len == 0)
        uri = ymo_request_get(req, YMO_VAR_PATH_INFO);
    bool cut = uri.len > URI_MAX;
    (void)snprintf(dst, ABOUT_MAX, "%.*s %.*s%s%s%.*s",
                   req->method.len < 32 ? (int)req->method.len : 32, req->method.data,
                   cut ? URI_MAX : (int)uri.len, uri.data, cut ? "..." : "",
                   from.len > 0 ? " from " : "", from.len < 64 ? (int)from.len : 64, from.data);
    return dst;
}

static double
seconds_since(const struct ymo_exchange *ex, long long now)
{
    return (double)(now - atomic_load(&ex->started)) / NS_PER_S;
}

/* The client learns that there is no (more) answer: what it has must not look complete. */
static const char *
give_up_on_client(struct ymo_exchange *ex)
{
    struct ymo_conn *c = ex->conn;
    if (ex->withdrawn)
        return "its client is gone"; /* others use the connection, one of them its number */
    if (c->state == YMO_CONN_OPEN && !ex->head_sent) {
        ymo_conn_fail(c, ex, 504, NULL);
        return "answered 504";
    }
    if (c->state == YMO_CONN_OPEN || c->state == YMO_CONN_FLUSHING) {
        ymo_writer_break_off(c);
        return "connection reset, a part of the response was sent";
    }
    return "its client is gone";
}

static void
abandon(struct ymo_reactor *r, struct ymo_exchange *ex, double seconds)
{
    char text[ABOUT_MAX];
    ex->reported = ex->abandoned = true;
    r->overdue.n_abandoned++;
    r->cfg.executor->ops->report(r->cfg.executor, ex);
    const char *client = give_up_on_client(ex);
    /* Cancelled in any case: a worker that waits in a call of ours wakes. */
    if (!ymo_exchange_cancelled(ex))
        (void)ymo_dispatch_cancel(r, ex);
    ymo_error("%s: running for %.1f s, over request_timeout (%g s): %s", about(ex, text), seconds,
              r->cfg.request_timeout, client);
    if (ymo_lifeline_retire(r, YMO_LINK_TIMEOUT))
        ymo_info("asking for a replacement, after %llu requests",
                 (unsigned long long)r->recycle.ended);
    ymo_listener_update(r);
}

static void
show(struct ymo_reactor *r, struct ymo_exchange *ex, double seconds)
{
    char text[ABOUT_MAX];
    ex->reported = true;
    ymo_warn("%s: running for %.1f s (slow_request_log)", about(ex, text), seconds);
    r->cfg.executor->ops->report(r->cfg.executor, ex);
}

/* Look at one. True when something was done about it, which may have changed the list. */
static bool
look(struct ymo_reactor *r, struct ymo_exchange *ex, long long now)
{
    const struct ymo_reactor_config *cfg = &r->cfg;
    if (atomic_load(&ex->state) != YMO_EXCHANGE_RUNNING || ex->abandoned)
        return false;
    double seconds = seconds_since(ex, now);
    /* While it waits for its client write_timeout or body_timeout watch, and not we. */
    bool waits = atomic_load(&ex->paused) != 0;
    double own = seconds - (double)atomic_load(&ex->waited) / NS_PER_S;
    if (cfg->request_timeout > 0 && !waits && own >= cfg->request_timeout)
        abandon(r, ex, own);
    else if (cfg->slow_request_log > 0 && seconds >= cfg->slow_request_log && !ex->reported)
        show(r, ex, seconds);
    else
        return false;
    return true;
}

static void
tick_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_reactor *r = t->data;
    const struct ymo_list *head = &r->overdue.in_flight;
    long long now = ymo_clock_ns();
    (void)revents;
    if (ymo_list_empty(head)) {
        ev_timer_stop(loop, t);
        return;
    }
    /* From the front again after each: giving one up may take others of its connection with it. */
    for (struct ymo_list *n = head->next; n != head;)
        n = look(r, of_node(n), now) ? head->next : n->next;
}

void
ymo_overdue_add(struct ymo_reactor *r, struct ymo_exchange *ex)
{
    struct ymo_overdue *o = &r->overdue;
    ymo_list_append(&o->in_flight, &ex->in_flight);
    if (o->every <= 0)
        return;
    ex->timed = true;
    if (!ev_is_active(&o->tick)) {
        ev_timer_set(&o->tick, o->every, o->every);
        ev_timer_start(r->loop, &o->tick);
    }
}

void
ymo_overdue_remove(struct ymo_reactor *r, struct ymo_exchange *ex)
{
    char text[ABOUT_MAX];
    ymo_list_remove(&ex->in_flight);
    if (!ex->abandoned)
        return;
    r->overdue.n_abandoned--;
    ymo_listener_update(r);
    ymo_notice("%s: ended after %.1f s, over request_timeout", about(ex, text),
               seconds_since(ex, ymo_clock_ns()));
}

/* ---- a stop that they hold up ------------------------------------------------------------- */

void
ymo_overdue_leave(const struct ymo_reactor *r)
{
    unsigned n = r->overdue.n_abandoned;
    ymo_warn("leaving with %u request%s over request_timeout that %s not end", n, n == 1 ? "" : "s",
             n == 1 ? "does" : "do");
    _exit(0); /* their clients have had their answers */
}

/* No thread will come to run what is queued: say so while the clients can still ask elsewhere. */
static void
refuse_queued(struct ymo_reactor *r)
{
    struct ymo_list *head = &r->overdue.in_flight;
    for (struct ymo_list *n = head->next; n != head;) {
        struct ymo_exchange *ex = of_node(n);
        n = n->next;
        if (atomic_load(&ex->state) != YMO_EXCHANGE_QUEUED || ymo_exchange_cancelled(ex))
            continue;
        struct ymo_conn *c = ex->conn;
        if (c->state == YMO_CONN_OPEN && !ex->head_sent)
            ymo_conn_fail(c, ex, 503, "all threads run requests that do not end");
        else
            (void)ymo_dispatch_cancel(r, ex);
        n = head->next; /* as above */
    }
}

static void
stuck_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_reactor *r = t->data;
    (void)loop, (void)revents;
    if (r->in_flight == r->overdue.n_abandoned && r->n_conns == 0)
        ymo_overdue_leave(r);
    refuse_queued(r);
}

bool
ymo_overdue_all(const struct ymo_reactor *r)
{
    return r->cfg.place && r->cfg.capacity > 0 &&
           r->overdue.n_abandoned >= (unsigned)r->cfg.capacity;
}

/* What is left waits for abandoned requests, and for nothing else. */
static bool
is_stuck(const struct ymo_reactor *r)
{
    unsigned n = r->overdue.n_abandoned;
    if (n == 0 || !r->stopping || r->drained)
        return false;
    if (r->in_flight == n)
        return r->n_conns == 0;
    return r->cfg.capacity > 0 && n >= (unsigned)r->cfg.capacity;
}

void
ymo_overdue_stopping(struct ymo_reactor *r)
{
    ev_timer *t = &r->overdue.stuck;
    bool stuck = is_stuck(r);
    if (stuck == !!ev_is_active(t))
        return;
    ev_timer_stop(r->loop, t);
    if (stuck) {
        ev_timer_set(t, LAST_MOMENT, 0.);
        ev_timer_start(r->loop, t);
    }
}

/* ---- life ---------------------------------------------------------------------------------- */

void
ymo_overdue_init(struct ymo_reactor *r)
{
    struct ymo_overdue *o = &r->overdue;
    double a = r->cfg.slow_request_log, b = r->cfg.request_timeout;
    double least = a > 0 && (b <= 0 || a < b) ? a : b;
    ymo_list_init(&o->in_flight);
    if (least > 0) {
        o->every = least / LOOKS;
        o->every = o->every < EVERY_MIN ? EVERY_MIN : o->every;
        o->every = o->every > EVERY_MAX ? EVERY_MAX : o->every;
    }
    ev_timer_init(&o->tick, tick_cb, 0., 0.);
    ev_timer_init(&o->stuck, stuck_cb, 0., 0.);
    o->tick.data = o->stuck.data = r;
}

void
ymo_overdue_stop(struct ymo_reactor *r)
{
    ev_timer_stop(r->loop, &r->overdue.tick);
    ev_timer_stop(r->loop, &r->overdue.stuck);
}
