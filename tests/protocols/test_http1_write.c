/* SPDX-License-Identifier: MIT */
/* Heads, framing and the server's own answers (RFC 9112 4, 6, 9; RFC 9110 8.6). */
#include "protocols/http1/http1.h"
#include "tests/protocols/codec_run.h"
#include "tests/protocols/codec_vector.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#define GET11  "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET10  "GET / HTTP/1.0\r\n\r\n"
#define KEEP10 "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
#define HEAD11 "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
#define BYE11  "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
#define POST11 "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define OK   "HTTP/1.1 200 OK\r\nX: y\r\nDate: " DATE "\r\nServer: s\r\n"

struct fixture {
    struct ymo_codec_env env;
    struct ymo_arena arena;
    struct ymo_request req;
    struct ymo_codec_event ev;
    struct ymo_codec_out out;
    struct ymo_buf dst;
    void *state;
};

static struct ymo_request *
lend(void *arg, uint32_t id)
{
    (void)id;
    return arg;
}

static void
begin(struct fixture *f, const char *request)
{
    *f = (struct fixture){.env = ymo_codec_run_env,
                          .out = {.date = YMO_SLICE(DATE), .server = YMO_SLICE("s")}};
    f->env.open = lend;
    f->env.open_arg = &f->req;
    f->state = malloc(ymo_http1_ops.state_size);
    if (!f->state)
        abort();
    ymo_arena_init(&f->arena, 0);
    ymo_request_init(&f->req, &f->arena);
    ymo_http1_ops.init(f->state, &f->env);
    ymo_http1_ops.feed(f->state, ymo_slice_str(request), &f->ev);
}

static void
end(struct fixture *f)
{
    ymo_http1_ops.fini(f->state);
    free(f->state);
    ymo_arena_free(&f->arena);
    ymo_buf_free(&f->dst);
}

static void
heads(void)
{
    static const struct {
        const char *what, *request;
        int status;
        int64_t length;
        bool no_body, close;
        const char *head;
        bool persists, chunked;
    } rows[] = {
        {"length", GET11, 200, 5, 0, 0, OK "Content-Length: 5\r\n\r\n", 1, 0},
        {"empty", GET11, 200, 0, 0, 0, OK "Content-Length: 0\r\n\r\n", 1, 0},
        {"huge", GET11, 200, INT64_MAX, 0, 0, OK "Content-Length: 9223372036854775807\r\n\r\n", 1,
         0},
        {"chunks", GET11, 200, -1, 0, 0, OK "Transfer-Encoding: chunked\r\n\r\n", 1, 1},
        {"the server closes", GET11, 200, 5, 0, 1,
         OK "Content-Length: 5\r\nConnection: close\r\n\r\n", 0, 0},
        {"the client closes", BYE11, 200, 5, 0, 0,
         OK "Content-Length: 5\r\nConnection: close\r\n\r\n", 0, 0},
        {"chunks, then close", BYE11, 200, -1, 0, 0,
         OK "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n", 0, 1},
        {"1.0", GET10, 200, 5, 0, 0, OK "Content-Length: 5\r\nConnection: close\r\n\r\n", 0, 0},
        {"1.0, no length", GET10, 200, -1, 0, 0, OK "Connection: close\r\n\r\n", 0, 0},
        {"1.0 kept", KEEP10, 200, 5, 0, 0, OK "Content-Length: 5\r\nConnection: keep-alive\r\n\r\n",
         1, 0},
        {"1.0 kept, no length", KEEP10, 200, -1, 0, 0, OK "Connection: close\r\n\r\n", 0, 0},
        {"1.0 kept, server closes", KEEP10, 200, 5, 0, 1,
         OK "Content-Length: 5\r\nConnection: close\r\n\r\n", 0, 0},
        {"HEAD, length", HEAD11, 200, 5, 1, 0, OK "Content-Length: 5\r\n\r\n", 1, 0},
        {"HEAD, no length", HEAD11, 200, -1, 1, 0, OK "\r\n", 1, 0},
        {"HEAD, nobody said so", HEAD11, 200, -1, 0, 0, OK "\r\n", 1, 0},
        {"nothing follows, no length", GET11, 200, -1, 1, 0, OK "Content-Length: 0\r\n\r\n", 1, 0},
    };
    static struct ymo_header headers[] = {{{"X", 1}, {"y", 1}}};
    for (size_t i = 0; i < YMO_N(rows); i++) {
        struct fixture f;
        struct ymo_response resp = {.status = rows[i].status,
                                    .reason = YMO_SLICE("OK"),
                                    .headers = headers,
                                    .n_headers = 1,
                                    .content_length = rows[i].length,
                                    .no_body = rows[i].no_body};
        ymo_test_context("%s", rows[i].what);
        begin(&f, rows[i].request);
        CHECK_INT(f.ev.what, YMO_CODEC_HEAD);
        f.out.close = rows[i].close;
        CHECK_INT(ymo_http1_ops.head(f.state, YMO_HTTP1_ID, &resp, &f.out, &f.dst), 0);
        CHECK_SLICE(ymo_buf_slice(&f.dst), rows[i].head);

        size_t take = 0;
        ymo_buf_consume(&f.dst, f.dst.len);
        CHECK_INT(ymo_http1_ops.frame(f.state, YMO_HTTP1_ID, 0x1af0, &f.dst, &take), 0);
        CHECK_INT(take, 0x1af0);
        CHECK_INT(ymo_http1_ops.unframe(f.state, YMO_HTTP1_ID, &f.dst), 0);
        CHECK_INT(ymo_http1_ops.end(f.state, YMO_HTTP1_ID, &f.dst), 0);
        CHECK_SLICE(ymo_buf_slice(&f.dst), rows[i].chunked ? "1af0\r\n\r\n0\r\n\r\n" : "");
        CHECK_INT(ymo_http1_ops.may_persist(f.state, YMO_HTTP1_ID), rows[i].persists);
        CHECK_INT(ymo_http1_ops.next(f.state, YMO_HTTP1_ID), rows[i].persists);
        end(&f);
    }
    ymo_test_context(NULL);
}

