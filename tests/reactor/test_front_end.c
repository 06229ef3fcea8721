/* SPDX-License-Identifier: MIT */
/* Connections from front ends: one request each, and an end that means that nobody waits. */
#include "protocols/codec.h"
#include "reactor/board.h"
#include "reactor/link.h"
#include "tests/protocols/uwsgi_make.h"
#include "tests/support/test.h"
#include "tests/support/test_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct ymo_test_server s;
static struct ymo_http_client c;
static struct ymo_http_reply r;

/* The variables of a request for `path`; with a body when `length` > 0. */
static bool
ask(struct ymo_http_client *client, const char *path, size_t length)
{
    char vars[256];
    struct ymo_buf packet = {0};
    snprintf(vars, sizeof(vars),
             "REQUEST_METHOD=POST\nREQUEST_URI=%s\nPATH_INFO=%.*s\n"
             "CONTENT_LENGTH=%zu\n",
             path, (int)strcspn(path, "?"), path, length);
    ymo_uwsgi_make(&packet, 0, vars);
    bool sent = ymo_http_client_send(client, ymo_buf_data(&packet), packet.len);
    ymo_buf_free(&packet);
    return sent;
}

static bool
begin(const char *protocol)
{
    s.codec = ymo_codec_find(protocol);
    return CHECK(s.codec != NULL) && ymo_test_server_begin(&s, &c);
}

static void
finish(void)
{
    ymo_test_server_stop(&s);
    ymo_http_client_close(&c);
    ymo_http_reply_free(&r);
}

static void
one_request_and_the_end(void)
{
    ymo_test_server_init(&s);
    REQUIRE(begin("uwsgi"));
    CHECK(ask(&c, "/hello", 0));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 200);
    CHECK_SLICE(ymo_buf_slice(&r.body), "hello");
    CHECK(ymo_http_client_at_end(&c));
    finish();
}

/* As if it had closed: the other direction stays open here to see what the server does. */
static void
its_end_takes_back_what_waits(void)
{
    ymo_test_server_init(&s);
    REQUIRE(begin("uwsgi"));
    CHECK(ask(&c, "/gate", 0));
    CHECK(ymo_test_server_until(&s.at_gate, 1));
    struct ymo_http_client waiting = ymo_test_server_client(&s);
    CHECK(ask(&waiting, "/hello", 0));
    CHECK(ymo_test_server_until(&s.executor.submitted, 2));
    CHECK_INT(shutdown(waiting.fd, SHUT_WR), 0);
    CHECK(ymo_http_client_at_end(&waiting));
    CHECK(ymo_test_server_until(&s.executor.taken_back, 1));
    ymo_http_client_close(&waiting);
    ymo_test_server_open(&s, 1);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(s.executor.started, 1);
    finish();
}

static void
its_end_cancels_what_runs(void)
{
    ymo_test_server_init(&s);
    REQUIRE(begin("uwsgi"));
    CHECK(ask(&c, "/gate", 0));
    CHECK(ymo_test_server_until(&s.at_gate, 1));
    CHECK_INT(shutdown(c.fd, SHUT_WR), 0);
    CHECK(ymo_http_client_at_end(&c)); /* without an answer */
    ymo_test_server_open(&s, 1);
    finish();
}

/* A client of HTTP that has said all it will say is still answered. */
static void
a_client_may_close_one_direction(void)
{
    ymo_test_server_init(&s);
    REQUIRE(begin("http"));
    CHECK(ymo_http_client_say(&c, "GET /gate HTTP/1.1\r\nHost: t\r\n\r\n"));
    CHECK(ymo_test_server_until(&s.at_gate, 1));
    CHECK_INT(shutdown(c.fd, SHUT_WR), 0);
    ymo_test_server_open(&s, 1);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_SLICE(ymo_buf_slice(&r.body), "open");
    finish();
}

/* Front ends send all of the body before they read: no reset may destroy the answer. */
static void
early_answers_can_be_read(void)
{
    static char junk[65536];
    static const struct {
        const char *path;
        int status;
    } rows[] = {{"/early", 200}, {"/broken0", 500}, {"/stored", 413}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ymo_test_context("%s", rows[i].path);
        ymo_test_server_init(&s);
        s.cfg.request_buffering = false;
        s.cfg.body_memory = 4096;
        s.cfg.limits.max_body = rows[i].status == 413 ? 1000 : 0;
        REQUIRE(begin("uwsgi"));
        CHECK(ask(&c, rows[i].path, 8000000));
        for (int n = 0; n < 8000000 / 65536; n++)
            REQUIRE(ymo_http_client_send(&c, junk, sizeof(junk)));
        CHECK(ymo_http_client_reply(&c, &r, false));
        CHECK_INT(r.status, rows[i].status);
        CHECK(ymo_http_client_at_end(&c));
        ymo_http_client_close(&c); /* ends the lingering */
        finish();
    }
    ymo_test_context(NULL);
}

/* Only a reset tells that something is missing: the end of the connection is a response's end. */
static void
broken_responses_are_reset(void)
{
    ymo_test_server_init(&s);
    REQUIRE(begin("uwsgi"));
    CHECK(ask(&c, "/broken", 0));
    (void)ymo_http_client_reply(&c, &r, false);
    CHECK(!ymo_http_client_at_end(&c));
    CHECK(c.reset);
    finish();
}

