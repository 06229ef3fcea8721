/* SPDX-License-Identifier: MIT */
/* What signals do to a process that serves, alone and below a supervisor. Each in a child. */
#include "tests/support/death.h"
#include "tests/support/test.h"
#include "tests/support/test_place.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: t\r\n\r\n"
#define MUST      YMO_DEATH_MUST

static struct ymo_test_server s;
static struct ymo_test_place p;
static struct ymo_http_client c, busy;
static struct ymo_http_reply r;

/* With one idle client and one whose request is being worked on. */
static void
serve(bool supervised)
{
    ymo_test_server_init(&s);
    s.cfg.leave_signal = NULL;
    if (supervised)
        MUST(ymo_test_place_make(&p, &s));
    MUST(ymo_test_server_begin(&s, &c));
    MUST(ymo_test_server_hello(&c));
    busy = ymo_test_server_client(&s);
    MUST(ymo_http_client_say(&busy, GET("/gate")));
    MUST(ymo_test_server_until(&s.at_gate, 1));
}

/* To this thread; the loop has looked when two more requests have been served. */
static void
receive(int signo)
{
    struct ymo_http_client other = ymo_test_server_client(&s);
    MUST(pthread_kill(pthread_self(), signo) == 0);
    ymo_test_server_open(&s, 0);
    ymo_http_client_close(&other);
}

static void
look_twice(void)
{
    struct ymo_http_client other;
    s.n_workers = 1;
    MUST(ymo_http_client_open(&other, s.port, 0));
    for (int i = 0; i < 2; i++) {
        MUST(ymo_http_client_say(&other, "bad\r\n\r\n")); /* answered by the loop itself */
        MUST(ymo_http_client_reply(&other, &r, false));
        MUST(r.status == 400);
        ymo_http_client_close(&other);
        MUST(ymo_http_client_open(&other, s.port, 0));
    }
    ymo_http_client_close(&other);
}

/* The stop that has begun is a graceful one. */
static void
ends_gracefully(void)
{
    MUST(ymo_http_client_at_end(&c));
    ymo_test_server_open(&s, 1);
    MUST(ymo_http_client_reply(&busy, &r, false));
    MUST(r.close && ymo_slice_eq(ymo_buf_slice(&r.body), YMO_SLICE("open")));
    ymo_http_client_close(&busy);
    ymo_echo_executor_join(&s.executor);
    ymo_reactor_join(s.reactor);
    MUST(s.executor.drained == 1);
}

static void
alone(void *arg)
{
    const int *signals = arg;
    serve(false);
    receive(signals[0]);
    if (signals[1]) {
        MUST(ymo_http_client_at_end(&c)); /* the first has been heard */
        (void)pthread_kill(pthread_self(), signals[1]);
        for (;;)
            pause();
    }
    ends_gracefully();
}

static void
alone_sighup(void *arg)
{
    (void)arg;
    serve(false);
    receive(SIGHUP);
    look_twice();
    receive(SIGTERM);
    ends_gracefully();
}

static void
sigquit(void *arg)
{
    serve(*(const bool *)arg);
    (void)pthread_kill(pthread_self(), SIGQUIT);
    for (;;)
        pause();
}

static void
ours(int signo)
{
    (void)signo;
}

/* nohup, and handlers that Python does not know of. */
static void
left_as_they_were(void *arg)
{
    struct sigaction sa;
    (void)arg;
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGQUIT, ours);
    serve(false);
    MUST(sigaction(SIGHUP, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN);
    MUST(sigaction(SIGQUIT, NULL, &sa) == 0 && sa.sa_handler == ours);
    receive(SIGHUP);
    look_twice();
    receive(SIGTERM);
    ends_gracefully();
}

static void
supervised(void *arg)
{
    (void)arg;
    serve(true);
    receive(SIGINT);
    receive(SIGHUP);
    receive(SIGINT);
    look_twice();
    MUST(!ymo_http_client_ready(&c));
    receive(SIGTERM);
    MUST(ymo_http_client_at_end(&c));
    for (int i = 0; i < 3; i++) {
        (void)pthread_kill(pthread_self(), SIGTERM);
        (void)pthread_kill(pthread_self(), SIGINT);
    }
    ends_gracefully();
}

static int
status_of(void (*fn)(void *), void *arg)
{
    int status = ymo_death_status(fn, arg);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1 - WTERMSIG(status);
}

static void
first_gracefully_then_at_once(void)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    for (int i = 0; i < 2; i++) {
        int signals[2] = {numbers[i], 0};
        ymo_test_context("signal %d", numbers[i]);
        CHECK_INT(status_of(alone, signals), 0);
        signals[1] = numbers[!i];
        CHECK_INT(status_of(alone, signals), 128 + numbers[!i]);
    }
    ymo_test_context(NULL);
}

static void
sigquit_ends_at_once(void)
{
    bool below[] = {false, true};
    CHECK_INT(status_of(sigquit, &below[0]), 128 + SIGQUIT);
    CHECK_INT(status_of(sigquit, &below[1]), 128 + SIGQUIT);
}

static void
sighup_alone_serves_on(void)
{
    CHECK_INT(status_of(alone_sighup, NULL), 0);
}

static void
others_keep_theirs(void)
{
    CHECK_INT(status_of(left_as_they_were, NULL), 0);
}

static void
the_supervisor_acts(void)
{
    CHECK_INT(status_of(supervised, NULL), 0);
}

YMO_SUITE(signals, first_gracefully_then_at_once, sigquit_ends_at_once, sighup_alone_serves_on,
          others_keep_theirs, the_supervisor_acts);
