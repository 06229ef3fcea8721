/* SPDX-License-Identifier: MIT */
/* Ends and limits of the whole: graceful stop, signals, connections that are too many. */
#include "tests/support/fail_accept.h"
#include "tests/support/test.h"
#include "tests/support/test_server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: t\r\n\r\n"

static struct ymo_test_server s;
static struct ymo_http_client c;
static struct ymo_http_reply r;

/* What runs and what waits is answered; who has nothing to say is closed; nobody is let in. */
static void
stops_gracefully(void)
{
    ymo_test_server_init(&s);
    REQUIRE(ymo_test_server_begin(&s, &c));
    struct ymo_http_client idle = ymo_test_server_client(&s), queued = ymo_test_server_client(&s);
    CHECK(ymo_test_server_hello(&idle));
    CHECK(ymo_http_client_say(&c, GET("/gate")));
    CHECK(ymo_test_server_until(&s.at_gate, 1));
    CHECK(ymo_http_client_say(&queued, GET("/hello")));
    CHECK(ymo_test_server_until(&s.executor.submitted, 3));
    ymo_reactor_stop(s.reactor);
    CHECK(ymo_http_client_at_end(&idle));
    struct ymo_http_client late;
    CHECK(!ymo_http_client_open(&late, s.port, 0));
    CHECK_INT(s.executor.drained, 0); /* not before all is done */
    ymo_test_server_open(&s, 1);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_SLICE(ymo_buf_slice(&r.body), "open");
    CHECK(r.close);
    CHECK(ymo_http_client_at_end(&c));
    CHECK(ymo_http_client_reply(&queued, &r, false));
    CHECK_SLICE(ymo_buf_slice(&r.body), "hello");
    CHECK(ymo_http_client_at_end(&queued));
    ymo_http_client_close(&idle);
    ymo_http_client_close(&queued);
    ymo_test_server_finish(&s, &c, &r);
}

/* Let in just before the stop, it may still say what it wants; the rest of a request is awaited. */
static void
last_words(void)
{
    ymo_test_server_init(&s);
    REQUIRE(ymo_test_server_begin(&s, &c));
    struct ymo_http_client half = ymo_test_server_client(&s), idle = ymo_test_server_client(&s);
    CHECK(ymo_http_client_say(&half, "GET /hello HTTP/1.1\r\n"));
    CHECK(ymo_test_server_hello(&idle));
    ymo_reactor_stop(s.reactor);
    CHECK(ymo_http_client_at_end(&idle)); /* the stop has begun */
    CHECK(ymo_http_client_say(&c, GET("/hello")));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK(r.close);
    CHECK(ymo_http_client_say(&half, "Host: t\r\n\r\n"));
    CHECK(ymo_http_client_reply(&half, &r, false));
    CHECK(r.close);
    ymo_http_client_close(&half);
    ymo_http_client_close(&idle);
    ymo_test_server_finish(&s, &c, &r);
}

/* Silent connections do not hold the stop up, not even with half an empty line in them. */
static void
silent_connections_are_closed(void)
{
    ymo_test_server_init(&s);
    REQUIRE(ymo_test_server_begin(&s, &c));
    struct ymo_http_client first = ymo_test_server_client(&s);
    CHECK(ymo_http_client_say(&first, "\r"));
    CHECK(ymo_test_server_hello(&c)); /* the loop has seen all of them */
    struct ymo_http_client silent = ymo_test_server_client(&s);
    ymo_reactor_stop(s.reactor);
    CHECK(ymo_http_client_at_end(&first));
    CHECK(ymo_http_client_at_end(&silent));
    ymo_http_client_close(&first);
    ymo_http_client_close(&silent);
    ymo_test_server_finish(&s, &c, &r);
}

static void
stop_without_anything(void)
{
    for (int i = 0; i < 20; i++) {
        ymo_test_server_init(&s);
        REQUIRE(ymo_test_server_start(&s));
        ymo_test_server_stop(&s);
    }
}

