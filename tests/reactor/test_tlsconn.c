/* SPDX-License-Identifier: MIT */
/* Handshakes: whole ones, cut ones, spoilt ones, too many of them, and ones that never end. */
#include "tests/support/test.h"
#include "tests/support/test_server.h"
#include "tests/support/tls_client.h"
#include "tests/support/tls_site.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: t\r\n\r\n"

static struct ymo_test_server s;
static struct ymo_tls_client c;
static struct ymo_http_reply r;
static struct ymo_buf flight;

static void
init(bool ecdsa, bool tickets)
{
    ymo_test_server_init(&s);
    s.tls = ymo_tls_site(ecdsa, tickets);
}

static bool
start(void)
{
    return s.tls && ymo_test_server_start(&s);
}

static void
stop(void)
{
    ymo_test_context(NULL);
    ymo_http_reply_free(&r);
    ymo_buf_free(&flight);
    ymo_test_server_stop(&s);
    ymo_tls_free(s.tls);
}

static bool
dial(struct ymo_tls_client *client, int version)
{
    return CHECK(ymo_tls_client_open(
        client, s.port, &(struct ymo_tls_client_options){.version = version, .name = "localhost"}));
}

/* A new client is served: what went before has hurt nobody. */
static void
still_serves(void)
{
    struct ymo_tls_client other;
    if (!dial(&other, 0))
        return;
    CHECK(ymo_tls_client_shake(&other));
    CHECK(ymo_test_server_hello(&other.http));
    ymo_tls_client_close(&other);
}

/* The server has dealt with all that has been sent to it so far. `other`: an open connection. */
static void
turn(struct ymo_tls_client *other)
{
    for (int i = 0; i < 2; i++)
        CHECK(ymo_test_server_hello(&other->http));
}

/* Make the next flight, not to be sent yet. */
static bool
next_flight(struct ymo_tls_client *client)
{
    ymo_buf_consume(&flight, flight.len);
    return ymo_tls_client_step(client, &flight);
}

/* Receive until there is something to be said. */
static bool
answer_flight(struct ymo_tls_client *client)
{
    bool over = false;
    do {
        if (!ymo_tls_client_receive(client))
            return false;
        over = next_flight(client);
    } while (flight.len == 0 && !over && !client->failed);
    return !client->failed;
}

/* The end of the connection, in order, whatever came before. */
static bool
ends(struct ymo_tls_client *client)
{
    while (ymo_tls_client_receive(client))
        ;
    return client->http.eof && !client->http.reset;
}

/* ---- whole ones ------------------------------------------------------------------------- */

static void
both_versions_and_keys(void)
{
    char alpn[64];
    for (int i = 0; i < 4; i++) {
        ymo_test_context("TLS 1.%d, %s", i % 2 ? 3 : 2, i / 2 ? "ECDSA" : "RSA");
        init(i / 2, false);
        REQUIRE(start());
        REQUIRE(dial(&c, i % 2 ? 13 : 12));
        REQUIRE(ymo_tls_client_shake(&c));
        CHECK_STR(ymo_tls_client_version(&c), i % 2 ? "TLSv1.3" : "TLSv1.2");
        CHECK_STR(ymo_tls_client_alpn(&c, alpn), "");
        CHECK(ymo_test_server_hello(&c.http));
        CHECK(ymo_test_server_hello(&c.http));
        ymo_tls_client_close(&c);
        stop();
    }
}

static void
alpn(void)
{
    static const struct {
        const char *offered, *chosen;
    } rows[] = {
        {"\x08http/1.1", "http/1.1"},
        {"\x02h2\x08http/1.1", "http/1.1"},
        {"\x02h2", NULL},
    };
    char name[64];
    init(true, false);
    REQUIRE(start());
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int version = 12; version <= 13; version++) {
            ymo_test_context("row %zu, %d", i, version);
            REQUIRE(ymo_tls_client_open(
                &c, s.port,
                &(struct ymo_tls_client_options){.version = version, .alpn = rows[i].offered}));
            CHECK_INT(ymo_tls_client_shake(&c), rows[i].chosen != NULL);
            if (rows[i].chosen) {
                CHECK_STR(ymo_tls_client_alpn(&c, name), rows[i].chosen);
                CHECK(ymo_test_server_hello(&c.http));
            } else {
                CHECK_INT(c.alert, 120); /* no_application_protocol */
            }
            ymo_tls_client_close(&c);
        }
    }
    still_serves();
    stop();
}

