/* SPDX-License-Identifier: MIT */
/* Packets and bodies, whole and cut anywhere. */
#include "protocols/uwsgi/uwsgi.h"
#include "tests/protocols/codec_run.h"
#include "tests/protocols/codec_vector.h"
#include "tests/protocols/uwsgi_make.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#define GET      "REQUEST_METHOD=GET\nREQUEST_URI=/x\nPATH_INFO=/x\n"
#define POST(n)  "REQUEST_METHOD=POST\nREQUEST_URI=/p\nPATH_INFO=/p\nCONTENT_LENGTH=" n "\n"
#define PUT(etc) "REQUEST_METHOD=PUT\nREQUEST_URI=/p\nPATH_INFO=/p\n" etc
#define CODED    "HTTP_TRANSFER_ENCODING=chunked\n"

/* A packet, and raw bytes behind it. */
struct row {
    const char *what;
    unsigned modifier1;
    const char *vars, *rest;
    const char *brief;
    const char *want[6], *lack[3];
};

static void
check_rows(const struct row *rows, size_t n, const struct ymo_codec_env *env)
{
    for (size_t i = 0; i < n; i++) {
        struct ymo_buf in = {0};
        ymo_uwsgi_make(&in, rows[i].modifier1, rows[i].vars);
        CHECK_INT(ymo_buf_append_slice(&in, ymo_slice_str(rows[i].rest)), 0);
        struct ymo_codec_vector v = {
            .what = rows[i].what, .input = ymo_buf_slice(&in), .brief = rows[i].brief};
        memcpy(v.want, rows[i].want, sizeof(v.want));
        memcpy(v.lack, rows[i].lack, sizeof(v.lack));
        ymo_codec_vector_check(&ymo_uwsgi_ops, &v, 1, env);
        ymo_buf_free(&in);
    }
}

static void
requests(void)
{
    static const struct row rows[] = {
        {"a request", 0, GET, "", "GET /x close", {"PATH_INFO=/x", "body ", "whole, close"}, {0}},
        {"modifier 30, SCRIPT_NAME in both",
         30,
         "REQUEST_METHOD=GET\nREQUEST_URI=/other\nSCRIPT_NAME=/m\nPATH_INFO=/m/x\n",
         "",
         "GET /other close",
         {"SCRIPT_NAME=/m", "PATH_INFO=/x"},
         {0}},
        {"modifier 0, PATH_INFO begins like SCRIPT_NAME",
         0,
         "REQUEST_METHOD=GET\nREQUEST_URI=/m/m/x\nSCRIPT_NAME=/m\nPATH_INFO=/m/x\n",
         "",
         "GET /m/m/x close",
         {"SCRIPT_NAME=/m", "PATH_INFO=/m/x"},
         {0}},
        {"HEAD",
         0,
         "REQUEST_METHOD=HEAD\nREQUEST_URI=/\nPATH_INFO=/\n",
         "",
         "HEAD / close",
         {"content_length 0, https 0, head_only 1, expect 0"},
         {0}},
        {"nobody waits to be told to go on",
         0,
         POST("1") "HTTP_EXPECT=100-continue\n",
         "b",
         "POST /p (b) close",
         {"content_length 1, https 0, head_only 0, expect 0"},
         {0}},
        {"a second packet is none", 0, GET, "more", "GET /x close", {0}, {0}},
        {"no variables", 0, "", "", "bad 400", {"bad 400 no REQUEST_METHOD"}, {0}},
        {"no method", 0, "PATH_INFO=/\n", "", "bad 400", {0}, {0}},
        {"empty name", 0, GET "=x\n", "", "bad 400", {"bad 400 a variable without a name"}, {0}},
        {"ping", 100, "", "", "reply 4", {"reply d\\x00\\x00\\x01"}, {0}},
        {"ping with variables", 100, GET, "and more", "reply 4", {0}, {0}},
    };
    check_rows(rows, YMO_N(rows), NULL);
}

