/* SPDX-License-Identifier: MIT */
/* Forking workers and templates. */
#include "base/log.h"
#include "supervisor/fleet.h"
#include "supervisor/stdsocket.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

/*
 * Until a worker listens to its link, the death of the supervisor must end it all the same. The
 * kernel sees to that where it can; `on` false: the link does from here on.
 */
static void
die_with_parent(bool on, pid_t parent)
{
#ifdef __linux__
    (void)prctl(PR_SET_PDEATHSIG, on ? SIGKILL : 0);
    if (on && getppid() != parent)
        _exit(1);
#else
    (void)on, (void)parent;
#endif
}

/* The exit handlers of C run, as after main: sanitizers report there. */
static _Noreturn void
leave(int status)
{
    (void)fflush(stdout);
    exit(status);
}

static int
serve(struct ymo_supervisor *sv, struct ymo_generation *g, int seat, int link, void *app)
{
    const struct ymo_place place = {.board = g->board, .seat = seat, .link = link};
    return sv->ops->serve(&g->settings, &g->sockets, g->tls, &place, app);
}

/* Before the application is loaded, which may start programs. */
static void
free_stdin(struct ymo_generation *g)
{
    if (ymo_stdsocket_free(&g->sockets) == YMO_OK)
        return;
    ymo_fatal("cannot move a listening socket: %s", strerror(errno));
    leave(1);
}

static _Noreturn void
worker_main(struct ymo_supervisor *sv, struct ymo_generation *g, int seat, int link, pid_t parent)
{
    void *app;
    die_with_parent(true, parent);
    free_stdin(g);
    if (sv->ops->load(&g->settings, &app) < 0)
        leave(1);
    die_with_parent(false, parent);
    leave(serve(sv, g, seat, link, app));
}

/* `fd` is the new worker's link. */
static void
fork_worker(struct ymo_supervisor *sv, struct ymo_generation *g, int link,
            const struct ymo_link_msg *msg, int fd, void *app)
{
    bool good = msg->type == YMO_LINK_FORK && msg->arg >= 0 && msg->arg < g->board->n;
    if (good && sv->ops->fork(app) == 0) {
        close(link);
        if (ymo_link_send(fd, YMO_LINK_HELLO, (int32_t)getpid(), -1) < 0)
            _exit(1);
        leave(serve(sv, g, msg->arg, fd, app));
    }
    close(fd); /* when there is no worker, the supervisor sees the end of its link */
}

/* One worker for each FORK, until the supervisor closes the link. */
static _Noreturn void
template_main(struct ymo_supervisor *sv, struct ymo_generation *g, int link, pid_t parent)
{
    struct ymo_link_msg msg;
    void *app;
    int fd, rc = YMO_OK;
    die_with_parent(true, parent);
    free_stdin(g);
    if (sv->ops->load(&g->settings, &app) < 0 || ymo_link_send(link, YMO_LINK_READY, 0, -1) < 0)
        leave(1);
    while (rc != YMO_ECLOSED) {
        rc = ymo_link_recv(link, &msg, &fd);
        if (rc == YMO_EAGAIN)
            rc = ymo_link_wait(link); /* a signal is no message either */
        else if (rc == YMO_OK && fd >= 0)
            fork_worker(sv, g, link, &msg, fd, app);
    }
    _exit(0); /* the exit handlers are the workers' business */
}

/* Handlers of the supervisor's must not run in a child: no signal comes between fork and here. */
pid_t
ymo_spawn_fork(struct ymo_supervisor *sv, const struct ymo_generation *keep)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    int err = errno;
    if (pid == 0)
        ymo_supervisor_leave(sv, keep);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = err;
    return pid;
}

static struct ymo_worker *
cannot_start(const char *why, int seat, struct ymo_generation *g, const int link[2])
{
    ymo_error("cannot start a worker: %s", why);
    if (seat >= 0)
        ymo_board_leave(g->board, seat);
    if (link) {
        close(link[0]);
        close(link[1]);
    }
    return NULL;
}

struct ymo_worker *
ymo_spawn_template(struct ymo_generation *g)
{
    struct ymo_supervisor *sv = g->sv;
    int link[2];
    pid_t self = getpid();
    if (ymo_link_pair(link) < 0)
        return cannot_start(strerror(errno), -1, g, NULL);
#ifdef __linux__
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* its workers become our children */
#endif
    pid_t pid = ymo_spawn_fork(sv, g);
    if (pid < 0)
        return cannot_start(strerror(errno), -1, g, link);
    if (pid == 0) {
        close(link[0]);
        template_main(sv, g, link[1], self);
    }
    close(link[1]);
    struct ymo_worker *w = ymo_fleet_add(g, pid, link[0], -1);
    w->template = true;
    ymo_debug("template %d: loading the application", (int)pid);
    return w;
}

static struct ymo_worker *
ask_template(struct ymo_generation *g, int seat, const int link[2])
{
    int rc = ymo_link_send(g->template->link, YMO_LINK_FORK, seat, link[1]);
    if (rc < 0)
        return cannot_start(ymo_err_str(rc), seat, g, link);
    close(link[1]);
    return ymo_fleet_add(g, 0, link[0], seat);
}

struct ymo_worker *
ymo_spawn_worker(struct ymo_generation *g)
{
    struct ymo_supervisor *sv = g->sv;
    int link[2];
    pid_t self = getpid();
    int seat = ymo_board_take(g->board);
    if (seat < 0)
        return cannot_start("all seats are taken; reload to have more", -1, g, NULL);
    if (ymo_link_pair(link) < 0)
        return cannot_start(strerror(errno), seat, g, NULL);
    if (g->template)
        return ask_template(g, seat, link);
    pid_t pid = ymo_spawn_fork(sv, g);
    if (pid < 0)
        return cannot_start(strerror(errno), seat, g, link);
    if (pid == 0) {
        close(link[0]);
        worker_main(sv, g, seat, link[1], self);
    }
    close(link[1]);
    ymo_debug("worker %d: loading the application", (int)pid);
    return ymo_fleet_add(g, pid, link[0], seat);
}
