/* SPDX-License-Identifier: MIT */
/* What the application sees of a front end's variables, beside what it would see without one. */
#include "protocols/cgi/cgi.h"
#include "protocols/http1/http1.h"
#include "protocols/uwsgi/uwsgi.h"
#include "tests/protocols/codec_run.h"
#include "tests/protocols/codec_vector.h"
#include "tests/protocols/uwsgi_make.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#define BASE "REQUEST_METHOD=GET\nREQUEST_URI=/\nPATH_INFO=/\n"

struct row {
    const char *what, *vars;
    const char *brief;
    const char *want[6], *lack[3];
};

static void
check_rows(const struct row *rows, size_t n, const struct ymo_codec_env *env)
{
    for (size_t i = 0; i < n; i++) {
        struct ymo_buf in = {0};
        ymo_uwsgi_make(&in, 0, rows[i].vars);
        struct ymo_codec_vector v = {.what = rows[i].what,
                                     .input = ymo_buf_slice(&in),
                                     .brief = rows[i].brief ? rows[i].brief : "GET / close"};
        memcpy(v.want, rows[i].want, sizeof(v.want));
        memcpy(v.lack, rows[i].lack, sizeof(v.lack));
        ymo_codec_vector_check(&ymo_uwsgi_ops, &v, 1, env);
        ymo_buf_free(&in);
    }
}

static void
repeated(void)
{
    static const struct row rows[] = {
        {"headers join",
         BASE "HTTP_X=1\nHTTP_ACCEPT=a\nHTTP_X=2\nHTTP_ACCEPT=b\nHTTP_X=\n",
         NULL,
         {"HTTP_X=1, 2, ", "HTTP_ACCEPT=a, b"},
         {0}},
        {"cookies", BASE "HTTP_COOKIE=a=1\nHTTP_COOKIE=b=2\n", NULL, {"HTTP_COOKIE=a=1; b=2"}, {0}},
        {"the last host and authorization",
         BASE "HTTP_HOST=a\nHTTP_AUTHORIZATION=b\nHTTP_HOST=a:8\nHTTP_AUTHORIZATION=c\n",
         NULL,
         {"HTTP_HOST=a:8", "HTTP_AUTHORIZATION=c"},
         {"HTTP_HOST=a\n", "HTTP_HOST=a,"}},
        {"the last of all that is no header",
         "REQUEST_METHOD=PUT\nPATH_INFO=/x\nSSL_X=1\nSERVER_PORT=1\n" BASE
         "SERVER_PORT=2\nSSL_X=2\nREMOTE_USER=a\nREMOTE_USER=b\n",
         NULL,
         {"REQUEST_METHOD=GET", "PATH_INFO=/", "SERVER_PORT=2", "SSL_X=2", "REMOTE_USER=b"},
         {"SSL_X=1", "REMOTE_USER=a", "PATH_INFO=/x"}},
        {"the last, even if empty",
         BASE "CONTENT_TYPE=a\nCONTENT_TYPE=\nREMOTE_PORT=1\nREMOTE_PORT=\nREMOTE_ADDR=h\n",
         NULL,
         {"REMOTE_ADDR=h"},
         {"CONTENT_TYPE", "REMOTE_PORT"}},
    };
    check_rows(rows, YMO_N(rows), NULL);
}