/* A packet as large as they can be comes through, in pieces, at any setting. */
static void
the_largest_packet(void)
{
    static char value[65535];
    struct ymo_buf vars = {0}, packet = {0};
    ymo_test_server_init(&s);
    s.cfg.limits.header_bytes = 1000;
    REQUIRE(begin("uwsgi"));
    ymo_uwsgi_make(&vars, 0, "REQUEST_METHOD=GET\nPATH_INFO=/hello");
    ymo_buf_consume(&vars, 4);
    memset(value, 'v', sizeof(value));
    ymo_uwsgi_make_var(&vars, YMO_SLICE("HTTP_X"), ymo_slice_of(value, 65535 - vars.len - 4 - 6));
    ymo_uwsgi_make_head(&packet, 0, vars.len);
    CHECK_INT(ymo_buf_append_slice(&packet, ymo_buf_slice(&vars)), 0);
    CHECK_INT(packet.len, 65539);
    CHECK(ymo_http_client_send(&c, ymo_buf_data(&packet), 1));
    CHECK(ymo_http_client_send(&c, ymo_buf_data(&packet) + 1, packet.len - 1));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_SLICE(ymo_buf_slice(&r.body), "hello");
    ymo_buf_free(&vars);
    ymo_buf_free(&packet);
    finish();
}

/* A request that waits here goes to an idle sibling, with its body. */
static void
a_sibling_takes_what_waits(void)
{
    enum { SIZE = 3000 };
    static struct ymo_test_server b;
    struct ymo_test_server *both[2] = {&s, &b};
    struct ymo_place places[2];
    struct ymo_board *board;
    int supervisor_ends[2];
    char body[SIZE];
    REQUIRE(ymo_board_create(2, true, &board) == YMO_OK);
    for (int i = 0; i < 2; i++) {
        int link[2];
        CHECK_INT(ymo_board_take(board), i);
        REQUIRE(ymo_link_pair(link) == YMO_OK);
        supervisor_ends[i] = link[0];
        places[i] = (struct ymo_place){.board = board, .seat = i, .link = link[1]};
        ymo_test_server_init(both[i]);
        both[i]->cfg.place = &places[i];
        both[i]->cfg.capacity = 1;
        both[i]->codec = ymo_codec_find("uwsgi");
        REQUIRE(ymo_test_server_start(both[i]));
    }
    atomic_store(&board->seats[1].capacity, 1);
    atomic_store(&board->seats[1].in_flight, 0);
    atomic_store(&board->seats[1].state, YMO_SEAT_SERVING);

    struct ymo_http_client busy = ymo_test_server_client(&s);
    CHECK(ask(&busy, "/gate", 0));
    CHECK(ymo_test_server_until(&s.at_gate, 1));
    c = ymo_test_server_client(&s);
    for (size_t i = 0; i < SIZE; i++)
        body[i] = ymo_test_server_byte(i);
    CHECK(ask(&c, "/stored", SIZE));
    CHECK(ymo_http_client_send(&c, body, SIZE));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.body.len, SIZE);
    CHECK_INT(ymo_test_server_wrong(ymo_buf_slice(&r.body).data, 0, r.body.len), 0);
    CHECK(ymo_http_client_at_end(&c));
    CHECK_INT(b.executor.started, 1);
    CHECK_INT(s.executor.taken_back, 1);

    ymo_test_server_open(&s, 1);
    CHECK(ymo_http_client_reply(&busy, &r, false));
    ymo_http_client_close(&busy);
    ymo_test_server_stop(&b);
    finish();
    for (int i = 0; i < 2; i++) {
        close(supervisor_ends[i]);
        close(places[i].link);
    }
    ymo_board_free(board);
}

/* One that reads nothing before it has sent all, as Apache: the body must not wait for a reader who
 * is gone, since nobody would then take the answer. */
static void
a_long_answer_before_the_body(void)
{
    enum { LEN = 30000000 }; /* more than sockets hold */
    static const char *const protocols[] = {"uwsgi", "http"};
    const struct timeval patience = {.tv_sec = 60};
    char *body = calloc(1, LEN);
    REQUIRE(CHECK(body != NULL));
    for (int i = 0; i < 2; i++) {
        ymo_test_context("%s", protocols[i]);
        ymo_test_server_init(&s);
        s.cfg.request_buffering = false;
        REQUIRE(begin(protocols[i]));
        CHECK(setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0);
        if (i == 0)
            CHECK(ask(&c, "/long?30000000", LEN));
        else
            CHECK(ymo_http_client_say(&c, "POST /long?30000000 HTTP/1.1\r\nHost: t\r\n"
                                          "Content-Length: 30000000\r\n\r\n"));
        CHECK(ymo_http_client_send(&c, body, LEN));
        CHECK(ymo_http_client_reply(&c, &r, false));
        CHECK_INT(r.body.len, LEN);
        CHECK_INT(ymo_test_server_wrong(ymo_buf_data(&r.body), 0, r.body.len), 0);
        CHECK(ymo_http_client_at_end(&c));
        ymo_http_client_close(&c); /* ends the lingering, if any */
        finish();
    }
    ymo_test_context(NULL);
    free(body);
}

YMO_SUITE(front_end, one_request_and_the_end, its_end_takes_back_what_waits,
          its_end_cancels_what_runs, a_client_may_close_one_direction, early_answers_can_be_read,
          a_long_answer_before_the_body, broken_responses_are_reset, the_largest_packet,
          a_sibling_takes_what_waits);
