/* SPDX-License-Identifier: MIT */
/* Limits, told as soon as they are broken, and work in proportion to the input. */
#include "protocols/http1/http1.h"
#include "protocols/http1/http1_state.h"
#include "tests/protocols/codec_run.h"
#include "tests/protocols/codec_vector.h"
#include "tests/support/test.h"

#include <stdlib.h>

#define H           "Host: a\r\n"
#define S(x)        YMO_SLICE(x)
#define GET(fields) S("GET / HTTP/1.1\r\n" H fields "\r\n")
#define CHUNKED(b)  S("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n" b)

static void
line_limit(void)
{
    static const struct ymo_codec_limits lim = {20, 200, 5, 0, 0};
    struct ymo_codec_env env = ymo_codec_run_env;
    static const struct ymo_codec_vector rows[] = {
        {"as long as allowed", S("GET /123456 HTTP/1.1\r\n" H "\r\n"), "GET /123456", {0}, {0}},
        {"one more", S("GET /1234567 HTTP/1.1\r\n" H "\r\n"), "bad 414", {0}, {0}},
        {"no line end in sight", S("GET /1234567890123456"), "bad 414", {0}, {0}},
        {"not yet too long", S("GET /123456789012345"), "eof 400", {0}, {0}},
        {"of an unknown method", S("AAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "bad 414", {0}, {0}},
        {"bad byte just before", S("GET /123456789012345\n"), "bad 400", {0}, {0}},
        {"bad byte just behind", S("GET /1234567890123456\n"), "bad 414", {0}, {0}},
        {"empty lines do not count",
         S("\r\n\r\nGET /123456 HTTP/1.1\r\n" H "\r\n"),
         "GET /123456",
         {0},
         {0}},
    };
    env.limits = &lim;
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), &env);
}

static void
head_limit(void)
{
    /* "GET / HTTP/1.1" and "Host: a" with their ends are 25 bytes, the last CRLF 2. */
    static const struct ymo_codec_limits lim = {100, 40, 5, 0, 0};
    struct ymo_codec_env env = ymo_codec_run_env;
    static const struct ymo_codec_vector rows[] = {
        {"as large as allowed", GET("X: 12345678\r\n"), "GET /", {"HTTP_X=12345678"}, {0}},
        {"one more", GET("X: 123456789\r\n"), "bad 431", {0}, {0}},
        {"two more", GET("X: 1234567890\r\n"), "bad 431", {0}, {0}},
        {"no line end in sight",
         S("GET / HTTP/1.1\r\n" H "X: 1234567890123456789"),
         "bad 431",
         {0},
         {0}},
        {"not yet too large", S("GET / HTTP/1.1\r\n" H "X: 123456789012"), "eof 400", {0}, {0}},
        {"bad byte just before", S("GET / HTTP/1.1\r\n" H "X: 12345678901\n"), "bad 400", {0}, {0}},
        {"bad byte just behind",
         S("GET / HTTP/1.1\r\n" H "X: 123456789012\n"),
         "bad 431",
         {0},
         {0}},
        {"bare CR on the edge", S("GET / HTTP/1.1\r\n" H "X: 12345678901\rX"), "bad 431", {0}, {0}},
        {"bare CR before it", S("GET / HTTP/1.1\r\n" H "X: 1234567890\rX"), "bad 400", {0}, {0}},
        {"request line alone",
         S("GET /1234567890123456789012345 HTTP/1.1\r\n"),
         "bad 431",
         {0},
         {0}},
        {"each request has its own",
         S("GET / HTTP/1.1\r\n" H "X: 12345678\r\n\r\n"
           "GET / HTTP/1.1\r\n" H "X: 12345678\r\n\r\n"),
         "GET /; GET /",
         {0},
         {0}},
    };
    env.limits = &lim;
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), &env);
}

