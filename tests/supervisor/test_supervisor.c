/* SPDX-License-Identifier: MIT */
/*
 * The supervisor in a process of its own, with workers in C that only say what happens to them:
 * a letter and their pid on a pipe. L: asked to load; S: serves; D: told to drain, with the reason.
 */
#include "supervisor/supervisor.h"

#include "base/log.h"
#include "reactor/link.h"
#include "supervisor/fleet.h"
#include "tests/support/test.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct event {
    char what;
    int arg;
    int seq; /* in which order things happened; the pipe's may differ */
    pid_t pid;
};

/* What the test tells the workers, in shared memory. */
struct plan {
    atomic_int seq;
    atomic_bool load_fails;
    atomic_int die_at_once; /* so many workers exit with 9 as soon as they serve */
};

static struct plan *plan;
static int events[2];
static pid_t supervisor;

static int
tick(void)
{
    return atomic_fetch_add(&plan->seq, 1);
}

static void
say(char what, int arg, int seq)
{
    struct event e = {.what = what, .arg = arg, .seq = seq, .pid = getpid()};
    if (write(events[1], &e, sizeof(e)) != (ssize_t)sizeof(e))
        _exit(99);
}

static int
check(const struct ymo_settings *s)
{
    (void)s;
    return YMO_OK;
}

static int
load(const struct ymo_settings *s, void **app_r)
{
    bool fails = atomic_load(&plan->load_fails); /* the test changes it when it hears us */
    *app_r = NULL;
    say('L', s->no_proc, tick());
    return fails ? YMO_EINVAL : YMO_OK;
}

/* Double, as ymo_pyworker_fork. */
static int
fork_app(void *app)
{
    (void)app;
    pid_t pid = fork();
    if (pid == 0 && fork() != 0)
        _exit(0);
    if (pid == 0)
        return 0;
    return waitpid(pid, NULL, 0) == pid ? 1 : YMO_EIO;
}

static int own_link;

/* SIGUSR1: say that you want to be replaced. */
static void
on_signal(int signo)
{
    if (signo == SIGUSR1 && ymo_link_send(own_link, YMO_LINK_RETIRE, YMO_LINK_MAX_REQUESTS, -1) < 0)
        _exit(97);
}

static int
load_tls(const struct ymo_settings *s, const char *state, struct ymo_tls **tls_r)
{
    (void)s, (void)state;
    *tls_r = NULL;
    return YMO_OK;
}

static int
serve(const struct ymo_settings *s, struct ymo_sockets *socks, struct ymo_tls *tls,
      const struct ymo_place *place, void *app)
{
    struct ymo_link_msg msg;
    struct sigaction sa = {.sa_handler = on_signal};
    (void)s, (void)app, (void)tls;
    own_link = place->link;
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL); /* the link says it, too */
    int seq = tick();
    if (socks->n != 1 || ymo_link_send(place->link, YMO_LINK_READY, 0, -1) < 0)
        return 98;
    say('S', place->seat, seq);
    if (atomic_fetch_sub(&plan->die_at_once, 1) > 0)
        return 9;
    for (;;) {
        int rc = ymo_link_recv(place->link, &msg, NULL);
        if (rc == YMO_ECLOSED) {
            say('E', 0, tick());
            return 0;
        }
        if (rc == YMO_OK && msg.type == YMO_LINK_DRAIN) {
            say('D', msg.arg, tick());
            return 0;
        }
        if (rc == YMO_EAGAIN && ymo_link_wait(place->link) == YMO_EINTR)
            continue;
    }
}

static const struct ymo_supervisor_ops ops = {check, load_tls, load, fork_app, serve};

