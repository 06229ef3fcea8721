/* SPDX-License-Identifier: MIT */
/* The supervisor's life: start, signals, deaths, stop. */
#include "supervisor/supervisor.h"

#include "base/clock.h"
#include "base/log.h"
#include "supervisor/fate.h"
#include "supervisor/fleet.h"
#include "supervisor/notify.h"
#include "supervisor/pidfile.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A worker that served this many seconds did not fail at its start. */
#define SETTLED 10.0

double
ymo_supervisor_clock(void)
{
    return (double)ymo_clock_ns() * 1e-9;
}

/* ---- stop ---- */

static void
end_if_empty(struct ymo_supervisor *sv)
{
    if (sv->phase == YMO_PHASE_STOP && ymo_list_empty(&sv->workers))
        ev_break(sv->loop, EVBREAK_ALL);
}

/* The last of our own descriptors: what the kernel lets in from here on is the workers' to accept,
 * and when the last of them closes, clients are refused instead of kept waiting. */
static void
stop_listening(struct ymo_supervisor *sv)
{
    if (sv->next)
        ymo_sockets_drop(&sv->next->sockets, &sv->now->sockets);
    ymo_sockets_close(&sv->now->sockets, false);
}

static void
begin_stop(struct ymo_supervisor *sv)
{
    struct ymo_list *l, *next;
    if (sv->phase == YMO_PHASE_STOP)
        return;
    sv->phase = YMO_PHASE_STOP;
    ymo_notify_stopping();
    stop_listening(sv);
    YMO_LIST_FOREACH (l, next, &sv->workers)
        ymo_fleet_drain(YMO_CONTAINER_OF(l, struct ymo_worker, node), YMO_LINK_STOP);
    end_if_empty(sv);
}

static void
stop_at_once(struct ymo_supervisor *sv, int signo)
{
    struct ymo_list *l, *next;
    begin_stop(sv);
    sv->status = 128 + signo;
    YMO_LIST_FOREACH (l, next, &sv->workers)
        ymo_fleet_kill(YMO_CONTAINER_OF(l, struct ymo_worker, node));
}

/* ---- workers come and go ---- */

static void
serving(struct ymo_supervisor *sv)
{
    struct ymo_generation *g = sv->now;
    if (sv->phase == YMO_PHASE_START) {
        sv->phase = YMO_PHASE_RUN;
        ymo_sockets_announce(&g->sockets, NULL);
        ymo_notify_ready(getpid(), "serving");
        if (sv->reload_wanted)
            ymo_reload_begin(sv);
    }
    if (!sv->all_ready_logged && ymo_generation_serving(g) == g->target) {
        sv->all_ready_logged = true;
        ymo_notice("%d worker%s ready", g->target, g->target == 1 ? " is" : "s are");
    }
}

void
ymo_supervisor_ready(struct ymo_worker *w)
{
    struct ymo_supervisor *sv = w->sv;
    struct ymo_generation *g = w->gen;
    w->state = YMO_WORKER_SERVING;
    if (w->template) {
        ymo_info("template %d has loaded the application", (int)w->pid);
        g->template_ready = true;
        ymo_generation_fill(g);
        return;
    }
    ymo_info("worker %d is ready", (int)w->pid);
    w->served = true;
    g->proven = true;
    if (w->replaces) {
        struct ymo_worker *old = w->replaces;
        w->replaces = old->replacement = NULL;
        ymo_fleet_drain(old, (enum ymo_link_reason)old->wants);
    }
    if (g == sv->now)
        serving(sv);
    ymo_generation_fill(g);
    if (g == sv->next)
        ymo_reload_progress(sv);
}

static void
log_end(const struct ymo_worker *w, int status)
{
    char fate[YMO_FATE_MAX];
    const char *what = w->template ? "template" : "worker";
    ymo_fate_text(status, fate, sizeof(fate));
    bool leaving = w->state == YMO_WORKER_LEAVING;
    if (w->pid == 0 && leaving)
        ymo_debug("a worker was given up before the template had forked it");
    else if (w->pid == 0)
        ymo_error("the template could not fork a worker");
    else if (leaving && (status == 0 || w->killed || !w->served))
        ymo_info("%s %d has ended", what, (int)w->pid);
    else if (w->state == YMO_WORKER_STARTING)
        ymo_error("%s %d %s before it was ready", what, (int)w->pid, fate);
    else if (status == 0)
        ymo_notice("%s %d has ended, and not because of us", what, (int)w->pid);
    else
        ymo_error("%s %d %s", what, (int)w->pid, fate);
}

/* A worker has died without being asked; its generation may be gone, too. */
static void
died(struct ymo_supervisor *sv, const struct ymo_generation *g, bool served, bool settled)
{
    if (g == sv->next) {
        ymo_reload_abort(sv, "a new worker ended");
        return;
    }
    if (g != sv->now || sv->now->adopted)
        return;
    if (sv->phase == YMO_PHASE_START) {
        ymo_fatal("the application could not be started: see above");
        sv->status = 1;
        begin_stop(sv);
        return;
    }
    if (!settled)
        ymo_generation_failed(sv->now, served);
}

