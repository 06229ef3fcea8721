/* SPDX-License-Identifier: MIT */
/* Requests of a front end's connection that end at awkward moments. */
#include "protocols/codec.h"
#include "tests/protocols/fcgi_make.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fcgi_client.h"
#include "tests/support/test.h"
#include "tests/support/test_server.h"

#include <sys/socket.h>

static struct ymo_test_server s;
static struct ymo_fcgi_client c;

/* What sockets hold of what it says is little: the rest of a larger answer waits in the server. */
static bool
begin(int workers)
{
    int small = 4096;
    s.codec = ymo_codec_find("fastcgi");
    s.n_workers = workers;
    return CHECK(s.codec != NULL) && ymo_test_server_start(&s) &&
           CHECK(setsockopt(s.listener.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) == 0) &&
           ymo_fcgi_client_open(&c, s.port, 4096);
}

static void
finish(void)
{
    ymo_fcgi_client_close(&c);
    ymo_test_server_stop(&s);
}

/* The only worker has ended what came before, and the reactor knows it. */
static bool
all_ended(void)
{
    struct ymo_fcgi_client other;
    bool ok = ymo_fcgi_client_open(&other, s.port, 0) &&
              CHECK(ymo_fcgi_client_say(&other, "get 1 /hello")) &&
              ymo_fcgi_client_await(&other, 1);
    ymo_fcgi_client_close(&other);
    return ok;
}

/* What still comes for an answer that broke off finds nobody, and the server goes on. */
static void
news_of_a_broken_one(void)
{
    static const char *const news[] = {"abort 1", "stdin 1 def", "stdin 1"};
    for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++) {
        ymo_test_context("%s", news[i]);
        ymo_test_server_init(&s);
        s.cfg.request_buffering = false;
        REQUIRE(begin(1));
        CHECK(ymo_fcgi_client_say(&c, "post 1 /broken?200000 -; stdin 1 abc"));
        REQUIRE(all_ended());
        CHECK(!c.http.reset && !c.answers[1].ended);
        CHECK(ymo_fcgi_client_say(&c, news[i]));
        REQUIRE(all_ended()); /* it has read the news by then */
        while (ymo_fcgi_client_record(&c))
            ;
        CHECK(c.http.reset); /* it must not look whole */
        CHECK(!c.answers[1].ended);
        finish();
    }
    ymo_test_context(NULL);
}

/* A body that nobody will read, of an answer that is still being written, is nobody's concern. */
static void
refused_behind_one_that_is_written(void)
{
    ymo_test_server_init(&s);
    s.cfg.request_buffering = false;
    s.cfg.limits.max_body = 100;
    REQUIRE(begin(1));
    CHECK(ymo_fcgi_client_say(&c, "post 1 /long?200000 9; stdin 1 abc"));
    REQUIRE(all_ended());
    CHECK(ymo_fcgi_client_say(&c, "begin 3; params 3 REQUEST_METHOD=POST PATH_INFO=/stored "
                                  "CONTENT_LENGTH=101; params 3; stdin 3 abc"));
    CHECK(ymo_fcgi_client_await(&c, 1));
    CHECK_INT(ymo_fcgi_client_body(&c, 1).len, 200000);
    CHECK(ymo_fcgi_client_await(&c, 3));
    CHECK_INT(ymo_fcgi_client_status(&c, 3), 413);
    CHECK(ymo_http_client_at_end(&c.http));
    finish();
}

/* Nobody waits for it any more: that it takes too long must not harm who has its number now. */
static void
withdrawn_and_over_its_time(void)
{
    ymo_test_server_init(&s);
    s.cfg.request_timeout = 3600;
    REQUIRE(begin(3));
    CHECK(ymo_fcgi_client_say(&c, "get 1 /gate; get 3 /half; get 5 /client"));
    CHECK(ymo_test_server_until(&s.at_gate, 3));
    while (c.answers[3].records < 2)
        REQUIRE(ymo_fcgi_client_record(&c));
    CHECK(ymo_fcgi_client_say(&c, "abort 1; abort 3"));
    CHECK(ymo_fcgi_client_await(&c, 1) && ymo_fcgi_client_await(&c, 3));
    ymo_fcgi_client_forget(&c, 1);
    ymo_fcgi_client_forget(&c, 3);
    CHECK(ymo_fcgi_client_say(&c, "get 1 /hello; get 3 /hello; values FCGI_MPXS_CONNS"));
    while (c.managed < 1)
        REQUIRE(ymo_fcgi_client_record(&c));
    CHECK_INT(s.executor.submitted, 5); /* the new ones wait for a worker */
    ymo_fake_clock_pass(3600);
    CHECK(ymo_test_server_until(&s.executor.reported, 2));
    ymo_test_server_open(&s, 3);
    for (unsigned id = 1; id <= 3; id += 2) {
        CHECK(ymo_fcgi_client_await(&c, id));
        CHECK_INT(ymo_fcgi_client_status(&c, id), 200);
        CHECK_SLICE(ymo_fcgi_client_body(&c, id), "hello");
    }
    CHECK(ymo_fcgi_client_await(&c, 5));
    CHECK_SLICE(ymo_fcgi_client_body(&c, 5), "here");
    finish();
}

/* Read from again when there is room, though no request is handed over in that moment. */
static void
after_a_body_that_had_to_wait(void)
{
    enum { PIECE = 30000, PIECES = 20, STDIN = 5 };
    static const char piece[PIECE];
    struct ymo_buf body = {0};
    ymo_test_server_init(&s);
    s.cfg.request_buffering = false;
    REQUIRE(begin(1));
    CHECK(ymo_fcgi_client_say(&c, "post 1 /echo -"));
    for (int i = 0; i < PIECES; i++)
        ymo_fcgi_make_record(&body, STDIN, 1, ymo_slice_of(piece, PIECE), 0);
    ymo_fcgi_make_record(&body, STDIN, 1, ymo_slice_of("", 0), 0);
    CHECK(ymo_http_client_send(&c.http, ymo_buf_data(&body), body.len));
    ymo_buf_free(&body);
    CHECK(ymo_fcgi_client_await(&c, 1));
    CHECK_INT(ymo_fcgi_client_body(&c, 1).len, PIECE * PIECES);
    CHECK(ymo_fcgi_client_say(&c, "get 3 /hello"));
    CHECK(ymo_fcgi_client_await(&c, 3));
    finish();
}

YMO_SUITE(fastcgi_ends, news_of_a_broken_one, refused_behind_one_that_is_written,
          withdrawn_and_over_its_time, after_a_body_that_had_to_wait);