static void
resumption(void)
{
    for (int tickets = 0; tickets < 2; tickets++) {
        init(true, tickets);
        REQUIRE(start());
        for (int version = 12; version <= 13; version++) {
            ymo_test_context("TLS %d, tickets %d", version, tickets);
            REQUIRE(dial(&c, version));
            REQUIRE(ymo_tls_client_shake(&c));
            CHECK(ymo_test_server_hello(&c.http)); /* with 1.3 the ticket has come, too */
            struct ssl_session_st *session = ymo_tls_client_session(&c);
            if (tickets)
                CHECK(session != NULL);
            ymo_tls_client_close(&c);
            REQUIRE(ymo_tls_client_open(&c, s.port,
                                        &(struct ymo_tls_client_options){.version = version,
                                                                         .name = "localhost",
                                                                         .session = session}));
            CHECK(ymo_tls_client_shake(&c));
            CHECK_INT(ymo_tls_client_resumed(&c), tickets);
            CHECK(ymo_test_server_hello(&c.http));
            ymo_tls_client_close(&c);
            ymo_tls_client_session_free(session);
        }
        stop();
    }
}

/* The first request arrives in one piece with the end of the handshake, and more after it. */
static void
request_with_the_last_flight(void)
{
    init(true, false);
    REQUIRE(start());
    for (int goodbye = 0; goodbye < 3; goodbye++) {
        ymo_test_context("goodbye %d", goodbye);
        REQUIRE(dial(&c, 13));
        CHECK(!next_flight(&c));
        REQUIRE(ymo_tls_client_send(&c, ymo_buf_slice(&flight)));
        REQUIRE(answer_flight(&c)); /* over, as far as 1.3 clients can tell */
        ymo_tls_client_seal(&c, GET("/hello"), strlen(GET("/hello")), 0, &flight);
        ymo_tls_client_seal(&c, GET("/early"), strlen(GET("/early")), 7, &flight);
        if (goodbye > 0)
            ymo_tls_client_say_goodbye(&c, &flight);
        REQUIRE(ymo_tls_client_send(&c, ymo_buf_slice(&flight)));
        if (goodbye > 1)
            ymo_tls_client_fin(&c);
        CHECK(ymo_http_client_reply(&c.http, &r, false));
        CHECK_SLICE(ymo_buf_slice(&r.body), "hello");
        CHECK(ymo_http_client_reply(&c.http, &r, false));
        CHECK_SLICE(ymo_buf_slice(&r.body), "early");
        if (goodbye == 0) {
            CHECK(ymo_test_server_hello(&c.http));
        } else {
            CHECK(ymo_http_client_at_end(&c.http));
            CHECK(c.goodbye);
        }
        ymo_tls_client_close(&c);
    }
    stop();
}

/* ---- cut ones --------------------------------------------------------------------------- */

/* Every byte a segment of its own, as far as the machine lets them be. */
static void
byte_by_byte(void)
{
    struct ymo_tls_client other;
    init(true, false);
    REQUIRE(start());
    REQUIRE(dial(&other, 0));
    REQUIRE(ymo_tls_client_shake(&other));
    for (int version = 12; version <= 13; version++) {
        REQUIRE(dial(&c, version));
        for (bool over = next_flight(&c);;) {
            const char *p = ymo_buf_data(&flight);
            for (size_t i = 0; i < flight.len; i++) {
                REQUIRE(ymo_tls_client_send(&c, ymo_slice_of(p + i, 1)));
                CHECK(ymo_test_server_hello(&other.http));
            }
            if (over)
                break;
            REQUIRE(ymo_tls_client_receive(&c));
            over = next_flight(&c);
        }
        CHECK(ymo_test_server_hello(&c.http));
        ymo_tls_client_close(&c);
    }
    ymo_tls_client_close(&other);
    stop();
}

/* `before` flights go through, then `n` bytes of the next one, then the end. Length of that one. */
static size_t
cut(int version, int before, size_t n, bool reset)
{
    if (!dial(&c, version))
        return 0;
    (void)next_flight(&c);
    for (int i = 0; i < before; i++) {
        CHECK(ymo_tls_client_send(&c, ymo_buf_slice(&flight)));
        CHECK(answer_flight(&c));
    }
    size_t len = flight.len;
    (void)ymo_tls_client_send(&c, ymo_slice_of(ymo_buf_data(&flight), n < len ? n : len));
    if (reset) {
        ymo_tls_client_reset(&c);
        return len;
    }
    ymo_tls_client_fin(&c);
    CHECK(ends(&c));
    ymo_tls_client_close(&c);
    return len;
}

