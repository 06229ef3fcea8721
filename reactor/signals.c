/* SPDX-License-Identifier: MIT */
/*
 * The signals that the loop takes, and what they mean. Alone: SIGTERM and SIGINT stop gracefully,
 * a second one at once. Below a supervisor the signals are for that one to act on: SIGINT and
 * SIGHUP come to the whole group when they come from a terminal, and service managers send SIGTERM
 * to every process, often more than once.
 */
#include "base/log.h"
#include "reactor/forkguard.h"
#include "reactor/loop.h"

#include <signal.h>
#include <unistd.h>

static const struct {
    int signo;
    const char *name;
} taken[YMO_N_SIGNALS] = {
    {SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGQUIT, "SIGQUIT"}, {SIGHUP, "SIGHUP"}};

static const char *
name_of(int signo)
{
    for (int i = 0; i < YMO_N_SIGNALS; i++)
        if (taken[i].signo == signo)
            return taken[i].name;
    return "?";
}

static void
stop(struct ymo_reactor *r, int signo)
{
    bool supervised = r->cfg.place != NULL;
    if (r->stopping && supervised)
        return;
    if (r->stopping) {
        ymo_warn("%s again: ending at once, %u requests unfinished", name_of(signo), r->in_flight);
        _exit(128 + signo);
    }
    YMO_LOG_AT(supervised ? YMO_LOG_INFO : YMO_LOG_NOTICE,
               "%s: stopping; %u requests in flight, %d connections open", name_of(signo),
               r->in_flight, r->n_conns);
    ymo_reactor_begin_stop(r, false);
}

static void
signal_cb(struct ev_loop *loop, ev_signal *w, int revents)
{
    struct ymo_reactor *r = w->data;
    (void)loop, (void)revents;
    switch (w->signum) {
    case SIGQUIT:
        ymo_warn("SIGQUIT: ending at once, %u requests unfinished, %d connections open",
                 r->in_flight, r->n_conns);
        _exit(128 + SIGQUIT);
    case SIGHUP:
        if (!r->cfg.place)
            ymo_warn("SIGHUP: a process that serves alone cannot load its configuration again; "
                     "with --supervise it can. Serving on");
        break;
    case SIGINT:
        if (r->cfg.place)
            break;
        stop(r, SIGINT);
        break;
    default:
        stop(r, w->signum);
    }
}

/* Is it somebody else's, and to stay so? */
static bool
is_left(const struct ymo_reactor *r, int signo, enum ymo_forkguard_was was)
{
    if (r->cfg.leave_signal && r->cfg.leave_signal(signo))
        return true;
    if (signo == SIGHUP && was == YMO_FORKGUARD_IGNORED)
        return true; /* nohup */
    /* Python does not know of handlers in C, such as those of faulthandler.register. */
    return (signo == SIGQUIT || signo == SIGHUP) && was == YMO_FORKGUARD_HANDLED;
}

void
ymo_signals_init(struct ymo_reactor *r)
{
    for (int i = 0; i < YMO_N_SIGNALS; i++) {
        ev_signal_init(&r->signals[i], signal_cb, taken[i].signo);
        r->signals[i].data = r;
    }
}

void
ymo_signals_take(struct ymo_reactor *r)
{
    for (int i = 0; i < YMO_N_SIGNALS; i++) {
        int signo = taken[i].signo;
        enum ymo_forkguard_was was = ymo_forkguard_before(signo);
        if (is_left(r, signo, was))
            continue;
        ev_signal_start(r->loop, &r->signals[i]);
        ymo_forkguard_after(signo);
    }
}

void
ymo_signals_drop(struct ymo_reactor *r)
{
    for (int i = 0; i < YMO_N_SIGNALS; i++)
        ev_signal_stop(r->loop, &r->signals[i]);
}
