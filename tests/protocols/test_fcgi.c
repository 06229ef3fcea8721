/* SPDX-License-Identifier: MIT */
/* What comes out of a front end's records, however they are cut. */
#include "protocols/fastcgi/fcgi.h"
#include "tests/protocols/codec_run.h"
#include "tests/protocols/fcgi_make.h"
#include "tests/protocols/fcgi_run.h"
#include "tests/support/test.h"

#include <fastcgi.h>
#include <stdio.h>
#include <stdlib.h>

struct row {
    const char *what;
    const char *script; /* see fcgi_make.h */
    const char *brief;  /* see fcgi_run.h */
    const char *want;   /* part of the full account, or NULL */
    bool hold;          /* requests are answered at the end of the input */
};

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* How a run of `input` cut by `cut` differs from `whole`; false after the first difference. */
static bool
same(const struct ymo_fcgi_run *whole, const struct ymo_codec_env *env, bool hold,
     struct ymo_slice input, size_t (*cut)(void *arg, size_t before, size_t left), void *arg)
{
    struct ymo_fcgi_run run;
    ymo_fcgi_run_play(&run, env, hold, input, cut, arg);
    bool ok = CHECK_STR(run.broken ? run.broken : "kept", "kept") &&
              CHECK(ymo_slice_eq(ymo_buf_slice(&run.full), ymo_buf_slice(&whole->full)));
    ymo_fcgi_run_free(&run);
    return ok;
}

static void
check_input(const char *what, struct ymo_slice input, const char *brief, const char *want,
            bool hold, const struct ymo_codec_env *env)
{
    struct ymo_fcgi_run whole;
    uint32_t seed = 2463534242u;
    ymo_test_context("%s", what);
    ymo_fcgi_run_play(&whole, env, hold, input, NULL, NULL);
    CHECK_STR(whole.broken ? whole.broken : "kept", "kept");
    CHECK_SLICE(ymo_buf_slice(&whole.brief), brief);
    if (want)
        CHECK(whole.full.len &&
              memmem(ymo_buf_data(&whole.full), whole.full.len, want, strlen(want)) != NULL);
    ymo_test_context("%s, in single bytes", what);
    bool ok = same(&whole, env, hold, input, ymo_codec_run_bytes, NULL);
    size_t step = input.len > 4096 ? input.len / 61 : 1;
    for (size_t at = 1; ok && at < input.len; at += step) {
        ymo_test_context("%s, cut at %zu", what, at);
        ok = same(&whole, env, hold, input, ymo_codec_run_at, &at);
    }
    for (int i = 0; ok && i < 8; i++) {
        ymo_test_context("%s, cut at random", what);
        ok = same(&whole, env, hold, input, ymo_codec_run_random, &seed);
    }
    ymo_test_context(NULL);
    ymo_fcgi_run_free(&whole);
}

static void
check_rows(const struct row *rows, size_t n, const struct ymo_codec_env *env)
{
    for (size_t i = 0; i < n; i++) {
        struct ymo_buf in = {0};
        ymo_fcgi_make(&in, rows[i].script);
        check_input(rows[i].what, ymo_buf_slice(&in), rows[i].brief, rows[i].want, rows[i].hold,
                    env);
        ymo_buf_free(&in);
    }
}

#define ONCE "begin 1; params 1 REQUEST_METHOD=GET PATH_INFO=/x REQUEST_URI=/x; params 1;"

