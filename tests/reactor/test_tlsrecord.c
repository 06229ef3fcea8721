/* SPDX-License-Identifier: MIT */
/* Requests and responses in records: cut, merged, large, slow, and ended in every way. */
#include "tests/support/test.h"
#include "tests/support/test_server.h"
#include "tests/support/tls_client.h"
#include "tests/support/tls_site.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: t\r\n\r\n"

enum { LARGE = 10 * 1000 * 1000 };

static struct ymo_test_server s;
static struct ymo_tls_client c;
static struct ymo_http_reply r;
static struct ymo_buf bytes;
static const int versions[] = {12, 13};

static bool
dial(struct ymo_tls_client *client, int version, int rcvbuf)
{
    return CHECK(ymo_tls_client_open(
               client, s.port,
               &(struct ymo_tls_client_options){.version = version, .rcvbuf = rcvbuf})) &&
           CHECK(ymo_tls_client_shake(client));
}

static void
init(void)
{
    ymo_test_server_init(&s);
    s.tls = ymo_tls_site(true, true);
}

/* Start, with one client that has shaken hands. */
static bool
begin(int version)
{
    ymo_test_context("TLS %d", version);
    return s.tls && ymo_test_server_start(&s) && dial(&c, version, 0);
}

static void
finish(void)
{
    ymo_http_reply_free(&r);
    ymo_buf_free(&bytes);
    ymo_tls_client_close(&c);
    ymo_test_server_stop(&s);
    ymo_tls_free(s.tls);
    ymo_test_context(NULL);
}

static bool
get(const char *request)
{
    return ymo_http_client_say(&c.http, request) && ymo_http_client_reply(&c.http, &r, false);
}

static bool
is_right(size_t len)
{
    return CHECK_INT(r.body.len, len) &&
           CHECK_INT(ymo_test_server_wrong(ymo_buf_data(&r.body), 0, len), 0);
}

/* The end, in order and announced. */
static bool
ended_well(struct ymo_tls_client *client)
{
    return CHECK(ymo_http_client_at_end(&client->http)) && CHECK(client->goodbye);
}

static bool
send_bytes(void)
{
    bool ok = ymo_tls_client_send(&c, ymo_buf_slice(&bytes));
    ymo_buf_consume(&bytes, bytes.len);
    return ok;
}

/* ---- requests --------------------------------------------------------------------------- */

static void
each_kind_of_answer(void)
{
    char path[] = "/tmp/yimmo-tls-file-XXXXXX";
    for (int v = 0; v < 2; v++) {
        init();
        s.file = v ? open(path, O_RDONLY | O_CLOEXEC) : mkostemp(path, O_CLOEXEC);
        REQUIRE(s.file >= 0);
        for (uint64_t i = 0; !v && i < 1000000; i += 1000) {
            char piece[1000];
            for (size_t k = 0; k < sizeof(piece); k++)
                piece[k] = ymo_test_server_byte(i + k);
            REQUIRE(write(s.file, piece, sizeof(piece)) == sizeof(piece));
        }
        REQUIRE(begin(versions[v]));
        CHECK(ymo_test_server_hello(&c.http));
        CHECK(get(GET("/empty")));
        CHECK_INT(r.status, 204);
        CHECK(get(GET("/pieces?1000,1")));
        CHECK(is_right(1000));
        CHECK(get(GET("/pieces?100,5000")));
        CHECK(is_right(500000));
        CHECK(get(GET("/file?0,1000000,1000000")));
        CHECK(is_right(1000000));
        CHECK(get(GET("/file?0,1,1")));
        CHECK(is_right(1));
        CHECK(get(GET("/long?16384")));
        CHECK(is_right(16384));
        CHECK(ymo_http_client_say(&c.http, "HEAD /hello HTTP/1.1\r\nHost: t\r\n\r\n"));
        CHECK(ymo_http_client_reply(&c.http, &r, true));
        CHECK_INT(r.status, 200);
        CHECK(get("GET /pieces?3,40000 HTTP/1.0\r\n\r\n"));
        CHECK(is_right(120000));
        CHECK(c.goodbye); /* the end of the body is the connection's */
        finish();
    }
    (void)unlink(path);
}

