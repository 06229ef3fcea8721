/* SPDX-License-Identifier: MIT */
/* Several requests at once on a front end's connection. */
#include "protocols/codec.h"
#include "tests/protocols/fcgi_make.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fcgi_client.h"
#include "tests/support/test.h"
#include "tests/support/test_server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static struct ymo_test_server s;
static struct ymo_fcgi_client c;

static void
init(int workers)
{
    ymo_test_server_init(&s);
    s.codec = ymo_codec_find("fastcgi");
    s.n_workers = workers;
}

static bool
begin(void)
{
    return CHECK(s.codec != NULL) && ymo_test_server_start(&s) &&
           ymo_fcgi_client_open(&c, s.port, 0);
}

static void
finish(void)
{
    ymo_fcgi_client_close(&c);
    ymo_test_server_stop(&s);
}

static bool
answered(unsigned id, int status, const char *body)
{
    return ymo_fcgi_client_await(&c, id) && CHECK_INT(c.answers[id].protocol_status, 0) &&
           CHECK_INT(ymo_fcgi_client_status(&c, id), status) &&
           (!body || CHECK_SLICE(ymo_fcgi_client_body(&c, id), body));
}

/* One request, to see that the connection still serves. */
static bool
says_hello(void)
{
    ymo_fcgi_client_forget(&c, 99);
    return CHECK(ymo_fcgi_client_say(&c, "get 99 /hello")) && answered(99, 200, "hello");
}

/* True when the server closed in order, after nothing more. */
static bool
at_end(void)
{
    return CHECK(ymo_http_client_at_end(&c.http));
}

static void
five_at_once(void)
{
    init(5);
    REQUIRE(begin());
    CHECK(ymo_fcgi_client_say(&c, "get 1 /gate; get 3 /gate; get 5 /gate; get 7 /gate"));
    CHECK(ymo_test_server_until(&s.at_gate, 4)); /* one alone would keep the others away */
    CHECK(ymo_fcgi_client_say(&c, "get 9 /hello"));
    CHECK(answered(9, 200, "hello")); /* before those that came before it */
    CHECK(!c.answers[1].ended && !c.answers[7].ended);
    ymo_test_server_open(&s, 4);
    for (unsigned id = 1; id <= 7; id += 2)
        CHECK(answered(id, 200, "open"));
    CHECK(says_hello());
    finish();
}

static void
bodies_at_once(void)
{
    init(1);
    REQUIRE(begin());
    CHECK(ymo_fcgi_client_say(&c, "post 1 /stored 6; post 3 /stored -; post 5 /stored 3;"
                                  "stdin 3 th; stdin 1 on; stdin 5 fiv; stdin 3 re; stdin 1 e-"));
    CHECK(
        ymo_fcgi_client_say(&c, "stdin 5; stdin 1 on; get 7 /hello; stdin 3 e; stdin 1; stdin 3"));
    CHECK(answered(5, 200, "fiv"));
    CHECK(answered(1, 200, "one-on"));
    CHECK(answered(3, 200, "three"));
    CHECK(answered(7, 200, "hello"));
    finish();
}

/* Bodies that are larger than memory for them, in turns. */
static void
large_bodies_at_once(void)
{
    enum { PIECE = 1000, PIECES = 300 };
    char record[PIECE + 32];
    init(2);
    s.cfg.body_memory = 4096;
    REQUIRE(begin());
    CHECK(ymo_fcgi_client_say(&c, "post 1 /stored -; post 3 /stored -"));
    for (size_t i = 0; i < PIECES; i++) {
        for (unsigned id = 1; id <= 3; id += 2) {
            int n = snprintf(record, sizeof(record), "stdin %u ", id);
            for (size_t k = 0; k < PIECE - 10; k++)
                record[n + (int)k] = ymo_test_server_byte(i * (PIECE - 10) + k);
            record[n + PIECE - 10] = 0;
            CHECK(ymo_fcgi_client_say(&c, record));
        }
    }
    CHECK(ymo_fcgi_client_say(&c, "stdin 3; stdin 1"));
    for (unsigned id = 1; id <= 3; id += 2) {
        CHECK(answered(id, 200, NULL));
        struct ymo_slice body = ymo_fcgi_client_body(&c, id);
        CHECK_INT(body.len, PIECES * (PIECE - 10));
        CHECK_INT(ymo_test_server_wrong(body.data, 0, body.len), 0);
    }
    finish();
}

