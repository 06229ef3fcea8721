/* SPDX-License-Identifier: MIT */
/* What a well-behaved client sees. */
#include "tests/support/test.h"
#include "tests/support/test_server.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct ymo_test_server s;
static struct ymo_http_client c;
static struct ymo_http_reply r;

static void
setup(void)
{
    ymo_test_server_init(&s);
}

static bool
get(const char *target)
{
    char text[256];
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", target);
    return ymo_http_client_say(&c, text) && ymo_http_client_reply(&c, &r, false);
}

/* Send `n` bytes of body behind a head, and take the answer. */
static bool
upload(const char *path, size_t n, bool chunked)
{
    struct ymo_buf b = {0};
    int rc = ymo_buf_printf(&b, "POST %s HTTP/1.1\r\nHost: t\r\n", path);
    if (chunked)
        rc |= ymo_buf_printf(&b, "Transfer-Encoding: chunked\r\n\r\n");
    else
        rc |= ymo_buf_printf(&b, "Content-Length: %zu\r\n\r\n", n);
    for (size_t i = 0, chunk = 1; i < n && rc == YMO_OK;) {
        size_t len = chunked && chunk < n - i ? chunk : n - i;
        if (chunked)
            rc |= ymo_buf_printf(&b, "%zx\r\n", len);
        for (size_t k = 0; k < len; k++, i++) {
            char byte = ymo_test_server_byte(i);
            rc |= ymo_buf_append(&b, &byte, 1);
        }
        if (chunked)
            rc |= ymo_buf_append(&b, "\r\n", 2);
        chunk = chunk * 3 % 9973;
    }
    if (chunked)
        rc |= ymo_buf_append(&b, "0\r\n\r\n", 5);
    bool ok = rc == YMO_OK && ymo_http_client_send(&c, b.mem, b.len) &&
              ymo_http_client_reply(&c, &r, false);
    ymo_buf_free(&b);
    return ok;
}

static void
keep_alive(void)
{
    setup();
    REQUIRE(ymo_test_server_begin(&s, &c));
    for (int i = 0; i < 100; i++)
        CHECK(ymo_test_server_hello(&c));
    CHECK(ymo_http_client_say(&c, "GET /hello HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK(r.close);
    CHECK(ymo_http_client_at_end(&c));
    CHECK_INT(s.executor.submitted, 101);
    ymo_test_server_finish(&s, &c, &r);
}

static void
byte_by_byte(void)
{
    static const char text[] =
        "\r\nPOST /stored HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc";
    setup();
    REQUIRE(ymo_test_server_begin(&s, &c));
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        REQUIRE(ymo_http_client_send(&c, text + i, 1));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_SLICE(ymo_buf_slice(&r.body), "abc");
    CHECK(ymo_test_server_hello(&c));
    ymo_test_server_finish(&s, &c, &r);
}

static void
heads_without_bodies(void)
{
    setup();
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(ymo_http_client_say(&c, "HEAD /hello HTTP/1.1\r\nHost: t\r\n\r\n"
                                  "HEAD /pieces?3,4 HTTP/1.1\r\nHost: t\r\n\r\n"
                                  "GET /empty HTTP/1.1\r\nHost: t\r\n\r\n"));
    CHECK(ymo_http_client_reply(&c, &r, true));
    CHECK(strstr(r.head, "\r\nContent-Length: 5\r\n") != NULL);
    CHECK(ymo_http_client_reply(&c, &r, true));
    CHECK_INT(r.status, 200);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 204);
    CHECK(ymo_test_server_hello(&c));
    ymo_test_server_finish(&s, &c, &r);
}

struct outgoing {
    struct ymo_buf b;
    bool ok;
};

static void *
send_outgoing(void *arg)
{
    struct outgoing *o = arg;
    o->ok = ymo_http_client_send(&c, o->b.mem, o->b.len);
    return NULL;
}

/* Many more at once than input has room for; the order is kept, whoever answers. */
static void
pipelining(void)
{
    enum { REQUESTS = 10000 };
    struct outgoing o = {.ok = false};
    pthread_t t;
    int rc = YMO_OK, got = 0;
    setup();
    s.n_workers = 3;
    REQUIRE(ymo_test_server_begin(&s, &c));
    for (int i = 0; i < REQUESTS; i++)
        rc |= ymo_buf_printf(
            &o.b, "POST /stored HTTP/1.1\r\nHost: t\r\nContent-Length: 6\r\n\r\n%06d", i);
    CHECK_INT(rc, YMO_OK);
    REQUIRE(pthread_create(&t, NULL, send_outgoing, &o) == 0);
    for (bool right = true; right && got < REQUESTS; got += right) {
        char want[16];
        snprintf(want, sizeof(want), "%06d", got);
        right = ymo_http_client_reply(&c, &r, false) &&
                ymo_slice_eq(ymo_buf_slice(&r.body), ymo_slice_str(want));
    }
    CHECK_INT(got, REQUESTS);
    pthread_join(t, NULL);
    CHECK(o.ok);
    ymo_buf_free(&o.b);
    ymo_test_server_finish(&s, &c, &r);
}

/* The client sends its requests, says that it will send no more, and gets its answers. */
static void
half_closed(void)
{
    setup();
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(ymo_http_client_say(&c, "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n"
                                  "GET /pieces?2,3 HTTP/1.1\r\nHost: t\r\n\r\n"));
    CHECK_INT(shutdown(c.fd, SHUT_WR), 0);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.body.len, 6);
    CHECK(ymo_http_client_at_end(&c));
    ymo_test_server_finish(&s, &c, &r);
}