static void
requests(void)
{
    static const struct row rows[] = {
        {"nothing", "", "", NULL, false},
        {"one", ONCE "stdin 1", "1 GET /x; close", "PATH_INFO=/x\n", false},
        {"one, and more behind it", ONCE "stdin 1; get 1 /y", "1 GET /x; close", NULL, false},
        {"kept", "get 1 /x; get 1 /y", "1 GET /x; 1 GET /y", NULL, false},
        {"the largest number", "get 65535 /x", "65535 GET /x", NULL, false},
        {"padding", "pad 255; get 1 /x; post 1 /y 2; stdin 1 ab; stdin 1; pad 1; get 2 /z",
         "1 GET /x; 1 POST /y (ab); 2 GET /z", NULL, false},
        {"parameters in several records",
         "begin 1 keep; params 1 REQUEST_METHOD=GET; params 1 PATH_INFO=/x; params 1 HTTP_A=b;"
         "params 1; stdin 1",
         "1 GET /x", "HTTP_A=b\n", false},
        {"no parameters", "begin 1 keep; params 1; stdin 1", "refused 1 400; out 1 400; end 1 0",
         NULL, false},
        {"HEAD", "begin 1 keep; params 1 REQUEST_METHOD=HEAD PATH_INFO=/x; params 1; stdin 1",
         "1 HEAD /x", "head_only 1", false},
        {"https", "get 1 /x HTTPS=on SSL_PROTOCOL=TLSv1.3", "1 GET /x", "https 1", false},
        {"variables of TLS", "get 1 /x HTTPS=on SSL_PROTOCOL=TLSv1.3", "1 GET /x",
         "SSL_PROTOCOL=TLSv1.3\n", false},
        {"a repeated variable", "get 1 /x REMOTE_USER=a REMOTE_USER=b", "1 GET /x",
         "REMOTE_USER=b\n", false},
        {"a repeated header", "get 1 /x HTTP_A=a HTTP_A=b", "1 GET /x", "HTTP_A=a, b\n", false},
        {"the end of a body twice", "get 1 /x; stdin 1; get 2 /y", "1 GET /x; 2 GET /y", NULL,
         false},
        {"and while it is being answered", "get 1 /x; stdin 1; stdin 1 abc; get 2 /y",
         "1 GET /x; 2 GET /y", NULL, true},
        {"records for nobody", "stdin 3 abc; params 4 A=b; abort 5; stdin 3; get 1 /x", "1 GET /x",
         NULL, false},
        {"FCGI_DATA and what only we send", "record 8 1 abc; record 6 1 abc; record 3 1; get 1 /x",
         "1 GET /x", NULL, false},
        {"an unknown type for a request", "record 77 1 abc; get 1 /x", "1 GET /x", NULL, false},
    };
    check_rows(rows, N(rows), NULL);
}

static void
several(void)
{
    static const struct row rows[] = {
        {"five, one after the other, all open", "get 1 /a; get 3 /b; get 5 /c; get 7 /d; get 9 /e",
         "1 GET /a; 3 GET /b; 5 GET /c; 7 GET /d; 9 GET /e", NULL, true},
        {"five, record by record",
         "begin 1 keep; begin 3 keep; begin 5 keep; begin 7 keep; begin 9 keep;"
         "params 9 REQUEST_METHOD=POST; params 7 REQUEST_METHOD=POST; params 1 REQUEST_METHOD=PUT;"
         "params 1 PATH_INFO=/1; params 3 REQUEST_METHOD=POST PATH_INFO=/3; params 1;"
         "params 9 PATH_INFO=/9; params 9; params 7 PATH_INFO=/7; stdin 9 ni; params 7; stdin 1 on;"
         "params 3; stdin 7 se; stdin 3 th; stdin 9 ne; stdin 1 e; stdin 7 ven; stdin 9;"
         "params 5 REQUEST_METHOD=GET PATH_INFO=/5; stdin 1; stdin 3 ree; params 5; stdin 7;"
         "stdin 5; stdin 3",
         "9 POST /9 (nine); 1 PUT /1 (one); 7 POST /7 (seven); 5 GET /5; 3 POST /3 (three)", NULL,
         true},
        {"a number again as soon as it has its end", "get 1 /a; get 1 /b; get 2 /c; get 1 /d",
         "1 GET /a; 1 GET /b; 2 GET /c; 1 GET /d", NULL, false},
        {"a number that is taken", "get 1 /a; get 2 /b; begin 1 keep",
         "1 GET /a; 2 GET /b; 1 cut GET /a; 2 cut GET /b; bad 0",
         "bad 0 BEGIN_REQUEST for a request that has begun", true},
        {"a number that is taken, of what is not there yet", "begin 1; begin 1", "bad 0", NULL,
         true},
        /* The last of those without FCGI_KEEP_CONN ends the connection, when no other is open. */
        {"one does not keep, another is open",
         "begin 2 keep; params 2 REQUEST_METHOD=GET PATH_INFO=/b;" ONCE
         "stdin 1; params 2; stdin 2; get 3 /c",
         "1 GET /x; 2 GET /b; close", NULL, false},
        {"one that does not keep is refused, the other goes on",
         "get 2 /b; begin 1; params 1 REQUEST_METHOD=POST PATH_INFO=/x CONTENT_LENGTH=x; params 1;"
         "stdin 1; get 3 /c",
         "2 GET /b; refused 1 400; out 1 400; end 1 0; 3 GET /c; close", NULL, true},
        {"one is refused, the other goes on",
         "post 1 /a 5; stdin 1 ab; post 2 /b 3; stdin 1 cdef; stdin 2 abc; stdin 2; stdin 1 g;"
         "stdin 1",
         "1 cut POST /a; refused 1 400; out 1 400; end 1 0; 2 POST /b (abc)", NULL, true},
    };
    check_rows(rows, N(rows), NULL);
}