static void
keep_alive_and_close(void)
{
    for (int v = 0; v < 2; v++) {
        init();
        REQUIRE(begin(versions[v]));
        for (int i = 0; i < 100; i++)
            CHECK(ymo_test_server_hello(&c.http));
        CHECK(get("GET /hello HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
        CHECK(r.close);
        CHECK(ended_well(&c));
        ymo_tls_client_close(&c);
        REQUIRE(dial(&c, versions[v], 0));
        CHECK(get("nonsense\r\n\r\n"));
        CHECK_INT(r.status, 400);
        CHECK(ended_well(&c));
        finish();
    }
}

/* Five requests in one record, in five, and in one for each byte. */
static void
pipelining(void)
{
    static const char five[] = GET("/hello")
        GET("/early") "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc" GET(
            "/pieces?2,3") GET("/hello");
    static const size_t sizes[] = {0, 40, 1};
    for (int v = 0; v < 2; v++) {
        init();
        REQUIRE(begin(versions[v]));
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            ymo_test_context("TLS %d, records of %zu", versions[v], sizes[i]);
            ymo_tls_client_seal(&c, five, sizeof(five) - 1, sizes[i], &bytes);
            CHECK(send_bytes());
            CHECK(ymo_http_client_reply(&c.http, &r, false));
            CHECK_SLICE(ymo_buf_slice(&r.body), "hello");
            CHECK(ymo_http_client_reply(&c.http, &r, false));
            CHECK_SLICE(ymo_buf_slice(&r.body), "early");
            CHECK(ymo_http_client_reply(&c.http, &r, false));
            CHECK_SLICE(ymo_buf_slice(&r.body), "abc");
            CHECK(ymo_http_client_reply(&c.http, &r, false));
            CHECK(is_right(6));
            CHECK(ymo_http_client_reply(&c.http, &r, false));
            CHECK_SLICE(ymo_buf_slice(&r.body), "hello");
        }
        finish();
    }
}

/* In two pieces, the server having seen the first: the whole in one record, and in many. */
static void
cut_everywhere(void)
{
    static const char request[] =
        "POST /stored HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n0123456789";
    struct ymo_tls_client other;
    for (int v = 0; v < 2; v++) {
        init();
        REQUIRE(begin(versions[v]));
        REQUIRE(dial(&other, 13, 0));
        for (int many = 0; many < 2; many++) {
            size_t len = 1;
            for (size_t n = 0; n < len; n += many ? 7 : 1) {
                ymo_test_context("TLS %d, many %d, %zu of %zu", versions[v], many, n, len);
                ymo_tls_client_seal(&c, request, sizeof(request) - 1, many ? 1 : 0, &bytes);
                len = bytes.len;
                REQUIRE(ymo_tls_client_send(&c, ymo_slice_of(ymo_buf_data(&bytes), n)));
                CHECK(ymo_test_server_hello(&other.http));
                ymo_buf_consume(&bytes, n);
                REQUIRE(send_bytes());
                CHECK(ymo_http_client_reply(&c.http, &r, false));
                CHECK_SLICE(ymo_buf_slice(&r.body), "0123456789");
            }
        }
        ymo_tls_client_close(&other);
        finish();
    }
}

/* ---- much ------------------------------------------------------------------------------- */

static void
large_both_ways(void)
{
    char *body = malloc(LARGE), head[200];
    REQUIRE(body != NULL);
    for (size_t i = 0; i < LARGE; i++)
        body[i] = ymo_test_server_byte(i);
    for (int v = 0; v < 2; v++) {
        for (int buffering = 0; buffering < 2; buffering++) {
            init();
            s.cfg.request_buffering = buffering;
            REQUIRE(begin(versions[v]));
            for (int i = 0; i < 2; i++) {
                /* Streamed, /echo would answer while nobody reads yet. */
                snprintf(head, sizeof(head),
                         "POST /%s HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n",
                         buffering ? "echo" : "stored", LARGE);
                CHECK(ymo_http_client_say(&c.http, head));
                CHECK(ymo_http_client_send(&c.http, body, LARGE));
                CHECK(ymo_http_client_reply(&c.http, &r, false));
                CHECK(is_right(LARGE));
            }
            finish();
        }
    }
    free(body);
}

/* Nothing is read before the server has found the socket full. */
static void
slow_reader(void)
{
    static const char *const paths[] = {GET("/long?8000000"), GET("/pieces?800,10000")};
    struct ymo_tls_client other;
    for (int v = 0; v < 2; v++) {
        for (int path = 0; path < 2; path++) {
            init();
            s.n_workers = 2;
            REQUIRE(s.tls && ymo_test_server_start(&s));
            REQUIRE(dial(&c, versions[v], 4096));
            REQUIRE(dial(&other, 13, 0));
            CHECK(ymo_http_client_say(&c.http, paths[path]));
            for (int i = 0; i < 20; i++)
                CHECK(ymo_test_server_hello(&other.http));
            CHECK(ymo_http_client_reply(&c.http, &r, false));
            CHECK(is_right(8000000));
            CHECK(ymo_test_server_hello(&c.http));
            ymo_tls_client_close(&other);
            finish();
        }
    }
}

static void
write_deadline(void)
{
    for (int v = 0; v < 2; v++) {
        init();
        s.cfg.write_timeout = 0.1;
        REQUIRE(s.tls && ymo_test_server_start(&s));
        REQUIRE(dial(&c, versions[v], 4096));
        CHECK(ymo_http_client_say(&c.http, GET("/endless")));
        CHECK(ymo_test_server_until(&s.executor.cancelled, 1));
        CHECK(!ymo_http_client_reply(&c.http, &r, false));
        CHECK(!c.goodbye);
        finish();
    }
}

/* ---- ends ------------------------------------------------------------------------------- */

/* In the middle of a body: what has come is not all, and nobody may take it for that. */
static void
end_inside_a_body(void)
{
    static const char half[] =
        "POST /stored HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\nhalf";
    enum { GOODBYE, GOODBYE_FIN, FIN, RESET, PART_OF_A_RECORD, SPOILT, N };
    for (int v = 0; v < 2; v++) {
        for (int how = 0; how < N; how++) {
            for (int buffering = 0; buffering < 2; buffering++) {
                init();
                s.cfg.request_buffering = buffering;
                REQUIRE(begin(versions[v]));
                ymo_test_context("TLS %d, how %d, buffering %d", versions[v], how, buffering);
                ymo_tls_client_seal(&c, half, sizeof(half) - 1, 0, &bytes);
                REQUIRE(send_bytes());
                if (!buffering)
                    CHECK(ymo_test_server_until(&s.bodies_read, 4));
                if (how == GOODBYE || how == GOODBYE_FIN)
                    ymo_tls_client_say_goodbye(&c, &bytes);
                if (how == PART_OF_A_RECORD || how == SPOILT)
                    ymo_tls_client_seal(&c, half, 60, 0, &bytes);
                if (how == PART_OF_A_RECORD)
                    bytes.len -= 10;
                if (how == SPOILT)
                    ymo_buf_data(&bytes)[20] ^= 1;
                REQUIRE(send_bytes());
                if (how == RESET) {
                    ymo_tls_client_reset(&c);
                } else {
                    if (how != GOODBYE && how != SPOILT)
                        ymo_tls_client_fin(&c);
                    if (ymo_http_client_reply(&c.http, &r, false))
                        CHECK(r.status >= 400);
                    while (ymo_http_client_fill(&c.http))
                        ;
                    if (how == SPOILT)
                        CHECK_INT(c.alert, 20); /* bad_record_mac */
                }
                if (!buffering)
                    CHECK(ymo_test_server_until(&s.broken_bodies, 1));
                else
                    CHECK_INT(s.executor.submitted, 0);
                finish();
            }
        }
    }
}

/* A client that has said its last word still gets its answer, as with plain sockets. */
static void
end_after_a_request(void)
{
    for (int v = 0; v < 2; v++) {
        for (int how = 0; how < 4; how++) {
            init();
            REQUIRE(begin(versions[v]));
            ymo_test_context("TLS %d, how %d", versions[v], how);
            ymo_tls_client_seal(&c, GET("/long?100000"), strlen(GET("/long?100000")), 0, &bytes);
            if (how < 2)
                ymo_tls_client_say_goodbye(&c, &bytes);
            REQUIRE(send_bytes());
            if (how % 2)
                ymo_tls_client_fin(&c);
            CHECK(ymo_http_client_reply(&c.http, &r, false));
            CHECK(is_right(100000));
            if (how != 2)
                CHECK(ended_well(&c));
            finish();
        }
    }
}

static void
end_between_requests(void)
{
    for (int v = 0; v < 2; v++) {
        for (int how = 0; how < 3; how++) {
            init();
            REQUIRE(begin(versions[v]));
            ymo_test_context("TLS %d, how %d", versions[v], how);
            CHECK(ymo_test_server_hello(&c.http));
            if (how < 2)
                ymo_tls_client_say_goodbye(&c, &bytes);
            REQUIRE(send_bytes());
            if (how > 0)
                ymo_tls_client_fin(&c);
            CHECK(ended_well(&c));
            finish();
        }
    }
}

static void
idle_connections_are_told(void)
{
    for (int v = 0; v < 2; v++) {
        init();
        s.cfg.idle_timeout = 0.05;
        REQUIRE(begin(versions[v]));
        (void)ymo_test_server_hello(&c.http);
        CHECK(ended_well(&c));
        finish();
    }
}

/* Where the end of the body is the end of the connection, close_notify would say it is whole. */
static void
broken_responses(void)
{
    for (int v = 0; v < 2; v++) {
        init();
        REQUIRE(begin(versions[v]));
        CHECK(!get("GET /broken HTTP/1.0\r\n\r\n"));
        CHECK(c.failed);
        CHECK(!c.goodbye);
        ymo_tls_client_close(&c);
        REQUIRE(dial(&c, versions[v], 0));
        CHECK(!get(GET("/broken")));
        CHECK_INT(r.status, 200);
        CHECK_SLICE(ymo_buf_slice(&r.body), "some");
        CHECK(c.http.eof);
        ymo_tls_client_close(&c);
        REQUIRE(dial(&c, versions[v], 0));
        CHECK(get(GET("/broken0")));
        CHECK_INT(r.status, 500);
        CHECK(ymo_test_server_hello(&c.http));
        finish();
    }
}

/* ---- keys ------------------------------------------------------------------------------- */

static void
new_keys(void)
{
    struct ymo_tls_client other;
    init();
    s.n_workers = 2;
    REQUIRE(begin(13));
    for (int i = 0; i < 5; i++) {
        REQUIRE(ymo_tls_client_new_keys(&c, &bytes));
        ymo_tls_client_seal(&c, GET("/pieces?7,9"), strlen(GET("/pieces?7,9")), 10, &bytes);
        REQUIRE(send_bytes());
        CHECK(ymo_http_client_reply(&c.http, &r, false));
        CHECK(is_right(63));
    }
    REQUIRE(ymo_tls_client_new_keys(&c, &bytes)); /* between requests, alone */
    REQUIRE(send_bytes());
    CHECK(ymo_test_server_hello(&c.http));
    ymo_tls_client_close(&c);

    /* Asked for while the server's socket is full: its answer has to wait for its turn. */
    REQUIRE(dial(&other, 13, 0));
    REQUIRE(dial(&c, 13, 4096));
    CHECK(ymo_http_client_say(&c.http, GET("/long?8000000")));
    for (int i = 0; i < 20; i++)
        CHECK(ymo_test_server_hello(&other.http));
    REQUIRE(ymo_tls_client_new_keys(&c, &bytes));
    REQUIRE(send_bytes());
    CHECK(ymo_test_server_hello(&other.http));
    CHECK(ymo_http_client_reply(&c.http, &r, false));
    CHECK(is_right(8000000));
    CHECK(ymo_test_server_hello(&c.http));
    ymo_tls_client_close(&other);
    finish();
}

/* Each of them is answered; whoever does not read the answers must not have us keep them. */
static void
answers_that_nobody_reads(void)
{
    enum { MOST = 20000, AT_ONCE = 500 };
    struct ymo_tls_client other;
    int n = 0;
    init();
    s.n_workers = 2;
    REQUIRE(begin(13));
    ymo_tls_client_close(&c);
    REQUIRE(dial(&other, 13, 0));
    REQUIRE(dial(&c, 13, 4096));
    CHECK(ymo_http_client_say(&c.http, GET("/long?8000000"))); /* fills the socket */
    for (int i = 0; i < 20; i++)
        CHECK(ymo_test_server_hello(&other.http));
    for (bool there = true; there && n < MOST; n += AT_ONCE) {
        for (int i = 0; i < AT_ONCE; i++)
            REQUIRE(ymo_tls_client_new_keys(&c, &bytes));
        there = send_bytes();
    }
    CHECK(n < MOST);
    CHECK(ymo_test_server_hello(&other.http));
    ymo_tls_client_close(&other);
    finish();
}

static void
no_renegotiation(void)
{
    init();
    REQUIRE(begin(12));
    CHECK(ymo_test_server_hello(&c.http));
    (void)ymo_tls_client_again(&c, &bytes);
    CHECK(bytes.len > 100); /* a hello */
    REQUIRE(send_bytes());
    while (ymo_http_client_fill(&c.http))
        ;
    CHECK(c.alert == 100 || c.alert == 10 || c.alert == 40); /* no_renegotiation, or a fatal one */
    CHECK(c.http.eof);
    ymo_tls_client_close(&c);
    REQUIRE(dial(&c, 12, 0));
    CHECK(ymo_test_server_hello(&c.http));
    finish();
}

YMO_SUITE(tlsrecord, each_kind_of_answer, keep_alive_and_close, pipelining, cut_everywhere,
          large_both_ways, slow_reader, write_deadline, end_inside_a_body, end_after_a_request,
          end_between_requests, idle_connections_are_told, broken_responses, new_keys,
          answers_that_nobody_reads, no_renegotiation);