static void
bodies_in_memory_and_file(void)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 200000, 3000000};
    setup();
    REQUIRE(ymo_test_server_begin(&s, &c));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int chunked = 0; chunked < 2; chunked++) {
            ymo_test_context("%zu bytes, chunked %d", sizes[i], chunked);
            CHECK(upload("/stored", sizes[i], chunked));
            CHECK_INT(r.body.len, sizes[i]);
            CHECK_INT(ymo_test_server_wrong(ymo_buf_slice(&r.body).data, 0, r.body.len), 0);
        }
    }
    ymo_test_context(NULL);
    ymo_test_server_finish(&s, &c, &r);
}

/* request_buffering off: far more than body_memory passes through, in both directions at once. */
static void
streaming(void)
{
    static const size_t sizes[] = {1, 4096, 4097, 500000, 3000000};
    setup();
    s.cfg.request_buffering = false;
    s.cfg.body_memory = 4096;
    REQUIRE(ymo_test_server_begin(&s, &c));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int chunked = 0; chunked < 2; chunked++) {
            ymo_test_context("%zu bytes, chunked %d", sizes[i], chunked);
            CHECK(upload("/stored", sizes[i], chunked));
            CHECK(!r.close); /* it was read whole */
            CHECK_INT(r.body.len, sizes[i]);
            CHECK_INT(ymo_test_server_wrong(ymo_buf_slice(&r.body).data, 0, r.body.len), 0);
        }
    }
    /* Echoed while it comes; the answer began before the request ended, so it is the last one. */
    CHECK(upload("/echo", 50000, true));
    CHECK_INT(r.body.len, 50000);
    CHECK_INT(ymo_test_server_wrong(ymo_buf_slice(&r.body).data, 0, r.body.len), 0);
    CHECK_INT(s.broken_bodies, 0);
    ymo_test_context(NULL);
    ymo_test_server_finish(&s, &c, &r);
}

