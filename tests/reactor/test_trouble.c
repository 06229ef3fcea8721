/* SPDX-License-Identifier: MIT */
/* Clients that are slow, wrong, or gone; applications that fail. */
#include "reactor/forkguard.h"
#include "tests/support/test.h"
#include "tests/support/test_server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: t\r\n\r\n"

static struct ymo_test_server s;
static struct ymo_http_client c;
static struct ymo_http_reply r;

static bool
say_and_get(const char *text)
{
    return ymo_http_client_say(&c, text) && ymo_http_client_reply(&c, &r, false);
}

/* ---- answers that the server gives itself ---------------------------------------------- */

static void
refusals(void)
{
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET /app/hello HTTP/1.1\r\nHost: t\r\nBad Name: x\r\n\r\n", 400},
        {GET("/other"), 404},
        {GET("/application"), 404},
        {"POST /app/stored HTTP/1.1\r\nHost: t\r\nContent-Length: 1001\r\n\r\n", 413},
        {"POST /app/stored HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3e8\r\n",
         0}, /* fits: only more would not */
        {"POST /app/stored HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", 413},
        {"POST /app/stored HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3\r\nabcX",
         400},
    };
    for (int buffering = 0; buffering < 2; buffering++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            ymo_test_context("row %zu, buffering %d", i, buffering);
            ymo_test_server_init(&s);
            s.cfg.script_name = "/app";
            s.cfg.limits.max_body = 1000;
            s.cfg.request_buffering = buffering;
            REQUIRE(ymo_test_server_begin(&s, &c));
            CHECK(ymo_http_client_say(&c, rows[i].request));
            if (rows[i].status) {
                CHECK(ymo_http_client_reply(&c, &r, false));
                CHECK_INT(r.status, rows[i].status);
                CHECK(r.close);
                CHECK(ymo_http_client_at_end(&c));
            }
            /* Whatever happened to it, the server has forgotten it: the stop does not wait. */
            ymo_http_client_reset(&c);
            ymo_test_server_finish(&s, &c, &r);
        }
    }
    ymo_test_context(NULL);
}

/* The client is still sending when the answer comes: no reset may destroy that. */
static void
early_answers_can_be_read(void)
{
    static char junk[65536];
    ymo_test_server_init(&s);
    s.cfg.limits.max_body = 1000;
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(ymo_http_client_say(&c, "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 8000000\r\n\r\n"));
    for (int i = 0; i < 8000000 / 65536; i++)
        REQUIRE(ymo_http_client_send(&c, junk, sizeof(junk)));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 413);
    CHECK(ymo_http_client_at_end(&c));
    ymo_http_client_close(&c); /* ends the lingering */
    ymo_test_server_finish(&s, &c, &r);
}

/* The same for a 500 of an application that fails before it has read its body. */
static void
a_500_can_be_read(void)
{
    static char junk[65536];
    ymo_test_server_init(&s);
    s.cfg.request_buffering = false;
    s.cfg.body_memory = 4096;
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(ymo_http_client_say(
        &c, "POST /broken0 HTTP/1.1\r\nHost: t\r\nContent-Length: 8000000\r\n\r\n"));
    for (int i = 0; i < 8000000 / 65536; i++)
        REQUIRE(ymo_http_client_send(&c, junk, sizeof(junk)));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 500);
    CHECK(ymo_http_client_at_end(&c));
    ymo_http_client_close(&c);
    ymo_test_server_finish(&s, &c, &r);
}

static void
linger_has_an_end(void)
{
    ymo_test_server_init(&s);
    s.cfg.linger_timeout = 0.02;
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(say_and_get("GET nonsense HTTP/1.1\r\nHost: t\r\n\r\n"));
    CHECK_INT(r.status, 400);
    CHECK(ymo_http_client_at_end(&c)); /* half of it: the client could still send */
    struct ymo_http_client kept = c;
    c.fd = -1;
    ymo_test_server_stop(&s); /* does not end before the connection has */
    ymo_http_reply_free(&r);
    ymo_http_client_close(&kept);
}