/* Signals are the reactor's while it lives, and nobody's afterwards: not those of a dead loop. */
static void
signals(void)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGTERM};
    struct sigaction sa;
    for (int i = 0; i < 3; i++) {
        ymo_test_context("signal %d", numbers[i]);
        ymo_test_server_init(&s);
        s.cfg.leave_signal = NULL;
        REQUIRE(ymo_test_server_begin(&s, &c));
        CHECK(ymo_test_server_hello(&c));
        CHECK_INT(kill(getpid(), numbers[i]), 0);
        CHECK(ymo_http_client_at_end(&c));
        ymo_http_client_close(&c);
        ymo_echo_executor_join(&s.executor);
        ymo_reactor_join(s.reactor);
        CHECK_INT(s.executor.drained, 1);
        sem_destroy(&s.gate);
        for (int k = 0; k < 2; k++) {
            CHECK_INT(sigaction(numbers[k], NULL, &sa), 0);
            CHECK(sa.sa_handler == SIG_DFL);
        }
    }
    ymo_test_context(NULL);
}

static void
too_many_connections(void)
{
    ymo_test_server_init(&s);
    s.cfg.max_connections = 2;
    REQUIRE(ymo_test_server_begin(&s, &c));
    struct ymo_http_client second = ymo_test_server_client(&s), third;
    CHECK(ymo_test_server_hello(&c));
    CHECK(ymo_test_server_hello(&second));
    third = ymo_test_server_client(&s); /* as far as the backlog */
    CHECK(ymo_http_client_say(&third, GET("/hello")));
    for (int i = 0; i < 50; i++)
        CHECK(ymo_test_server_hello(&c));
    CHECK(!ymo_http_client_ready(&third));
    CHECK_INT(s.executor.submitted, 52);
    ymo_http_client_close(&second);
    CHECK(ymo_http_client_reply(&third, &r, false));
    CHECK_INT(r.status, 200);
    ymo_http_client_close(&third);
    ymo_test_server_finish(&s, &c, &r);
}

/* No descriptors: the others are served, the loop does not spin, and it goes on when there are. */
static void
out_of_descriptors(void)
{
    static const int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EINVAL};
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        ymo_test_context("%d", errors[i]);
        ymo_test_server_init(&s);
        REQUIRE(ymo_test_server_begin(&s, &c));
        struct ymo_http_client second = ymo_test_server_client(&s), third;
        CHECK(ymo_test_server_hello(&c));
        CHECK(ymo_test_server_hello(&second));
        atomic_store(&ymo_fail_accept_count, 0);
        atomic_store(&ymo_fail_accept_errno, errors[i]);
        third = ymo_test_server_client(&s);
        CHECK(ymo_http_client_say(&third, GET("/hello")));
        CHECK(ymo_test_server_until(&ymo_fail_accept_count, 1));
        for (int k = 0; k < 400; k++)
            CHECK(ymo_test_server_hello(&c));
        /* Each of those was two turns of the loop at least. */
        CHECK(atomic_load(&ymo_fail_accept_count) < 100);
        atomic_store(&ymo_fail_accept_errno, 0);
        ymo_http_client_close(&second); /* that makes room at once */
        CHECK(ymo_http_client_reply(&third, &r, false));
        CHECK_INT(r.status, 200);
        ymo_http_client_close(&third);
        ymo_test_server_finish(&s, &c, &r);
    }
    ymo_test_context(NULL);
}

/* A listener that fails for good does not keep the stop from ending. */
static void
broken_listener(void)
{
    ymo_test_server_init(&s);
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(ymo_test_server_hello(&c));
    atomic_store(&ymo_fail_accept_errno, EINVAL);
    ymo_test_server_finish(&s, &c, &r);
    atomic_store(&ymo_fail_accept_errno, 0);
}

/* Who is in the backlog when the stop begins has been let in by the kernel, and is served. */
static void
backlog_is_served(void)
{
    ymo_test_server_init(&s);
    s.cfg.max_connections = 1;
    REQUIRE(ymo_test_server_begin(&s, &c));
    struct ymo_http_client waiting = ymo_test_server_client(&s);
    CHECK(ymo_test_server_hello(&c));
    CHECK(ymo_http_client_say(&waiting, GET("/hello")));
    ymo_http_client_close(&c);
    CHECK(ymo_http_client_reply(&waiting, &r, false));
    CHECK_INT(r.status, 200);
    ymo_http_client_close(&waiting);
    ymo_test_server_finish(&s, &c, &r);
}

YMO_SUITE(stopping, stops_gracefully, last_words, silent_connections_are_closed,
          stop_without_anything, signals, too_many_connections, out_of_descriptors, broken_listener,
          backlog_is_served);