/* What is small does not wait for the end of what is large, and two large ones take turns. */
static void
huge_answers_take_turns(void)
{
    enum { HUGE_LEN = 40000000 }; /* more than sockets hold */
    init(1);
    REQUIRE(ymo_test_server_start(&s));
    REQUIRE(ymo_fcgi_client_open(&c, s.port, 65536));
    CHECK(ymo_fcgi_client_say(&c, "get 1 /long?40000000; get 3 /long?40000000; get 5 /hello"));
    CHECK(ymo_test_server_until(&s.executor.started, 3)); /* the worker is done with the others */
    CHECK(answered(5, 200, "hello"));
    CHECK(says_hello());
    CHECK(!c.answers[1].ended && !c.answers[3].ended);
    c.row = c.most_in_a_row = 0;
    while (!c.answers[1].ended && !c.answers[3].ended)
        REQUIRE(ymo_fcgi_client_record(&c));
    CHECK_INT(c.most_in_a_row, 1);
    for (unsigned id = 1; id <= 3; id += 2) {
        CHECK(answered(id, 200, NULL));
        struct ymo_slice body = ymo_fcgi_client_body(&c, id);
        CHECK_INT(body.len, HUGE_LEN);
        CHECK_INT(ymo_test_server_wrong(body.data, 0, body.len), 0);
    }
    finish();
}

static void
withdrawn_while_it_waits(void)
{
    init(1);
    REQUIRE(begin());
    CHECK(ymo_fcgi_client_say(&c, "get 1 /gate"));
    CHECK(ymo_test_server_until(&s.at_gate, 1));
    CHECK(ymo_fcgi_client_say(&c, "get 3 /hello"));
    CHECK(ymo_test_server_until(&s.executor.submitted, 2));
    CHECK(ymo_fcgi_client_say(&c, "abort 3"));
    CHECK(answered(3, 0, "")); /* END_REQUEST alone */
    CHECK_INT(s.executor.taken_back, 1);
    ymo_test_server_open(&s, 1);
    CHECK(answered(1, 200, "open"));
    CHECK_INT(s.executor.started, 1);
    finish();
}

/* Its number may be used again at once, and the new one gets nothing of what the old one says. */
static void
withdrawn_while_it_runs(void)
{
    init(2);
    REQUIRE(begin());
    CHECK(ymo_fcgi_client_say(&c, "get 1 /gate"));
    CHECK(ymo_test_server_until(&s.at_gate, 1));
    CHECK(ymo_fcgi_client_say(&c, "abort 1; get 1 /hello"));
    CHECK(answered(1, 0, ""));
    ymo_fcgi_client_forget(&c, 1);
    CHECK(answered(1, 200, "hello"));
    ymo_test_server_open(&s, 1);
    CHECK(ymo_test_server_until(&s.gone, 1));
    CHECK(says_hello());
    CHECK(says_hello()); /* in the memory of the one that was withdrawn */
    finish();
}

