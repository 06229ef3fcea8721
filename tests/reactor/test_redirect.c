/* SPDX-License-Identifier: MIT */
/* Listeners that send their clients on to https. */
#include "reactor/redirect.h"

#include "tests/support/test.h"
#include "tests/support/test_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ymo_test_server s;
static struct ymo_http_client c;
static struct ymo_http_reply r;

/* ---- the address ---- */

static void
address(const char *host, const char *target, const char *port, const char *url)
{
    struct ymo_arena arena;
    struct ymo_request req;
    struct ymo_slice got = {"unset", 5};
    ymo_arena_init(&arena, 0);
    ymo_request_init(&req, &arena);
    ymo_test_context("Host: %s, %s, port %s", host, target, port);
    /* Memory of their own, so that a sanitizer sees reads past the end. */
    struct ymo_slice h = ymo_arena_dup(&arena, ymo_slice_str(host));
    struct ymo_slice t = ymo_arena_dup(&arena, ymo_slice_str(target));
    CHECK_INT(ymo_request_add(&req, YMO_VAR_HTTP_HOST, YMO_SLICE(""), h), 0);
    CHECK_INT(ymo_request_add(&req, YMO_VAR_REQUEST_URI, YMO_SLICE(""), t), 0);
    CHECK_INT(ymo_redirect_url(&req, ymo_slice_str(port), &got), YMO_OK);
    CHECK_SLICE(got, url);
    ymo_arena_free(&arena);
    ymo_test_context(NULL);
}