static void
bodies(void)
{
    static const struct row rows[] = {
        {"length", 0, POST("5"), "hello", "POST /p (hello) close", {"CONTENT_LENGTH=5"}, {0}},
        {"more than the length", 0, POST("2"), "hello", "POST /p (he) close", {0}, {0}},
        {"less than the length",
         0,
         POST("6"),
         "hello",
         "POST /p (hello) cut; eof 0",
         {"eof 0 the front end closed in the middle of a body"},
         {0}},
        {"zeros in front", 0, POST("003"), "abc", "POST /p (abc) close", {"CONTENT_LENGTH=3"}, {0}},
        {"length 0", 0, POST("0"), "", "POST /p close", {"CONTENT_LENGTH=0"}, {0}},
        {"length empty", 0, POST(""), "", "POST /p close", {0}, {"CONTENT_LENGTH"}},
        {"no length", 0, PUT(""), "", "PUT /p close", {0}, {"CONTENT_LENGTH"}},
        {"the last length counts",
         0,
         POST("9") "CONTENT_LENGTH=2\n",
         "ab",
         "POST /p (ab) close",
         {"CONTENT_LENGTH=2"},
         {0}},
        {"length and coding: decoded by the front end",
         0,
         POST("3") CODED,
         "3\r\n",
         "POST /p (3\\x0d\\x0a) close",
         {"CONTENT_LENGTH=3"},
         {"HTTP_TRANSFER"}},
        {"length 0 and coding", 0, POST("0") CODED, "", "POST /p close", {0}, {"HTTP_TRANSFER"}},
        {"coding alone",
         0,
         PUT(CODED),
         "2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: v\r\n\r\n",
         "PUT /p (abc) close",
         {"content_length -1, https 0, head_only 0, expect 0"},
         {"HTTP_TRANSFER", "CONTENT_LENGTH"}},
        {"coding and length -1", 0, POST("-1") CODED, "0\r\n\r\n", "POST /p close", {0}, {0}},
        {"coding, empty length",
         0,
         POST("") CODED,
         "1\r\nz\r\n0\r\n\r\n",
         "POST /p (z) close",
         {0},
         {0}},
        {"coding in capitals",
         0,
         PUT("HTTP_TRANSFER_ENCODING=Chunked\n"),
         "1\r\nz\r\n0\r\n\r\n",
         "PUT /p (z) close",
         {0},
         {0}},
        {"chunks that end early", 0, PUT(CODED), "2\r\nab\r\n", "PUT /p (ab) cut; eof 0", {0}, {0}},
        {"malformed chunks", 0, PUT(CODED), "2\r\nabc\r\n", "PUT /p (ab) cut; bad 400", {0}, {0}},
        {"no chunks", 0, PUT(CODED), "hello", "PUT /p cut; bad 400", {0}, {0}},
        {"another coding", 0, PUT("HTTP_TRANSFER_ENCODING=gzip\n"), "x", "bad 411", {0}, {0}},
        {"two codings", 0, PUT("HTTP_TRANSFER_ENCODING=gzip, chunked\n"), "x", "bad 411", {0}, {0}},
        {"coded twice", 0, PUT(CODED CODED), "0\r\n\r\n", "bad 411", {0}, {0}},
        {"length -1 alone", 0, POST("-1"), "x", "bad 411", {0}, {0}},
        {"length -2", 0, POST("-2"), "", "bad 400", {0}, {0}},
        {"length +1", 0, POST("+1"), "", "bad 400", {0}, {0}},
        {"length with a space", 0, POST("1 "), "", "bad 400", {0}, {0}},
        {"length of 2^64", 0, POST("18446744073709551616"), "", "bad 400", {0}, {0}},
        {"length of 2^64 - 1", 0, POST("18446744073709551615"), "", "bad 413", {0}, {0}},
        {"length of max_body", 0, POST("1048576"), "", "POST /p cut; eof 0", {0}, {0}},
        {"length above max_body", 0, POST("1048577"), "x", "bad 413", {0}, {0}},
        {"chunk above max_body", 0, PUT(CODED), "100001\r\n", "PUT /p cut; bad 413", {0}, {0}},
    };
    check_rows(rows, YMO_N(rows), NULL);

    struct ymo_codec_limits limits = *ymo_codec_run_env.limits;
    struct ymo_codec_env env = ymo_codec_run_env;
    limits.max_body = 0;
    env.limits = &limits;
    static const struct row unlimited[] = {
        {"no max_body", 0, POST("9223372036854775807"), "x", "POST /p (x) cut; eof 0", {0}, {0}},
        {"more than counts", 0, POST("9223372036854775808"), "x", "bad 413", {0}, {0}},
    };
    check_rows(unlimited, YMO_N(unlimited), &env);
}

