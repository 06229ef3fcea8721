/* SPDX-License-Identifier: MIT */
/* What the application gets to see, and when a connection goes on. */
#include "protocols/http1/http1.h"
#include "tests/protocols/codec_run.h"
#include "tests/protocols/codec_vector.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#define H           "Host: a\r\n"
#define S(x)        YMO_SLICE(x)
#define GET(fields) S("GET / HTTP/1.1\r\n" H fields "\r\n")

static void
headers(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"names",
         GET("X-Foo-Bar: 1\r\nuser-AGENT: u\r\nAccept: a\r\n"),
         "GET /",
         {"HTTP_X_FOO_BAR=1", "HTTP_USER_AGENT=u", "HTTP_ACCEPT=a", "HTTP_HOST=a"},
         {0}},
        {"type and length are no HTTP_ variables",
         S("POST / HTTP/1.1\r\n" H "Content-Type: a/b; c=d\r\nContent-Length: 0\r\n\r\n"),
         "POST /",
         {"CONTENT_TYPE=a/b; c=d", "CONTENT_LENGTH=0"},
         {"HTTP_CONTENT"}},
        {"repeated",
         GET("X: 1\r\nAccept: a\r\nx: 2\r\nX:\r\nCookie: a=1\r\nACCEPT: b\r\nCookie: b=2\r\n"),
         "GET /",
         {"HTTP_X=1, 2, ", "HTTP_ACCEPT=a, b", "HTTP_COOKIE=a=1; b=2"},
         {0}},
        {"underscores",
         GET("X_Foo: 1\r\nX-Foo: 2\r\n_: 3\r\nUser_Agent: x\r\n"),
         "GET /",
         {"HTTP_X_FOO=2"},
         {"HTTP_USER_AGENT", "HTTP__"}},
        {"Proxy", GET("Proxy: http://evil\r\npROXY: x\r\n"), "GET /", {0}, {"HTTP_PROXY"}},
        {"not quite Proxy", GET("Proxy-X: 1\r\n"), "GET /", {"HTTP_PROXY_X=1"}, {0}},
        {"of the connection",
         GET("Upgrade: x\r\nConnection: Upgrade\r\nTE: trailers\r\nKeep-Alive: 5\r\n"),
         "GET /",
         {"HTTP_UPGRADE=x", "HTTP_CONNECTION=Upgrade", "HTTP_TE=trailers", "HTTP_KEEP_ALIVE=5"},
         {0}},
        {"meta",
         GET(""),
         "GET /",
         {"REQUEST_METHOD=GET", "SERVER_NAME=127.0.0.1", "SERVER_PORT=8081",
          "REMOTE_ADDR=127.0.0.1", "REMOTE_PORT=50412", "QUERY_STRING="},
         {"SCRIPT_NAME", "CONTENT_"}},
        {"of the server's own making",
         GET("Path-Info: /x\r\nRemote-Addr: 1\r\nContent-Type-X: y\r\n"),
         "GET /",
         {"PATH_INFO=/", "REMOTE_ADDR=127.0.0.1", "HTTP_PATH_INFO=/x", "HTTP_REMOTE_ADDR=1"},
         {0}},
        {"TLS cannot be claimed by a header",
         GET("SSL_CLIENT_VERIFY: SUCCESS\r\nSsl-Client-Verify: SUCCESS\r\nHttps: on\r\n"
             "HTTPS: on\r\nSSL_PROTOCOL: TLSv1.3\r\nssl-client-s-dn: CN=x\r\n"),
         "GET /",
         {"HTTP_SSL_CLIENT_VERIFY=SUCCESS", "HTTP_HTTPS=on, on", "HTTP_SSL_CLIENT_S_DN=CN=x",
          "content_length 0, https 0, head_only 0, expect 0"},
         {"SSL_", "HTTPS", "HTTP_SSL_PROTOCOL"}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), NULL);
}