/* Statuses that never have a body, also when nobody said so. */
static void
heads_without_bodies(void)
{
    static const struct {
        int status;
        int64_t length;
        const char *reason, *head;
    } rows[] = {
        {204, -1, "No Content", "HTTP/1.1 204 No Content\r\nDate: " DATE "\r\n\r\n"},
        {204, 0, "No Content", "HTTP/1.1 204 No Content\r\nDate: " DATE "\r\n\r\n"},
        {304, -1, "Not Modified", "HTTP/1.1 304 Not Modified\r\nDate: " DATE "\r\n\r\n"},
        {304, 7, "", "HTTP/1.1 304 \r\nDate: " DATE "\r\nContent-Length: 7\r\n\r\n"},
    };
    for (size_t i = 0; i < 2 * YMO_N(rows); i++) {
        struct fixture f;
        struct ymo_response resp = {.status = rows[i / 2].status,
                                    .reason = ymo_slice_str(rows[i / 2].reason),
                                    .content_length = rows[i / 2].length,
                                    .no_body = i % 2};
        ymo_test_context("row %zu", i);
        begin(&f, GET11);
        f.out.server = YMO_SLICE("");
        CHECK_INT(ymo_http1_ops.head(f.state, YMO_HTTP1_ID, &resp, &f.out, &f.dst), 0);
        CHECK_INT(ymo_http1_ops.end(f.state, YMO_HTTP1_ID, &f.dst), 0);
        CHECK_SLICE(ymo_buf_slice(&f.dst), rows[i / 2].head);
        CHECK(ymo_http1_ops.next(f.state, YMO_HTTP1_ID));
        end(&f);
    }
    ymo_test_context(NULL);
}

static void
application_headers_win(void)
{
    static struct ymo_header headers[] = {{{"Date", 4}, {"today", 5}}, {{"Server", 6}, {"", 0}}};
    struct ymo_response resp = {.status = 599,
                                .headers = headers,
                                .n_headers = 2,
                                .content_length = 0,
                                .has_date = true,
                                .has_server = true};
    struct fixture f;
    begin(&f, GET11);
    CHECK_INT(ymo_http1_ops.head(f.state, YMO_HTTP1_ID, &resp, &f.out, &f.dst), 0);
    CHECK_SLICE(ymo_buf_slice(&f.dst),
                "HTTP/1.1 599 \r\nDate: today\r\nServer: \r\nContent-Length: 0\r\n\r\n");
    end(&f);
}