static void
packets(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"nothing", YMO_SLICE(""), "", {0}, {0}},
        {"one byte", YMO_SLICE("\0"), "eof 0", {0}, {0}},
        {"three bytes", YMO_SLICE("\0\1\0"), "eof 0", {0}, {0}},
        {"four bytes",
         YMO_SLICE("\0\1\0\0"),
         "eof 0",
         {"eof 0 the front end closed in the middle of the variables"},
         {0}},
        {"half a length",
         YMO_SLICE("\0\1\0\0\0"),
         "bad 400",
         {"bad 400 a variable is longer than its packet"},
         {0}},
        {"a name longer than the packet",
         YMO_SLICE("\0\3\0\0\2\0x"),
         "bad 400",
         {"bad 400 a variable is longer than its packet"},
         {0}},
        {"a name and no value", YMO_SLICE("\0\3\0\0\1\0x"), "bad 400", {0}, {0}},
        {"half a length of a value",
         YMO_SLICE("\0\4\0\0\1\0x\0"),
         "bad 400",
         {"bad 400 a variable is longer than its packet"},
         {0}},
        {"a value longer than the packet", YMO_SLICE("\0\5\0\0\1\0x\1\0y"), "bad 400", {0}, {0}},
        {"lengths of 65535", YMO_SLICE("\0\4\0\0\xff\xff\xff\xff"), "bad 400", {0}, {0}},
        {"modifier2 means nothing", YMO_SLICE("\0\1\0\xff\0"), "bad 400", {0}, {0}},
    };
    ymo_codec_vector_check(&ymo_uwsgi_ops, rows, YMO_N(rows), NULL);
}

/* Each of them as it is asked for, whatever may follow; and nothing else is ever served. */
static void
modifiers(void)
{
    for (unsigned m = 0; m < 256; m++) {
        bool served = m == 0 || m == 30 || m == 100;
        struct ymo_buf in = {0};
        ymo_test_context("modifier %u", m);
        ymo_uwsgi_make(&in, m, GET);
        struct ymo_codec_run run;
        ymo_codec_run_play(&run, &ymo_uwsgi_ops, &ymo_codec_run_env, ymo_buf_slice(&in), NULL,
                           NULL);
        CHECK_STR(run.broken ? run.broken : "kept", "kept");
        CHECK_SLICE(ymo_buf_slice(&run.brief), !served    ? "bad 0"
                                               : m == 100 ? "reply 4"
                                                          : "GET /x close");
        ymo_codec_run_free(&run);
        ymo_buf_free(&in);
    }
    ymo_test_context(NULL);
}

#define HTTP "bad 0 HTTP where uwsgi is spoken: use uwsgi_pass, not proxy_pass, or --protocol http"

static void
other_protocols(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"GET", YMO_SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "bad 0", {HTTP}, {0}},
        {"POST", YMO_SLICE("POST / HTTP/1.1\r\n"), "bad 0", {HTTP}, {0}},
        {"HTTP/2", YMO_SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "bad 0", {HTTP}, {0}},
        {"PUT, four bytes", YMO_SLICE("PUT "), "bad 0", {HTTP}, {0}},
        {"three bytes", YMO_SLICE("GET"), "eof 0", {0}, {0}},
        {"a space first", YMO_SLICE(" GET"), "bad 0", {0}, {"bad 0 HTTP"}},
        {"72, which is HTTP in a packet", YMO_SLICE("H\1\0\0"), "bad 0", {0}, {"bad 0 HTTP"}},
        {"TLS",
         YMO_SLICE("\x16\x03\x01\x02\x00\x01"),
         "bad 0",
         {"bad 0 TLS where uwsgi is spoken in the clear"},
         {0}},
        {"FastCGI", YMO_SLICE("\1\1\0\1\0\10\0\0"), "bad 0", {0}, {0}},
        {"code",
         YMO_SLICE("\x16\1\0\0p"),
         "bad 0",
         {"bad 0 uwsgi modifier 22 (code to be run) is not served"},
         {0}},
        {"a job",
         YMO_SLICE("\x11\0\0\0"),
         "bad 0",
         {"bad 0 uwsgi modifier 17 (a job for a spooler) is not served"},
         {0}},
        {"a signal",
         YMO_SLICE("\x6e\0\0\0"),
         "bad 0",
         {"bad 0 uwsgi modifier 110 (a signal) is not served"},
         {0}},
        {"a cache",
         YMO_SLICE("\x6f\0\0\0"),
         "bad 0",
         {"bad 0 uwsgi modifier 111 (a cache) is not served"},
         {0}},
        {"a call",
         YMO_SLICE("\xad\0\0\0"),
         "bad 0",
         {"bad 0 uwsgi modifier 173 (a remote procedure call) is not served"},
         {0}},
    };
    ymo_codec_vector_check(&ymo_uwsgi_ops, rows, YMO_N(rows), NULL);
}