static void
field_limit(void)
{
    static const struct ymo_codec_limits lim = {100, 1000, 3, 0, 0};
    struct ymo_codec_env env = ymo_codec_run_env;
    static const struct ymo_codec_vector rows[] = {
        {"as many as allowed", GET("A: 1\r\nB: 2\r\n"), "GET /", {"HTTP_B=2"}, {0}},
        {"one more", GET("A: 1\r\nB: 2\r\nC: 3\r\n"), "bad 431", {0}, {0}},
        {"one more, dropped", GET("A: 1\r\nB: 2\r\nC_: 3\r\n"), "bad 431", {0}, {0}},
        {"one more, bad", GET("A: 1\r\nB: 2\r\nC 3\r\n"), "bad 431", {0}, {0}},
        {"trailers", CHUNKED("0\r\nA: 1\r\nB: 1\r\nC: 1\r\n\r\n"), "POST /", {0}, {0}},
        {"too many trailers",
         CHUNKED("0\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n"),
         "POST / cut; bad 431",
         {0},
         {0}},
    };
    env.limits = &lim;
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), &env);
}

static void
trailer_limit(void)
{
    static const struct ymo_codec_limits lim = {100, 60, 100, 0, 0};
    struct ymo_codec_env env = ymo_codec_run_env;
    static const struct ymo_codec_vector rows[] = {
        /* 3 + 53 + 2 bytes, and the last CRLF */
        {"as large as allowed",
         CHUNKED("0\r\nX: 12345678901234567890123456789012345678901234567890123\r\n\r\n"),
         "POST /",
         {0},
         {0}},
        {"one more",
         CHUNKED("0\r\nX: 123456789012345678901234567890123456789012345678901234\r\n\r\n"),
         "POST / cut; bad 431",
         {0},
         {0}},
    };
    env.limits = &lim;
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), &env);
}

static void
body_limit(void)
{
    static const struct ymo_codec_limits lim = {100, 1000, 10, 5, 0};
    struct ymo_codec_env env = ymo_codec_run_env;
    static const struct ymo_codec_vector rows[] = {
        {"length",
         S("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nabcde"),
         "POST / (abcde)",
         {0},
         {0}},
        {"length and one",
         S("POST / HTTP/1.1\r\n" H "Content-Length: 6\r\n\r\nabcdef"),
         "bad 413",
         {0},
         {0}},
        {"chunk", CHUNKED("5\r\nabcde\r\n0\r\n\r\n"), "POST / (abcde)", {0}, {0}},
        {"chunk and one", CHUNKED("6\r\nabcdef\r\n0\r\n\r\n"), "POST / cut; bad 413", {0}, {0}},
        {"chunks", CHUNKED("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), "POST / (abcde)", {0}, {0}},
        {"chunks and one",
         CHUNKED("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"),
         "POST / (abc) cut; bad 413",
         {0},
         {0}},
        {"many chunks",
         CHUNKED("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n1\r\nd\r\n1\r\ne\r\n1\r\nf\r\n0\r\n\r\n"),
         "POST / (abcde) cut; bad 413",
         {0},
         {0}},
    };
    static const struct ymo_codec_limits none = {100, 1000, 10, 0, 0};
    static const struct ymo_codec_vector free_rows[] = {
        {"without a limit",
         S("POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775807\r\n\r\na"),
         "POST / (a) cut; eof 400",
         {"CONTENT_LENGTH=9223372036854775807"},
         {0}},
        {"one too many",
         S("POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\na"),
         "bad 413",
         {0},
         {0}},
        {"a sum one too large",
         CHUNKED("1\r\na\r\n7fffffffffffffff\r\n"),
         "POST / (a) cut; bad 413",
         {0},
         {0}},
    };
    env.limits = &lim;
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), &env);
    env.limits = &none;
    ymo_codec_vector_check(&ymo_http1_ops, free_rows, YMO_N(free_rows), &env);
}