static void
broken_ends(void)
{
    ymo_test_server_init(&s);
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(!say_and_get(GET("/broken")));
    CHECK_INT(r.status, 200);
    CHECK_SLICE(ymo_buf_slice(&r.body), "some");
    CHECK(c.eof); /* and no last chunk */
    ymo_http_client_close(&c);
    c = ymo_test_server_client(&s);
    /* Where the end of the connection is the end of the body, only a reset tells. */
    for (int forked = 0; forked < 2; forked++) {
        bool before = atomic_exchange(&ymo_forkguard_forked, forked);
        CHECK(!say_and_get("GET /broken HTTP/1.0\r\n\r\n"));
        CHECK(c.reset);
        atomic_store(&ymo_forkguard_forked, before);
        ymo_http_client_close(&c);
        c = ymo_test_server_client(&s);
    }
    CHECK(say_and_get(GET("/broken0")));
    CHECK_INT(r.status, 500);
    CHECK(!r.close); /* a complete answer like any other */
    CHECK(ymo_test_server_hello(&c));
    CHECK(say_and_get("GET /broken0 HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
    CHECK_INT(r.status, 500);
    CHECK(r.close);
    CHECK(ymo_http_client_at_end(&c));
    ymo_test_server_finish(&s, &c, &r);
}

static void
unusable_tmp_dir(void)
{
    ymo_test_server_init(&s);
    s.cfg.tmp_dir = "/nonexistent";
    s.cfg.body_memory = 10;
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(say_and_get("POST /stored HTTP/1.1\r\nHost: t\r\nContent-Length: 11\r\n\r\nhello world"));
    CHECK_INT(r.status, 503);
    CHECK(ymo_http_client_at_end(&c));
    CHECK_INT(s.executor.submitted, 0);
    ymo_test_server_finish(&s, &c, &r);
}

/* ---- time ------------------------------------------------------------------------------ */

static void
slow_heads_and_bodies(void)
{
    static const struct {
        double head, body, idle;
        const char *said;
        int status;
    } rows[] = {
        {0.02, 3600, 3600, "GET /hello HTTP/1.1\r\nHo", 408},
        {3600, 0.02, 3600, "POST /stored HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nabc", 408},
        {3600, 3600, 0.02, "", 0},
        {3600, 3600, 0.02, "\r\n", 0},
    };
    for (int buffering = 0; buffering < 2; buffering++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            ymo_test_context("row %zu, buffering %d", i, buffering);
            ymo_test_server_init(&s);
            s.cfg.head_timeout = rows[i].head;
            s.cfg.body_timeout = rows[i].body;
            s.cfg.idle_timeout = rows[i].idle;
            s.cfg.request_buffering = buffering;
            REQUIRE(ymo_test_server_begin(&s, &c));
            CHECK(ymo_http_client_say(&c, rows[i].said));
            if (rows[i].status) {
                CHECK(ymo_http_client_reply(&c, &r, false));
                CHECK_INT(r.status, rows[i].status);
            }
            CHECK(ymo_http_client_at_end(&c));
            ymo_http_client_close(&c);
            ymo_test_server_finish(&s, &c, &r);
            CHECK_INT(s.broken_bodies, !buffering && rows[i].body < 1);
        }
    }
    ymo_test_context(NULL);
}

/* A head has one deadline, however its bytes drip in. */
static void
dripping_head(void)
{
    ymo_test_server_init(&s);
    s.cfg.head_timeout = 0.05;
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(ymo_http_client_say(&c, "GET /hello HTTP/1.1\r\nHost: t\r\nX: "));
    for (int i = 0; i < 12000 && !ymo_http_client_ready(&c); i++) {
        (void)ymo_http_client_say(&c, "x");
        usleep(5000);
    }
    CHECK(ymo_http_client_ready(&c));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 408);
    ymo_http_client_close(&c);
    ymo_test_server_finish(&s, &c, &r);
}