/* Strict-Transport-Security (RFC 6797): over TLS, once, and the application's own comes first. */
static void
transport_security(void)
{
#define HSTS "Strict-Transport-Security: max-age=7; preload\r\n"
    static const struct {
        bool https;
        const char *policy, *name, *sent;
    } rows[] = {
        {true, "max-age=7; preload", "X", "X: y\r\nDate: " DATE "\r\nServer: s\r\n" HSTS},
        {true, "", "X", "X: y\r\nDate: " DATE "\r\nServer: s\r\n"},
        {false, "max-age=7; preload", "X", "X: y\r\nDate: " DATE "\r\nServer: s\r\n"},
        {true, "max-age=7; preload", "Strict-Transport-Security",
         "Strict-Transport-Security: y\r\nDate: " DATE "\r\nServer: s\r\n"},
        {true, "max-age=7; preload", "STRICT-transport-SECURITY",
         "STRICT-transport-SECURITY: y\r\nDate: " DATE "\r\nServer: s\r\n"},
        /* In the clear the application may say what it likes. */
        {false, "", "Strict-Transport-Security",
         "Strict-Transport-Security: y\r\nDate: " DATE "\r\nServer: s\r\n"},
        {true, "max-age=7; preload", "Strict-Transport-Securit",
         "Strict-Transport-Securit: y\r\nDate: " DATE "\r\nServer: s\r\n" HSTS},
    };
    for (size_t i = 0; i < YMO_N(rows); i++) {
        struct ymo_header header = {ymo_slice_str(rows[i].name), YMO_SLICE("y")};
        struct ymo_response resp = {.status = 200,
                                    .reason = YMO_SLICE("OK"),
                                    .headers = &header,
                                    .n_headers = 1,
                                    .content_length = 0};
        struct fixture f;
        char expected[400];
        ymo_test_context("row %zu", i);
        begin(&f, GET11);
        f.env.https = rows[i].https;
        f.out.hsts = ymo_slice_str(rows[i].policy);
        CHECK_INT(ymo_http1_ops.head(f.state, YMO_HTTP1_ID, &resp, &f.out, &f.dst), 0);
        snprintf(expected, sizeof(expected), "HTTP/1.1 200 OK\r\n%sContent-Length: 0\r\n\r\n",
                 rows[i].sent);
        CHECK_SLICE(ymo_buf_slice(&f.dst), expected);
        end(&f);
    }
    for (int https = 0; https < 2; https++) {
        struct fixture f;
        char expected[400];
        ymo_test_context("failure, https %d", https);
        begin(&f, "G\n");
        f.env.https = https;
        f.out.hsts = YMO_SLICE("max-age=7; preload");
        CHECK_INT(ymo_http1_ops.fail(f.state, 0, 400, &f.out, &f.dst), 0);
        snprintf(expected, sizeof(expected),
                 "HTTP/1.1 400 Bad Request\r\nDate: " DATE "\r\nServer: s\r\n%s"
                 "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 16\r\n"
                 "Connection: close\r\n\r\n400 Bad Request\n",
                 https ? HSTS : "");
        CHECK_SLICE(ymo_buf_slice(&f.dst), expected);
        end(&f);
    }
    ymo_test_context(NULL);
#undef HSTS
}

/* A policy longer than any room that is kept for fixed fields. */
static void
long_policy(void)
{
    static char value[5000];
    struct ymo_response resp = {.status = 200, .content_length = 0};
    struct fixture f;
    memset(value, 'v', sizeof(value));
    for (int fail = 0; fail < 2; fail++) {
        begin(&f, GET11);
        f.env.https = true;
        f.out.hsts = ymo_slice_of(value, sizeof(value));
        CHECK_INT(fail ? ymo_http1_ops.fail(f.state, YMO_HTTP1_ID, 500, &f.out, &f.dst)
                       : ymo_http1_ops.head(f.state, YMO_HTTP1_ID, &resp, &f.out, &f.dst),
                  0);
        CHECK(f.dst.len > sizeof(value));
        CHECK(memcmp(ymo_buf_data(&f.dst) + f.dst.len - 2, fail ? "r\n" : "\r\n", 2) == 0);
        end(&f);
    }
}