/* The parser has a limit of its own, of 80 KiB, that must not show. */
static void
limits_are_ours_alone(void)
{
    static const struct ymo_codec_limits lim = {200000, 400000, 5, 0, 0};
    static const char head[] = "POST /";
    static const char rest[] = " HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nX: ";
    static char input[300000], brief[100000 + 16];
    struct ymo_codec_env env = ymo_codec_run_env;
    struct ymo_codec_run run;
    size_t n = 0;
    memcpy(input, head, sizeof(head) - 1);
    memset(input + (n += sizeof(head) - 1), 'u', 100000);
    memcpy(input + (n += 100000), rest, sizeof(rest) - 1);
    memset(input + (n += sizeof(rest) - 1), 't', 100000);
    memcpy(input + (n += 100000), "\r\n\r\n", 4);
    n += 4;
    memcpy(brief, head, sizeof(head) - 1);
    memset(brief + sizeof(head) - 1, 'u', 100000);
    env.limits = &lim;
    ymo_codec_run_play(&run, &ymo_http1_ops, &env, ymo_slice_of(input, n), NULL, NULL);
    CHECK_STR(run.broken ? run.broken : "kept", "kept");
    CHECK_SLICE(ymo_buf_slice(&run.brief), brief);
    ymo_codec_run_free(&run);
}

static struct ymo_request *
lend(void *arg, uint32_t id)
{
    (void)id;
    return arg;
}

/* What has been looked at is not looked at again: byte by byte costs the same as at once. */
static void
head_is_scanned_once(void)
{
    static char head[60000];
    struct ymo_codec_env env = ymo_codec_run_env;
    struct ymo_request req;
    struct ymo_arena arena;
    struct ymo_http1 h;
    struct ymo_codec_event ev;
    memset(head, 'v', sizeof(head));
    memcpy(head, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 28);
    memcpy(head + 30000, "\r\nY: ", 5);
    memcpy(head + sizeof(head) - 4, "\r\n\r\n", 4);
    env.open = lend;
    env.open_arg = &req;
    ymo_arena_init(&arena, 0);
    ymo_request_init(&req, &arena);
    CHECK_INT(ymo_http1_ops.state_size, sizeof(h));
    ymo_http1_ops.init(&h, &env);
    for (size_t n = 1; n < sizeof(head); n++) {
        CHECK_INT(ymo_http1_ops.feed(&h, ymo_slice_of(head, n), &ev), 0);
        if (ev.what != YMO_CODEC_MORE || h.scanned + 1 < n) {
            CHECK_INT(ev.what, YMO_CODEC_MORE);
            CHECK_INT(h.scanned, n);
            break;
        }
    }
    CHECK_INT(ymo_http1_ops.feed(&h, ymo_slice_of(head, sizeof(head)), &ev), sizeof(head));
    CHECK_INT(ev.what, YMO_CODEC_HEAD);
    ymo_http1_ops.fini(&h);
    ymo_arena_free(&arena);
}

/* Ten thousand idle connections have a state each. */
static void
state_is_small(void)
{
    CHECK(ymo_http1_ops.state_size < 200);
}

static void
in_head_covers_the_head(void)
{
    struct ymo_slice input = S("\r\nPOST / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\na\r\nG");
    size_t first = 2, body = input.len - 4, used = 0;
    struct ymo_codec_env env = ymo_codec_run_env;
    struct ymo_request req;
    struct ymo_arena arena;
    struct ymo_http1 h;
    struct ymo_codec_event ev;
    env.open = lend;
    env.open_arg = &req;
    ymo_arena_init(&arena, 0);
    ymo_request_init(&req, &arena);
    ymo_http1_ops.init(&h, &env);
    CHECK(!ymo_http1_ops.in_head(&h));
    for (size_t n = 1; n <= input.len; n++) {
        do {
            used += ymo_http1_ops.feed(&h, ymo_slice_of(input.data + used, n - used), &ev);
        } while (ev.what == YMO_CODEC_HEAD);
        if (ev.what == YMO_CODEC_BODY) {
            CHECK(ev.last && n == body + 1);
            CHECK(ymo_http1_ops.next(&h, YMO_HTTP1_ID));
        }
        ymo_test_context("after %zu bytes", n);
        CHECK_INT(ymo_http1_ops.in_head(&h), (n > first && n < body) || n == input.len);
    }
    ymo_test_context(NULL);
    ymo_arena_free(&arena);
}

YMO_SUITE(http1_limits, line_limit, head_limit, field_limit, trailer_limit, body_limit,
          limits_are_ours_alone, head_is_scanned_once, state_is_small, in_head_covers_the_head);