static void
bodies_have_a_least_rate(void)
{
    ymo_test_server_init(&s);
    s.cfg.body_timeout = 0.05;
    s.cfg.body_min_rate = 1000000;
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(ymo_http_client_say(
        &c, "POST /stored HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n"));
    for (int i = 0; i < 12000 && !ymo_http_client_ready(&c); i++) {
        (void)ymo_http_client_say(&c, "x");
        usleep(5000);
    }
    CHECK(ymo_http_client_ready(&c));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 408);
    ymo_http_client_close(&c);
    ymo_test_server_finish(&s, &c, &r);
}

/* A client that takes nothing is not kept by what it sends. */
static void
takes_nothing_and_drips(void)
{
    struct pollfd p = {.events = POLLERR | POLLHUP};
    ymo_test_server_init(&s);
    s.cfg.write_timeout = 0.05;
    REQUIRE(ymo_test_server_begin(&s, &c));
    ymo_http_client_close(&c);
    REQUIRE(ymo_http_client_open(&c, s.port, 4096));
    CHECK(ymo_http_client_say(&c, GET("/pieces?100000,10000")));
    p.fd = c.fd;
    bool gone = false;
    for (int i = 0; i < 6000 && !gone; i++) {
        gone = !ymo_http_client_say(&c, "x") || poll(&p, 1, 5) != 0;
    }
    CHECK(gone);
    CHECK(ymo_test_server_until(&s.gone, 1)); /* and the handler was told */
    ymo_test_server_finish(&s, &c, &r);
}

/* ---- gone ------------------------------------------------------------------------------ */

static void
gone_while_queued(void)
{
    ymo_test_server_init(&s);
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(ymo_http_client_say(&c, GET("/gate")));
    CHECK(ymo_test_server_until(&s.at_gate, 1)); /* the only worker */
    struct ymo_http_client other = ymo_test_server_client(&s);
    CHECK(ymo_http_client_say(&other, GET("/gate")));
    CHECK(ymo_test_server_until(&s.executor.submitted, 2));
    ymo_http_client_reset(&other);
    CHECK(ymo_test_server_until(&s.executor.taken_back, 1));
    ymo_test_server_open(&s, 1);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK(ymo_test_server_hello(&c));
    CHECK_INT(s.at_gate, 1); /* it was never run */
    ymo_test_server_finish(&s, &c, &r);
}

static void
gone_while_running(void)
{
    ymo_test_server_init(&s);
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(ymo_http_client_say(&c, GET("/gate")));
    CHECK(ymo_test_server_until(&s.at_gate, 1));
    ymo_http_client_reset(&c);
    CHECK(ymo_test_server_until(&s.executor.cancelled, 1));
    CHECK_INT(s.executor.taken_back, 0);
    ymo_test_server_open(&s, 1);
    CHECK(ymo_test_server_until(&s.gone, 1));
    c = ymo_test_server_client(&s);
    CHECK(ymo_test_server_hello(&c));
    ymo_test_server_finish(&s, &c, &r);
}

static void
gone_while_responding(void)
{
    static const char *const requests[] = {GET("/endless"), GET("/pieces?100000,100000"),
                                           GET("/pieces?100000000,1")};
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        ymo_test_context("%s", requests[i]);
        ymo_test_server_init(&s);
        REQUIRE(ymo_test_server_begin(&s, &c));
        CHECK(ymo_http_client_say(&c, requests[i]));
        while (c.in.len < 20000 && ymo_http_client_fill(&c))
            ;
        ymo_http_client_reset(&c);
        CHECK(ymo_test_server_until(&s.gone, 1));
        c = ymo_test_server_client(&s);
        CHECK(ymo_test_server_hello(&c));
        ymo_test_server_finish(&s, &c, &r);
    }
    ymo_test_context(NULL);
}

