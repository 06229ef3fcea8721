/* SPDX-License-Identifier: MIT */
/* Text for a front end's log, beside the answers. */
#include "protocols/codec.h"
#include "tests/support/fcgi_client.h"
#include "tests/support/test.h"
#include "tests/support/test_server.h"

static struct ymo_test_server s;
static struct ymo_fcgi_client c;

static bool
begin(bool notes, int workers)
{
    ymo_test_server_init(&s);
    s.codec = ymo_codec_find("fastcgi");
    s.n_workers = workers;
    s.cfg.notes = notes;
    return CHECK(s.codec != NULL) && ymo_test_server_start(&s) &&
           ymo_fcgi_client_open(&c, s.port, 0);
}

static void
finish(void)
{
    ymo_fcgi_client_close(&c);
    ymo_test_server_stop(&s);
}

static struct ymo_slice
noted(unsigned id)
{
    return ymo_buf_slice(&c.answers[id].err);
}

static void
each_with_its_request(void)
{
    REQUIRE(begin(true, 3));
    CHECK(ymo_fcgi_client_say(&c, "get 1 /noted; get 2 /hello; get 3 /noted"));
    CHECK(ymo_test_server_until(&s.at_gate, 2));
    ymo_test_server_open(&s, 2);
    for (unsigned id = 1; id <= 3; id++) {
        CHECK(ymo_fcgi_client_await(&c, id));
        CHECK_INT(ymo_fcgi_client_status(&c, id), 200);
        CHECK_SLICE(ymo_fcgi_client_body(&c, id), id == 2 ? "hello" : "some");
        CHECK_SLICE(noted(id), id == 2 ? "" : "before\nafter\nlast\n");
    }
    finish();
}

/* They do not wait for the end of the answer. */
static void
as_they_are_made(void)
{
    REQUIRE(begin(true, 1));
    CHECK(ymo_fcgi_client_say(&c, "get 1 /noted"));
    while (noted(1).len < sizeof("before\nafter\n") - 1)
        REQUIRE(ymo_fcgi_client_record(&c));
    CHECK(!c.answers[1].ended);
    ymo_test_server_open(&s, 1);
    CHECK(ymo_fcgi_client_await(&c, 1));
    CHECK_SLICE(noted(1), "before\nafter\nlast\n");
    finish();
}

static void
only_when_asked_for(void)
{
    REQUIRE(begin(false, 1));
    ymo_test_server_open(&s, 1);
    CHECK(ymo_fcgi_client_say(&c, "get 1 /noted"));
    CHECK(ymo_fcgi_client_await(&c, 1));
    CHECK_SLICE(ymo_fcgi_client_body(&c, 1), "some");
    CHECK_INT(noted(1).len, 0);
    finish();
}

/* Its number may be another's by then. */
static void
not_of_one_that_was_withdrawn(void)
{
    REQUIRE(begin(true, 2));
    CHECK(ymo_fcgi_client_say(&c, "get 1 /noted"));
    CHECK(ymo_test_server_until(&s.at_gate, 1));
    CHECK(ymo_fcgi_client_say(&c, "abort 1"));
    CHECK(ymo_fcgi_client_await(&c, 1));
    ymo_fcgi_client_forget(&c, 1);
    CHECK(ymo_fcgi_client_say(&c, "get 1 /gate"));
    CHECK(ymo_test_server_until(&s.at_gate, 2));
    ymo_test_server_open(&s, 2);
    CHECK(ymo_fcgi_client_await(&c, 1));
    CHECK_SLICE(ymo_fcgi_client_body(&c, 1), "open");
    CHECK_INT(noted(1).len, 0);
    finish();
}

YMO_SUITE(notes, each_with_its_request, as_they_are_made, only_when_asked_for,
          not_of_one_that_was_withdrawn);