/* With `n` processes, and a template if `preload`. */
static void
begin(const char *n, bool preload, bool load_fails)
{
    static char empty[] = "YIMMO_LOG_LEVEL=FATAL";
    static char *env[] = {empty, NULL};
    plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (plan == MAP_FAILED || pipe(events) != 0)
        abort();
    atomic_store(&plan->load_fails, load_fails);
    supervisor = fork();
    if (supervisor < 0)
        abort();
    if (supervisor > 0)
        return;
    char *argv[] = {(char[]){"test"},
                    (char[]){"hello:app"},
                    (char[]){"--port=0"},
                    (char[]){"--no-proc"},
                    (char *)(uintptr_t)n,
                    (char[]){"--supervise"},
                    preload ? (char[]){"--preload"} : (char[]){"--no-preload"},
                    NULL};
    struct ymo_settings s;
    if (ymo_settings_load(&s, 7, argv, env) < 0)
        _exit(96);
    ymo_log_init(YMO_LOG_FATAL);
    int status = ymo_supervisor_run(&ops, &s, 7, argv, env);
    ymo_settings_free(&s);
    exit(status);
}

/* The next event that is no L, or with `what` 0 after 10 seconds. */
static struct event
next(void)
{
    struct event e = {0};
    struct pollfd p = {.fd = events[0], .events = POLLIN};
    do {
        if (poll(&p, 1, 10000) != 1 || read(events[0], &e, sizeof(e)) != (ssize_t)sizeof(e))
            return (struct event){0};
    } while (e.what == 'L');
    return e;
}

/* `n` events `what`, one after the other, each with `arg` unless that is -1; pids in pids_r. */
static bool
expect(int n, char what, int arg, pid_t *pids_r)
{
    for (int i = 0; i < n; i++) {
        struct event e = next();
        if (!CHECK_INT(e.what, what) || (arg >= 0 && !CHECK_INT(e.arg, arg)))
            return false;
        if (pids_r)
            pids_r[i] = e.pid;
    }
    return true;
}

/* `n` new workers serve, and only then the `n` of before are told to go. */
static bool
expect_change(int n, enum ymo_link_reason reason, pid_t *new_r, pid_t *gone_r)
{
    int n_new = 0, n_gone = 0, last_new = -1, first_gone = INT_MAX;
    while (n_new + n_gone < 2 * n) {
        struct event e = next();
        if (e.what == 'S' && n_new < n) {
            new_r[n_new++] = e.pid;
            last_new = e.seq > last_new ? e.seq : last_new;
        } else if (e.what == 'D' && n_gone < n && CHECK_INT(e.arg, reason)) {
            gone_r[n_gone++] = e.pid;
            first_gone = e.seq < first_gone ? e.seq : first_gone;
        } else {
            return CHECK_INT(e.what, 'S');
        }
    }
    return CHECK(last_new < first_gone);
}

