/* SPDX-License-Identifier: MIT */
/* Sizes, lengths that lie, what is no FastCGI, and memory that ends. */
#include "protocols/fastcgi/fcgi.h"
#include "protocols/fastcgi/fcgi_state.h"
#include "tests/protocols/codec_run.h"
#include "tests/protocols/fcgi_make.h"
#include "tests/protocols/fcgi_run.h"
#include "tests/support/test.h"

#include <fastcgi.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_PARAMS = 256 * 1024, MAX_OPEN = 64 };

static struct ymo_codec_env env; /* NULL limits: ymo_codec_run_env */

static void
check(const char *what, struct ymo_slice input, bool hold, const char *brief)
{
    struct ymo_fcgi_run whole, parts;
    const struct ymo_codec_env *e = env.limits ? &env : NULL;
    uint32_t seed = 2463534242u;
    ymo_test_context("%s", what);
    ymo_fcgi_run_play(&whole, e, hold, input, NULL, NULL);
    CHECK_STR(whole.broken ? whole.broken : "kept", "kept");
    CHECK_SLICE(ymo_buf_slice(&whole.brief), brief);
    for (int how = 0; how < 2; how++) {
        ymo_fcgi_run_play(&parts, e, hold, input, how ? ymo_codec_run_random : ymo_codec_run_bytes,
                          &seed);
        CHECK_STR(parts.broken ? parts.broken : "kept", "kept");
        CHECK(ymo_slice_eq(ymo_buf_slice(&parts.full), ymo_buf_slice(&whole.full)));
        ymo_fcgi_run_free(&parts);
    }
    ymo_test_context(NULL);
    ymo_fcgi_run_free(&whole);
}

/* PARAMS records of at most `most` bytes with the bytes of `pairs`, their end and that of STDIN. */
static void
put_params(struct ymo_buf *in, struct ymo_slice pairs, size_t most)
{
    while (pairs.len) {
        size_t n = pairs.len < most ? pairs.len : most;
        ymo_fcgi_make_record(in, FCGI_PARAMS, 1, ymo_slice_of(pairs.data, n), 0);
        pairs = ymo_slice_of(pairs.data + n, pairs.len - n);
    }
    ymo_fcgi_make(in, "params 1; stdin 1");
}

static void
put_get(struct ymo_buf *pairs)
{
    ymo_fcgi_make_pair(pairs, YMO_SLICE("REQUEST_METHOD"), YMO_SLICE("GET"));
    ymo_fcgi_make_pair(pairs, YMO_SLICE("PATH_INFO"), YMO_SLICE("/x"));
}

/* The protocol's own limit on a record is far below: several are needed. */
static void
large_params(void)
{
    char *value = malloc(MAX_PARAMS);
    REQUIRE(value != NULL);
    memset(value, 'v', MAX_PARAMS);
    for (size_t size = MAX_PARAMS; size <= MAX_PARAMS + 1; size++) {
        struct ymo_buf pairs = {0}, in = {0};
        put_get(&pairs);
        ymo_fcgi_make_pair(&pairs, YMO_SLICE("HTTP_COOKIE"),
                           ymo_slice_of(value, size - pairs.len - 1 - 4 - 11));
        CHECK_INT(pairs.len, size);
        ymo_fcgi_make(&in, "begin 1 keep");
        put_params(&in, ymo_buf_slice(&pairs), 65535);
        ymo_fcgi_make(&in, "get 2 /y");
        check(size > MAX_PARAMS ? "a byte more" : "256 KiB", ymo_buf_slice(&in), false,
              size > MAX_PARAMS ? "refused 1 431; out 1 431; end 1 0; 2 GET /y"
                                : "1 GET /x; 2 GET /y");
        ymo_buf_free(&pairs);
        ymo_buf_free(&in);
    }
    free(value);
}

static void
counted_params(void)
{
    for (int extra = 998; extra <= 999; extra++) {
        struct ymo_buf pairs = {0}, in = {0};
        put_get(&pairs);
        for (int i = 0; i < extra; i++) {
            char name[16];
            int n = snprintf(name, sizeof(name), "HTTP_X%d", i);
            ymo_fcgi_make_pair(&pairs, ymo_slice_of(name, (size_t)n), YMO_SLICE("v"));
        }
        ymo_fcgi_make(&in, "begin 1 keep");
        put_params(&in, ymo_buf_slice(&pairs), 8000);
        check(extra == 998 ? "1000" : "1001", ymo_buf_slice(&in), false,
              extra == 998 ? "1 GET /x" : "refused 1 431; out 1 431; end 1 0");
        ymo_buf_free(&pairs);
        ymo_buf_free(&in);
    }
}