static void
withdrawn_while_it_is_written(void)
{
    static const char *const paths[] = {"/endless", "/long?30000000"};
    for (int i = 0; i < 2; i++) {
        char script[64];
        init(1);
        REQUIRE(begin());
        snprintf(script, sizeof(script), "get 1 %s", paths[i]);
        CHECK(ymo_fcgi_client_say(&c, script));
        while (c.answers[1].records < 20)
            REQUIRE(ymo_fcgi_client_record(&c));
        CHECK(ymo_fcgi_client_say(&c, "abort 1"));
        CHECK(ymo_fcgi_client_await(&c, 1));
        CHECK(c.answers[1].out.len < 30000000);
        if (i == 0)
            CHECK(ymo_test_server_until(&s.gone, 1));
        CHECK(says_hello());
        CHECK(says_hello());
        finish();
    }
}

static void
withdrawn_while_its_body_arrives(void)
{
    init(1);
    REQUIRE(begin());
    CHECK(ymo_fcgi_client_say(&c, "post 1 /stored 6; post 3 /stored 3; stdin 1 abc; abort 1;"
                                  "stdin 1 def; stdin 1; stdin 3 abc; stdin 3"));
    CHECK(answered(1, 0, ""));
    CHECK(answered(3, 200, "abc"));
    CHECK_INT(s.executor.submitted, 1);
    finish();
}

