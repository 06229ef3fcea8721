/* SPDX-License-Identifier: MIT */
/*
 * SIGUSR2: the program on disk takes this one's place, in the same process. It is first run with
 * --check-config, so that one which does not start, or does not like the configuration, is never
 * given the sockets. Then execve: the process id stays, the listening sockets stay open, the
 * workers stay our children and go on serving while the new program starts its own.
 */
#include "base/log.h"
#include "supervisor/fate.h"
#include "supervisor/fleet.h"
#include "supervisor/handover.h"
#include "supervisor/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Seconds that the new program has to look at the configuration. */
#define CHECK_PATIENCE 30.0

/* `name` as a path from the root, or false. Links stay as they are: they may be what changes. */
static bool
absolute(const char *name, char *dst, size_t len)
{
    char cwd[PATH_MAX];
    int n;
    if (name[0] == '/')
        n = snprintf(dst, len, "%s", name);
    else
        n = getcwd(cwd, sizeof(cwd)) ? snprintf(dst, len, "%s/%s", cwd, name) : -1;
    return n > 0 && (size_t)n < len && access(dst, X_OK) == 0;
}

static bool
find_on_path(const char *name, char *dst, size_t len)
{
    char candidate[PATH_MAX];
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t n = strcspn(path, ":");
        if (n > 0 && snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)n, path, name) > 0 &&
            absolute(candidate, dst, len))
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}

void
ymo_upgrade_remember(struct ymo_supervisor *sv)
{
    char path[2 * PATH_MAX];
    const char *name = sv->argc > 0 ? sv->argv[0] : "";
    bool found = false;
    if (strchr(name, '/'))
        found = absolute(name, path, sizeof(path));
    else if (*name)
        found = find_on_path(name, path, sizeof(path));
    if (!found) {
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
        if (n <= 0)
            return;
        path[n] = '\0';
    }
    sv->program = strdup(path);
}

/* ---- trying it ---- */

static _Noreturn void
check_main(struct ymo_supervisor *sv)
{
    char **argv = calloc((size_t)sv->argc + 2, sizeof(*argv));
    int null = open("/dev/null", O_WRONLY);
    if (!argv || null < 0)
        _exit(126);
    for (int i = 0; i < sv->argc; i++)
        argv[i + 1] = sv->argv[i];
    /* First: what follows may begin with "--". */
    argv[0] = sv->argv[0];
    argv[1] = (char[]){"--check-config"};
    (void)dup2(null, STDOUT_FILENO);
    execve(sv->program, argv, sv->environ_);
    ymo_error("cannot execute %s: %s", sv->program, strerror(errno));
    _exit(126);
}

static void
patience_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_supervisor *sv = t->data;
    (void)loop, (void)revents;
    if (sv->check_pid)
        (void)kill(sv->check_pid, SIGKILL);
}

static void
refuse(const char *why)
{
    ymo_error("SIGUSR2: the program is not replaced: %s", why);
}

/* The one that was tried is not to be: things go on with the one there is. */
static void
give_up(struct ymo_supervisor *sv, const char *why)
{
    refuse(why);
    if (sv->reload_wanted)
        ymo_reload_begin(sv);
}

void
ymo_upgrade_begin(struct ymo_supervisor *sv)
{
    if (!sv->program || sv->phase != YMO_PHASE_RUN || sv->check_pid || sv->next) {
        refuse(!sv->program                 ? "its path is not known"
               : sv->phase != YMO_PHASE_RUN ? "the server is still starting"
               : sv->check_pid              ? "that is already under way"
                                            : "a reload is under way");
        return;
    }
    ymo_notice("SIGUSR2: trying %s", sv->program);
    pid_t pid = ymo_spawn_fork(sv, sv->now);
    if (pid == 0)
        check_main(sv);
    if (pid < 0) {
        refuse(strerror(errno));
        return;
    }
    sv->check_pid = pid;
    ev_timer_init(&sv->check_patience, patience_cb, CHECK_PATIENCE, 0.);
    sv->check_patience.data = sv;
    ev_timer_start(sv->loop, &sv->check_patience);
}