static void
cut_everywhere(void)
{
    init(true, false);
    REQUIRE(start());
    for (int version = 12; version <= 13; version++) {
        for (int before = 0; before < 2; before++) {
            size_t len = 1;
            for (size_t n = 0; n < len; n++) {
                ymo_test_context("TLS %d, flight %d, %zu of %zu bytes", version, before, n, len);
                len = cut(version, before, n, false);
                CHECK(len > 30);
                (void)cut(version, before, n, true);
            }
        }
    }
    still_serves();
    stop();
}

/* ---- spoilt ones ------------------------------------------------------------------------ */

static void
garbage(void)
{
    static const struct ymo_slice rows[] = {
        YMO_SLICE("garbage garbage garbage"),
        YMO_SLICE("\x16\x03\x03\x00\x04\x0e\x00\x00\x00"), /* a message out of order */
        YMO_SLICE("\x16\x03\x03\x00\x00"),                 /* an empty one */
        YMO_SLICE("\x17\x03\x03\x00\x05\x00\x01\x02\x03\x04"),
        YMO_SLICE("\x17\x03\x03\xff\xff"),         /* too long */
        YMO_SLICE("\x15\x03\x03\x00\x02\x02\x28"), /* the client's own alert */
        YMO_SLICE("\x16\x03\x03\x00\x05\x01\xff\xff\xff\x00"),
        YMO_SLICE("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    };
    init(true, false);
    REQUIRE(start());
    for (int version = 12; version <= 13; version++) {
        for (int before = 0; before < 3; before++) {
            for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                ymo_test_context("TLS %d after %d flights, row %zu", version, before, i);
                REQUIRE(dial(&c, version));
                (void)next_flight(&c);
                for (int k = 0; k < before; k++) {
                    CHECK(ymo_tls_client_send(&c, ymo_buf_slice(&flight)));
                    if (k == 0)
                        CHECK(answer_flight(&c));
                }
                CHECK(ymo_tls_client_send(&c, rows[i]));
                ymo_tls_client_fin(&c);
                /* Bytes may be left that nobody reads: a reset is an end, too. */
                (void)ends(&c);
                CHECK(c.http.eof);
                ymo_tls_client_close(&c);
            }
        }
    }
    still_serves();
    stop();
}

static void
not_tls(void)
{
    static const struct ymo_slice rows[] = {
        YMO_SLICE("\0\x10\0\0uwsgi"),
        YMO_SLICE("\x80\x2e\x01\x03\x01"),
        YMO_SLICE("\x16\x03\x01\x00\x05\x02\0\0\x01\0"),
        YMO_SLICE("\xff"),
    };
    init(true, false);
    REQUIRE(start());
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ymo_test_context("row %zu", i);
        struct ymo_http_client plain = ymo_test_server_client(&s);
        CHECK(ymo_http_client_send(&plain, rows[i].data, rows[i].len));
        while (ymo_http_client_fill(&plain))
            ;
        CHECK(!plain.reset);
        CHECK_INT(plain.in.len, 7);
        REQUIRE(plain.in.len == 7);
        CHECK_INT(memcmp(ymo_buf_data(&plain.in), "\x15\x03\x01\x00\x02\x02\x0a", 7), 0);
        ymo_http_client_close(&plain);
    }
    still_serves();
    stop();
}

static void
plain_http(void)
{
    static const char *const rows[] = {
        GET("/hello"),
        "\r\nPOST /stored HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello",
        "GET ",
        "GET / HTTP/1.0\r\n\r\n",
    };
    init(true, false);
    REQUIRE(start());
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ymo_test_context("row %zu", i);
        struct ymo_http_client plain = ymo_test_server_client(&s);
        CHECK(ymo_http_client_say(&plain, rows[i]));
        CHECK(ymo_http_client_reply(&plain, &r, false));
        CHECK_INT(r.status, 400);
        CHECK(r.close);
        CHECK(memmem(ymo_buf_data(&r.body), r.body.len, "HTTPS", 5) != NULL);
        CHECK(ymo_http_client_at_end(&plain));
        ymo_http_client_close(&plain);
    }
    CHECK_INT(s.executor.submitted, 0);
    still_serves();
    stop();
}

/* ---- ones that do not end --------------------------------------------------------------- */