static void
kept_out(void)
{
    static const struct row rows[] = {
        {"HTTP_PROXY",
         BASE "HTTP_PROXY=http://evil\nHTTP_PROXY_X=1\n",
         NULL,
         {"HTTP_PROXY_X=1"},
         {"HTTP_PROXY="}},
        {"headers that are CGI variables",
         BASE "HTTP_CONTENT_LENGTH=5\nHTTP_CONTENT_TYPE=a\nHTTP_CONTENT_TYPE_X=b\n",
         NULL,
         {"HTTP_CONTENT_TYPE_X=b", "content_length 0, https 0, head_only 0, expect 0"},
         {"CONTENT_", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE="}},
        {"orders to another server",
         BASE "UWSGI_FILE=/tmp/x\nUWSGI_SCHEME=http\nUWSGI_ROUTER=http\n",
         NULL,
         {0},
         {"UWSGI"}},
        {"environment of the front end",
         BASE "PATH=/bin\nLD_PRELOAD=x\nDYLD_X=x\nLIBPATH=x\nSHLIB_PATH=x\nPYTHONPATH=x\n",
         NULL,
         {0},
         {"PATH=", "LD_", "PYTHON"}},
        {"switches of the front end",
         BASE "proxy-nokeepalive=1\nno-gzip=1\nAPP-STAGE=1\n",
         NULL,
         {0},
         {"proxy", "no-gzip", "APP"}},
        {"between front end and process",
         BASE "FCGI_ROLE=RESPONDER\nFCGI_WEB_SERVER_ADDRS=127.0.0.1\n",
         NULL,
         {0},
         {"FCGI"}},
        {"the executor's own",
         BASE "wsgi.input=x\nSERVER_SOFTWARE=nginx\nRAW_URI=/x\nwerkzeug.x=1\n.x=1\n",
         NULL,
         {0},
         {".", "SERVER_SOFTWARE", "RAW_URI"}},
        {"no names of headers",
         BASE "HTTP_=1\nHTTP_x=2\nHTTP_A-B=3\nHTTP_A B=4\nHTTP_A\xff=5\n",
         NULL,
         {0},
         {"HTTP_"}},
        {"the same in other letters",
         BASE "http_host=x\nHttp_X=1\nPath=1\nuwsgi_file=x\nhttp_proxy=http://evil\n",
         NULL,
         {0},
         {"ttp_", "ath=", "uwsgi"}},
        {"prefixes alone",
         BASE "HTTP_=1\nUWSGI_=1\nLD_=1\nPYTHON=1\n",
         NULL,
         {0},
         {"_=", "PYTHON"}},
        {"no plain names",
         BASE "_X=1\n9X=1\nA B=1\nA\xff=1\nA:B=1\nA\tB=1\n",
         NULL,
         {0},
         {"X=", "A", "B="}},
    };
    check_rows(rows, YMO_N(rows), NULL);
}

static void
let_in(void)
{
    static const char *const names[] = {
        "AUTH_TYPE",
        "CONTEXT_DOCUMENT_ROOT",
        "CONTEXT_PREFIX",
        "DOCUMENT_ROOT",
        "DOCUMENT_URI",
        "GATEWAY_INTERFACE",
        "HTTPS",
        "PATH_TRANSLATED",
        "REMOTE_HOST",
        "REMOTE_IDENT",
        "REMOTE_USER",
        "REQUEST_SCHEME",
        "SCRIPT_FILENAME",
        "SERVER_ADDR",
        "SERVER_ADMIN",
        "UNIQUE_ID",
        "GEOIP_COUNTRY",
        "REDIRECT_STATUS",
        "SSL_CLIENT_CERT",
        "APP_STAGE",
        "SCRIPT_URI",
        "A",
        "x",
        "app_Stage9_",
        "UWSGI",
        "PATHS",
        "XPATH",
        "HTTP",
        "HTTPX",
        "LD",
        "SERVER_SIGNATURE",
    };
    for (size_t i = 0; i < YMO_N(names); i++) {
        char vars[256], line[64];
        snprintf(vars, sizeof(vars), BASE "%s=v\n", names[i]);
        snprintf(line, sizeof(line), "%s=v", names[i]);
        const struct row row = {names[i], vars, NULL, {line}, {0}};
        check_rows(&row, 1, NULL);
    }
}

static void
refused(void)
{
    static const struct row rows[] = {
        {"method empty", "REQUEST_METHOD=\nPATH_INFO=/\n", "bad 400", {0}, {0}},
        {"method with a space", "REQUEST_METHOD=GET \nPATH_INFO=/\n", "bad 400", {0}, {0}},
        {"CONNECT", "REQUEST_METHOD=CONNECT\nPATH_INFO=/\n", "bad 501", {0}, {0}},
        {"any token", "REQUEST_METHOD=Q!x\nREQUEST_URI=/\nPATH_INFO=/\n", "Q!x / close", {0}, {0}},
        {"path", "REQUEST_METHOD=GET\nPATH_INFO=x\n", "bad 400", {0}, {0}},
    };
    check_rows(rows, YMO_N(rows), NULL);

    static const char *const names[] = {"PATH_INFO", "HTTP_X", "SSL_X", "HTTP_HOST", "IGNORED"};
    for (size_t i = 0; i < YMO_N(names); i++) {
        struct ymo_arena arena;
        struct ymo_request req;
        struct ymo_cgi g;
        ymo_arena_init(&arena, 0);
        ymo_request_init(&req, &arena);
        ymo_cgi_begin(&g, &req, &ymo_codec_run_env);
        CHECK_INT(ymo_cgi_take(&g, ymo_slice_str(names[i]), YMO_SLICE("a\0b")), -1);
        CHECK_INT(g.status, 400);
        ymo_arena_free(&arena);
    }
}

static void
schemes(void)
{
    static const struct {
        const char *vars;
        bool https;
    } rows[] = {
        {"", false},
        {"HTTPS=on\n", true},
        {"HTTPS=On\n", true},
        {"HTTPS=1\n", true},
        {"HTTPS=\n", false},
        {"HTTPS=off\n", false},
        {"HTTPS=0\n", false},
        {"REQUEST_SCHEME=https\n", true},
        {"REQUEST_SCHEME=HTTPS\n", true},
        {"REQUEST_SCHEME=http\n", false},
        {"REQUEST_SCHEME=ftp\n", false},
        {"REQUEST_SCHEME=http\nHTTPS=on\n", true},
        {"REQUEST_SCHEME=https\nHTTPS=off\n", true},
        {"UWSGI_SCHEME=https\n", true},
        {"UWSGI_SCHEME=https\nREQUEST_SCHEME=http\n", false},
        {"HTTP_X_FORWARDED_PROTO=https\nHTTP_X_FORWARDED_SSL=on\nHTTP_HTTPS=on\n", false},
    };
    for (size_t i = 0; i < YMO_N(rows); i++) {
        char vars[256];
        snprintf(vars, sizeof(vars), BASE "%s", rows[i].vars);
        struct row row = {rows[i].vars, vars, NULL, {0}, {0}};
        row.want[0] = rows[i].https ? "content_length 0, https 1, head_only 0, expect 0"
                                    : "content_length 0, https 0, head_only 0, expect 0";
        row.want[1] = rows[i].https ? "SERVER_PORT=443" : "SERVER_PORT=80";
        check_rows(&row, 1, NULL);
    }
}

static void
addresses(void)
{
    static const struct row rows[] = {
        {"as the front end says",
         BASE "SERVER_NAME=n\nSERVER_PORT=8\nREMOTE_ADDR=192.0.2.1\nREMOTE_PORT=9\n"
              "SERVER_PROTOCOL=HTTP/2.0\nHTTP_HOST=h:1\n",
         NULL,
         {"SERVER_NAME=n", "SERVER_PORT=8", "REMOTE_ADDR=192.0.2.1", "REMOTE_PORT=9",
          "SERVER_PROTOCOL=HTTP/2.0", "HTTP_HOST=h:1"},
         {0}},
        {"nothing said",
         BASE,
         NULL,
         {"SERVER_NAME=127.0.0.1", "SERVER_PORT=80", "REMOTE_ADDR=127.0.0.1", "REMOTE_PORT=50412",
          "SERVER_PROTOCOL=HTTP/1.1", "QUERY_STRING="},
         {"HTTP_HOST", "SCRIPT_NAME"}},
        {"no server_name in nginx",
         BASE "SERVER_NAME=\nHTTP_HOST=h\nSERVER_PORT=\n",
         NULL,
         {"SERVER_NAME=h", "SERVER_PORT=80"},
         {0}},
        {"host with a port",
         BASE "HTTP_HOST=h:81\n",
         NULL,
         {"SERVER_NAME=h", "SERVER_PORT=81"},
         {0}},
        {"IPv6", BASE "HTTP_HOST=[::1]:81\n", NULL, {"SERVER_NAME=[::1]", "SERVER_PORT=81"}, {0}},
        {"IPv6 without a port",
         BASE "HTTP_HOST=[::1]\n",
         NULL,
         {"SERVER_NAME=[::1]", "SERVER_PORT=80"},
         {0}},
        {"a port in SERVER_NAME",
         BASE "SERVER_NAME=n:81\nSERVER_PORT=82\n",
         NULL,
         {"SERVER_NAME=n", "SERVER_PORT=82"},
         {0}},
        {"bare IPv6 in SERVER_NAME", BASE "SERVER_NAME=::1\n", NULL, {"SERVER_NAME=::1"}, {0}},
        {"no port", BASE "SERVER_PORT=http\nHTTP_HOST=h:x\n", NULL, {"SERVER_PORT=80"}, {0}},
        {"a port of six digits",
         BASE "SERVER_PORT=123456\nHTTP_HOST=h:1234567\n",
         NULL,
         {"SERVER_PORT=80"},
         {0}},
        {"a broken bracket", BASE "HTTP_HOST=[::1\n", NULL, {"SERVER_NAME=[::1"}, {0}},
        {"a client without a port",
         BASE "REMOTE_ADDR=unix:\n",
         NULL,
         {"REMOTE_ADDR=unix:"},
         {"REMOTE_PORT"}},
    };
    check_rows(rows, YMO_N(rows), NULL);

    struct ymo_codec_env env = ymo_codec_run_env;
    env.server_name = env.server_port = env.remote_addr = env.remote_port = YMO_SLICE("");
    static const struct row unix_rows[] = {
        {"a unix socket, nothing said",
         BASE,
         NULL,
         {"SERVER_NAME=localhost", "REMOTE_ADDR="},
         {"REMOTE_PORT"}},
    };
    check_rows(unix_rows, YMO_N(unix_rows), &env);
}

static void
targets(void)
{
    static const struct row rows[] = {
        {"query from the URI",
         "REQUEST_METHOD=GET\nREQUEST_URI=/x?a=b\nPATH_INFO=/x\n",
         "GET /x?a=b close",
         {"QUERY_STRING=a=b"},
         {0}},
        {"empty query",
         "REQUEST_METHOD=GET\nREQUEST_URI=/x?a=b\nPATH_INFO=/x\nQUERY_STRING=\n",
         "GET /x?a=b close",
         {"QUERY_STRING="},
         {"QUERY_STRING=a"}},
        {"URI from the path",
         "REQUEST_METHOD=GET\nSCRIPT_NAME=/s\nPATH_INFO=/x y\nQUERY_STRING=q\n",
         "GET /s/x%20y?q close",
         {"SCRIPT_NAME=/s", "PATH_INFO=/x y"},
         {0}},
        {"path from the URI",
         "REQUEST_METHOD=GET\nREQUEST_URI=/x%20y?q\n",
         "GET /x%20y?q close",
         {"PATH_INFO=/x y", "QUERY_STRING=q"},
         {"SCRIPT_NAME"}},
        {"the server as a whole",
         "REQUEST_METHOD=OPTIONS\nREQUEST_URI=*\nPATH_INFO=*\n",
         "OPTIONS * close",
         {"PATH_INFO=", "REQUEST_URI=*"},
         {"PATH_INFO=*"}},
    };
    check_rows(rows, YMO_N(rows), NULL);
}

/* ---- the same as without a front end --------------------------------------------------- */

/* Lines of `a` that `b` lacks, into `dst`. */
static void
missing(struct ymo_slice a, struct ymo_slice b, struct ymo_buf *dst)
{
    const char *p = a.data, *end = a.data + a.len;
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t len = nl ? (size_t)(nl - p) + 1 : (size_t)(end - p);
        bool found = false;
        for (const char *q = b.data; !found && q + len <= b.data + b.len; q++)
            found = (q == b.data || q[-1] == '\n') && memcmp(p, q, len) == 0;
        if (!found && ymo_buf_append(dst, p, len) < 0)
            abort();
        p += len;
    }
}

/* What nginx makes of each request with its own uwsgi_params, and the request itself. */
static void
identical(void)
{
#define NGINX                                                                           \
    "DOCUMENT_ROOT=/usr/share/nginx/html\nREQUEST_SCHEME=http\nREMOTE_ADDR=127.0.0.1\n" \
    "REMOTE_PORT=50412\nSERVER_PORT=8081\nSERVER_NAME=127.0.0.1\nSERVER_PROTOCOL=HTTP/1.1\n"
#define ADDED "DOCUMENT_ROOT=/usr/share/nginx/html\nREQUEST_SCHEME=http\n"
    static const struct {
        const char *what, *http, *vars, *body, *added;
    } rows[] = {
        {"GET", "GET /a%20b?c=d HTTP/1.1\r\nHost: h:8081\r\nAccept: */*\r\nX-Y: z\r\n\r\n",
         "QUERY_STRING=c=d\nREQUEST_METHOD=GET\nCONTENT_TYPE=\nCONTENT_LENGTH=\n"
         "REQUEST_URI=/a%20b?c=d\nPATH_INFO=/a b\n" NGINX
         "HTTP_HOST=h:8081\nHTTP_ACCEPT=*/*\nHTTP_X_Y=z\n",
         "", ADDED},
        {"POST",
         "POST /p HTTP/1.1\r\nHost: h\r\nContent-Type: a/b\r\nContent-Length: 2\r\n"
         "Cookie: a=1\r\nCookie: b=2\r\nExpect: 100-continue\r\n\r\nxy",
         "QUERY_STRING=\nREQUEST_METHOD=POST\nCONTENT_TYPE=a/b\nCONTENT_LENGTH=2\n"
         "REQUEST_URI=/p\nPATH_INFO=/p\n" NGINX "HTTP_HOST=h\nHTTP_CONTENT_TYPE=a/b\n"
         "HTTP_CONTENT_LENGTH=2\nHTTP_COOKIE=a=1\nHTTP_COOKIE=b=2\nHTTP_EXPECT=100-continue\n",
         "xy", ADDED},
        {"HEAD", "HEAD / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic x\r\n\r\n",
         "QUERY_STRING=\nREQUEST_METHOD=HEAD\nCONTENT_TYPE=\nCONTENT_LENGTH=\nREQUEST_URI=/\n"
         "PATH_INFO=/\n" NGINX "HTTP_HOST=h\nHTTP_AUTHORIZATION=Basic x\n",
         "", ADDED},
        {"chunks as they came",
         "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
         "QUERY_STRING=\nREQUEST_METHOD=PUT\nREQUEST_URI=/c\nPATH_INFO=/c\n" NGINX
         "HTTP_HOST=h\nHTTP_TRANSFER_ENCODING=chunked\n",
         "1\r\nx\r\n0\r\n\r\n", ADDED},
    };
    for (size_t i = 0; i < YMO_N(rows); i++) {
        struct ymo_codec_run direct, behind;
        struct ymo_buf in = {0}, lost = {0}, added = {0};
        ymo_uwsgi_make(&in, 0, rows[i].vars);
        CHECK_INT(ymo_buf_append_slice(&in, ymo_slice_str(rows[i].body)), 0);
        ymo_codec_run_play(&direct, &ymo_http1_ops, &ymo_codec_run_env, ymo_slice_str(rows[i].http),
                           NULL, NULL);
        ymo_codec_run_play(&behind, &ymo_uwsgi_ops, &ymo_codec_run_env, ymo_buf_slice(&in), NULL,
                           NULL);
        missing(ymo_buf_slice(&direct.full), ymo_buf_slice(&behind.full), &lost);
        missing(ymo_buf_slice(&behind.full), ymo_buf_slice(&direct.full), &added);
        ymo_test_context("%s", rows[i].what);
        /* Whether a client waits for 100 is no business behind a front end; nor is another request.
         */
        bool expects = strstr(rows[i].http, "Expect") != NULL;
        CHECK_SLICE(ymo_buf_slice(&lost),
                    expects ? "content_length 2, https 0, head_only 0, expect 1\nwhole\n"
                            : "whole\n");
        struct ymo_buf want = {0};
        CHECK_INT(
            ymo_buf_printf(&want, "%s%swhole, close\n", rows[i].added,
                           expects ? "content_length 2, https 0, head_only 0, expect 0\n" : ""),
            0);
        ymo_test_check_bytes(ymo_buf_slice(&added), ymo_buf_slice(&want), __FILE__, __LINE__,
                             "added");
        ymo_codec_run_free(&direct);
        ymo_codec_run_free(&behind);
        ymo_buf_free(&in);
        ymo_buf_free(&lost);
        ymo_buf_free(&added);
        ymo_buf_free(&want);
    }
    ymo_test_context(NULL);
}

YMO_SUITE(cgi_vars, repeated, kept_out, let_in, refused, schemes, addresses, targets, identical);