/* 65535 bytes of variables are taken at any setting; the limits are for heads that clients send. */
static void
large_packets(void)
{
    struct ymo_codec_limits limits = {.request_line = 16, .header_bytes = 64, .headers = 1};
    struct ymo_codec_env env = ymo_codec_run_env;
    env.limits = &limits;
    static const char get[] =
        "REQUEST_METHOD=GET\nREQUEST_URI=/x\nPATH_INFO=/x\nHTTP_A=1\nHTTP_B=2";
    struct ymo_buf vars = {0}, in = {0};
    ymo_uwsgi_make(&vars, 0, get);
    ymo_buf_consume(&vars, 4);
    char *value = malloc(65535);
    if (!value)
        abort();
    memset(value, 'v', 65535);
    ymo_uwsgi_make_var(&vars, YMO_SLICE("HTTP_COOKIE"),
                       ymo_slice_of(value, 65535 - vars.len - 4 - 11));
    CHECK_INT(vars.len, 65535);
    ymo_uwsgi_make_head(&in, 0, vars.len);
    CHECK_INT(ymo_buf_append_slice(&in, ymo_buf_slice(&vars)), 0);
    const struct ymo_codec_vector row = {
        .what = "65535 bytes", .input = ymo_buf_slice(&in), .brief = "GET /x close"};
    ymo_codec_vector_check(&ymo_uwsgi_ops, &row, 1, &env);
    ymo_buf_free(&vars);
    ymo_buf_free(&in);
    free(value);
}

static void
counted_variables(void)
{
    for (int extra = 997; extra <= 998; extra++) {
        struct ymo_buf vars = {0}, in = {0};
        ymo_uwsgi_make(&vars, 0, GET);
        ymo_buf_consume(&vars, 4);
        for (int i = 0; i < extra; i++) {
            char name[16];
            int n = snprintf(name, sizeof(name), "HTTP_X%d", i);
            ymo_uwsgi_make_var(&vars, ymo_slice_of(name, (size_t)n), YMO_SLICE("v"));
        }
        ymo_uwsgi_make_head(&in, 0, vars.len);
        CHECK_INT(ymo_buf_append_slice(&in, ymo_buf_slice(&vars)), 0);
        struct ymo_codec_run run;
        ymo_codec_run_play(&run, &ymo_uwsgi_ops, &ymo_codec_run_env, ymo_buf_slice(&in), NULL,
                           NULL);
        CHECK_SLICE(ymo_buf_slice(&run.brief), extra == 997 ? "GET /x close" : "bad 431");
        ymo_codec_run_free(&run);
        ymo_buf_free(&vars);
        ymo_buf_free(&in);
    }
}

static const char browser[] =
    "QUERY_STRING=a=b\nREQUEST_METHOD=POST\nCONTENT_TYPE=text/plain\nCONTENT_LENGTH=4\n"
    "REQUEST_URI=/app/x?a=b\nPATH_INFO=/app/x\nSCRIPT_NAME=/app\nREQUEST_SCHEME=https\nHTTPS=on\n"
    "REMOTE_ADDR=192.0.2.1\nREMOTE_PORT=1\nSERVER_PORT=443\nSERVER_NAME=\nHTTP_HOST=h\nHTTP_X=1\n"
    "HTTP_X=2\nHTTP_COOKIE=a\nHTTP_COOKIE=b\nHTTP_TRANSFER_ENCODING=chunked\n";

/* One byte changed in every place, and every bit of the lengths: the same however it is cut. */
static void
mutated(void)
{
    struct ymo_buf in = {0};
    ymo_uwsgi_make(&in, 0, browser);
    CHECK_INT(ymo_buf_append_slice(&in, YMO_SLICE("2\r\nab\r\n0\r\n\r\n")), 0);
    uint32_t seed = 2463534242u;
    for (size_t at = 0; at < in.len; at++) {
        char *byte = ymo_buf_data(&in) + at, old = *byte;
        static const unsigned char changes[] = {1, 0x80, 0x20, 0xff, 0x0d};
        for (size_t i = 0; i < sizeof(changes); i++) {
            *byte = (char)((unsigned char)old ^ changes[i]);
            struct ymo_codec_run whole, parts;
            ymo_codec_run_play(&whole, &ymo_uwsgi_ops, &ymo_codec_run_env, ymo_buf_slice(&in), NULL,
                               NULL);
            ymo_codec_run_play(&parts, &ymo_uwsgi_ops, &ymo_codec_run_env, ymo_buf_slice(&in),
                               ymo_codec_run_random, &seed);
            ymo_test_context("byte %zu ^ %u", at, changes[i]);
            CHECK_STR(whole.broken ? whole.broken : "kept", "kept");
            CHECK_STR(parts.broken ? parts.broken : "kept", "kept");
            CHECK(ymo_slice_eq(ymo_buf_slice(&whole.full), ymo_buf_slice(&parts.full)));
            ymo_codec_run_free(&whole);
            ymo_codec_run_free(&parts);
        }
        *byte = old;
    }
    ymo_test_context(NULL);
    ymo_buf_free(&in);
}

