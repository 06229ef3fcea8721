/* SPDX-License-Identifier: MIT */
/* Responses as records. */
#include "protocols/fastcgi/fcgi.h"
#include "tests/protocols/codec_run.h"
#include "tests/protocols/fcgi_make.h"
#include "tests/support/test.h"

#include <fastcgi.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECORD_MAX = 32 * 1024 };

static void *state;
static struct ymo_codec_env env;
static struct ymo_arena arena;
static struct ymo_request req;
static const struct ymo_codec_out out = {.date = {"Sun, 06 Nov 1994 08:49:37 GMT", 29},
                                         .server = {"yimmo", 5}};

static struct ymo_request *
lend(void *arg, uint32_t id)
{
    (void)arg, (void)id;
    ymo_arena_reset(&arena);
    ymo_request_init(&req, &arena);
    return &req;
}

/* A codec that has taken in all of `script`. */
static void
begin(const char *script)
{
    struct ymo_buf in = {0};
    struct ymo_codec_event ev;
    size_t at = 0;
    env = ymo_codec_run_env;
    env.open = lend;
    ymo_arena_init(&arena, 0);
    state = malloc(ymo_fcgi_ops.state_size);
    if (!state)
        abort();
    ymo_fcgi_ops.init(state, &env);
    ymo_fcgi_make(&in, script);
    do
        at += ymo_fcgi_ops.feed(state, ymo_slice_of(ymo_buf_data(&in) + at, in.len - at), &ev);
    while (at < in.len && ev.what != YMO_CODEC_BAD);
    CHECK(ev.what != YMO_CODEC_BAD);
    ymo_buf_free(&in);
}

static void
finish(void)
{
    ymo_fcgi_ops.fini(state);
    free(state);
    ymo_arena_free(&arena);
}

/*
 * The records in `dst`, which must be whole: "TYPE ID LEN" each, and the STDOUT of all in `text`.
 * Frees dst.
 */
static void
take_apart(struct ymo_buf *dst, struct ymo_buf *list, struct ymo_buf *text)
{
    size_t at = 0;
    while (at + 8 <= dst->len) {
        const unsigned char *h = (const unsigned char *)ymo_buf_data(dst) + at;
        size_t len = (size_t)h[4] << 8 | h[5], padded = len + h[6];
        CHECK_INT(h[0], 1);
        CHECK(h[6] < 8 && padded % 8 == 0);
        if (!CHECK(len <= RECORD_MAX && padded <= dst->len - at - 8))
            return;
        CHECK_INT(
            ymo_buf_printf(list, "%s%u %u %zu", list->len ? ", " : "", h[1], h[2] << 8 | h[3], len),
            0);
        if (h[1] == FCGI_STDOUT)
            CHECK_INT(ymo_buf_append(text, h + 8, len), 0);
        if (h[1] == FCGI_END_REQUEST)
            CHECK_INT(h[12], FCGI_REQUEST_COMPLETE);
        at += 8 + padded;
    }
    CHECK_INT(at, dst->len);
    ymo_buf_free(dst);
}

#define CHECK_TEXT(buf, literal) CHECK_SLICE(ymo_buf_slice(&(buf)), literal)