void
ymo_supervisor_ended(struct ymo_worker *w, int wait_status)
{
    struct ymo_supervisor *sv = w->sv;
    const struct ymo_generation *g = w->gen;
    bool expected = w->state == YMO_WORKER_LEAVING;
    /* A template that has loaded the application has done its part, too. */
    bool served = w->served || (w->template && w->gen->template_ready);
    bool settled = served && ymo_supervisor_clock() - w->started > SETTLED;
    log_end(w, wait_status);
    /* A stop that cut requests off says so; the end of one that never served cuts off nothing. */
    if (sv->phase == YMO_PHASE_STOP && wait_status != 0 && w->served && sv->status == 0)
        sv->status = 1;
    ymo_fleet_remove(w);
    if (!expected && sv->phase != YMO_PHASE_STOP)
        died(sv, g, served, settled);
    if (sv->phase == YMO_PHASE_STOP)
        end_if_empty(sv);
    else
        ymo_generation_fill(sv->now);
}

static void
reap(struct ymo_supervisor *sv)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        ymo_fleet_hear(sv); /* its HELLO or READY may not have been read yet */
        struct ymo_worker *w = ymo_fleet_find(sv, pid);
        if (w)
            ymo_supervisor_ended(w, status);
        else if (pid == sv->check_pid)
            ymo_upgrade_checked(sv, status);
        else
            ymo_debug("process %d, which an ended process left behind, has ended", (int)pid);
    }
}

/* ---- signals ---- */

static void
more_or_fewer(struct ymo_supervisor *sv, int change)
{
    struct ymo_generation *g = sv->now;
    struct ymo_worker *last = NULL;
    int n = 0;
    if (g->adopted || g->target + change < 1 || g->target + change > g->board->n / 2) {
        ymo_warn("%s: %d worker%s, no %s can be had%s", change > 0 ? "SIGTTIN" : "SIGTTOU",
                 g->target, g->target == 1 ? "" : "s", change > 0 ? "more" : "fewer",
                 g->adopted ? " before the reload under way is done" : "");
        return;
    }
    g->target += change;
    ymo_notice("%s: %d worker%s from now on, until the next reload",
               change > 0 ? "SIGTTIN" : "SIGTTOU", g->target, g->target == 1 ? "" : "s");
    YMO_LIST_EACH (struct ymo_worker, w, &sv->workers, node) {
        if (w->gen == g && !w->template && w->state != YMO_WORKER_LEAVING && !w->replaces) {
            last = w;
            n++;
        }
    }
    if (change > 0 || n <= g->target)
        last = NULL; /* more, or one has died, and now it will not be missed */
    /* With a replacement on its way, that one goes, too: one fewer is wanted. */
    if (last && last->replacement)
        ymo_fleet_drain(last->replacement, YMO_LINK_FEWER);
    if (last)
        ymo_fleet_drain(last, YMO_LINK_FEWER);
    ymo_generation_fill(g);
}

static void
stop_cb(struct ev_loop *loop, ev_signal *es, int revents)
{
    struct ymo_supervisor *sv = es->data;
    const char *name = es->signum == SIGTERM ? "SIGTERM" : "SIGINT";
    (void)loop, (void)revents;
    if (sv->phase == YMO_PHASE_STOP) {
        ymo_warn("%s again: ending at once", name);
        stop_at_once(sv, es->signum);
        return;
    }
    ymo_notice("%s: stopping", name);
    begin_stop(sv);
}

static void
signal_cb(struct ev_loop *loop, ev_signal *es, int revents)
{
    struct ymo_supervisor *sv = es->data;
    (void)loop, (void)revents;
    if (es->signum == SIGCHLD) {
        reap(sv);
        return;
    }
    if (es->signum == SIGQUIT) {
        ymo_warn("SIGQUIT: ending at once");
        stop_at_once(sv, SIGQUIT);
        return;
    }
    if (sv->phase == YMO_PHASE_STOP)
        return;
    switch (es->signum) {
    case SIGHUP:
        ymo_reload_begin(sv);
        break;
    case SIGUSR2:
        ymo_upgrade_begin(sv);
        break;
    case SIGTTIN:
        more_or_fewer(sv, 1);
        break;
    case SIGTTOU:
        more_or_fewer(sv, -1);
        break;
    default:
        break;
    }
}

static const struct {
    int signo;
    void (*cb)(struct ev_loop *, ev_signal *, int);
} taken[] = {
    {SIGCHLD, signal_cb}, {SIGTERM, stop_cb},   {SIGINT, stop_cb},    {SIGQUIT, signal_cb},
    {SIGHUP, signal_cb},  {SIGTTIN, signal_cb}, {SIGTTOU, signal_cb}, {SIGUSR2, signal_cb},
};