static int
end_of_supervisor(void)
{
    int status = -1;
    while (waitpid(supervisor, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static void
clean_up(void)
{
    close(events[0]);
    close(events[1]);
    (void)munmap(plan, sizeof(*plan));
}

static void
stop(int n)
{
    CHECK(kill(supervisor, SIGTERM) == 0);
    expect(n, 'D', YMO_LINK_STOP, NULL);
    CHECK_INT(end_of_supervisor(), 0);
    clean_up();
}

static void
starts_and_stops(void)
{
    begin("3", false, false);
    expect(3, 'S', -1, NULL);
    stop(3);
}

static void
first_load_that_fails_ends_it(void)
{
    struct event e;
    int loads = 0, status;
    struct pollfd p = {.events = POLLIN};
    begin("4", false, true);
    status = end_of_supervisor();
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 1);
    for (p.fd = events[0]; poll(&p, 1, 0) == 1 && read(events[0], &e, sizeof(e)) > 0; loads++)
        CHECK_INT(e.what, 'L');
    CHECK_INT(loads, 1); /* one traceback is enough */
    clean_up();
}

static void
dead_workers_are_replaced(void)
{
    pid_t pids[3], again[3];
    begin("3", false, false);
    if (expect(3, 'S', -1, pids)) {
        for (int i = 0; i < 3; i++)
            CHECK(kill(pids[i], SIGKILL) == 0);
        expect(3, 'S', -1, again);
    }
    stop(3);
}

static void
reload_replaces_all(void)
{
    pid_t old[2], new[2], gone[2];
    begin("2", false, false);
    if (expect(2, 'S', -1, old)) {
        CHECK(kill(supervisor, SIGHUP) == 0);
        expect_change(2, YMO_LINK_RELOAD, new, gone);
        CHECK((gone[0] == old[0] && gone[1] == old[1]) || (gone[0] == old[1] && gone[1] == old[0]));
    }
    stop(2);
}

static void
reload_that_fails_changes_nothing(void)
{
    pid_t old[2], new[2], gone[2];
    begin("2", false, false);
    if (expect(2, 'S', -1, old)) {
        atomic_store(&plan->load_fails, true);
        CHECK(kill(supervisor, SIGHUP) == 0);
        /* The new one says L, fails, and nobody is drained; a good reload afterwards works. */
        struct event e;
        struct pollfd p = {.fd = events[0], .events = POLLIN};
        CHECK(poll(&p, 1, 10000) == 1 && read(events[0], &e, sizeof(e)) == (ssize_t)sizeof(e));
        CHECK_INT(e.what, 'L');
        atomic_store(&plan->load_fails, false);
        CHECK(kill(supervisor, SIGHUP) == 0);
        expect_change(2, YMO_LINK_RELOAD, new, gone);
    }
    stop(2);
}

static void
replacement_serves_before_the_old_one_leaves(void)
{
    pid_t old, new, gone;
    begin("1", false, false);
    if (expect(1, 'S', -1, &old)) {
        CHECK(kill(old, SIGUSR1) == 0); /* has it send RETIRE */
        expect_change(1, YMO_LINK_MAX_REQUESTS, &new, &gone);
        CHECK(gone == old && new != old);
    }
    stop(1);
}

static void
more_and_fewer(void)
{
    begin("1", false, false);
    if (expect(1, 'S', -1, NULL)) {
        CHECK(kill(supervisor, SIGTTIN) == 0);
        expect(1, 'S', -1, NULL);
        CHECK(kill(supervisor, SIGTTOU) == 0);
        expect(1, 'D', YMO_LINK_FEWER, NULL);
    }
    stop(1);
}

static void
workers_notice_the_supervisors_death(void)
{
    begin("2", false, false);
    expect(2, 'S', -1, NULL);
    CHECK(kill(supervisor, SIGKILL) == 0);
    (void)end_of_supervisor();
    expect(2, 'E', -1, NULL);
    clean_up();
}

static void
template_forks_workers(void)
{
    pid_t pids[2], new[2], gone[2];
    begin("2", true, false);
    if (expect(2, 'S', -1, pids)) {
        /* They are the supervisor's children: it sees how they die. */
        CHECK(kill(pids[0], SIGKILL) == 0);
        expect(1, 'S', -1, NULL);
        CHECK(kill(supervisor, SIGHUP) == 0);
        expect_change(2, YMO_LINK_RELOAD, new, gone);
    }
    stop(2);
}

static void
quits_at_once(void)
{
    int status;
    begin("2", false, false);
    expect(2, 'S', -1, NULL);
    CHECK(kill(supervisor, SIGQUIT) == 0);
    status = end_of_supervisor();
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 128 + SIGQUIT);
    clean_up();
}

/* Without processes: how long it waits after one failure and the next. */
static void
back_off_grows_and_is_forgotten(void)
{
    struct ymo_generation g = {.target = 3};
    double last = 0;
    for (int i = 0; i < 3; i++) {
        ymo_generation_failed(&g, true);
        CHECK(g.not_before <= g.failed_at); /* three killed at once are started at once */
    }
    for (int i = 0; i < 12; i++) {
        ymo_generation_failed(&g, true);
        double delay = g.not_before - g.failed_at;
        CHECK(delay >= last && delay <= 30);
        last = delay;
    }
    CHECK(last == 30);
    g.failed_at -= 3600;
    ymo_generation_failed(&g, true);
    CHECK(g.not_before <= g.failed_at);
    g.failed_at -= 3600;
    ymo_generation_failed(&g, false); /* one that does not start is not tried again at once */
    CHECK(g.not_before > g.failed_at);
}

YMO_SUITE(supervisor, starts_and_stops, first_load_that_fails_ends_it, dead_workers_are_replaced,
          reload_replaces_all, reload_that_fails_changes_nothing,
          replacement_serves_before_the_old_one_leaves, more_and_fewer,
          workers_notice_the_supervisors_death, template_forks_workers, quits_at_once,
          back_off_grows_and_is_forgotten);