static void
deadline(void)
{
    init(true, false);
    s.cfg.handshake_timeout = 0.05;
    s.cfg.max_handshakes = 1; /* and its place is given back */
    REQUIRE(start());
    for (int version = 12; version <= 13; version++) {
        for (int before = 0; before < 2; before++) {
            for (int half = 0; half < 2; half++) {
                ymo_test_context("TLS %d, %d flights, half %d", version, before, half);
                REQUIRE(dial(&c, version));
                (void)next_flight(&c);
                for (int i = 0; i < before; i++) {
                    REQUIRE(ymo_tls_client_send(&c, ymo_buf_slice(&flight)));
                    CHECK(answer_flight(&c));
                }
                CHECK(ymo_tls_client_send(
                    &c, ymo_slice_of(ymo_buf_data(&flight), half ? flight.len / 2 : 0)));
                (void)ends(&c);
                CHECK(c.http.eof);
                ymo_tls_client_close(&c);
            }
        }
    }
    s.cfg.handshake_timeout = 0;
    stop();
}

/* A slow trickle is no progress: the deadline is one for the whole handshake. */
static void
deadline_of_a_trickle(void)
{
    init(true, false);
    s.cfg.handshake_timeout = 0.2;
    REQUIRE(start());
    REQUIRE(dial(&c, 13));
    (void)next_flight(&c);
    size_t sent = 0;
    while (sent + 1 < flight.len && !ymo_http_client_ready(&c.http)) {
        if (!ymo_tls_client_send(&c, ymo_slice_of(ymo_buf_data(&flight) + sent, 1)))
            break;
        sent++;
        usleep(10000);
    }
    CHECK(sent + 1 < flight.len); /* three seconds, were it let go on */
    (void)ends(&c);
    ymo_tls_client_close(&c);
    stop();
}

/* How the one that has the only place makes room: it gets on, ends, or breaks. */
static void
others_wait(void)
{
    enum { WAITERS = 6 };
    struct ymo_tls_client open, waiters[WAITERS];
    init(true, false);
    s.cfg.max_handshakes = 1;
    REQUIRE(start());
    REQUIRE(dial(&open, 0));
    REQUIRE(ymo_tls_client_shake(&open));
    for (int how = 0; how < 4; how++) {
        ymo_test_context("how %d", how);
        REQUIRE(dial(&c, 13));
        (void)next_flight(&c);
        REQUIRE(ymo_tls_client_send(&c, ymo_buf_slice(&flight)));
        REQUIRE(answer_flight(&c)); /* it is being shaken hands with */
        struct ymo_buf last = flight;
        flight = (struct ymo_buf){0};
        for (int i = 0; i < WAITERS; i++) {
            REQUIRE(dial(&waiters[i], i % 2 ? 12 : 13));
            (void)next_flight(&waiters[i]);
            REQUIRE(ymo_tls_client_send(&waiters[i], ymo_buf_slice(&flight)));
            turn(&open); /* they are served in this order */
        }
        for (int i = 0; i < WAITERS; i++)
            CHECK(!ymo_http_client_ready(&waiters[i].http));
        ymo_tls_client_reset(&waiters[1]); /* one does not wait so long */
        ymo_tls_client_fin(&waiters[4]);   /* and one says so, which cannot be seen yet */
        if (how == 0) {
            CHECK(ymo_tls_client_send(&c, ymo_buf_slice(&last)));
            CHECK(ymo_test_server_hello(&c.http));
            ymo_tls_client_close(&c);
        } else if (how == 1) {
            ymo_tls_client_reset(&c);
        } else if (how == 2) {
            ymo_tls_client_close(&c);
        } else {
            CHECK(ymo_tls_client_send(&c, YMO_SLICE("\x16\x03\x03\0\x04\x0e\0\0\0")));
            (void)ends(&c);
            ymo_tls_client_close(&c);
        }
        ymo_buf_free(&last);
        for (int i = 0; i < WAITERS; i++) {
            ymo_test_context("how %d, waiter %d", how, i);
            if (i == 1)
                continue;
            if (i != 4) {
                CHECK(ymo_tls_client_shake(&waiters[i]));
                CHECK(ymo_test_server_hello(&waiters[i].http));
            }
            ymo_tls_client_close(&waiters[i]);
        }
    }
    ymo_tls_client_close(&open);
    stop();
}

