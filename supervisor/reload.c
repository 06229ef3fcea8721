/* SPDX-License-Identifier: MIT */
/*
 * SIGHUP: a second generation is started beside the first, and takes over when all of its workers
 * are ready. Whatever goes wrong before that leaves the first one as it is.
 */
#include "base/log.h"
#include "supervisor/fleet.h"
#include "supervisor/notify.h"
#include "supervisor/pidfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An adopted generation cannot replace what dies: leaving it behind is tried again and again. */
#define RETRY 10.0

static void
retry_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_supervisor *sv = t->data;
    (void)loop, (void)revents;
    if (sv->phase == YMO_PHASE_RUN && !sv->next && sv->now->adopted)
        ymo_reload_begin(sv);
}

static void
kept(struct ymo_supervisor *sv, const char *why)
{
    int n = ymo_generation_serving(sv->now);
    ymo_error("reload: %s; the %d worker%s of before go%s on serving", why, n, n == 1 ? "" : "s",
              n == 1 ? "es" : "");
    ymo_notify_ready(getpid(), "serving; the last reload failed");
    if (sv->now->adopted) {
        ev_timer_stop(sv->loop, &sv->retry);
        ev_timer_init(&sv->retry, retry_cb, RETRY, 0.);
        sv->retry.data = sv;
        ev_timer_start(sv->loop, &sv->retry);
    }
}

void
ymo_reload_abort(struct ymo_supervisor *sv, const char *why)
{
    struct ymo_generation *g = sv->next;
    struct ymo_list *l, *next;
    if (!g)
        return;
    sv->next = NULL;
    ymo_sockets_drop(&g->sockets, &sv->now->sockets);
    g->n_workers++; /* it must not go while we walk */
    YMO_LIST_FOREACH (l, next, &sv->workers) {
        struct ymo_worker *w = YMO_CONTAINER_OF(l, struct ymo_worker, node);
        if (w->gen == g)
            ymo_fleet_drain(w, YMO_LINK_RELOAD);
    }
    g->n_workers--;
    if (why)
        kept(sv, why);
    ymo_generation_release(g);
    ymo_generation_fill(sv->now); /* replacements waited for the reload */
}

void
ymo_reload_begin(struct ymo_supervisor *sv)
{
    struct ymo_settings s;
    struct ymo_sockets socks;
    struct ymo_tls *tls;
    char tickets[YMO_TLS_STATE];
    if (sv->phase == YMO_PHASE_START) {
        ymo_notice("SIGHUP: still starting; the reload comes after that");
        sv->reload_wanted = true;
        return;
    }
    if (sv->check_pid) {
        ymo_notice("SIGHUP: the program is being replaced first");
        sv->reload_wanted = true;
        return;
    }
    sv->reload_wanted = false;
    ymo_notice("reload: reading the configuration%s",
               sv->next ? " again; the reload under way is given up" : "");
    if (sv->next)
        ymo_reload_abort(sv, NULL);
    ymo_notify_reloading();
    if (ymo_settings_load(&s, sv->argc, sv->argv, sv->environ_) < 0) {
        kept(sv, "the configuration is not accepted, see above");
        return;
    }
    if (sv->ops->check(&s) < 0) {
        kept(sv, "the configuration asks for something that this build cannot do, see above");
        ymo_settings_free(&s);
        return;
    }
    if (sv->now->tls)
        ymo_tls_save(sv->now->tls, tickets);
    else
        memcpy(tickets, sv->tickets, sizeof(tickets));
    int rc = sv->ops->load_tls(&s, tickets[0] ? tickets : NULL, &tls);
    explicit_bzero(tickets, sizeof(tickets));
    if (rc < 0) {
        kept(sv, "the certificates are not accepted, see above");
        ymo_settings_free(&s);
        return;
    }
    if (ymo_sockets_reopen(&s, &sv->now->sockets, &socks) < 0) {
        kept(sv, "an address cannot be bound, see above");
        ymo_tls_free(tls);
        ymo_settings_free(&s);
        return;
    }
    struct ymo_generation *g = ymo_generation_new(sv, &s, &socks, tls, false);
    if (!g) {
        kept(sv, "see above");
        ymo_tls_free(tls);
        ymo_sockets_drop(&socks, &sv->now->sockets);
        ymo_settings_free(&s);
        return;
    }
    sv->next = g;
    ymo_generation_fill(g);
}

static bool
same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void
commit(struct ymo_supervisor *sv)
{
    struct ymo_generation *old = sv->now, *g = sv->next;
    struct ymo_list *l, *next;
    sv->now = g;
    sv->next = NULL;
    ymo_log_init((enum ymo_log_level)g->settings.log_level);
    ymo_sockets_announce(&g->sockets, &old->sockets);
    ymo_sockets_drop(&old->sockets, &g->sockets);
    if (!same_text(old->settings.pidfile, g->settings.pidfile)) {
        ymo_pidfile_remove(old->settings.pidfile);
        if (ymo_pidfile_write(g->settings.pidfile) < 0)
            ymo_warn("going on without a pidfile");
    }
    ymo_fleet_watch(sv);
    ymo_notice("reloaded: %d worker%s ready, those of before finish what they have begun",
               g->target, g->target == 1 ? " is" : "s are");
    sv->all_ready_logged = true;
    ymo_notify_ready(getpid(), "serving");
    old->n_workers++;
    YMO_LIST_FOREACH (l, next, &sv->workers) {
        struct ymo_worker *w = YMO_CONTAINER_OF(l, struct ymo_worker, node);
        if (w->gen == old)
            ymo_fleet_drain(w, YMO_LINK_RELOAD);
    }
    old->n_workers--;
    ymo_generation_release(old);
}

void
ymo_reload_progress(struct ymo_supervisor *sv)
{
    if (sv->next && ymo_generation_serving(sv->next) >= sv->next->target)
        commit(sv);
}
