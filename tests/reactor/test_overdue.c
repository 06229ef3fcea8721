/* SPDX-License-Identifier: MIT */
/* Requests that take too long. */
#include "tests/support/death.h"
#include "tests/support/fake_clock.h"
#include "tests/support/test.h"
#include "tests/support/test_place.h"

#include <stdlib.h>
#include <sys/wait.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: t\r\n\r\n"
#define MUST      YMO_DEATH_MUST

static struct ymo_test_server s;
static struct ymo_test_place p;
static struct ymo_http_client c;
static struct ymo_http_reply r;

/*
 * Two workers. The times are short because they also say how often the loop looks; they pass for
 * who is being worked on at that moment, and no one else.
 */
#define TIMEOUT 0.04

static bool
begin(void)
{
    ymo_test_server_init(&s);
    s.n_workers = 2;
    s.cfg.capacity = 2;
    s.cfg.request_timeout = TIMEOUT;
    return ymo_test_place_make(&p, &s) && ymo_test_server_begin(&s, &c) &&
           CHECK(ymo_test_place_heard(&p, YMO_LINK_READY, 0));
}

/* `client` sends a request that arrives at the gate as the n-th. */
static bool
hang(struct ymo_http_client *client, int n)
{
    return ymo_http_client_say(client, GET("/gate")) && ymo_test_server_until(&s.at_gate, n);
}

/* And is over its time. */
static bool
hang_too_long(struct ymo_http_client *client, int n)
{
    bool ok = hang(client, n);
    ymo_fake_clock_pass(TIMEOUT);
    return ok;
}

static void
end(void)
{
    ymo_test_server_finish(&s, &c, &r);
    ymo_test_place_free(&p);
}

/* The client gets an answer in time, others are served, and what hangs may still end. */
static void
answered_in_its_place(void)
{
    REQUIRE(begin());
    CHECK(hang(&c, 1));
    ymo_fake_clock_pass(TIMEOUT * 0.99);
    struct ymo_http_client other = ymo_test_server_client(&s);
    for (int i = 0; i < 100; i++)
        CHECK(ymo_test_server_hello(&other));
    CHECK(!ymo_http_client_ready(&c)); /* not yet */
    ymo_fake_clock_pass(TIMEOUT * 0.02);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 504);
    CHECK(r.close);
    CHECK(ymo_http_client_at_end(&c));
    CHECK(ymo_test_place_heard(&p, YMO_LINK_RETIRE, YMO_LINK_TIMEOUT));
    CHECK_INT(s.executor.reported, 1);
    for (int i = 0; i < 100; i++)
        CHECK(ymo_test_server_hello(&other));
    CHECK_INT(atomic_load(&p.seat->state), YMO_SEAT_SERVING);
    CHECK(ymo_test_place_is(&p.seat->in_flight, 1)); /* it has its thread still */
    ymo_test_server_open(&s, 1);
    CHECK(ymo_test_server_until(&s.gone, 1)); /* it was told */
    for (int i = 0; i < 100; i++)
        CHECK(ymo_test_server_hello(&other));
    CHECK_INT(s.executor.reported, 1);
    CHECK(ymo_test_place_silent(&p));
    ymo_http_client_close(&other);
    end();
}

/* What has been sent must not look like all of it. */
static void
cut_off(void)
{
    REQUIRE(begin());
    CHECK(ymo_http_client_say(&c, GET("/half")));
    CHECK(ymo_http_client_fill(&c));
    ymo_fake_clock_pass(TIMEOUT);
    CHECK(!ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 200);
    CHECK_SLICE(ymo_buf_slice(&r.body), "some");
    CHECK(!r.whole);
    CHECK(c.reset);
    CHECK(ymo_test_place_heard(&p, YMO_LINK_RETIRE, YMO_LINK_TIMEOUT));
    CHECK_INT(s.executor.reported, 1);
    ymo_test_server_open(&s, 1);
    end();
}

