/* SPDX-License-Identifier: MIT */
/* A worker process and its supervisor, over the link and the board. */
#include "tests/support/test.h"
#include "tests/support/test_place.h"

#include <signal.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: t\r\n\r\n"

static struct ymo_test_server s;
static struct ymo_test_place p;
static struct ymo_http_client c;
static struct ymo_http_reply r;

/* After ymo_test_server_init and what a test changes in it: serving, and `c` connected. */
static bool
begin(void)
{
    return ymo_test_place_make(&p, &s) &&
           CHECK_INT(atomic_load(&p.seat->state), YMO_SEAT_STARTING) &&
           ymo_test_server_begin(&s, &c) && CHECK(ymo_test_place_heard(&p, YMO_LINK_READY, 0));
}

/* A request of `c` waits at the gate. */
static bool
one_at_gate(void)
{
    return CHECK(ymo_http_client_say(&c, GET("/gate"))) &&
           CHECK(ymo_test_server_until(&s.at_gate, 1));
}

static void
end(void)
{
    ymo_http_reply_free(&r);
    ymo_http_client_close(&c);
    ymo_test_place_join(&s);
    ymo_test_place_free(&p);
}

/* Who reads READY may send clients. The seat shows what goes on. */
static void
shows_what_it_does(void)
{
    ymo_test_server_init(&s);
    s.cfg.capacity = 3;
    REQUIRE(begin());
    CHECK_INT(atomic_load(&p.seat->state), YMO_SEAT_SERVING);
    CHECK_INT(atomic_load(&p.seat->capacity), 3);
    CHECK(ymo_test_server_hello(&c));
    CHECK(ymo_test_place_until(&p.seat->n_conns, 1));
    CHECK(ymo_http_client_say(&c, GET("/gate")));
    struct ymo_http_client second = ymo_test_server_client(&s);
    CHECK(ymo_http_client_say(&second, GET("/gate")));
    CHECK(ymo_test_place_until(&p.seat->in_flight, 2));
    CHECK(ymo_test_place_until(&p.seat->n_conns, 2));
    ymo_test_server_open(&s, 2);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK(ymo_http_client_reply(&second, &r, false));
    CHECK(ymo_test_place_silent(&p));
    ymo_test_place_drain(&p, YMO_LINK_RELOAD);
    CHECK(ymo_http_client_at_end(&c));
    CHECK(ymo_http_client_at_end(&second));
    ymo_http_client_close(&second);
    CHECK_INT(atomic_load(&p.seat->state), YMO_SEAT_LEAVING);
    ymo_http_reply_free(&r);
    ymo_http_client_close(&c);
    ymo_test_place_join(&s);
    CHECK_INT(atomic_load(&p.seat->in_flight), 0);
    CHECK_INT(atomic_load(&p.seat->n_conns), 0);
    CHECK_INT(atomic_load(&p.seat->beat), 0); /* no watchdog, no beat */
    CHECK_INT(atomic_load(&p.place.board->seats[0].state), YMO_SEAT_STARTING); /* not ours */
    ymo_test_place_free(&p);
}

static bool
cannot_connect(void)
{
    struct ymo_http_client late;
    bool open = ymo_http_client_open(&late, s.port, 0);
    if (open)
        ymo_http_client_close(&late);
    return !open;
}

/* Told twice, and then left alone: one graceful stop. */
static void
drains_when_told(void)
{
    ymo_test_server_init(&s);
    s.n_workers = 2;
    REQUIRE(begin());
    struct ymo_http_client idle = ymo_test_server_client(&s);
    CHECK(ymo_test_server_hello(&idle));
    CHECK(one_at_gate());
    CHECK_INT(ymo_link_send(p.supervisor, YMO_LINK_FORK, 0, -1), YMO_OK); /* not for a worker */
    CHECK(ymo_test_server_hello(&idle));
    CHECK(ymo_test_server_hello(&idle));
    ymo_test_place_drain(&p, YMO_LINK_STOP);
    CHECK(ymo_http_client_at_end(&idle));
    CHECK(cannot_connect());
    ymo_test_place_drain(&p, YMO_LINK_STOP);
    ymo_test_place_vanish(&p);
    ymo_test_server_open(&s, 1);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_SLICE(ymo_buf_slice(&r.body), "open");
    CHECK(r.close);
    ymo_http_client_close(&idle);
    end();
}

static void
drains_when_the_supervisor_is_gone(void)
{
    ymo_test_server_init(&s);
    REQUIRE(begin());
    struct ymo_http_client idle = ymo_test_server_client(&s);
    CHECK(ymo_test_server_hello(&idle));
    CHECK(one_at_gate());
    ymo_test_place_vanish(&p);
    CHECK(ymo_http_client_at_end(&idle));
    CHECK(cannot_connect());
    CHECK_INT(s.executor.drained, 0);
    ymo_test_server_open(&s, 1);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_SLICE(ymo_buf_slice(&r.body), "open");
    ymo_http_client_close(&idle);
    end();
}

/* It may be gone before the loop turns for the first time. */
static void
the_supervisor_was_gone_before(void)
{
    ymo_test_server_init(&s);
    REQUIRE(ymo_test_place_make(&p, &s));
    ymo_test_place_vanish(&p);
    REQUIRE(ymo_test_server_start(&s));
    ymo_test_place_join(&s);
    ymo_test_place_free(&p);
}

static void
beats(void)
{
    ymo_test_server_init(&s);
    s.cfg.watchdog_timeout = 0.02;
    REQUIRE(begin());
    CHECK(one_at_gate()); /* busy workers do not stop it */
    unsigned before = atomic_load(&p.seat->beat);
    CHECK(ymo_test_place_until(&p.seat->beat, before + 5));
    ymo_test_place_drain(&p, YMO_LINK_STOP);
    CHECK(ymo_test_place_until(&p.seat->beat, before + 10)); /* nor does a stop */
    ymo_test_server_open(&s, 1);
    CHECK(ymo_http_client_reply(&c, &r, false));
    end();
}

static atomic_int noted;

static void
note(int signo)
{
    (void)signo;
    atomic_fetch_add(&noted, 1);
}

/* The application's own handler for the end runs, once, however the end came. */
static void
the_application_hears_of_it(void)
{
    struct sigaction sa = {.sa_handler = note};
    for (int vanish = 0; vanish < 2; vanish++) {
        ymo_test_context("vanish %d", vanish);
        atomic_store(&noted, 0);
        ymo_test_server_init(&s);
        CHECK_INT(sigaction(SIGTERM, &sa, NULL), 0);
        REQUIRE(begin());
        CHECK(ymo_test_server_hello(&c));
        CHECK_INT(noted, 0);
        if (!vanish)
            ymo_test_place_drain(&p, YMO_LINK_STOP);
        ymo_test_place_vanish(&p);
        CHECK(ymo_test_server_until(&noted, 1));
        CHECK(ymo_http_client_at_end(&c));
        end();
        CHECK_INT(noted, 1);
        (void)signal(SIGTERM, SIG_DFL);
    }
    ymo_test_context(NULL);
}

YMO_SUITE(lifeline, shows_what_it_does, drains_when_told, drains_when_the_supervisor_is_gone,
          the_supervisor_was_gone_before, beats, the_application_hears_of_it);