/* It must not be able to fill our memory with answers that it does not take. */
static void
a_peer_that_only_asks(void)
{
    enum { ASK = 512 };
    struct ymo_buf many = {0};
    size_t sent = 0, most = 64u << 20;
    init(1);
    REQUIRE(begin());
    for (int i = 0; i < ASK; i++)
        ymo_fcgi_make(&many, "values FCGI_MAX_REQS FCGI_MPXS_CONNS FCGI_MAX_CONNS");
    size_t one = many.len / ASK;
    struct pollfd p = {c.http.fd, POLLOUT, 0};
    /* A second is only how long a silence ends this; what is checked is that there is one. */
    while (sent < most && poll(&p, 1, 1000) > 0) {
        size_t at = sent % many.len;
        ssize_t n =
            send(c.http.fd, ymo_buf_data(&many) + at, many.len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            continue;
        REQUIRE(n > 0);
        sent += (size_t)n;
    }
    CHECK(sent < most);
    /* Taken at last, all of the answers are there, and the next request's. */
    while (c.managed < sent / one)
        REQUIRE(ymo_fcgi_client_record(&c));
    size_t at = sent % many.len, rest = (one - sent % one) % one;
    CHECK(ymo_http_client_send(&c.http, ymo_buf_data(&many) + at, rest));
    CHECK(says_hello());
    CHECK_INT(c.managed, (sent + rest) / one);
    ymo_buf_free(&many);
    finish();
}

static void
a_body_that_streams_beside_one_that_does_not(void)
{
    init(2);
    s.cfg.request_buffering = false;
    REQUIRE(begin());
    CHECK(ymo_fcgi_client_say(&c, "post 1 /echo -; stdin 1 one"));
    while (c.answers[1].records < 2)
        REQUIRE(ymo_fcgi_client_record(&c));
    CHECK_SLICE(ymo_fcgi_client_body(&c, 1), "one");
    CHECK(ymo_fcgi_client_say(&c, "post 3 /stored -; stdin 3 thr; stdin 1 two; stdin 3 ee;"
                                  "values"));
    while (c.managed == 0)
        REQUIRE(ymo_fcgi_client_record(&c));
    CHECK_INT(s.executor.submitted, 1); /* 3 is not whole */
    CHECK(ymo_fcgi_client_say(&c, "stdin 3"));
    CHECK(answered(3, 200, "three"));
    CHECK(!c.answers[1].ended);
    CHECK(ymo_fcgi_client_say(&c, "stdin 1 three; stdin 1"));
    CHECK(answered(1, 200, "onetwothree"));
    finish();
}

/* The rest of a body that nobody reads is passed over, and the connection stays. */
static void
early_answers(void)
{
    init(1);
    s.cfg.request_buffering = false;
    REQUIRE(begin());
    CHECK(ymo_fcgi_client_say(&c, "post 1 /early 9; stdin 1 abc"));
    CHECK(answered(1, 200, "early"));
    CHECK(ymo_fcgi_client_say(&c, "stdin 1 def; stdin 1 ghi; stdin 1"));
    CHECK(says_hello());
    finish();
}

static void
max_body(void)
{
    init(1);
    s.cfg.limits.max_body = 5;
    REQUIRE(begin());
    CHECK(ymo_fcgi_client_say(&c, "post 3 /stored 5; post 1 /stored 6; stdin 1 abc; stdin 3 ab"));
    CHECK(answered(1, 413, NULL));
    CHECK(ymo_fcgi_client_say(&c,
                              "stdin 1 def; stdin 1; post 5 /stored -; stdin 5 abcde; stdin 5 f"));
    CHECK(answered(5, 413, NULL));
    CHECK(ymo_fcgi_client_say(&c, "stdin 5 ghi; stdin 5; stdin 3 cde; stdin 3"));
    CHECK(answered(3, 200, "abcde"));
    CHECK(says_hello());
    finish();
}

static void
one_over_its_time(void)
{
    init(3);
    s.cfg.request_timeout = 3600;
    REQUIRE(begin());
    CHECK(ymo_fcgi_client_say(&c, "get 1 /gate; get 3 /client"));
    CHECK(ymo_test_server_until(&s.at_gate, 2));
    ymo_fake_clock_pass(3600);
    CHECK(answered(1, 504, NULL));
    CHECK(!c.answers[3].ended); /* it waits for its client: no time of its own */
    CHECK(says_hello());
    ymo_test_server_open(&s, 2);
    CHECK(answered(3, 200, "here"));
    CHECK(ymo_test_server_until(&s.gone, 1));
    finish();
}

static void
broken_answers(void)
{
    init(1);
    REQUIRE(begin());
    CHECK(ymo_fcgi_client_say(&c, "get 1 /broken0"));
    CHECK(answered(1, 500, NULL));
    CHECK(says_hello());
    /* A part of an answer looks like a whole one, however FastCGI ends it. */
    CHECK(ymo_fcgi_client_say(&c, "get 3 /broken"));
    while (ymo_fcgi_client_record(&c))
        ;
    CHECK(c.http.reset);
    CHECK(!c.answers[3].ended);
    finish();
}

static void
the_connection_is_lost(void)
{
    for (int how = 0; how < 3; how++) {
        init(5);
        REQUIRE(begin());
        CHECK(ymo_fcgi_client_say(&c, "get 1 /gate; get 2 /gate; get 3 /gate; get 4 /gate; "
                                      "get 5 /gate"));
        CHECK(ymo_test_server_until(&s.at_gate, 5));
        CHECK(ymo_fcgi_client_say(&c, "get 6 /hello; post 7 /stored 5; stdin 7 ab"));
        CHECK(ymo_test_server_until(&s.executor.submitted, 6));
        if (how == 0)
            ymo_http_client_reset(&c.http);
        else if (how == 1)
            ymo_http_client_close(&c.http);
        else
            CHECK(shutdown(c.http.fd, SHUT_WR) == 0 && at_end());
        CHECK(ymo_test_server_until(&s.executor.taken_back, 1));
        ymo_test_server_open(&s, 5);
        CHECK(ymo_test_server_until(&s.gone, 5));
        finish();
        CHECK_INT(s.executor.started, 5);
    }
}

static void
without_keep(void)
{
    static const struct {
        const char *script;
        int status;
    } rows[] = {
        {"begin 1; params 1 REQUEST_METHOD=GET PATH_INFO=/hello; params 1; stdin 1", 200},
        {"begin 1; params 1 REQUEST_METHOD=GET PATH_INFO=/long QUERY_STRING=3000000; params 1;"
         "stdin 1",
         200},
        {"begin 1; params 1 REQUEST_METHOD=GET PATH_INFO=/broken0; params 1; stdin 1", 500},
        {"begin 1; params 1 REQUEST_METHOD=POST PATH_INFO=/x CONTENT_LENGTH=abc; params 1; stdin 1",
         400},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ymo_test_context("%s", rows[i].script);
        init(1);
        REQUIRE(begin());
        CHECK(ymo_fcgi_client_say(&c, rows[i].script));
        CHECK(answered(1, rows[i].status, NULL));
        CHECK(at_end());
        finish();
    }
    ymo_test_context(NULL);

    init(2);
    REQUIRE(begin());
    CHECK(ymo_fcgi_client_say(&c, "get 3 /gate; begin 1; params 1 REQUEST_METHOD=GET "
                                  "PATH_INFO=/hello; params 1; stdin 1"));
    CHECK(answered(1, 200, "hello"));
    CHECK(!ymo_http_client_ready(&c.http)); /* not while 3 is open */
    ymo_test_server_open(&s, 1);
    CHECK(answered(3, 200, "open"));
    CHECK(at_end());
    finish();

    init(1);
    REQUIRE(begin());
    CHECK(ymo_fcgi_client_say(&c, "begin 1 role 2"));
    CHECK(ymo_fcgi_client_await(&c, 1));
    CHECK_INT(c.answers[1].protocol_status, 3);
    CHECK(at_end());
    finish();

    init(1);
    REQUIRE(begin());
    CHECK(ymo_fcgi_client_say(&c, "begin 1; params 1 REQUEST_METHOD=GET PATH_INFO=/gate; params 1;"
                                  "stdin 1"));
    CHECK(ymo_test_server_until(&s.at_gate, 1));
    CHECK(ymo_fcgi_client_say(&c, "abort 1"));
    CHECK(ymo_fcgi_client_await(&c, 1));
    CHECK(at_end());
    ymo_test_server_open(&s, 1);
    finish();
}

/* What has begun is answered, and what is half there may become whole. */
static void
stops_gracefully(void)
{
    init(2);
    REQUIRE(begin());
    struct ymo_http_client idle = ymo_test_server_client(&s);
    struct ymo_fcgi_client other;
    REQUIRE(ymo_fcgi_client_open(&other, s.port, 0));
    CHECK(ymo_fcgi_client_say(&other, "values FCGI_MPXS_CONNS; get 1 /hello"));
    CHECK(ymo_fcgi_client_await(&other, 1));
    CHECK(ymo_fcgi_client_say(&c, "get 1 /gate; get 3 /gate; begin 5 keep; params 5 "
                                  "REQUEST_METHOD=GET; get 7 /hello"));
    CHECK(ymo_test_server_until(&s.at_gate, 2));
    CHECK(ymo_test_server_until(&s.executor.submitted, 4));
    ymo_reactor_stop(s.reactor);
    CHECK(ymo_http_client_at_end(&other.http)); /* it is idle */
    ymo_test_server_open(&s, 1);
    CHECK(answered(7, 200, "hello"));
    CHECK(ymo_fcgi_client_say(&c, "params 5 PATH_INFO=/hello; params 5"));
    ymo_test_server_open(&s, 1);
    CHECK(answered(1, 200, "open"));
    CHECK(answered(3, 200, "open"));
    CHECK(ymo_fcgi_client_say(&c, "stdin 5"));
    CHECK(answered(5, 200, "hello"));
    CHECK(at_end());
    ymo_http_client_close(&idle);
    ymo_fcgi_client_close(&other);
    finish();
}

YMO_SUITE(fastcgi, five_at_once, bodies_at_once, large_bodies_at_once, huge_answers_take_turns,
          withdrawn_while_it_waits, withdrawn_while_it_runs, withdrawn_while_it_is_written,
          withdrawn_while_its_body_arrives, a_peer_that_only_asks,
          a_body_that_streams_beside_one_that_does_not, early_answers, max_body, one_over_its_time,
          broken_answers, the_connection_is_lost, without_keep, stops_gracefully);
