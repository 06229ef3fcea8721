/* SPDX-License-Identifier: MIT */
/* The list of processes: what they say, and seeing them off. */
#include "supervisor/fleet.h"

#include "base/log.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Beyond graceful_timeout, which a worker watches itself: seconds until it is killed. */
#define GRACE 3.0

/* The watchdog looks this often in watchdog_timeout. */
enum { TICKS = 4 };

static void
close_link(struct ymo_worker *w)
{
    if (w->link < 0)
        return;
    ev_io_stop(w->sv->loop, &w->io);
    close(w->link);
    w->link = -1;
}

static void
retire(struct ymo_worker *w, int reason)
{
    if (reason < 0 || reason >= YMO_LINK_N_REASONS || w->state != YMO_WORKER_SERVING)
        return;
    if (w->wants < 0)
        ymo_notice("worker %d is to be replaced: %s", (int)w->pid, ymo_link_reason_text(reason));
    w->wants = reason;
    ymo_generation_fill(w->gen);
}

/* False when `w` is gone. */
static bool
hear(struct ymo_worker *w)
{
    struct ymo_link_msg msg;
    int rc;
    while (w->link >= 0 && (rc = ymo_link_recv(w->link, &msg, NULL)) != YMO_EAGAIN) {
        if (rc < 0) {
            close_link(w);
            if (w->pid != 0)
                return true;            /* its end is near: it will be reaped */
            ymo_supervisor_ended(w, 0); /* the template is gone, or could not fork */
            return false;
        }
        if (msg.type == YMO_LINK_HELLO && w->pid == 0) {
            w->pid = (pid_t)msg.arg;
            ymo_debug("worker %d: forked from the template", (int)w->pid);
        } else if (msg.type == YMO_LINK_READY && w->state == YMO_WORKER_STARTING) {
            ymo_supervisor_ready(w);
        } else if (msg.type == YMO_LINK_RETIRE) {
            retire(w, msg.arg);
        }
    }
    return true;
}

static void
link_cb(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop, (void)revents;
    (void)hear(io->data);
}

static void
patience_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_worker *w = t->data;
    (void)loop, (void)revents;
    if (!w->template)
        ymo_warn("worker %d did not end within graceful_timeout (%g s): killing it", (int)w->pid,
                 w->gen->settings.graceful_timeout);
    ymo_fleet_kill(w);
}

struct ymo_worker *
ymo_fleet_add(struct ymo_generation *g, pid_t pid, int link, int seat)
{
    struct ymo_worker *w = calloc(1, sizeof(*w));
    YMO_ASSERT(w);
    w->sv = g->sv;
    w->gen = g;
    w->pid = pid;
    w->link = link;
    w->seat = seat;
    w->wants = -1;
    w->started = ymo_supervisor_clock();
    ymo_list_append(&g->sv->workers, &w->node);
    g->n_workers++;
    ev_timer_init(&w->patience, patience_cb, 0., 0.);
    ev_io_init(&w->io, link_cb, link, EV_READ);
    w->patience.data = w->io.data = w;
    if (link >= 0)
        ev_io_start(g->sv->loop, &w->io);
    return w;
}

void
ymo_fleet_remove(struct ymo_worker *w)
{
    struct ymo_generation *g = w->gen;
    ymo_list_remove(&w->node);
    ev_timer_stop(w->sv->loop, &w->patience);
    close_link(w);
    if (w->replacement)
        w->replacement->replaces = NULL;
    if (w->replaces)
        w->replaces->replacement = NULL;
    if (g->template == w) {
        g->template = NULL;
        g->template_ready = false;
    }
    if (w->seat >= 0)
        ymo_board_leave(g->board, w->seat);
    g->n_workers--;
    free(w);
    ymo_generation_release(g);
}

struct ymo_worker *
ymo_fleet_find(struct ymo_supervisor *sv, pid_t pid)
{
    YMO_LIST_EACH (struct ymo_worker, w, &sv->workers, node) {
        if (w->pid == pid)
            return w;
    }
    return NULL;
}

void
ymo_fleet_hear(struct ymo_supervisor *sv)
{
    struct ymo_list *l, *next;
    YMO_LIST_FOREACH (l, next, &sv->workers) {
        struct ymo_worker *w = YMO_CONTAINER_OF(l, struct ymo_worker, node);
        if (!hear(w))
            next = sv->workers.next; /* that may have removed others, too */
    }
}

void
ymo_fleet_kill(struct ymo_worker *w)
{
    w->killed = true;
    if (w->pid > 0)
        (void)kill(w->pid, SIGKILL);
}

void
ymo_fleet_drain(struct ymo_worker *w, enum ymo_link_reason reason)
{
    if (w->state == YMO_WORKER_LEAVING)
        return;
    w->state = YMO_WORKER_LEAVING;
    if (w->template) {
        ymo_fleet_kill(w); /* it has no clients, and its exit handlers are the workers' */
        return;
    }
    int rc =
        w->link >= 0 ? ymo_link_send(w->link, YMO_LINK_DRAIN, (int32_t)reason, -1) : YMO_ECLOSED;
    /* One that is loading ends by the signal; if its READY is on the way, that is graceful, too. */
    if ((rc < 0 || !w->served) && w->pid > 0)
        (void)kill(w->pid, SIGTERM);
    ev_timer_set(&w->patience, w->gen->settings.graceful_timeout + GRACE, 0.);
    ev_timer_start(w->sv->loop, &w->patience);
}

/* ---- the watchdog ---- */

static void
tick_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_supervisor *sv = t->data;
    (void)loop, (void)revents;
    YMO_LIST_EACH (struct ymo_worker, w, &sv->workers, node) {
        /* Others beat as their own settings say, and have another clock over them. */
        if (w->gen != sv->now || w->seat < 0 || w->state == YMO_WORKER_STARTING || w->killed)
            continue;
        unsigned beat = atomic_load(&w->gen->board->seats[w->seat].beat);
        /* Looks are counted, not seconds: when the whole machine slept, all of it slept. */
        w->still = beat == w->beat ? w->still + 1 : 0;
        w->beat = beat;
        if (w->still <= TICKS)
            continue;
        ymo_error("worker %d has not moved for watchdog_timeout (%g s): killing it", (int)w->pid,
                  w->gen->settings.watchdog_timeout);
        ymo_fleet_kill(w);
    }
}

void
ymo_fleet_watch(struct ymo_supervisor *sv)
{
    double every = sv->now->settings.watchdog_timeout / TICKS;
    ev_timer_stop(sv->loop, &sv->tick);
    if (every <= 0)
        return;
    ev_timer_init(&sv->tick, tick_cb, every, every);
    sv->tick.data = sv;
    ev_timer_start(sv->loop, &sv->tick);
}