static void
bodies(void)
{
    static const struct row rows[] = {
        {"of the announced length", "post 1 /x 3; stdin 1 abc; stdin 1", "1 POST /x (abc)",
         "content_length 3", false},
        {"in pieces", "post 1 /x 5; stdin 1 a; stdin 1 bc; stdin 1 de; stdin 1",
         "1 POST /x (abcde)", NULL, false},
        {"shorter", "post 1 /x 5; stdin 1 abc; stdin 1; get 2 /y",
         "1 cut POST /x; refused 1 400; out 1 400; end 1 0; 2 GET /y", NULL, false},
        {"none, and one was announced", "post 1 /x 5; stdin 1; get 2 /y",
         "refused 1 400; out 1 400; end 1 0; 2 GET /y", NULL, false},
        {"longer", "post 1 /x 2; stdin 1 abc; stdin 1; get 2 /y",
         "1 cut POST /x; refused 1 400; out 1 400; end 1 0; 2 GET /y", NULL, false},
        {"longer, by a record", "post 1 /x 2; stdin 1 ab; stdin 1 c; stdin 1",
         "1 cut POST /x; refused 1 400; out 1 400; end 1 0", NULL, false},
        {"announced as 0", "post 1 /x 0; stdin 1", "1 POST /x", "CONTENT_LENGTH=0\n", false},
        {"announced as 0, and one comes", "post 1 /x 0; stdin 1 a; stdin 1",
         "1 cut POST /x; refused 1 400; out 1 400; end 1 0", NULL, false},
        {"of no announced length", "post 1 /x -; stdin 1 ab; stdin 1 c; stdin 1", "1 POST /x (abc)",
         "content_length -1", false},
        {"of none, and none comes", "post 1 /x -; stdin 1", "1 POST /x", "content_length 0", false},
        {"announced as nothing",
         "begin 1 keep; params 1 REQUEST_METHOD=POST PATH_INFO=/x CONTENT_LENGTH=; params 1;"
         "stdin 1 abc; stdin 1",
         "1 POST /x (abc)", "content_length -1", false},
        {"announced as -1", "post 1 /x -1; stdin 1 abc; stdin 1", "1 POST /x (abc)",
         "content_length -1", false},
        {"announced as -1, and none comes", "post 1 /x -1; stdin 1", "1 POST /x",
         "content_length 0", false},
        {"decoded already", "post 1 /x 3 HTTP_TRANSFER_ENCODING=chunked; stdin 1 abc; stdin 1",
         "1 POST /x (abc)", NULL, false},
        {"decoded, of no announced length",
         "post 1 /x - HTTP_TRANSFER_ENCODING=chunked; stdin 1 3abc; stdin 1", "1 POST /x (3abc)",
         NULL, false},
        {"announced as a word", "post 1 /x abc; stdin 1 abc; stdin 1; get 2 /y",
         "refused 1 400; out 1 400; end 1 0; 2 GET /y", NULL, false},
        {"announced above max_body", "post 1 /x 1048577; stdin 1 abc; stdin 1; get 2 /y",
         "refused 1 413; out 1 413; end 1 0; 2 GET /y", NULL, false},
        {"of a GET",
         "begin 1 keep; params 1 REQUEST_METHOD=GET PATH_INFO=/x; params 1; stdin 1 a;"
         "stdin 1",
         "1 GET /x (a)", NULL, false},
    };
    check_rows(rows, N(rows), NULL);

    struct ymo_codec_limits limits = *ymo_codec_run_env.limits;
    struct ymo_codec_env env = ymo_codec_run_env;
    limits.max_body = 4;
    env.limits = &limits;
    static const struct row bounded[] = {
        {"max_body", "post 1 /x -; stdin 1 abcd; stdin 1", "1 POST /x (abcd)", NULL, false},
        {"one byte more than max_body",
         "post 1 /x -; stdin 1 abc; stdin 1 de; stdin 1 f; stdin 1; get 2 /y",
         "1 cut POST /x; refused 1 413; out 1 413; end 1 0; 2 GET /y", NULL, false},
        {"likewise, and the connection ends with it",
         "begin 1; params 1 REQUEST_METHOD=POST PATH_INFO=/x; params 1; stdin 1 abcde; stdin 1",
         "1 cut POST /x; bad 413; out 1 413; end 1 0", NULL, false},
    };
    check_rows(bounded, N(bounded), &env);
}

