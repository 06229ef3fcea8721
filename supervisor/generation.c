/* SPDX-License-Identifier: MIT */
/* One load of the configuration, and keeping it at its number of workers. */
#include "base/log.h"
#include "base/nofile.h"
#include "supervisor/fleet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SPARE_SEATS = 16,   /* SIGTTIN, replacements */
    OTHERS = 256,       /* descriptors for everything else */
    MAX_INBOXES = 256,  /* above, requests are not handed from process to process */
    LONGEST_DELAY = 30, /* seconds between two starts in a crash loop */
    FORGET = 60,        /* seconds without a failure after which there was none */
};

struct ymo_generation *
ymo_generation_new(struct ymo_supervisor *sv, struct ymo_settings *s, struct ymo_sockets *socks,
                   struct ymo_tls *tls, bool adopted)
{
    struct ymo_generation *g = calloc(1, sizeof(*g));
    int seats = 2 * s->no_proc + SPARE_SEATS;
    int rc = g ? YMO_OK : YMO_ENOMEM;
    /* Inboxes and links of the generation that serves, the one to come and one that has not left
     * yet. A limit below that is found by the first reload, at the worst time. */
    (void)ymo_nofile_raise((unsigned long long)seats * 3 * 3 + OTHERS);
    if (rc == YMO_OK && !adopted)
        rc = ymo_board_create(seats, seats <= MAX_INBOXES, &g->board);
    if (rc < 0) {
        ymo_error("cannot set up %d workers: %s", s->no_proc,
                  rc == YMO_ENOMEM ? "out of memory" : strerror(errno));
        free(g);
        return NULL;
    }
    g->sv = sv;
    g->adopted = adopted;
    ymo_list_append(&sv->generations, &g->node);
    g->settings = *s;
    g->sockets = *socks;
    g->tls = tls;
    g->target = s->no_proc;
    *s = (struct ymo_settings){0};
    *socks = (struct ymo_sockets){0};
    return g;
}

void
ymo_generation_release(struct ymo_generation *g)
{
    if (g->n_workers > 0 || g == g->sv->now || g == g->sv->next)
        return;
    ymo_list_remove(&g->node);
    ymo_board_free(g->board);
    ymo_tls_free(g->tls);
    ymo_settings_free(&g->settings);
    free(g->sockets.items);
    free(g);
}

int
ymo_generation_serving(const struct ymo_generation *g)
{
    int n = 0;
    YMO_LIST_EACH (const struct ymo_worker, w, &g->sv->workers, node) {
        n += w->gen == g && !w->template && w->state == YMO_WORKER_SERVING;
    }
    return n;
}

/* Workers that count towards the target; replacements do when their turn comes. */
static int
count(const struct ymo_generation *g, int *n_replacements_r)
{
    int n = 0;
    *n_replacements_r = 0;
    YMO_LIST_EACH (const struct ymo_worker, w, &g->sv->workers, node) {
        if (w->gen != g || w->template || w->state == YMO_WORKER_LEAVING)
            continue;
        if (w->replaces)
            (*n_replacements_r)++;
        else
            n++;
    }
    return n;
}

/* The next that asked to retire and has no replacement on its way. */
static struct ymo_worker *
next_retiring(const struct ymo_generation *g)
{
    YMO_LIST_EACH (struct ymo_worker, w, &g->sv->workers, node) {
        if (w->gen == g && w->wants >= 0 && !w->replacement && w->state == YMO_WORKER_SERVING)
            return w;
    }
    return NULL;
}

static bool
must_wait(struct ymo_generation *g)
{
    struct ymo_supervisor *sv = g->sv;
    double wait = g->not_before - ymo_supervisor_clock();
    if (wait <= 0)
        return false;
    if (!ev_is_active(&sv->respawn)) {
        ev_timer_set(&sv->respawn, wait, 0.);
        ev_timer_start(sv->loop, &sv->respawn);
    }
    return true;
}

void
ymo_generation_failed(struct ymo_generation *g, bool served)
{
    double now = ymo_supervisor_clock(), delay = 0;
    /* All of them may be killed at once, by one mistake, or by a lack of memory. */
    unsigned most = (unsigned)g->target + g->settings.preload;
    if (now - g->failed_at > FORGET)
        g->failures = 0;
    g->failed_at = now;
    if (!served && g->failures < most)
        g->failures = most; /* but one that does not even start is a reason to wait */
    if (++g->failures > most)
        delay =
            g->failures - most < 7 ? (double)(1u << (g->failures - most - 1)) / 2 : LONGEST_DELAY;
    g->not_before = now + (delay < LONGEST_DELAY ? delay : LONGEST_DELAY);
    if (delay >= 1)
        ymo_notice("starting the next worker in %g s", delay);
}

static void
cannot_start(struct ymo_generation *g)
{
    ymo_generation_failed(g, false);
    (void)must_wait(g);
}

/* False when nothing (more) can be started now. */
static bool
start_template(struct ymo_generation *g)
{
    if (!g->settings.preload || g->template_ready)
        return true;
    if (!g->template && !must_wait(g)) {
        g->template = ymo_spawn_template(g);
        if (!g->template)
            cannot_start(g);
    }
    return false;
}

void
ymo_generation_fill(struct ymo_generation *g)
{
    struct ymo_supervisor *sv = g->sv;
    struct ymo_worker *w;
    int replacements, n = count(g, &replacements);
    /* Until one is ready nobody knows whether the application loads: one traceback is enough. */
    int target = g->proven || g->target < 1 ? g->target : 1;
    if (sv->phase == YMO_PHASE_STOP || g->adopted)
        return;
    for (; n < target; n++) {
        if (!start_template(g) || must_wait(g))
            return;
        if (!ymo_spawn_worker(g)) {
            cannot_start(g);
            return;
        }
    }
    /*
     * Not all at once: loading costs processor time and memory that those who serve need. And never
     * so many beside those who have not left yet that a dead worker would find no seat.
     */
    while (!sv->next && replacements * 2 < g->target && ymo_board_n_free(g->board) > g->target &&
           (w = next_retiring(g)) != NULL) {
        if (!start_template(g) || must_wait(g))
            return;
        struct ymo_worker *r = ymo_spawn_worker(g);
        if (!r) {
            cannot_start(g);
            return;
        }
        r->replaces = w;
        w->replacement = r;
        replacements++;
    }
}