static void
server_name_from_host(void)
{
    struct ymo_codec_env env = ymo_codec_run_env;
    env.server_name = env.server_port = env.remote_addr = env.remote_port = YMO_SLICE("");
    static const struct ymo_codec_vector plain[] = {
        {"host and port",
         S("GET / HTTP/1.1\r\nHost: b.example:81\r\n\r\n"),
         "GET /",
         {"SERVER_NAME=b.example", "SERVER_PORT=81", "REMOTE_ADDR="},
         {"REMOTE_PORT"}},
        {"host",
         S("GET / HTTP/1.1\r\nHost: b\r\n\r\n"),
         "GET /",
         {"SERVER_NAME=b", "SERVER_PORT=80"},
         {0}},
        {"empty port",
         S("GET / HTTP/1.1\r\nHost: b:\r\n\r\n"),
         "GET /",
         {"SERVER_NAME=b", "SERVER_PORT=80"},
         {0}},
        {"IPv6",
         S("GET / HTTP/1.1\r\nHost: [::1]:9\r\n\r\n"),
         "GET /",
         {"SERVER_NAME=[::1]", "SERVER_PORT=9"},
         {0}},
        {"empty",
         S("GET / HTTP/1.1\r\nHost:\r\n\r\n"),
         "GET /",
         {"SERVER_NAME=localhost", "SERVER_PORT=80"},
         {0}},
        {"absent",
         S("GET / HTTP/1.0\r\n\r\n"),
         "GET / close",
         {"SERVER_NAME=localhost", "SERVER_PORT=80"},
         {0}},
        {"absolute",
         S("GET http://c:5/ HTTP/1.1\r\nHost: b:4\r\n\r\n"),
         "GET http://c:5/",
         {"SERVER_NAME=c", "SERVER_PORT=5"},
         {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, plain, YMO_N(plain), &env);
    env.https = true;
    static const struct ymo_codec_vector tls[] = {
        {"host over TLS",
         S("GET / HTTP/1.1\r\nHost: b\r\n\r\n"),
         "GET /",
         {"SERVER_NAME=b", "SERVER_PORT=443", "content_length 0, https 1, head_only 0, expect 0"},
         {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, tls, YMO_N(tls), &env);
}

#define V11(fields) S("GET /1 HTTP/1.1\r\n" H fields "\r\nGET /2 HTTP/1.1\r\n" H "\r\n")
#define V10(fields) S("GET /1 HTTP/1.0\r\n" fields "\r\nGET /2 HTTP/1.1\r\n" H "\r\n")
#define ON          "GET /1; GET /2"
#define OVER        "GET /1 close"

static void
persistence(void)
{
    static const struct ymo_codec_vector rows[] = {
        {"1.1", V11(""), ON, {0}, {0}},
        {"close", V11("Connection: close\r\n"), OVER, {0}, {0}},
        {"close and TAB", V11("Connection: close\t\r\n"), OVER, {0}, {0}},
        {"Close", V11("connection:CLOSE\r\n"), OVER, {0}, {0}},
        {"close among others", V11("Connection: x, close ,y\r\n"), OVER, {0}, {0}},
        {"close on a second line",
         V11("Connection: keep-alive\r\nConnection: close\r\n"),
         OVER,
         {0},
         {0}},
        {"close wins", V11("Connection: close, keep-alive\r\n"), OVER, {0}, {0}},
        {"not quite close", V11("Connection: closed\r\n"), ON, {0}, {0}},
        {"close as a parameter", V11("Connection: x=close\r\n"), ON, {0}, {0}},
        {"Proxy-Connection is nothing", V11("Proxy-Connection: close\r\n"), ON, {0}, {0}},
        {"1.0", V10(""), OVER, {0}, {0}},
        {"1.0 keep-alive", V10("Connection: Keep-Alive\r\n"), ON, {0}, {0}},
        {"1.0 close wins", V10("Connection: keep-alive, close\r\n"), OVER, {0}, {0}},
        {"1.0 Proxy-Connection is nothing",
         V10("Proxy-Connection: keep-alive\r\n"),
         OVER,
         {0},
         {0}},
        {"upgrade", V11("Connection: Upgrade\r\nUpgrade: websocket\r\n"), ON, {0}, {0}},
        {"upgrade to h2c",
         V11("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"),
         ON,
         {0},
         {0}},
        {"upgrade with a body",
         S("POST /1 HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\n"
           "abcGET /2 HTTP/1.1\r\n" H "\r\n"),
         "POST /1 (abc); GET /2",
         {0},
         {0}},
        {"upgrade with chunks",
         S("POST /1 HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: x\r\n"
           "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n" H "\r\n"),
         "POST /1 (abc); GET /2",
         {0},
         {0}},
        {"close with a body",
         S("POST /1 HTTP/1.1\r\n" H "Connection: close\r\nContent-Length: 3\r\n\r\n"
           "abcGET /2 HTTP/1.1\r\n" H "\r\n"),
         "POST /1 (abc) close",
         {0},
         {0}},
        {"good, then bad", V11("\r\nFOO\r\n\r\n"), "GET /1; bad 400", {0}, {0}},
    };
    ymo_codec_vector_check(&ymo_http1_ops, rows, YMO_N(rows), NULL);
}

/* Every kind of request behind every other: none leaves anything behind for the next. */
static void
pipelined_pairs(void)
{
    static const struct {
        const char *input, *brief;
    } kinds[] = {
        {"GET /g HTTP/1.1\r\n" H "\r\n", "GET /g"},
        {"GET /k HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /k"},
        {"HEAD /h HTTP/1.1\r\n" H "X: y\r\n\r\n", "HEAD /h"},
        {"OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS *"},
        {"POST /l HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
         "POST /l (abc)"},
        {"POST /c HTTP/1.1\r\n" H
         "Transfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1;x\r\nf\r\n0\r\nT: "
         "t\r\n\r\n",
         "POST /c (def)"},
        {"POST /z HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n\r\n", "POST /z"},
    };
    char input[1024], brief[256], what[32];
    for (size_t i = 0; i < YMO_N(kinds); i++) {
        for (size_t k = 0; k < YMO_N(kinds); k++) {
            snprintf(input, sizeof(input), "%s%s%s", kinds[i].input, kinds[k].input,
                     kinds[i].input);
            snprintf(brief, sizeof(brief), "%s; %s; %s", kinds[i].brief, kinds[k].brief,
                     kinds[i].brief);
            snprintf(what, sizeof(what), "%zu %zu %zu", i, k, i);
            struct ymo_codec_vector row = {
                .what = what, .input = ymo_slice_str(input), .brief = brief};
            ymo_codec_vector_check(&ymo_http1_ops, &row, 1, NULL);
        }
    }
}

static struct ymo_request *
lend(void *arg, uint32_t id)
{
    (void)id;
    return arg;
}

static struct ymo_request *
lend_nothing(void *arg, uint32_t id)
{
    (void)arg, (void)id;
    return NULL;
}

/* Whatever the cap on the request's memory is: a request, or 503. */
static void
refuse_without_memory(void)
{
    struct ymo_slice input = S("GET /%20 HTTP/1.1\r\n" H "X: 1\r\nX: 2\r\n\r\n");
    struct ymo_codec_env env = ymo_codec_run_env;
    struct ymo_codec_event ev;
    struct ymo_request req;
    struct ymo_arena arena;
    int seen = 0;
    void *state = malloc(ymo_http1_ops.state_size);
    REQUIRE(state != NULL);
    env.open_arg = &req;
    for (size_t cap = 0; cap < 4096; cap += 8) {
        env.open = cap ? lend : lend_nothing;
        ymo_arena_init(&arena, cap);
        ymo_request_init(&req, &arena);
        ymo_http1_ops.init(state, &env);
        size_t n = ymo_http1_ops.feed(state, input, &ev);
        if (ev.what == YMO_CODEC_BAD)
            CHECK_INT(ev.status, 503);
        else
            CHECK(ev.what == YMO_CODEC_HEAD && n == input.len);
        seen |= ev.what == YMO_CODEC_BAD ? 1 : 2;
        ymo_http1_ops.fini(state);
        ymo_arena_free(&arena);
    }
    CHECK_INT(seen, 3);
    free(state);
}

YMO_SUITE(http1_vars, headers, server_name_from_host, persistence, pipelined_pairs,
          refuse_without_memory);