/* More than are started in one turn. */
static void
many_at_once(void)
{
    enum { N = 40 };
    static struct ymo_tls_client many[N];
    init(true, false);
    s.cfg.max_handshakes = 8;
    REQUIRE(start());
    for (int i = 0; i < N; i++) {
        REQUIRE(dial(&many[i], i % 2 ? 12 : 13));
        (void)next_flight(&many[i]);
        REQUIRE(ymo_tls_client_send(&many[i], ymo_buf_slice(&flight)));
    }
    /* In whatever order the server takes them: nobody is waited for who may be waiting. */
    for (int left = N; left > 0;) {
        struct pollfd fds[N];
        for (int i = 0; i < N; i++)
            fds[i] = (struct pollfd){many[i].ssl ? many[i].http.fd : -1, POLLIN, 0};
        REQUIRE(poll(fds, N, 60000) > 0);
        for (int i = 0; i < N; i++) {
            if (fds[i].fd < 0 || !fds[i].revents)
                continue;
            REQUIRE(ymo_tls_client_receive(&many[i]));
            bool over = next_flight(&many[i]);
            REQUIRE(!many[i].failed);
            REQUIRE(ymo_tls_client_send(&many[i], ymo_buf_slice(&flight)));
            if (over) {
                CHECK(ymo_test_server_hello(&many[i].http));
                ymo_tls_client_close(&many[i]);
                left--;
            }
        }
    }
    stop();
}

/* ---- the end of the server ----------------------------------------------------------------- */

/* What is being done is let finish; who has only begun has a moment for one request. */
static void
stop_in_each_state(void)
{
    enum { NOTHING, HALF, SHAKING, WAITING, IDLE, BUSY, N };
    struct ymo_tls_client in[N];
    struct ymo_buf rest[N] = {{0}};
    for (int broken = 0; broken < 2; broken++) {
        ymo_test_context("broken %d", broken);
        init(true, false);
        s.cfg.max_handshakes = 1;
        REQUIRE(start());
        REQUIRE(dial(&in[IDLE], 13));
        REQUIRE(ymo_tls_client_shake(&in[IDLE]));
        CHECK(ymo_test_server_hello(&in[IDLE].http));
        REQUIRE(dial(&in[BUSY], 12));
        REQUIRE(ymo_tls_client_shake(&in[BUSY]));
        CHECK(ymo_http_client_say(&in[BUSY].http, GET("/gate")));
        CHECK(ymo_test_server_until(&s.at_gate, 1));
        for (int i = NOTHING; i <= WAITING; i++) {
            REQUIRE(dial(&in[i], 13));
            (void)next_flight(&in[i]);
            size_t n = i == NOTHING ? 0 : i == HALF ? 50 : flight.len;
            REQUIRE(ymo_tls_client_send(&in[i], ymo_slice_of(ymo_buf_data(&flight), n)));
            if (i == SHAKING)
                CHECK(answer_flight(&in[i]));
            else
                ymo_buf_consume(&flight, n);
            rest[i] = flight;
            flight = (struct ymo_buf){0};
        }
        ymo_reactor_stop(s.reactor);
        CHECK(ymo_http_client_at_end(&in[IDLE].http));
        CHECK(in[IDLE].goodbye);
        ymo_test_server_open(&s, 1);
        CHECK(ymo_http_client_reply(&in[BUSY].http, &r, false));
        CHECK_SLICE(ymo_buf_slice(&r.body), "open");
        CHECK(ymo_http_client_at_end(&in[BUSY].http));
        CHECK(in[BUSY].goodbye);
        static const int order[] = {SHAKING, WAITING, HALF, NOTHING};
        for (int k = 0; k < 4; k++) {
            int i = order[k];
            ymo_test_context("broken %d, state %d", broken, i);
            /* Whether it is quick enough is the machine's affair; then it has one request. */
            if (!broken && ymo_tls_client_send(&in[i], ymo_buf_slice(&rest[i])) &&
                ymo_tls_client_shake(&in[i]) && ymo_http_client_say(&in[i].http, GET("/hello")) &&
                ymo_http_client_reply(&in[i].http, &r, false)) {
                CHECK_SLICE(ymo_buf_slice(&r.body), "hello");
                CHECK(r.close);
                CHECK(ymo_http_client_at_end(&in[i].http));
                CHECK(in[i].goodbye);
            }
            ymo_buf_free(&rest[i]);
            ymo_tls_client_reset(&in[i]);
        }
        ymo_tls_client_close(&in[IDLE]);
        ymo_tls_client_close(&in[BUSY]);
        stop();
    }
}

YMO_SUITE(tlsconn, both_versions_and_keys, alpn, resumption, request_with_the_last_flight,
          byte_by_byte, cut_everywhere, garbage, not_tls, plain_http, deadline,
          deadline_of_a_trickle, others_wait, many_at_once, stop_in_each_state);