/* The handler has read what came before the rest is sent: nothing is held back. */
static void
streaming_begins_at_the_head(void)
{
    setup();
    s.cfg.request_buffering = false;
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(ymo_http_client_say(&c, "POST /stored HTTP/1.1\r\nHost: t\r\nContent-Length: 8\r\n\r\n"));
    CHECK(ymo_test_server_until(&s.executor.started, 1));
    CHECK(ymo_http_client_say(&c, "abc"));
    CHECK(ymo_test_server_until(&s.bodies_read, 3));
    CHECK(ymo_http_client_say(&c, "defgh"));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_SLICE(ymo_buf_slice(&r.body), "abcdefgh");
    ymo_test_server_finish(&s, &c, &r);
}

static void
expect_continue(void)
{
    static const char head[] = "POST /stored HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
                               "Content-Length: 3\r\n\r\n";
    for (int buffering = 0; buffering < 2; buffering++) {
        ymo_test_context("buffering %d", buffering);
        setup();
        s.cfg.request_buffering = buffering;
        REQUIRE(ymo_test_server_begin(&s, &c));
        CHECK(ymo_http_client_say(&c, head));
        CHECK(ymo_http_client_reply(&c, &r, false));
        CHECK_INT(r.status, 100);
        CHECK(ymo_http_client_say(&c, "abc"));
        CHECK(ymo_http_client_reply(&c, &r, false));
        CHECK_INT(r.status, 200);
        CHECK_SLICE(ymo_buf_slice(&r.body), "abc");
        /* One that does not wait needs no 100. */
        CHECK(ymo_http_client_say(&c, head) && ymo_http_client_say(&c, "xyz"));
        do
            CHECK(ymo_http_client_reply(&c, &r, false));
        while (r.status == 100);
        CHECK_SLICE(ymo_buf_slice(&r.body), "xyz");
        ymo_test_server_finish(&s, &c, &r);
    }
    ymo_test_context(NULL);
}

/* An application that answers without a look at the body sends no 100; the client can read it. */
static void
early_answer(void)
{
    setup();
    s.cfg.request_buffering = false;
    REQUIRE(ymo_test_server_begin(&s, &c));
    CHECK(ymo_http_client_say(&c, "POST /early HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
                                  "Content-Length: 10000000\r\n\r\n"));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 200);
    CHECK(r.close); /* the body, if it came, would be no request */
    CHECK(ymo_http_client_at_end(&c));
    ymo_test_server_finish(&s, &c, &r);
}

static void
long_answers(void)
{
    static const size_t sizes[] = {1, 16384, 16385, 262144, 5000000};
    char target[64];
    setup();
    REQUIRE(ymo_test_server_begin(&s, &c));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ymo_test_context("%zu bytes", sizes[i]);
        snprintf(target, sizeof(target), "/long?%zu", sizes[i]);
        CHECK(get(target));
        CHECK_INT(r.body.len, sizes[i]);
        CHECK_INT(ymo_test_server_wrong(ymo_buf_slice(&r.body).data, 0, r.body.len), 0);
    }
    ymo_test_context(NULL);
    ymo_test_server_finish(&s, &c, &r);
}

static int
short_frame(void *state, uint32_t id, size_t len, struct ymo_buf *dst, size_t *take_r)
{
    size_t most = 20000; /* too long to be copied */
    return ymo_codec_find("http")->frame(state, id, len < most ? len : most, dst, take_r);
}

/* As in protocols whose frames are bounded: a message in several pieces lives until the last one is
 * written, however short that is. */