static void
management(void)
{
    static const struct row rows[] = {
        {"all that is known", "values FCGI_MAX_CONNS FCGI_MAX_REQS FCGI_MPXS_CONNS",
         "values FCGI_MAX_CONNS=500 FCGI_MAX_REQS=64 FCGI_MPXS_CONNS=1", NULL, false},
        {"one", "values FCGI_MPXS_CONNS", "values FCGI_MPXS_CONNS=1", NULL, false},
        {"none", "values", "values", NULL, false},
        {"unknown ones", "values FCGI_X fcgi_max_conns A", "values", NULL, false},
        {"one of them", "values FCGI_X FCGI_MAX_REQS", "values FCGI_MAX_REQS=64", NULL, false},
        {"repeated",
         "values FCGI_MAX_REQS FCGI_MAX_REQS FCGI_MAX_REQS FCGI_MAX_REQS FCGI_MAX_REQS"
         " FCGI_MAX_REQS FCGI_MAX_REQS FCGI_MAX_REQS FCGI_MAX_REQS FCGI_MAX_REQS",
         "values FCGI_MAX_REQS=64", NULL, false},
        {"with a value, which means nothing", "values FCGI_MPXS_CONNS=7",
         "values FCGI_MPXS_CONNS=1", NULL, false},
        {"malformed", "record 9 0 \x7f", "values", NULL, false},
        {"padded", "pad 7; values FCGI_MPXS_CONNS; get 1 /x", "values FCGI_MPXS_CONNS=1; 1 GET /x",
         NULL, false},
        {"without waiting for the answer",
         "values FCGI_MAX_REQS FCGI_MPXS_CONNS; get 1 /x; values FCGI_MPXS_CONNS; get 3 /y",
         "values FCGI_MAX_REQS=64 FCGI_MPXS_CONNS=1; 1 GET /x; values FCGI_MPXS_CONNS=1; 3 GET /y",
         NULL, true},
        {"amid a request",
         "begin 1 keep; values FCGI_MPXS_CONNS; params 1 REQUEST_METHOD=GET PATH_INFO=/x;"
         "record 99 0; params 1; stdin 1",
         "values FCGI_MPXS_CONNS=1; unknown 99; 1 GET /x", NULL, false},
        {"GET_VALUES with a number is none", "record 9 1 abc; get 1 /x", "1 GET /x", NULL, false},
        {"unknown types", "record 11 0; record 12 0 abc; record 255 0 x; record 0 0",
         "unknown 11; unknown 12; unknown 255; unknown 0", NULL, false},
        {"types of requests, without a number", "record 4 0 abc; record 5 0 abc; record 2 0",
         "unknown 4; unknown 5; unknown 2", NULL, false},
    };
    struct ymo_codec_limits limits = *ymo_codec_run_env.limits;
    struct ymo_codec_env env = ymo_codec_run_env;
    limits.connections = 500;
    env.limits = &limits;
    check_rows(rows, N(rows), &env);

    limits.connections = 20;
    static const struct row few[] = {
        {"few connections", "values FCGI_MAX_CONNS FCGI_MAX_REQS",
         "values FCGI_MAX_CONNS=20 FCGI_MAX_REQS=20", NULL, false},
    };
    check_rows(few, N(few), &env);
}