/* Every record ends somewhere inside a length, a name or a value. */
static void
pairs_straddle_records(void)
{
    char value[300];
    struct ymo_buf pairs = {0};
    memset(value, 'v', sizeof(value));
    put_get(&pairs);
    ymo_fcgi_make_pair(&pairs, YMO_SLICE("HTTP_LONG"), ymo_slice_of(value, sizeof(value)));
    ymo_fcgi_make_pair(&pairs, YMO_SLICE("HTTP_E"), YMO_SLICE(""));
    for (size_t most = 1; most < pairs.len; most++) {
        char what[48];
        struct ymo_buf in = {0};
        ymo_fcgi_make(&in, "begin 1 keep");
        put_params(&in, ymo_buf_slice(&pairs), most);
        snprintf(what, sizeof(what), "%zu bytes a record", most);
        check(what, ymo_buf_slice(&in), false, "1 GET /x");
        ymo_buf_free(&in);
    }
    ymo_buf_free(&pairs);
}

#define BAD   "refused 1 400; out 1 400; end 1 0; 2 GET /y"
#define GET_X "\x0e\3REQUEST_METHODGET\x09\2PATH_INFO/x"

static void
lengths(void)
{
    static const struct {
        const char *what;
        struct ymo_slice pairs;
        const char *brief;
    } rows[] = {
        {"a short length in four bytes",
         YMO_SLICE("\x80\0\0\x0e\x80\0\0\3REQUEST_METHODGET\x09\2PATH_INFO/x"),
         "1 GET /x; 2 GET /y"},
        {"no value's length", YMO_SLICE(GET_X "\1"), BAD},
        {"a name that is cut", YMO_SLICE(GET_X "\3\0AB"), BAD},
        {"a value that is cut", YMO_SLICE(GET_X "\1\3Axy"), BAD},
        {"half a length", YMO_SLICE(GET_X "\x80\0\0"), BAD},
        {"half a length of a value", YMO_SLICE(GET_X "\1\x80\0"), BAD},
        {"2^31 - 1 bytes of a name", YMO_SLICE(GET_X "\xff\xff\xff\xff\1A"), BAD},
        {"and of a value, too",
         YMO_SLICE(GET_X "\xff\xff\xff\xff\xff\xff\xff\xff"
                         "A"),
         BAD},
        {"2^31 - 1 bytes of a value",
         YMO_SLICE(GET_X "\1\xff\xff\xff\xff"
                         "A"),
         BAD},
        {"no name", YMO_SLICE(GET_X "\0\1x"), BAD},
        {"neither name nor value", YMO_SLICE(GET_X "\0\0"), BAD},
        {"NUL in a value", YMO_SLICE(GET_X "\6\3HTTP_Ax\0y"), BAD},
        {"NUL in a method", YMO_SLICE("\x0e\4REQUEST_METHODG\0ET\x09\2PATH_INFO/x"), BAD},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ymo_buf in = {0};
        ymo_fcgi_make(&in, "begin 1 keep");
        put_params(&in, rows[i].pairs, 65535);
        ymo_fcgi_make(&in, "get 2 /y");
        check(rows[i].what, ymo_buf_slice(&in), false, rows[i].brief);
        ymo_buf_free(&in);
    }
}

/* Nothing behind the end is looked at: there, it would make whole pairs of these. */
static void
lengths_cut_short(void)
{
    static const char zeros[] = "\1\x80\0\0\0\0\0\0";
    struct ymo_slice name, value;
    for (size_t from = 0; from < 2; from++) {
        for (size_t len = 1; len < 5; len++) {
            size_t at = 0;
            ymo_test_context("%zu bytes from %zu", len, from);
            CHECK_INT(ymo_fcgi_params_next(ymo_slice_of(zeros + from, len), &at, &name, &value),
                      -1);
        }
    }
    ymo_test_context(NULL);
}