/* ---- replacing ourselves ---- */

/* The workers that the new program takes over: those that serve, and those that finish. */
static struct ymo_handover_worker *
collect(struct ymo_supervisor *sv, size_t *n_r)
{
    size_t n = 0, max = 0;
    struct ymo_list *l, *next;
    YMO_LIST_EACH (const struct ymo_worker, w, &sv->workers, node)
        max++;
    struct ymo_handover_worker *ws = calloc(max + 1, sizeof(*ws));
    if (!ws)
        return NULL;
    YMO_LIST_FOREACH (l, next, &sv->workers) {
        struct ymo_worker *w = YMO_CONTAINER_OF(l, struct ymo_worker, node);
        if (w->template || w->state == YMO_WORKER_STARTING) {
            ymo_fleet_drain(w, YMO_LINK_RELOAD);
            continue;
        }
        if (w->link >= 0)
            ws[n++] = (struct ymo_handover_worker){
                .pid = w->pid, .link = w->link, .leaving = w->state == YMO_WORKER_LEAVING};
    }
    *n_r = n;
    return ws;
}

static void
replace(struct ymo_supervisor *sv)
{
    char entry[128];
    size_t n = 0;
    sigset_t all, before;
    /* What arrives from here on waits for the new program. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    struct ymo_handover_worker *ws = collect(sv, &n);
    char tickets[YMO_TLS_STATE] = "";
    if (sv->now->tls)
        ymo_tls_save(sv->now->tls, tickets);
    int rc = ws ? ymo_handover_write(&sv->now->sockets, ws, n, tickets, entry, sizeof(entry))
                : YMO_ENOMEM;
    explicit_bzero(tickets, sizeof(tickets));
    if (rc == YMO_OK && putenv(entry) == 0) {
        ymo_notice("SIGUSR2: executing %s", sv->program);
        ymo_notify_reloading();
        ymo_notify_keep();
        execve(sv->program, sv->argv, environ);
        rc = YMO_EIO;
        ymo_handover_undo(&sv->now->sockets, ws, n);
        (void)unsetenv(YMO_HANDOVER_ENV);
    }
    const char *why = rc == YMO_EIO ? strerror(errno) : ymo_err_str(rc);
    free(ws);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    ymo_notify_ready(getpid(), "serving");
    ymo_generation_fill(sv->now);
    give_up(sv, why);
}

void
ymo_upgrade_checked(struct ymo_supervisor *sv, int status)
{
    char fate[YMO_FATE_MAX], why[YMO_FATE_MAX + 128];
    sv->check_pid = 0;
    ev_timer_stop(sv->loop, &sv->check_patience);
    if (sv->phase != YMO_PHASE_RUN)
        return;
    if (status != 0) {
        ymo_fate_text(status, fate, sizeof(fate));
        (void)snprintf(why, sizeof(why), "%.100s --check-config %s", sv->program, fate);
        give_up(sv, why);
        return;
    }
    replace(sv);
}

/* ---- in the new program ---- */

int
ymo_upgrade_adopt(struct ymo_supervisor *sv, struct ymo_settings *s)
{
    struct ymo_sockets socks;
    struct ymo_handover_worker *ws;
    size_t n;
    if (ymo_handover_read(&socks, &ws, &n, sv->tickets) <= 0)
        return 0;
    sv->now = ymo_generation_new(sv, s, &socks, NULL, true);
    if (!sv->now) {
        free(ws);
        return YMO_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        struct ymo_worker *w = ymo_fleet_add(sv->now, ws[i].pid, ws[i].link, -1);
        w->state = YMO_WORKER_SERVING;
        w->served = true;
        if (ws[i].leaving)
            ymo_fleet_drain(w, YMO_LINK_RELOAD); /* saying it twice does no harm */
    }
    ymo_notice("this is the new program; %zu worker%s of the one before serve%s meanwhile", n,
               n == 1 ? "" : "s", n == 1 ? "s" : "");
    free(ws);
    return 1;
}
