/* SPDX-License-Identifier: MIT */
/*
 * What a client sends, changed at random (the same on every run): the server may refuse it or not
 * mind, but it ends the connection when the client does, and serves others. The sanitizers look on.
 * YMO_MUTANTS is how many of each kind are tried.
 */
#include "tests/support/test.h"
#include "tests/support/test_server.h"
#include "tests/support/tls_client.h"
#include "tests/support/tls_site.h"

#include <stdlib.h>

static struct ymo_test_server s;
static struct ymo_buf bytes;
static uint64_t seed;

static size_t
below(size_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return n ? (size_t)(seed >> 33) % n : 0;
}

static void
insert(size_t at, const char *data, size_t n)
{
    struct ymo_buf b = {0};
    if (ymo_buf_append(&b, ymo_buf_data(&bytes), at) < 0 || ymo_buf_append(&b, data, n) < 0 ||
        ymo_buf_append(&b, ymo_buf_data(&bytes) + at, bytes.len - at) < 0)
        abort();
    ymo_buf_free(&bytes);
    bytes = b;
}

/* One change to what is in `bytes`; more often than by chance to a length or a type. */
static void
mutate(void)
{
    static const unsigned char edges[] = {0, 1, 2, 0x7f, 0x80, 0xff, 20, 21, 22, 23, 24};
    char copy[64];
    size_t len = bytes.len, n = 1 + below(sizeof(copy));
    if (len == 0)
        return;
    size_t at = below(below(3) ? len : len < 80 ? len : 80);
    char *p = ymo_buf_data(&bytes);
    if (n > len - at)
        n = len - at;
    switch (below(7)) {
    case 0:
        p[at] = (char)(p[at] ^ (1 << below(8)));
        break;
    case 1:
    case 2:
        p[at] = (char)edges[below(sizeof(edges))];
        break;
    case 3:
        memcpy(copy, p + below(len - n + 1), n);
        insert(at, copy, n);
        break;
    case 4:
        memmove(p + at, p + at + n, len - at - n);
        bytes.len -= n;
        break;
    case 5:
        bytes.len = at;
        break;
    default:
        memmove(p + at, p + below(len - n + 1), n);
        break;
    }
}

static void
mutate_some(void)
{
    for (size_t n = 1 + below(3); n > 0; n--)
        mutate();
}

/* `flight` of the client is another one: the first, the second, or its requests. */
static void
try_one(int version, int flight)
{
    static const char requests[] = "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n"
                                   "POST /stored HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n"
                                   "hello";
    struct ymo_tls_client c;
    if (!CHECK(ymo_tls_client_open(
            &c, s.port, &(struct ymo_tls_client_options){.version = version, .name = "localhost"})))
        return;
    ymo_buf_consume(&bytes, bytes.len);
    bool over = ymo_tls_client_step(&c, &bytes);
    for (int i = 0; i < flight && !over; i++) {
        CHECK(ymo_tls_client_send(&c, ymo_buf_slice(&bytes)));
        ymo_buf_consume(&bytes, bytes.len);
        while (!over && !c.failed && bytes.len == 0 && CHECK(ymo_tls_client_receive(&c)))
            over = ymo_tls_client_step(&c, &bytes);
    }
    CHECK(!c.failed);
    if (flight == 2 && over) {
        (void)ymo_tls_client_send(&c, ymo_buf_slice(&bytes));
        ymo_buf_consume(&bytes, bytes.len);
        if (version == 13 && below(2))
            (void)ymo_tls_client_new_keys(&c, &bytes);
        ymo_tls_client_seal(&c, requests, sizeof(requests) - 1, below(2) ? 0 : 1 + below(60),
                            &bytes);
    }
    mutate_some();
    (void)ymo_tls_client_send(&c, ymo_buf_slice(&bytes));
    if (below(4)) {
        ymo_tls_client_fin(&c);
        while (ymo_tls_client_receive(&c))
            ;
        ymo_tls_client_close(&c);
    } else {
        ymo_tls_client_reset(&c);
    }
}

static void
mutants(void)
{
    const char *many = getenv("YMO_MUTANTS");
    int n = many ? atoi(many) : 150;
    ymo_test_server_init(&s);
    s.tls = ymo_tls_site(true, true);
    s.cfg.max_handshakes = 2;
    s.n_workers = 2;
    REQUIRE(s.tls && ymo_test_server_start(&s));
    for (int version = 12; version <= 13; version++) {
        for (int flight = 0; flight < 3; flight++) {
            for (int i = 0; i < n; i++) {
                ymo_test_context("TLS %d, flight %d, seed %d", version, flight, i);
                seed = (uint64_t)i * 1000 + (uint64_t)(version * 10 + flight);
                try_one(version, flight);
            }
        }
    }
    struct ymo_tls_client c;
    REQUIRE(ymo_tls_client_open(&c, s.port, NULL));
    CHECK(ymo_tls_client_shake(&c));
    CHECK(ymo_test_server_hello(&c.http));
    ymo_tls_client_close(&c);
    ymo_buf_free(&bytes);
    ymo_test_server_stop(&s); /* nothing of them is left over */
    ymo_tls_free(s.tls);
    ymo_test_context(NULL);
}

YMO_SUITE(tlsmutants, mutants);