/* The time in which a client takes or sends nothing is not the application's. */
static void
waiting_for_the_client_does_not_count(void)
{
    REQUIRE(begin());
    CHECK(ymo_http_client_say(&c, GET("/client")));
    CHECK(ymo_test_server_until(&s.at_gate, 1));
    ymo_fake_clock_pass(10 * TIMEOUT);
    struct ymo_http_client other = ymo_test_server_client(&s);
    CHECK(hang_too_long(&other, 2));
    CHECK(ymo_http_client_reply(&other, &r, false)); /* the loop has looked at both */
    CHECK_INT(r.status, 504);
    CHECK(!ymo_http_client_ready(&c));
    ymo_test_server_open(&s, 2);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_SLICE(ymo_buf_slice(&r.body), "here");
    CHECK_INT(s.executor.reported, 1);
    CHECK_INT(s.executor.cancelled, 1);
    ymo_http_client_close(&other);
    end();
}

static void
nobody_waits_for_it(void)
{
    REQUIRE(begin());
    CHECK(hang(&c, 1));
    ymo_http_client_reset(&c);
    CHECK(ymo_test_server_until(&s.executor.cancelled, 1));
    ymo_fake_clock_pass(TIMEOUT);
    CHECK(ymo_test_place_heard(&p, YMO_LINK_RETIRE, YMO_LINK_TIMEOUT));
    CHECK_INT(s.executor.reported, 1);
    ymo_test_server_open(&s, 1);
    end();
}

static void
also_without_a_supervisor(void)
{
    ymo_test_server_init(&s);
    s.cfg.request_timeout = TIMEOUT;
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(hang_too_long(&c, 1));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 504);
    ymo_test_server_open(&s, 1);
    ymo_test_server_finish(&s, &c, &r);
}

/* Time begins when a worker does: who only had to wait is served. */
static void
waiting_does_not_count(void)
{
    ymo_test_server_init(&s);
    s.cfg.request_timeout = TIMEOUT;
    REQUIRE(ymo_test_server_begin(&s, &c));
    struct ymo_http_client queued = ymo_test_server_client(&s);
    CHECK(hang(&c, 1));
    CHECK(ymo_http_client_say(&queued, GET("/hello")));
    CHECK(ymo_test_server_until(&s.executor.submitted, 2));
    ymo_fake_clock_pass(TIMEOUT);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 504);
    ymo_test_server_open(&s, 1);
    CHECK(ymo_http_client_reply(&queued, &r, false));
    CHECK_INT(r.status, 200);
    CHECK_INT(s.executor.reported, 1);
    ymo_http_client_close(&queued);
    ymo_test_server_finish(&s, &c, &r);
}

static void
slow_ones_are_shown_once(void)
{
    ymo_test_server_init(&s);
    s.n_workers = 2;
    s.cfg.slow_request_log = TIMEOUT;
    REQUIRE(ymo_test_place_make(&p, &s));
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(ymo_test_place_heard(&p, YMO_LINK_READY, 0));
    struct ymo_http_client second = ymo_test_server_client(&s);
    CHECK(ymo_test_server_hello(&second));
    CHECK(hang_too_long(&c, 1));
    CHECK(ymo_test_server_until(&s.executor.n_reported, 1));
    CHECK(hang_too_long(&second, 2));
    /* The look that shows the second is one at the first, too. */
    CHECK(ymo_test_server_until(&s.executor.n_reported, 2));
    CHECK_INT(s.executor.reported, 2);
    ymo_test_server_open(&s, 2);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_SLICE(ymo_buf_slice(&r.body), "open");
    CHECK(ymo_http_client_reply(&second, &r, false));
    CHECK_SLICE(ymo_buf_slice(&r.body), "open");
    CHECK(ymo_test_place_silent(&p)); /* nothing to be replaced for */
    CHECK(ymo_test_server_hello(&c));
    CHECK_INT(s.executor.reported, 2);
    ymo_http_client_close(&second);
    end();
}