static void
large_heads(void)
{
    static char value[100000];
    static struct ymo_header headers[300];
    struct ymo_response resp = {
        .status = 200, .headers = headers, .n_headers = 300, .content_length = 0};
    struct fixture f;
    memset(value, 'v', sizeof(value));
    for (size_t i = 0; i < YMO_N(headers); i++)
        headers[i] = (struct ymo_header){YMO_SLICE("Name"), ymo_slice_of(value, i * 300)};
    begin(&f, GET11);
    CHECK_INT(ymo_http1_ops.head(f.state, YMO_HTTP1_ID, &resp, &f.out, &f.dst), 0);
    size_t expected = sizeof("HTTP/1.1 200 \r\n") - 1 + sizeof("Date: " DATE "\r\n") - 1 +
                      sizeof("Server: s\r\n") - 1 + sizeof("Content-Length: 0\r\n\r\n") - 1 +
                      YMO_N(headers) * 8 + 300 * (299 * 300 / 2);
    CHECK_INT(f.dst.len, expected);
    end(&f);
}

static void
frames(void)
{
    static const struct {
        size_t len;
        const char *line;
    } rows[] = {{1, "1\r\n"},
                {15, "f\r\n"},
                {16, "10\r\n"},
                {0xfedcba98, "fedcba98\r\n"},
                {SIZE_MAX, "ffffffffffffffff\r\n"}};
    struct ymo_response resp = {.status = 200, .content_length = -1};
    struct fixture f;
    size_t take;
    begin(&f, GET11);
    CHECK_INT(ymo_http1_ops.head(f.state, YMO_HTTP1_ID, &resp, &f.out, &f.dst), 0);
    for (size_t i = 0; i < YMO_N(rows); i++) {
        ymo_buf_consume(&f.dst, f.dst.len);
        CHECK_INT(ymo_http1_ops.frame(f.state, YMO_HTTP1_ID, rows[i].len, &f.dst, &take), 0);
        CHECK(take == rows[i].len);
        CHECK_SLICE(ymo_buf_slice(&f.dst), rows[i].line);
    }
    end(&f);
}

static void
failures(void)
{
    static const struct {
        const char *request;
        int status;
        uint32_t id;
        const char *answer;
    } rows[] = {
        {GET11, 500, 1,
         "HTTP/1.1 500 Internal Server Error\r\nDate: " DATE "\r\nServer: s\r\n"
         "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 26\r\nConnection: "
         "close\r\n\r\n"
         "500 Internal Server Error\n"},
        {"G\n", 400, 0,
         "HTTP/1.1 400 Bad Request\r\nDate: " DATE "\r\nServer: s\r\n"
         "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 16\r\nConnection: "
         "close\r\n\r\n"
         "400 Bad Request\n"},
        {HEAD11, 503, 1,
         "HTTP/1.1 503 Service Unavailable\r\nDate: " DATE "\r\nServer: s\r\n"
         "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 24\r\nConnection: "
         "close\r\n\r\n"},
        {"HEAD / HTTP/1.1\r\n\r\n", 400, 0,
         "HTTP/1.1 400 Bad Request\r\nDate: " DATE "\r\nServer: s\r\n"
         "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 16\r\nConnection: "
         "close\r\n\r\n"},
        {POST11, 408, 1,
         "HTTP/1.1 408 Request Timeout\r\nDate: " DATE "\r\nServer: s\r\n"
         "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 20\r\nConnection: "
         "close\r\n\r\n"
         "408 Request Timeout\n"},
        {GET11, 0, 0, ""},
    };
    for (size_t i = 0; i < YMO_N(rows); i++) {
        struct fixture f;
        ymo_test_context("row %zu", i);
        begin(&f, rows[i].request);
        f.out.close = true;
        CHECK_INT(ymo_http1_ops.fail(f.state, rows[i].id, rows[i].status, &f.out, &f.dst), 0);
        CHECK_SLICE(ymo_buf_slice(&f.dst), rows[i].answer);
        CHECK(!ymo_http1_ops.may_persist(f.state, YMO_HTTP1_ID));
        CHECK(!ymo_http1_ops.next(f.state, YMO_HTTP1_ID));
        end(&f);
    }
    ymo_test_context(NULL);
}