/* What is asked beyond the bound on a GET_VALUES record is not looked at, however it is cut. */
static void
long_get_values(void)
{
    struct ymo_buf pairs = {0}, in = {0};
    ymo_fcgi_make_pair(&pairs, YMO_SLICE("FCGI_MPXS_CONNS"), YMO_SLICE(""));
    while (pairs.len < 60000)
        ymo_fcgi_make_pair(&pairs, YMO_SLICE("something"), YMO_SLICE("else"));
    ymo_fcgi_make_pair(&pairs, YMO_SLICE("FCGI_MAX_REQS"), YMO_SLICE(""));
    ymo_fcgi_make_record(&in, FCGI_GET_VALUES, 0, ymo_buf_slice(&pairs), 3);
    check_input("long", ymo_buf_slice(&in), "values FCGI_MPXS_CONNS=1", NULL, false, NULL);
    ymo_buf_free(&pairs);
    ymo_buf_free(&in);
}

static void
roles(void)
{
    static const struct row rows[] = {
        {"authorizer", "begin 1 role 2 keep; params 1 A=b; params 1; get 2 /x", "end 1 3; 2 GET /x",
         NULL, false},
        {"filter", "begin 1 role 3 keep; get 1 /x", "end 1 3; 1 GET /x", NULL, false},
        {"no role", "begin 1 role 0 keep; get 1 /x", "end 1 3; 1 GET /x", NULL, false},
        {"a role of two bytes", "begin 1 role 257 keep; get 1 /x", "end 1 3; 1 GET /x", NULL,
         false},
        {"the connection ends with it", "begin 1 role 2; get 2 /x", "end 1 3; close", NULL, false},
        {"the connection ends with another one", "get 2 /x; begin 1 role 2; get 3 /y",
         "2 GET /x; end 1 3; 3 GET /y; close", NULL, true},
    };
    check_rows(rows, N(rows), NULL);
}

static void
aborts(void)
{
    static const struct row rows[] = {
        {"before its parameters", "begin 1 keep; abort 1; get 1 /x", "end 1 0; 1 GET /x", NULL,
         false},
        {"amid its parameters", "begin 1 keep; params 1 A=b; abort 1; params 1; get 2 /x",
         "end 1 0; 2 GET /x", NULL, false},
        {"before its body", "post 1 /a 3; abort 1; stdin 1 abc; stdin 1; get 2 /x",
         "end 1 0; 2 GET /x", NULL, false},
        {"amid its body", "post 1 /a 3; stdin 1 ab; abort 1; stdin 1 c; stdin 1; get 1 /x",
         "1 cut POST /a (ab); aborted 1; end 1 0; 1 GET /x", NULL, false},
        {"when it is whole", "get 1 /a; abort 1; get 1 /x",
         "1 GET /a; 1 cut GET /a; aborted 1; end 1 0; 1 GET /x", NULL, true},
        {"when it is answered", "get 1 /a; abort 1; get 1 /x", "1 GET /a; 1 GET /x", NULL, false},
        {"twice", "get 1 /a; abort 1; abort 1", "1 GET /a; 1 cut GET /a; aborted 1; end 1 0", NULL,
         true},
        {"one of three", "get 1 /a; get 2 /b; get 3 /c; abort 2",
         "1 GET /a; 2 GET /b; 3 GET /c; 2 cut GET /b; aborted 2; end 2 0", NULL, true},
        {"the connection ends with it", ONCE "stdin 1; abort 1; get 2 /x",
         "1 GET /x; 1 cut GET /x; aborted 1; end 1 0; close", NULL, true},
        {"the connection ends with it, early", "begin 1; abort 1; get 2 /x", "end 1 0; close", NULL,
         false},
        {"with something in it", "begin 1 keep; record 2 1 abc; get 1 /x", "end 1 0; 1 GET /x",
         NULL, false},
    };
    check_rows(rows, N(rows), NULL);
}

YMO_SUITE(fcgi, requests, several, bodies, management, long_get_values, roles, aborts);