/* Shown when slow, shown again when given up. */
static void
both_times(void)
{
    ymo_test_server_init(&s);
    s.cfg.slow_request_log = TIMEOUT;
    s.cfg.request_timeout = 10;
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(hang_too_long(&c, 1));
    CHECK(ymo_test_server_until(&s.executor.reported, 1));
    CHECK(!ymo_http_client_ready(&c));
    ymo_fake_clock_pass(10);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 504);
    CHECK_INT(s.executor.reported, 2);
    ymo_test_server_open(&s, 1);
    ymo_test_server_finish(&s, &c, &r);
}

/* ---- a stop that is held up, in a child ------------------------------------------------- */

static void
wait_for_the_end(void)
{
    ymo_echo_executor_join(&s.executor);
    ymo_reactor_join(s.reactor);
    MUST(s.executor.drained == 1);
}

/* One that never ends, and a client that has not yet read its answer. */
static void
never_ends(void *arg)
{
    struct ymo_http_client reader;
    (void)arg;
    MUST(begin());
    MUST(ymo_http_client_open(&reader, s.port, 4096));
    MUST(ymo_http_client_say(&reader, GET("/long?8000000")));
    MUST(ymo_http_client_fill(&reader)); /* head, body and end are one message */
    MUST(hang_too_long(&c, 1));
    MUST(ymo_http_client_reply(&c, &r, false) && r.status == 504);
    MUST(ymo_test_place_heard(&p, YMO_LINK_RETIRE, YMO_LINK_TIMEOUT));
    ymo_http_client_close(&c);
    ymo_test_place_drain(&p, YMO_LINK_TIMEOUT);
    MUST(ymo_test_place_until(&p.seat->state, YMO_SEAT_LEAVING));
    MUST(ymo_http_client_reply(&reader, &r, false) && r.body.len == 8000000);
    ymo_http_client_close(&reader);
    wait_for_the_end();
}

/* It ends in time: as any other stop. */
static void
ends_after_all(void *arg)
{
    (void)arg;
    MUST(begin());
    struct ymo_http_client idle = ymo_test_server_client(&s);
    MUST(ymo_test_server_hello(&idle));
    MUST(hang_too_long(&c, 1));
    MUST(ymo_http_client_reply(&c, &r, false) && r.status == 504);
    ymo_http_client_close(&c);
    ymo_test_place_drain(&p, YMO_LINK_TIMEOUT);
    MUST(ymo_http_client_at_end(&idle));
    ymo_test_server_open(&s, 1);
    wait_for_the_end();
}

/* All workers hang: who waits behind them is told, before the end. */
static void
waits_behind_them(void *arg)
{
    struct ymo_http_client gate[2];
    (void)arg;
    MUST(begin());
    for (int i = 0; i < 2; i++) {
        gate[i] = ymo_test_server_client(&s);
        MUST(hang_too_long(&gate[i], i + 1));
        MUST(ymo_http_client_reply(&gate[i], &r, false) && r.status == 504);
        ymo_http_client_close(&gate[i]);
    }
    MUST(ymo_http_client_say(&c, GET("/hello")));
    MUST(ymo_test_server_until(&s.executor.submitted, 3));
    ymo_test_place_drain(&p, YMO_LINK_TIMEOUT);
    MUST(ymo_http_client_reply(&c, &r, false) && r.status == 503 && r.close);
    ymo_http_client_close(&c);
    MUST(s.executor.started == 2);
    wait_for_the_end();
}

static int
status_of(void (*fn)(void *))
{
    int status = ymo_death_status(fn, NULL);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
a_stop_leaves_without_them(void)
{
    CHECK_INT(status_of(never_ends), 0);
    CHECK_INT(status_of(waits_behind_them), 0);
}

static void
a_stop_waits_a_moment(void)
{
    CHECK_INT(status_of(ends_after_all), 0);
}

YMO_SUITE(overdue, answered_in_its_place, cut_off, waiting_for_the_client_does_not_count,
          nobody_waits_for_it, also_without_a_supervisor, waiting_does_not_count,
          slow_ones_are_shown_once, both_times, a_stop_leaves_without_them, a_stop_waits_a_moment);