static struct ymo_request *
lend(void *arg, uint32_t id)
{
    (void)id;
    return arg;
}

/* What is sent when `vars` are refused with `status`. */
static void
check_refusal(const char *vars, int status, const char *want)
{
    static const struct ymo_codec_out out = {.close = true};
    struct ymo_codec_event ev;
    struct ymo_arena arena;
    struct ymo_request req;
    struct ymo_buf in = {0}, dst = {0};
    struct ymo_codec_env env = ymo_codec_run_env;
    void *state = malloc(ymo_uwsgi_ops.state_size);
    if (!state)
        abort();
    ymo_arena_init(&arena, 0);
    ymo_request_init(&req, &arena);
    env.open_arg = &req;
    env.open = lend;
    ymo_uwsgi_make(&in, 0, vars);
    ymo_uwsgi_ops.init(state, &env);
    (void)ymo_uwsgi_ops.feed(state, ymo_buf_slice(&in), &ev);
    CHECK_INT(ev.what, YMO_CODEC_BAD);
    CHECK_INT(ev.status, status);
    CHECK_INT(ymo_uwsgi_ops.fail(state, 0, status, &out, &dst), 0);
    CHECK_SLICE(ymo_buf_slice(&dst), want);
    dst.len = 0;
    CHECK_INT(ymo_uwsgi_ops.fail(state, 0, 0, &out, &dst), 0);
    CHECK_INT(dst.len, 0); /* a status of 0: nothing is said */
    ymo_uwsgi_ops.fini(state);
    ymo_arena_free(&arena);
    ymo_buf_free(&in);
    ymo_buf_free(&dst);
    free(state);
}

static void
refusals(void)
{
#define HEAD_400                                                                              \
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " \
    "16\r\n\r\n"
    check_refusal(POST("x"), 400, HEAD_400 "400 Bad Request\n");
    check_refusal("REQUEST_METHOD=HEAD\nPATH_INFO=/\nCONTENT_LENGTH=x\n", 400, HEAD_400);
#undef HEAD_400
}

static struct ymo_request *
no_memory(void *arg, uint32_t id)
{
    (void)arg, (void)id;
    return NULL;
}

static void
without_memory(void)
{
    struct ymo_codec_env env = ymo_codec_run_env;
    struct ymo_codec_event ev;
    struct ymo_buf in = {0};
    env.open = no_memory;
    void *state = malloc(ymo_uwsgi_ops.state_size);
    if (!state)
        abort();
    ymo_uwsgi_make(&in, 0, GET);
    ymo_uwsgi_ops.init(state, &env);
    (void)ymo_uwsgi_ops.feed(state, ymo_buf_slice(&in), &ev);
    CHECK_INT(ev.what, YMO_CODEC_BAD);
    CHECK_INT(ev.status, 503);

    /* At every size of the arena there is a refusal, until there is enough for the request. */
    int refused = 0;
    for (size_t cap = 16;; cap += 16) {
        struct ymo_codec_env lent = ymo_codec_run_env;
        struct ymo_arena arena;
        struct ymo_request req;
        ymo_arena_init(&arena, cap);
        ymo_request_init(&req, &arena);
        lent.open_arg = &req;
        lent.open = lend;
        ymo_uwsgi_ops.init(state, &lent);
        (void)ymo_uwsgi_ops.feed(state, ymo_buf_slice(&in), &ev);
        ymo_arena_free(&arena);
        if (ev.what != YMO_CODEC_BAD)
            break;
        CHECK_INT(ev.status, 503);
        refused++;
    }
    CHECK_INT(ev.what, YMO_CODEC_HEAD);
    CHECK(refused > 3);
    ymo_uwsgi_ops.fini(state);
    free(state);
    ymo_buf_free(&in);
}

YMO_SUITE(uwsgi, requests, bodies, packets, modifiers, other_protocols, large_packets,
          counted_variables, refusals, mutated, without_memory);