static void
addresses(void)
{
    static const struct {
        const char *host, *target, *port, *url;
    } rows[] = {
        {"a.test", "/", "443", "https://a.test/"},
        {"a.test", "/", "", "https://a.test/"},
        {"a.test", "/x/y?z=1&w", "8443", "https://a.test:8443/x/y?z=1&w"},
        {"a.test:8080", "/", "8443", "https://a.test:8443/"},
        {"a.test:80", "/", "443", "https://a.test/"},
        {"a.test:", "/", "443", "https://a.test/"},
        {"A.Test.", "/", "443", "https://A.Test./"},
        {"a_b.test", "/", "443", "https://a_b.test/"},
        {"127.0.0.1:1", "/", "2", "https://127.0.0.1:2/"},
        {"[::1]", "/", "443", "https://[::1]/"},
        {"[::ffff:1.2.3.4]:8080", "/p", "8443", "https://[::ffff:1.2.3.4]:8443/p"},
        /* As sent: nothing is decoded, nothing taken out. */
        {"a", "/%0d%0aSet-Cookie:%20x", "443", "https://a/%0d%0aSet-Cookie:%20x"},
        {"a", "/a/../b/./c//d", "443", "https://a/a/../b/./c//d"},
        {"a", "/?", "443", "https://a/?"},
        {"a", "//evil.test/x", "443", "https://a//evil.test/x"},
        {"a", "/\\evil.test", "443", "https://a/\\evil.test"},
        {"a", "/@evil.test", "443", "https://a/@evil.test"},
        {"a", "/http://evil.test", "443", "https://a/http://evil.test"},
        /* Absolute form: the codec has put the target's authority into Host. */
        {"b.test:81", "http://b.test:81/p?q", "8443", "https://b.test:8443/p?q"},
        {"b.test", "http://b.test", "443", "https://b.test/"},
        {"b.test", "http://b.test?q", "443", "https://b.test/?q"},
        {"b.test", "HTTPS://b.test/?u=http://x/", "443", "https://b.test/?u=http://x/"},
        {"[::1]", "http://[::1]/p", "443", "https://[::1]/p"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        address(rows[i].host, rows[i].target, rows[i].port, rows[i].url);
}

static void
no_address(void)
{
    static const char *const hosts[] = {
        "",       ":80",     "a b",         "a,b",  "a;b",    "a'b",    "a%41",   "%0d%0a",
        "a\r\nb", "a\tb",    "user@a",      "a/b",  "a\\b",   "a?b",    "a#b",    "a\"b",
        "<a>",    "[",       "[]",          "[::1", "[::1]x", "[::1%1", "[v1.x]", "::1]",
        ".",      ".a.test", "\xc3\xa4.de", "[1]2", "a\x7f",  "a$b",    "a(b)",   "a!b",
    };
    char longest[600];
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        address(hosts[i], "/", "443", "");
    memset(longest, 'a', sizeof(longest));
    longest[256] = '\0';
    address(longest, "/", "443", "");
    address("a", "*", "443", "");
    address("a", "", "443", "");
    address("a", "mailto:x", "443", "");
    address("a", "/x y", "443", "");
    address("a", "/x\r\nSet-Cookie: y", "443", "");
    address("a", "/\x01", "443", "");
    address("a", "/\xc3\xa4", "443", "");
}

static void
longest_name(void)
{
    char host[256], url[300];
    memset(host, 'a', 255);
    host[255] = '\0';
    snprintf(url, sizeof(url), "https://%s/", host);
    address(host, "/", "443", url);
}

static void
out_of_memory(void)
{
    struct ymo_arena arena;
    struct ymo_request req;
    struct ymo_slice url;
    ymo_arena_init(&arena, 64 * 1024);
    ymo_request_init(&req, &arena);
    CHECK_INT(ymo_request_add(&req, YMO_VAR_HTTP_HOST, YMO_SLICE(""), YMO_SLICE("a")), 0);
    CHECK_INT(ymo_request_add(&req, YMO_VAR_REQUEST_URI, YMO_SLICE(""), YMO_SLICE("/")), 0);
    while (ymo_arena_alloc(&arena, 8))
        ;
    CHECK_INT(ymo_redirect_url(&req, YMO_SLICE("443"), &url), YMO_ENOMEM);
    ymo_arena_free(&arena);
}

/* ---- the listener ---- */

static bool
begin(void)
{
    ymo_test_server_init(&s);
    s.redirect = true;
    s.cfg.hsts = "max-age=1";
    return ymo_test_server_begin(&s, &c);
}

static void
expect(int status, const char *location)
{
    char line[200];
    CHECK_INT(r.status, status);
    snprintf(line, sizeof(line), "\r\nLocation: %s\r\n", location);
    CHECK(strstr(r.head, line) != NULL);
    CHECK(strstr(r.head, "Strict-Transport-Security") == NULL);
}

static void
end(void)
{
    CHECK_INT(s.executor.submitted, 0); /* the application never sees any of it */
    ymo_test_server_finish(&s, &c, &r);
}

static void
methods(void)
{
    static const struct {
        const char *head;
        int status;
    } rows[] = {
        {"GET /a?b", 301},     {"HEAD /a?b", 301},   {"POST /a?b", 308},
        {"OPTIONS /a?b", 308}, {"DELETE /a?b", 308},
    };
    char text[200];
    REQUIRE(begin());
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ymo_test_context("%s", rows[i].head);
        bool head = strncmp(rows[i].head, "HEAD", 4) == 0;
        snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: x.test:8\r\n\r\n", rows[i].head);
        CHECK(ymo_http_client_say(&c, text));
        REQUIRE(ymo_http_client_reply(&c, &r, head));
        expect(rows[i].status, "https://x.test/a?b");
        CHECK(!r.close);
        CHECK_SLICE(ymo_buf_slice(&r.body), head ? "" : "This is served over https.\n");
    }
    ymo_test_context(NULL);
    end();
}

static void
pipelined(void)
{
    REQUIRE(begin());
    CHECK(ymo_http_client_say(&c, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                                  "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
                                  "GET /3 HTTP/1.0\r\nHost: x\r\n\r\n"));
    REQUIRE(ymo_http_client_reply(&c, &r, false));
    expect(301, "https://x/1");
    REQUIRE(ymo_http_client_reply(&c, &r, false));
    expect(301, "https://x/2");
    REQUIRE(ymo_http_client_reply(&c, &r, false));
    expect(301, "https://x/3");
    CHECK(r.close);
    CHECK(ymo_http_client_at_end(&c));
    end();
}

static void
body_of_a_post(void)
{
    static char body[200000];
    memset(body, 'x', sizeof(body));
    REQUIRE(begin());
    CHECK(ymo_http_client_say(&c, "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"));
    CHECK(ymo_http_client_send(&c, body, sizeof(body)));
    REQUIRE(ymo_http_client_reply(&c, &r, false));
    expect(308, "https://x/p");
    CHECK(r.close);
    CHECK(ymo_http_client_at_end(&c));
    end();
}

/* Nobody asks for a body that is only thrown away. */
static void
no_continue(void)
{
    REQUIRE(begin());
    CHECK(ymo_http_client_say(&c, "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                                  "Expect: 100-continue\r\n\r\n"));
    REQUIRE(ymo_http_client_reply(&c, &r, false));
    expect(308, "https://x/p");
    CHECK(r.close);
    CHECK(ymo_http_client_at_end(&c));
    end();
}

static void
refused(void)
{
    static const char *const requests[] = {
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "nonsense\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        ymo_test_context("%s", requests[i]);
        REQUIRE(begin());
        CHECK(ymo_http_client_say(&c, requests[i]));
        REQUIRE(ymo_http_client_reply(&c, &r, false));
        CHECK_INT(r.status, 400);
        CHECK(strstr(r.head, "Location:") == NULL);
        CHECK(strstr(r.head, "Strict-Transport-Security") == NULL);
        CHECK(r.close);
        end();
    }
    ymo_test_context(NULL);
}

/* A stop in between loses no answer. */
static void
answered_while_stopping(void)
{
    REQUIRE(begin());
    CHECK(ymo_http_client_say(&c, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"));
    REQUIRE(ymo_http_client_reply(&c, &r, false));
    CHECK(ymo_http_client_say(&c, "GET /2 HTTP/1.1\r\nHo"));
    ymo_reactor_stop(s.reactor);
    CHECK(ymo_http_client_say(&c, "st: x\r\n\r\n"));
    REQUIRE(ymo_http_client_reply(&c, &r, false));
    expect(301, "https://x/2");
    end();
}

YMO_SUITE(redirect, addresses, no_address, longest_name, out_of_memory, methods, pipelined,
          body_of_a_post, no_continue, refused, answered_while_stopping);