static void
whole_response(void)
{
    struct ymo_response resp;
    struct ymo_buf dst = {0}, list = {0}, text = {0};
    size_t took;
    begin("get 258 /x");
    ymo_response_init(&resp);
    resp.status = 200;
    resp.reason = YMO_SLICE("OK");
    resp.content_length = 5;
    CHECK_INT(ymo_response_add(&resp, &arena, YMO_SLICE("X"), YMO_SLICE("y")), 0);
    CHECK_INT(ymo_response_add(&resp, &arena, YMO_SLICE("Connection"), YMO_SLICE("close")), 0);
    CHECK_INT(ymo_response_add(&resp, &arena, YMO_SLICE("Status"), YMO_SLICE("500")), 0);
    CHECK_INT(ymo_response_add(&resp, &arena, YMO_SLICE("Transfer-Encoding"), YMO_SLICE("x")), 0);
    CHECK_INT(ymo_fcgi_ops.head(state, 258, &resp, &out, &dst), 0);
    CHECK_INT(ymo_fcgi_ops.frame(state, 258, 5, &dst, &took), 0);
    CHECK_INT(took, 5);
    CHECK_INT(ymo_buf_append(&dst, "hello", 5), 0);
    CHECK_INT(ymo_fcgi_ops.unframe(state, 258, &dst), 0);
    CHECK(ymo_fcgi_ops.may_persist(state, 258));
    CHECK(!ymo_fcgi_ops.framed(state, 258));
    CHECK_INT(ymo_fcgi_ops.end(state, 258, &dst), 0);
    CHECK(ymo_fcgi_ops.next(state, 258));
    take_apart(&dst, &list, &text);
    CHECK_TEXT(list, "6 258 80, 6 258 5, 6 258 0, 3 258 8");
    CHECK_TEXT(text, "Status: 200 OK\r\nX: y\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                     "Content-Length: 5\r\n\r\nhello");
    ymo_buf_free(&list);
    ymo_buf_free(&text);
    finish();
}

/* Nothing of the request: its end least of all. */
static void
response_that_breaks_off(void)
{
    struct ymo_buf dst = {0}, list = {0}, text = {0};
    begin("get 258 /x");
    CHECK_INT(ymo_fcgi_ops.cut(state, &dst), 0);
    take_apart(&dst, &list, &text);
    CHECK_TEXT(list, "10 0 0");
    ymo_buf_free(&list);
    finish();
}

/* The body turns out to be wrong when part of the answer is on its way: no second head follows. */
static void
refused_when_it_is_answered(void)
{
    for (int keep = 0; keep < 2; keep++) {
        struct ymo_response resp;
        struct ymo_codec_event ev;
        struct ymo_buf in = {0}, dst = {0};
        ymo_test_context("keep %d", keep);
        begin(keep ? "post 1 /x 2"
                   : "begin 1; params 1 REQUEST_METHOD=PUT CONTENT_LENGTH=2;"
                     "params 1; stdin 1 a");
        if (keep) {
            ymo_fcgi_make(&in, "stdin 1 a");
            (void)ymo_fcgi_ops.feed(state, ymo_buf_slice(&in), &ev);
            CHECK_INT(ev.what, YMO_CODEC_HEAD);
            (void)ymo_fcgi_ops.feed(state, ymo_slice_of(ymo_buf_data(&in) + 8, in.len - 8), &ev);
            CHECK_INT(ev.what, YMO_CODEC_BODY);
        }
        ymo_response_init(&resp);
        resp.status = 200;
        resp.reason = YMO_SLICE("OK");
        CHECK_INT(ymo_fcgi_ops.head(state, 1, &resp, &out, &dst), 0);
        CHECK_INT(ymo_fcgi_ops.may_persist(state, 1), keep);
        in.len = 0;
        ymo_fcgi_make(&in, "stdin 1 bc");
        (void)ymo_fcgi_ops.feed(state, ymo_buf_slice(&in), &ev);
        CHECK_INT(ev.what, keep ? YMO_CODEC_ABORT : YMO_CODEC_BAD);
        CHECK_INT(keep ? (int)ev.data.len : ev.status, keep ? 16 : 0); /* END_REQUEST alone */
        ymo_buf_free(&in);
        ymo_buf_free(&dst);
        finish();
    }
    ymo_test_context(NULL);
}

/* A frame covers no more than others on the connection can wait for, and is padded to 8. */
static void
frames(void)
{
    static const size_t lengths[] = {1,      7, 8, 9, RECORD_MAX - 1, RECORD_MAX, RECORD_MAX + 1,
                                     1 << 30};
    begin("get 1 /x");
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct ymo_buf dst = {0}, list = {0}, text = {0};
        size_t len = lengths[i], took = 0, want = len < RECORD_MAX ? len : RECORD_MAX;
        char brief[32];
        CHECK_INT(ymo_fcgi_ops.frame(state, 1, len, &dst, &took), 0);
        CHECK_INT(took, want);
        for (size_t n = 0; n < took; n++)
            CHECK_INT(ymo_buf_append(&dst, "x", 1), 0);
        CHECK_INT(ymo_fcgi_ops.unframe(state, 1, &dst), 0);
        take_apart(&dst, &list, &text);
        snprintf(brief, sizeof(brief), "6 1 %zu", want);
        CHECK_TEXT(list, brief);
        ymo_buf_free(&list);
        ymo_buf_free(&text);
    }
    finish();
}

/* Heads around the size of a record, and far above that of the largest that there can be. */
static void
big_heads(void)
{
    static const size_t values[] = {RECORD_MAX - 27, RECORD_MAX - 26, RECORD_MAX - 25, 65535,
                                    200000};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct ymo_response resp;
        struct ymo_buf dst = {0}, list = {0}, text = {0};
        char *value = malloc(values[i]);
        REQUIRE(value != NULL);
        memset(value, 'c', values[i]);
        begin("get 1 /x");
        ymo_response_init(&resp);
        resp.status = 204;
        resp.reason = YMO_SLICE("");
        resp.has_date = true;
        CHECK_INT(
            ymo_response_add(&resp, &arena, YMO_SLICE("Cookie"), ymo_slice_of(value, values[i])),
            0);
        CHECK_INT(ymo_buf_append(&dst, "", 0), 0);
        CHECK_INT(ymo_fcgi_ops.head(state, 1, &resp, &out, &dst), 0);
        CHECK_INT(ymo_fcgi_ops.end(state, 1, &dst), 0);
        take_apart(&dst, &list, &text);
        CHECK_INT(text.len, strlen("Status: 204 \r\nCookie: \r\n\r\n") + values[i]);
        CHECK(text.len > 8 && memcmp(ymo_buf_data(&text), "Status: 204 ", 12) == 0);
        CHECK(text.len > 4 && memcmp(ymo_buf_data(&text) + text.len - 4, "\r\n\r\n", 4) == 0);
        ymo_buf_free(&list);
        ymo_buf_free(&text);
        free(value);
        finish();
    }
}