/* The last answer is complete and half written: it needs no worker any more, only memory. */
static void
gone_while_flushing(void)
{
    ymo_test_server_init(&s);
    REQUIRE(ymo_test_server_begin(&s, &c));
    ymo_http_client_close(&c);
    REQUIRE(ymo_http_client_open(&c, s.port, 4096));
    CHECK(ymo_http_client_say(&c, GET("/long?20000000")));
    CHECK(ymo_http_client_fill(&c));
    ymo_http_client_reset(&c);
    c = ymo_test_server_client(&s);
    CHECK(ymo_test_server_hello(&c));
    ymo_test_server_finish(&s, &c, &r);
}

/* A short body never looks complete. */
static void
gone_in_the_body(void)
{
    for (int buffering = 0; buffering < 2; buffering++) {
        for (int how = 0; how < 2; how++) {
            ymo_test_context("buffering %d, how %d", buffering, how);
            ymo_test_server_init(&s);
            s.cfg.request_buffering = buffering;
            REQUIRE(ymo_test_server_begin(&s, &c));
            CHECK(ymo_http_client_say(
                &c, "POST /stored HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\nhalf"));
            if (!buffering)
                CHECK(ymo_test_server_until(&s.bodies_read, 4));
            if (how == 0) {
                CHECK_INT(shutdown(c.fd, SHUT_WR), 0);
                CHECK(ymo_http_client_reply(&c, &r, false));
                CHECK_INT(r.status, 400);
            } else {
                ymo_http_client_reset(&c);
            }
            if (!buffering)
                CHECK(ymo_test_server_until(&s.broken_bodies, 1));
            ymo_http_client_close(&c);
            c = ymo_test_server_client(&s);
            CHECK(ymo_test_server_hello(&c));
            CHECK_INT(s.executor.submitted, buffering ? 1 : 2);
            ymo_test_server_finish(&s, &c, &r);
        }
    }
    ymo_test_context(NULL);
}

/* Many of them, at every moment that chance brings. For the sanitizers. */
static void
clients_come_and_go(void)
{
    static const char *const requests[] = {
        GET("/hello"),
        GET("/hello") GET("/pieces?30,3000") GET("/hello"),
        GET("/long?300000"),
        GET("/pieces?1000,100"),
        GET("/broken"),
        "nonsense\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 20\r\n\r\n12345678",
        "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
        "GET /hel",
    };
    enum { ANSWERED = 6, KINDS = sizeof(requests) / sizeof(requests[0]) };
    unsigned dice = 1;
    for (int buffering = 0; buffering < 2; buffering++) {
        ymo_test_server_init(&s);
        s.n_workers = 3;
        s.cfg.request_buffering = buffering;
        s.cfg.linger_timeout = 0.01;
        REQUIRE(ymo_test_server_begin(&s, &c));
        for (int i = 0; i < 600; i++) {
            struct ymo_http_client other = ymo_test_server_client(&s);
            dice = dice * 1103515245 + 12345;
            unsigned kind = (dice >> 16) % KINDS;
            (void)ymo_http_client_say(&other, requests[kind]);
            if ((dice >> 8) % 3 == 0 && kind < ANSWERED)
                (void)ymo_http_client_fill(&other);
            if ((dice >> 10) % 4 == 0)
                (void)shutdown(other.fd, SHUT_WR);
            if ((dice >> 12) % 2)
                ymo_http_client_reset(&other);
            else
                ymo_http_client_close(&other);
        }
        CHECK(ymo_test_server_hello(&c));
        ymo_test_server_finish(&s, &c, &r);
    }
}

YMO_SUITE(trouble, refusals, early_answers_can_be_read, a_500_can_be_read, linger_has_an_end,
          broken_ends, unusable_tmp_dir, slow_heads_and_bodies, dripping_head,
          bodies_have_a_least_rate, takes_nothing_and_drips, gone_while_queued, gone_while_running,
          gone_while_responding, gone_while_flushing, gone_in_the_body, clients_come_and_go);