static void
messages_in_several_frames(void)
{
    static const size_t sizes[] = {20001, 40000, 5000001, 20010000};
    struct ymo_codec_ops bounded = *ymo_codec_find("http");
    char text[64];
    bounded.frame = short_frame;
    setup();
    s.codec = &bounded;
    REQUIRE(ymo_test_server_begin(&s, &c));
    ymo_http_client_close(&c);
    REQUIRE(ymo_http_client_open(&c, s.port, 4096));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ymo_test_context("%zu bytes", sizes[i]);
        snprintf(text, sizeof(text), "/long?%zu", sizes[i]);
        CHECK(get(text));
        CHECK_INT(r.body.len, sizes[i]);
        CHECK_INT(ymo_test_server_wrong(ymo_buf_slice(&r.body).data, 0, r.body.len), 0);
        snprintf(text, sizeof(text), "/pieces?3,%zu", sizes[i] / 10);
        CHECK(get(text));
        CHECK_INT(r.body.len, 3 * (sizes[i] / 10));
        CHECK_INT(ymo_test_server_wrong(ymo_buf_slice(&r.body).data, 0, r.body.len), 0);
    }
    ymo_test_context(NULL);
    ymo_test_server_finish(&s, &c, &r);
}

static void
pieces_to_a_slow_reader(void)
{
    static const struct {
        unsigned count, len;
    } rows[] = {{20000, 1}, {3000, 1000}, {300, 20000}, {20, 300000}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[128];
        ymo_test_context("%u pieces of %u", rows[i].count, rows[i].len);
        setup();
        REQUIRE(ymo_test_server_begin(&s, &c));
        ymo_http_client_close(&c);
        REQUIRE(ymo_http_client_open(&c, s.port, 4096)); /* a narrow line */
        snprintf(text, sizeof(text), "GET /pieces?%u,%u HTTP/1.1\r\nHost: t\r\n\r\n", rows[i].count,
                 rows[i].len);
        CHECK(ymo_http_client_say(&c, text));
        CHECK(ymo_http_client_reply(&c, &r, false));
        CHECK_INT(r.body.len, (size_t)rows[i].count * rows[i].len);
        CHECK_INT(r.pieces, rows[i].count); /* each in a chunk of its own */
        CHECK_INT(ymo_test_server_wrong(ymo_buf_slice(&r.body).data, 0, r.body.len), 0);
        /* However much there was to send: the mark, and the piece that passed it. */
        CHECK(s.most_unsent <= s.cfg.response_buffer + rows[i].len);
        CHECK(ymo_test_server_hello(&c));
        ymo_test_server_finish(&s, &c, &r);
    }
    ymo_test_context(NULL);
}

static void
files(void)
{
    enum { SIZE = 3000001 };
    static const struct {
        unsigned off, len;
    } rows[] = {{0, 1}, {0, SIZE}, {4097, SIZE - 4097}, {SIZE - 1, 1}, {100, 0}};
    char path[] = "/tmp/yimmo-wsgi-test.XXXXXX";
    setup();
    s.file = mkstemp(path);
    REQUIRE(s.file >= 0);
    unlink(path);
    char *all = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        all[i] = ymo_test_server_byte(i);
    CHECK_INT(write(s.file, all, SIZE), SIZE);
    free(all);
    REQUIRE(ymo_test_server_begin(&s, &c));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char target[64];
        ymo_test_context("%u bytes at %u", rows[i].len, rows[i].off);
        snprintf(target, sizeof(target), "/file?%u,%u,%u", rows[i].off, rows[i].len, rows[i].len);
        CHECK(get(target));
        CHECK_INT(r.body.len, rows[i].len);
        CHECK_INT(ymo_test_server_wrong(ymo_buf_slice(&r.body).data, rows[i].off, r.body.len), 0);
    }
    ymo_test_context(NULL);
    CHECK(ymo_test_server_hello(&c));
    /* The file has become shorter: the client must not take what it got for the whole. */
    CHECK(!get("/file?3000000,1000,1000"));
    CHECK_INT(r.status, 200);
    CHECK(c.eof);
    ymo_test_server_finish(&s, &c, &r);
}

YMO_SUITE(serving, keep_alive, byte_by_byte, heads_without_bodies, pipelining, half_closed,
          bodies_in_memory_and_file, streaming, streaming_begins_at_the_head, expect_continue,
          early_answer, long_answers, messages_in_several_frames, pieces_to_a_slow_reader, files);
