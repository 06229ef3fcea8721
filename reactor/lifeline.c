/* SPDX-License-Identifier: MIT */
#include "reactor/lifeline.h"

#include "base/log.h"
#include "reactor/forkguard.h"
#include "reactor/loop.h"

#include <signal.h>
#include <unistd.h>

/* Seconds after which a RETIRE that brought no DRAIN is sent again: a replacement may have failed
 * to start, or a new supervisor (SIGUSR2) may not know of the first one. */
#define AGAIN 30.0

/* The beat is that much faster than watchdog_timeout. */
#define BEATS 4

/* An application that has its own handler expects it to run at the end, however the end was asked
 * for. */
static void
tell_application(struct ymo_lifeline *ll)
{
    if (ll->app_told || !ymo_forkguard_foreign(SIGTERM))
        return;
    ll->app_told = true;
    (void)kill(getpid(), SIGTERM);
}

static void
supervisor_gone(struct ymo_reactor *r)
{
    struct ymo_lifeline *ll = &r->lifeline;
    ev_io_stop(r->loop, &ll->link); /* an end of file stays readable */
    ev_timer_stop(r->loop, &ll->again);
    if (!r->stopping)
        ymo_warn("the supervisor is gone: stopping; %u requests in flight, %d connections open",
                 r->in_flight, r->n_conns);
    ymo_reactor_begin_stop(r, false);
    tell_application(ll);
}

static void
link_cb(struct ev_loop *loop, ev_io *io, int revents)
{
    struct ymo_reactor *r = io->data;
    struct ymo_link_msg msg;
    int rc;
    (void)loop, (void)revents;
    while ((rc = ymo_link_recv(io->fd, &msg, NULL)) == YMO_OK) {
        if (msg.type != YMO_LINK_DRAIN)
            continue;
        if (!r->stopping)
            ymo_info("stopping: %s; %u requests in flight, %d connections open",
                     ymo_link_reason_text(msg.arg), r->in_flight, r->n_conns);
        ymo_reactor_begin_stop(r, msg.arg != YMO_LINK_STOP);
        tell_application(&r->lifeline);
    }
    if (rc == YMO_ECLOSED)
        supervisor_gone(r);
}

static void
beat_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_lifeline *ll = t->data;
    (void)loop, (void)revents;
    atomic_fetch_add_explicit(&ll->seat->beat, 1, memory_order_relaxed);
}

static void
ask(struct ymo_reactor *r)
{
    struct ymo_lifeline *ll = &r->lifeline;
    int rc = ymo_link_send(ll->link.fd, YMO_LINK_RETIRE, ll->wants, -1);
    if (rc < 0)
        ymo_debug("cannot ask the supervisor for a replacement: %s", ymo_err_str(rc));
}

static void
again_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)revents;
    ask(t->data);
}

void
ymo_lifeline_init(struct ymo_reactor *r)
{
    struct ymo_lifeline *ll = &r->lifeline;
    const struct ymo_place *place = r->cfg.place;
    double every = r->cfg.watchdog_timeout / BEATS;
    ll->seat = place ? &place->board->seats[place->seat] : NULL;
    ll->wants = -1;
    ev_io_init(&ll->link, link_cb, place ? place->link : -1, EV_READ);
    ev_timer_init(&ll->beat, beat_cb, every, every);
    ev_timer_init(&ll->again, again_cb, AGAIN, AGAIN);
    ll->link.data = ll->again.data = r;
    ll->beat.data = ll;
}

void
ymo_lifeline_start(struct ymo_reactor *r)
{
    struct ymo_lifeline *ll = &r->lifeline;
    if (!ll->seat)
        return;
    unsigned capacity = r->cfg.capacity > 0 ? (unsigned)r->cfg.capacity : 0;
    atomic_store(&ll->seat->capacity, capacity);
    atomic_store(&ll->seat->state, YMO_SEAT_SERVING);
    if (r->cfg.watchdog_timeout > 0)
        ev_timer_start(r->loop, &ll->beat);
    ev_io_start(r->loop, &ll->link);
    int rc = ymo_link_send(ll->link.fd, YMO_LINK_READY, 0, -1);
    if (rc < 0 && rc != YMO_ECLOSED) /* an end is for the watcher to see */
        ymo_error("cannot tell the supervisor that this worker is ready: %s", ymo_err_str(rc));
}

void
ymo_lifeline_turn(struct ymo_reactor *r)
{
    struct ymo_lifeline *ll = &r->lifeline;
    if (!ll->seat)
        return;
    /* Only when changed: siblings read this cache line. They need no order among the figures. */
    if (ll->in_flight != r->in_flight) {
        ll->in_flight = r->in_flight;
        atomic_store_explicit(&ll->seat->in_flight, ll->in_flight, memory_order_relaxed);
    }
    if (ll->n_conns != (unsigned)r->n_conns) {
        ll->n_conns = (unsigned)r->n_conns;
        atomic_store_explicit(&ll->seat->n_conns, ll->n_conns, memory_order_relaxed);
    }
}

void
ymo_lifeline_leaving(struct ymo_reactor *r)
{
    struct ymo_lifeline *ll = &r->lifeline;
    if (!ll->seat)
        return;
    atomic_store(&ll->seat->state, YMO_SEAT_LEAVING);
    ev_timer_stop(r->loop, &ll->again);
}

bool
ymo_lifeline_retire(struct ymo_reactor *r, enum ymo_link_reason reason)
{
    struct ymo_lifeline *ll = &r->lifeline;
    if (!ll->seat || r->stopping || ll->wants >= 0)
        return false;
    ll->wants = (int)reason;
    ask(r);
    ev_timer_start(r->loop, &ll->again);
    return true;
}

void
ymo_lifeline_stop(struct ymo_reactor *r)
{
    struct ymo_lifeline *ll = &r->lifeline;
    ev_io_stop(r->loop, &ll->link);
    ev_timer_stop(r->loop, &ll->beat);
    ev_timer_stop(r->loop, &ll->again);
}