/* A request that was read whole leaves the connection usable, whatever the application did. */
static void
failure_can_persist(void)
{
    static const struct {
        const char *request, *connection;
        bool persists;
    } rows[] = {
        {GET11, "", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "Connection: keep-alive\r\n", true},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "Connection: close\r\n", false},
        {POST11, "Connection: close\r\n", false}, /* its body has not been read */
    };
    for (size_t i = 0; i < YMO_N(rows); i++) {
        struct fixture f;
        char expected[256];
        ymo_test_context("row %zu", i);
        begin(&f, rows[i].request);
        CHECK_INT(ymo_http1_ops.fail(f.state, YMO_HTTP1_ID, 500, &f.out, &f.dst), 0);
        snprintf(expected, sizeof(expected),
                 "HTTP/1.1 500 Internal Server Error\r\nDate: " DATE "\r\nServer: s\r\n"
                 "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 26\r\n%s\r\n"
                 "500 Internal Server Error\n",
                 rows[i].connection);
        CHECK_SLICE(ymo_buf_slice(&f.dst), expected);
        CHECK_INT(ymo_http1_ops.next(f.state, YMO_HTTP1_ID), rows[i].persists);
        end(&f);
    }
    ymo_test_context(NULL);
}

/* Every status the server may give has a reason of its own, and the length is right. */
static void
failures_have_lengths(void)
{
    static const int statuses[] = {400, 403, 404, 405, 408, 411, 413, 414, 417,
                                   431, 500, 501, 502, 503, 504, 505, 599};
    for (size_t i = 0; i < YMO_N(statuses); i++) {
        struct fixture f;
        ymo_test_context("%d", statuses[i]);
        begin(&f, GET11);
        CHECK_INT(ymo_http1_ops.fail(f.state, 0, statuses[i], &f.out, &f.dst), 0);
        CHECK_INT(ymo_buf_append(&f.dst, "", 1), 0);
        const char *text = ymo_buf_data(&f.dst), *length = strstr(text, "Content-Length: "),
                   *body = strstr(text, "\r\n\r\n");
        REQUIRE(length && body);
        CHECK_INT(atoi(length + 16), strlen(body + 4));
        CHECK_INT(atoi(body + 4), statuses[i]);
        CHECK((strstr(body, "Error\n") != NULL) == (statuses[i] == 500 || statuses[i] == 599));
        end(&f);
    }
    ymo_test_context(NULL);
}

static void
proceeds(void)
{
    struct fixture f;
    begin(&f, POST11);
    CHECK_INT(ymo_http1_ops.proceed(f.state, YMO_HTTP1_ID, &f.dst), 0);
    CHECK_SLICE(ymo_buf_slice(&f.dst), "HTTP/1.1 100 Continue\r\n\r\n");
    end(&f);
}

/* An answer before the body was read: what is left of it must not be taken for a request. */
static void
early_answers_close(void)
{
    struct ymo_response resp = {.status = 200, .content_length = 0};
    struct fixture f;
    begin(&f, POST11);
    CHECK(!ymo_http1_ops.may_persist(f.state, YMO_HTTP1_ID));
    f.out.close = true;
    CHECK_INT(ymo_http1_ops.head(f.state, YMO_HTTP1_ID, &resp, &f.out, &f.dst), 0);
    CHECK(!ymo_http1_ops.next(f.state, YMO_HTTP1_ID));
    CHECK_INT(ymo_http1_ops.feed(f.state, YMO_SLICE("x" GET11), &f.ev), strlen("x" GET11));
    CHECK_INT(f.ev.what, YMO_CODEC_MORE);
    end(&f);
}

static void
found_by_name(void)
{
    CHECK(ymo_codec_find("http") == &ymo_http1_ops);
    CHECK(ymo_codec_find("HTTP") == NULL);
    CHECK(ymo_codec_find("") == NULL);
    CHECK_INT(ymo_http1_ops.max_open, 1);
}

YMO_SUITE(http1_write, heads, heads_without_bodies, application_headers_win, transport_security,
          long_policy, large_heads, frames, failures, failures_have_lengths, failure_can_persist,
          proceeds, early_answers_close, found_by_name);