static void
refusals(void)
{
    struct ymo_buf dst = {0}, list = {0}, text = {0};
    begin("get 1 /x; begin 2; params 2 REQUEST_METHOD=HEAD PATH_INFO=/; params 2; stdin 2");
    CHECK_INT(ymo_fcgi_ops.fail(state, 2, 500, &out, &dst), 0);
    take_apart(&dst, &list, &text);
    CHECK(text.len > 11 && memcmp(ymo_buf_data(&text), "Status: 500", 11) == 0);
    CHECK(memcmp(ymo_buf_data(&text) + text.len - 4, "\r\n\r\n", 4) == 0); /* HEAD: no text */
    CHECK(ymo_fcgi_ops.next(state, 2));                                    /* another one is open */
    ymo_buf_free(&list);
    ymo_buf_free(&text);

    CHECK_INT(ymo_fcgi_ops.fail(state, 1, 504, &out, &dst), 0);
    take_apart(&dst, &list, &text);
    CHECK(text.len > 11 && memcmp(ymo_buf_data(&text), "Status: 504", 11) == 0);
    CHECK(!ymo_fcgi_ops.next(state, 1)); /* 2 has said so */

    /* Nobody to tell. */
    CHECK_INT(ymo_fcgi_ops.fail(state, 1, 500, &out, &dst), 0);
    CHECK_INT(ymo_fcgi_ops.fail(state, 0, 408, &out, &dst), 0);
    CHECK_INT(dst.len, 0);
    ymo_buf_free(&dst);
    ymo_buf_free(&list);
    ymo_buf_free(&text);
    finish();
}

/* Where it is nobody's fault in particular, those hear of it of whom the reactor does not know. */
static void
refusal_of_nobody(void)
{
    struct ymo_buf dst = {0}, list = {0}, text = {0};
    begin("get 1 /x; begin 2; params 2 REQUEST_METHOD=GET");
    CHECK_INT(ymo_fcgi_ops.fail(state, 0, 408, &out, &dst), 0);
    take_apart(&dst, &list, &text);
    CHECK(text.len > 11 && memcmp(ymo_buf_data(&text), "Status: 408", 11) == 0);
    CHECK(list.len > 0 && !memmem(ymo_buf_data(&list), list.len, " 1 ", 3));
    ymo_buf_free(&list);
    ymo_buf_free(&text);
    /* The other one can still be answered. */
    CHECK_INT(ymo_fcgi_ops.fail(state, 1, 504, &out, &dst), 0);
    take_apart(&dst, &list, &text);
    CHECK(text.len > 11 && memcmp(ymo_buf_data(&text), "Status: 504", 11) == 0);
    ymo_buf_free(&list);
    ymo_buf_free(&text);
    finish();
}

/* Text for the front end's log: behind a head, also when it was there earlier; no later. */
static void
notes(void)
{
    static char many[RECORD_MAX + 5];
    struct ymo_response resp;
    struct ymo_buf dst = {0}, list = {0}, text = {0};
    begin("get 258 /x; get 3 /y");
    ymo_response_init(&resp);
    resp.status = 204;
    CHECK_INT(ymo_fcgi_ops.note(state, 258, YMO_SLICE("early"), &dst), 0);
    CHECK_INT(dst.len, 0); /* it waits */
    CHECK_INT(ymo_fcgi_ops.head(state, 258, &resp, &out, &dst), 0);
    memset(many, 'e', sizeof(many));
    CHECK_INT(ymo_fcgi_ops.note(state, 258, ymo_slice_of(many, sizeof(many)), &dst), 0);
    CHECK_INT(ymo_fcgi_ops.note(state, 258, YMO_SLICE(""), &dst), 0); /* would be an end */
    CHECK_INT(ymo_fcgi_ops.end(state, 258, &dst), 0);
    CHECK_INT(ymo_fcgi_ops.note(state, 258, YMO_SLICE("late"), &dst), 0);
    CHECK_INT(ymo_fcgi_ops.note(state, 77, YMO_SLICE("nobody's"), &dst), 0);
    take_apart(&dst, &list, &text);
    CHECK_TEXT(list, "6 258 53, 7 258 5, 7 258 32768, 7 258 5, 6 258 0, 3 258 8");
    /* Of an answer of our own, too. */
    ymo_buf_free(&list);
    CHECK_INT(ymo_fcgi_ops.note(state, 3, YMO_SLICE("why"), &dst), 0);
    CHECK_INT(ymo_fcgi_ops.fail(state, 3, 500, &out, &dst), 0);
    ymo_buf_free(&text);
    take_apart(&dst, &list, &text);
    CHECK(strstr(ymo_buf_data(&list), ", 7 3 3, 6 3 0, 3 3 8") != NULL);
    ymo_buf_free(&list);
    ymo_buf_free(&text);
    finish();
}

YMO_SUITE(fcgi_write, whole_response, response_that_breaks_off, refused_when_it_is_answered, frames,
          big_heads, refusals, refusal_of_nobody, notes);