enum { N_TAKEN = sizeof(taken) / sizeof(taken[0]) };

static void
take_signals(struct ymo_supervisor *sv)
{
    sigset_t none;
    _Static_assert(N_TAKEN <= sizeof(sv->signals) / sizeof(sv->signals[0]), "make room");
    for (int i = 0; i < N_TAKEN; i++) {
        ev_signal_init(&sv->signals[i], taken[i].cb, taken[i].signo);
        sv->signals[i].data = sv;
        ev_signal_start(sv->loop, &sv->signals[i]);
    }
    /* Blocked while one program replaced another. */
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* ---- life ---- */

static void
respawn_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_supervisor *sv = t->data;
    (void)loop, (void)revents;
    ymo_generation_fill(sv->now);
    if (sv->next)
        ymo_generation_fill(sv->next);
}

static void
sd_watchdog_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    (void)loop, (void)t, (void)revents;
    ymo_notify_watchdog();
}

static int
begin(struct ymo_supervisor *sv, struct ymo_settings *s)
{
    struct ymo_sockets socks;
    struct ymo_tls *tls;
    int rc = ymo_upgrade_adopt(sv, s);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        rc = sv->ops->load_tls(s, NULL, &tls);
        if (rc < 0)
            return rc;
        rc = ymo_sockets_open(s, &socks);
        if (rc < 0) {
            ymo_tls_free(tls);
            return rc;
        }
        sv->now = ymo_generation_new(sv, s, &socks, tls, false);
        if (!sv->now) {
            ymo_tls_free(tls);
            ymo_sockets_close(&socks, false);
            return YMO_ENOMEM;
        }
    }
    if (ymo_pidfile_write(sv->now->settings.pidfile) == YMO_OK)
        return YMO_OK;
    if (!sv->now->adopted)
        return YMO_EIO;
    ymo_warn("going on without a pidfile"); /* workers that serve are not to end of it */
    return YMO_OK;
}

static void
start(struct ymo_supervisor *sv)
{
    double ping = ymo_notify_watchdog_interval();
    if (ping > 0) {
        ev_timer_init(&sv->sd_watchdog, sd_watchdog_cb, ping / 2, ping / 2);
        ev_timer_start(sv->loop, &sv->sd_watchdog);
    }
    ymo_fleet_watch(sv);
    if (!sv->now->adopted) {
        ymo_generation_fill(sv->now);
        return;
    }
    sv->phase = YMO_PHASE_RUN;
    ymo_reload_begin(sv);
    reap(sv); /* those that ended while nobody looked */
}

void
ymo_supervisor_leave(struct ymo_supervisor *sv, const struct ymo_generation *keep)
{
    for (int i = 0; i < N_TAKEN; i++)
        ev_signal_stop(sv->loop, &sv->signals[i]); /* and the default action is back */
    ev_loop_destroy(sv->loop);
    /* Who holds the other end of a sibling's link would hide the supervisor's death from it. */
    YMO_LIST_EACH (struct ymo_worker, w, &sv->workers, node) {
        if (w->link >= 0)
            close(w->link);
    }
    YMO_LIST_EACH (struct ymo_generation, g, &sv->generations, node) {
        if (g == keep)
            continue;
        ymo_sockets_leave(&g->sockets, &keep->sockets);
        ymo_tls_free(g->tls);
        ymo_board_free(g->board);
    }
}

int
ymo_supervisor_run(const struct ymo_supervisor_ops *ops, struct ymo_settings *s, int argc,
                   char **argv, char **environ_)
{
    struct ymo_supervisor sv = {
        .ops = ops, .argc = argc, .argv = argv, .environ_ = environ_, .status = 0};
    ymo_list_init(&sv.workers);
    ymo_list_init(&sv.generations);
    ymo_notify_init();
    sv.loop = ev_loop_new(EVFLAG_NOENV);
    if (!sv.loop) {
        ymo_fatal("cannot create the supervisor's event loop: %s", strerror(errno));
        return 1;
    }
    ymo_upgrade_remember(&sv);
    ev_timer_init(&sv.respawn, respawn_cb, 0., 0.);
    sv.respawn.data = &sv;
    if (begin(&sv, s) < 0) {
        ev_loop_destroy(sv.loop);
        free(sv.program);
        return 1;
    }
    take_signals(&sv);
    ymo_info("supervisor %d: starting", (int)getpid());
    start(&sv);
    ev_run(sv.loop, 0);

    ymo_pidfile_remove(sv.now->settings.pidfile);
    for (int i = 0; i < N_TAKEN; i++)
        ev_signal_stop(sv.loop, &sv.signals[i]);
    struct ymo_generation *now = sv.now, *next = sv.next;
    sv.now = sv.next = NULL;
    if (next)
        ymo_generation_release(next);
    ymo_generation_release(now);
    ev_loop_destroy(sv.loop);
    free(sv.program);
    ymo_notice("stopped");
    return sv.status;
}
