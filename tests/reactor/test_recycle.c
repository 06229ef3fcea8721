/* SPDX-License-Identifier: MIT */
/* When a worker process asks to be replaced, and that it serves on. */
#include "tests/support/test.h"
#include "tests/support/test_place.h"

static struct ymo_test_server s;
static struct ymo_test_place p;
static struct ymo_http_client c;

static bool
begin(void)
{
    return ymo_test_server_begin(&s, &c) && CHECK(ymo_test_place_heard(&p, YMO_LINK_READY, 0));
}

static void
end(void)
{
    CHECK(ymo_test_server_hello(&c)); /* as before, until it is told to stop */
    CHECK(ymo_test_place_silent(&p)); /* asked once */
    CHECK_INT(atomic_load(&p.seat->state), YMO_SEAT_SERVING);
    ymo_test_place_drain(&p, YMO_LINK_MAX_REQUESTS);
    CHECK(ymo_http_client_at_end(&c));
    ymo_http_client_close(&c);
    ymo_test_place_join(&s);
    ymo_test_place_free(&p);
}

static void
after_requests(void)
{
    ymo_test_server_init(&s);
    s.cfg.max_requests = 3;
    REQUIRE(ymo_test_place_make(&p, &s));
    REQUIRE(begin());
    CHECK(ymo_test_server_hello(&c));
    CHECK(ymo_test_server_hello(&c));
    CHECK(ymo_test_place_silent(&p));
    CHECK(ymo_test_server_hello(&c));
    CHECK(ymo_test_place_heard(&p, YMO_LINK_RETIRE, YMO_LINK_MAX_REQUESTS));
    CHECK(ymo_test_server_hello(&c));
    end();
}

static void
after_a_time(void)
{
    ymo_test_server_init(&s);
    s.cfg.max_lifetime = 0.05;
    s.cfg.max_requests = 1000;
    REQUIRE(ymo_test_place_make(&p, &s));
    REQUIRE(begin());
    CHECK(ymo_test_place_heard(&p, YMO_LINK_RETIRE, YMO_LINK_MAX_LIFETIME));
    end();
}

static void
over_memory(void)
{
    ymo_test_server_init(&s);
    s.cfg.max_memory = 1;
    REQUIRE(ymo_test_place_make(&p, &s));
    REQUIRE(begin());
    CHECK(ymo_test_server_hello(&c));
    CHECK(ymo_test_place_heard(&p, YMO_LINK_RETIRE, YMO_LINK_MAX_MEMORY));
    end();
}

/* Below all of its limits, and looked at: the second look is after the first. */
static void
under_the_limits(void)
{
    ymo_test_server_init(&s);
    s.cfg.max_memory = UINT64_C(1) << 50;
    s.cfg.max_lifetime = 3600;
    s.cfg.max_requests = 1000000;
    REQUIRE(ymo_test_place_make(&p, &s));
    s.cfg.watchdog_timeout = 0.4; /* its beat is a clock of the same loop */
    REQUIRE(begin());
    CHECK(ymo_test_server_hello(&c));
    CHECK(ymo_test_place_until(&p.seat->beat, 13)); /* more than a second */
    end();
}

/* Nobody could replace it. */
static void
not_without_a_supervisor(void)
{
    ymo_test_server_init(&s);
    s.cfg.max_requests = 1;
    s.cfg.max_lifetime = 0.001;
    s.cfg.max_memory = 1;
    REQUIRE(ymo_test_server_begin(&s, &c));
    for (int i = 0; i < 100; i++)
        CHECK(ymo_test_server_hello(&c));
    ymo_http_client_close(&c);
    ymo_test_server_stop(&s);
}

YMO_SUITE(recycle, after_requests, after_a_time, over_memory, under_the_limits,
          not_without_a_supervisor);