static void
pairs_there_and_back(void)
{
    static const size_t lens[] = {0, 1, 127, 128, 129, 255, 256, 65536};
    static char text[65536];
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct ymo_buf pairs = {0};
        struct ymo_slice name, value;
        size_t at = 0;
        ymo_test_context("%zu", lens[i]);
        CHECK_INT(ymo_fcgi_params_put(&pairs, ymo_slice_of(text, lens[i]), YMO_SLICE("v")), 0);
        CHECK_INT(pairs.len, (lens[i] < 128 ? 1u : 4u) + 1 + lens[i] + 1); /* 3.4 */
        CHECK_INT(ymo_fcgi_params_next(ymo_buf_slice(&pairs), &at, &name, &value), 1);
        CHECK_INT(name.len, lens[i]);
        CHECK_SLICE(value, "v");
        CHECK_INT(at, pairs.len);
        ymo_buf_free(&pairs);
    }
    ymo_test_context(NULL);
}

static void
records(void)
{
    static const struct {
        const char *what;
        struct ymo_slice input;
        const char *brief;
    } rows[] = {
        {"half a header", YMO_SLICE("\1\1\0\1\0"), "eof 0"},
        {"a header", YMO_SLICE("\1\1\0\1\0\10\0\0"), "eof 0"},
        {"no padding where some was announced", YMO_SLICE("\1\x09\0\0\0\0\1\0"), "values; eof 0"},
        {"BEGIN of 7 bytes", YMO_SLICE("\1\1\0\1\0\7\0\0"), "bad 0"},
        {"BEGIN of none", YMO_SLICE("\1\1\0\1\0\0\0\0"), "bad 0"},
        {"BEGIN of 65535", YMO_SLICE("\1\1\0\1\xff\xff\0\0"), "bad 0"},
        {"BEGIN of 0", YMO_SLICE("\1\1\0\0\0\10\0\0\0\1\0\0\0\0\0\0"), "bad 0"},
        {"version 2", YMO_SLICE("\2\1\0\1\0\10\0\0"), "bad 0"},
        {"version 0: uwsgi", YMO_SLICE("\0\1\0\0\0"), "bad 0"},
        {"HTTP", YMO_SLICE("GET / HTTP/1.1\r\n\r\n"), "bad 0"},
        {"TLS", YMO_SLICE("\x16\x03\x01\x02\0\1"), "bad 0"},
        {"one byte of it", YMO_SLICE("\x16"), "bad 0"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(rows[i].what, rows[i].input, false, rows[i].brief);
    static const char *const orders[][2] = {
        {"begin 1 keep; stdin 1 abc", "bad 0"},
        {"begin 1 keep; stdin 1", "bad 0"},
        {"post 1 /x 3; params 1 A=b", "bad 0"},
        {"post 1 /x 3; params 1", "bad 0"},
        {"post 1 /x 3; stdin 1 a; params 1 A=b", "1 cut POST /x; bad 0"},
        {"begin 1 keep; params 1 A=b", "eof 0"},
        {"post 1 /x 3; stdin 1 a", "1 cut POST /x (a); eof 0"},
        {"begin 1 keep; record 77 0", "unknown 77; eof 0"},
    };
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct ymo_buf in = {0};
        ymo_fcgi_make(&in, orders[i][0]);
        check(orders[i][0], ymo_buf_slice(&in), false, orders[i][1]);
        ymo_buf_free(&in);
    }
}

/* As many as may be open at once, one more, and again one when one has ended. */
static void
overloaded(void)
{
    struct ymo_buf in = {0}, brief = {0};
    for (unsigned id = 1; id <= MAX_OPEN + 1; id++) {
        char script[32];
        snprintf(script, sizeof(script), "get %u /x", id);
        ymo_fcgi_make(&in, script);
        CHECK_INT(id > MAX_OPEN ? ymo_buf_printf(&brief, "end %u 2", id)
                                : ymo_buf_printf(&brief, "%u GET /x; ", id),
                  0);
    }
    ymo_fcgi_make(&in, "abort 7; get 100 /y");
    CHECK_INT(
        ymo_buf_append_slice(&brief, YMO_SLICE("; 7 cut GET /x; aborted 7; end 7 0; 100 GET /y\0")),
        0);
    check("64 open", ymo_buf_slice(&in), true, ymo_buf_data(&brief));
    ymo_buf_free(&in);
    ymo_buf_free(&brief);
}

/* One byte changed in every place: the same however it is cut, and no promise broken. */
static void
mutated(void)
{
    struct ymo_buf in = {0};
    uint32_t seed = 2463534242u;
    ymo_fcgi_make(&in,
                  "values FCGI_MAX_REQS FCGI_MPXS_CONNS; pad 3; post 1 /a 5 HTTP_A=b HTTPS=on;"
                  "begin 3 keep; stdin 1 ab; params 3 REQUEST_METHOD=GET; abort 9; pad 0;"
                  "params 3 PATH_INFO=/b SCRIPT_NAME=/s; stdin 1 cde; params 3; record 50 0;"
                  "begin 5 role 2 keep; stdin 1; begin 1; stdin 3; params 1 REQUEST_METHOD=PUT;"
                  "params 1; stdin 1 xyz; stdin 1; get 8 /z");
    for (size_t at = 0; at < in.len; at++) {
        char *byte = ymo_buf_data(&in) + at, old = *byte;
        static const unsigned char changes[] = {1, 2, 4, 0x80, 0x20, 0xff};
        for (size_t i = 0; i < 2 * sizeof(changes); i++) {
            struct ymo_fcgi_run whole, parts;
            bool hold = i % 2;
            *byte = (char)((unsigned char)old ^ changes[i / 2]);
            ymo_test_context("byte %zu ^ %u", at, changes[i / 2]);
            ymo_fcgi_run_play(&whole, NULL, hold, ymo_buf_slice(&in), NULL, NULL);
            ymo_fcgi_run_play(&parts, NULL, hold, ymo_buf_slice(&in), ymo_codec_run_random, &seed);
            CHECK_STR(whole.broken ? whole.broken : "kept", "kept");
            CHECK_STR(parts.broken ? parts.broken : "kept", "kept");
            CHECK(ymo_slice_eq(ymo_buf_slice(&whole.full), ymo_buf_slice(&parts.full)));
            ymo_fcgi_run_free(&whole);
            ymo_fcgi_run_free(&parts);
        }
        *byte = old;
    }
    ymo_test_context(NULL);
    ymo_buf_free(&in);
}

static struct ymo_request *
no_memory(void *arg, uint32_t id)
{
    (void)arg, (void)id;
    return NULL;
}

static struct ymo_request *
lend(void *arg, uint32_t id)
{
    (void)id;
    return arg;
}

/* Without memory for a request it is answered, and the connection goes on. */
static void
without_memory(void)
{
    struct ymo_codec_env lent = ymo_codec_run_env;
    struct ymo_codec_event ev;
    struct ymo_buf in = {0};
    void *state = malloc(ymo_fcgi_ops.state_size);
    REQUIRE(state != NULL);
    ymo_fcgi_make(&in, "get 1 /x");
    lent.open = no_memory;
    ymo_fcgi_ops.init(state, &lent);
    CHECK_INT(ymo_fcgi_ops.feed(state, ymo_buf_slice(&in), &ev), in.len);
    CHECK_INT(ev.what, YMO_CODEC_REPLY);
    CHECK_INT(ev.status, 503);
    CHECK(ev.data.len > 0 && !ev.last);
    ymo_fcgi_ops.fini(state);

    /* At every size of the arena there is a refusal, until there is enough for the request. */
    int refused = 0;
    for (size_t cap = 16; cap < 100000; cap += 16) {
        struct ymo_arena arena;
        struct ymo_request req;
        ymo_arena_init(&arena, cap);
        ymo_request_init(&req, &arena);
        lent.open_arg = &req;
        lent.open = lend;
        ymo_fcgi_ops.init(state, &lent);
        (void)ymo_fcgi_ops.feed(state, ymo_buf_slice(&in), &ev);
        ymo_arena_free(&arena);
        enum ymo_codec_what what = ev.what;
        int status = ev.status;
        ymo_fcgi_ops.fini(state);
        if (what == YMO_CODEC_HEAD)
            break;
        CHECK_INT(what, YMO_CODEC_ABORT);
        CHECK_INT(status, 503);
        refused++;
    }
    CHECK(refused > 3);
    free(state);
    ymo_buf_free(&in);
}

YMO_SUITE(fcgi_limits, large_params, counted_params, pairs_straddle_records, lengths,
          lengths_cut_short, pairs_there_and_back, records, overloaded, mutated, without_memory);
