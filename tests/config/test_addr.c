/* SPDX-License-Identifier: MIT */
#include "config/addr.h"
#include "config/settings.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

static void
addresses_parse_and_format(void)
{
    static const struct {
        const char *text, *format;
        enum ymo_addr_kind kind;
    } cases[] = {
        {"127.0.0.1:8081", "http://127.0.0.1:8081", YMO_ADDR_TCP},
        {"https://example.org:443", "https://example.org:443", YMO_ADDR_TCP},
        {"FastCGI://:9000", "fastcgi://:9000", YMO_ADDR_TCP},
        {"my_host-1:0", "http://my_host-1:0", YMO_ADDR_TCP},
        {"[::1]:65535", "http://[::1]:65535", YMO_ADDR_TCP},
        {"uwsgi://[fe80::1%eth0]:1", "uwsgi://[fe80::1%eth0]:1", YMO_ADDR_TCP},
        {"unix:/run/x.sock", "http://unix:/run/x.sock", YMO_ADDR_UNIX},
        {"uwsgi://unix:@name", "uwsgi://unix:@name", YMO_ADDR_UNIX},
        {"fd:3", "http://fd:3", YMO_ADDR_FD},
        {"fastcgi://fd:0", "fastcgi://fd:0", YMO_ADDR_FD},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ymo_addr a;
        char why[200] = "", text[400];
        ymo_test_context("%s", cases[i].text);
        int err = ymo_addr_parse(cases[i].text, YMO_PROTO_HTTP, &a, why, sizeof(why));
        CHECK_STR(why, "");
        CHECK_INT(err, 0);
        if (err)
            continue;
        ymo_addr_format(&a, text, sizeof(text));
        CHECK_STR(text, cases[i].format);
        CHECK_INT(a.kind, cases[i].kind);
    }
    ymo_test_context(NULL);
}

#define LIKE "; give something like 127.0.0.1:8081"

static void
wrong_addresses(void)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "no address; give HOST:PORT, unix:/path or fd:N"},
        {"http://", "no address; give HOST:PORT, unix:/path or fd:N"},
        {"ftp://x:1", "the protocol is not one of http, https, fastcgi, uwsgi, suwsgi"},
        {"://x:1", "the protocol is not one of http, https, fastcgi, uwsgi, suwsgi"},
        {"localhost", "the port is missing" LIKE},
        {"8081", "a port alone; put ':' before it for all addresses, or a host and ':'"},
        {"localhost:", "the port is not a whole number from 0 to 65535"},
        {"localhost:65536", "the port is not a whole number from 0 to 65535"},
        {"localhost:-1", "the port is not a whole number from 0 to 65535"},
        {"localhost:080", "the port is not a whole number from 0 to 65535"},
        {"localhost:80/", "nothing may follow the port; for a URL prefix there is script_name"},
        {"a b:80", "not a host name or address" LIKE ", [::1]:8081 or unix:/path"},
        {"*:80", "not a host name or address" LIKE ", [::1]:8081 or unix:/path"},
        {"1.2.3:80", "not an IPv4 address" LIKE},
        {"1.2.3.256:80", "not an IPv4 address" LIKE},
        {"::1:80", "an IPv6 address is written in brackets, as in [::1]:8081"},
        {"[::1]", "the port is missing" LIKE},
        {"[::1", "']' is missing after the IPv6 address"},
        {"[::1]80", "after ']' comes ':' and the port"},
        {"[::g]:80", "not an IPv6 address; give something like [::1]:8081"},
        {"[]:80", "not an IPv6 address; give something like [::1]:8081"},
        {"[1.2.3.4]:80", "not an IPv6 address; give something like [::1]:8081"},
        {"/run/x.sock", "for a unix socket write unix: before the path"},
        {"@x", "for a unix socket write unix: before the path"},
        {"unix:", "the socket's path must be absolute (unix:/path), or a name in the abstract "
                  "namespace (unix:@name)"},
        {"unix:x.sock", "the socket's path must be absolute (unix:/path), or a name in the "
                        "abstract namespace (unix:@name)"},
        {"unix:@", "the socket's name is missing"},
        {"unix:/", "the socket's name is missing"},
        {"unix:/run/", "a directory, not a socket's path"},
        {"fd:", "fd: needs the number of an inherited descriptor"},
        {"fd:-1", "fd: needs the number of an inherited descriptor"},
        {"fd:99999999", "fd: needs the number of an inherited descriptor"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ymo_addr a = {.port = 7};
        char why[200] = "";
        ymo_test_context("%s", cases[i].text);
        CHECK_INT(ymo_addr_parse(cases[i].text, YMO_PROTO_HTTP, &a, why, sizeof(why)), YMO_EINVAL);
        CHECK_STR(why, cases[i].why);
        CHECK_INT(a.port, 7);
    }
    ymo_test_context(NULL);
}

/* The longest that fits, and one more. */
static void
lengths_are_bounded(void)
{
    char text[400], why[200];
    struct ymo_addr a;
    memset(text, 'h', sizeof(text));
    memcpy(text + 255, ":80", 4);
    CHECK_INT(ymo_addr_parse(text, YMO_PROTO_HTTP, &a, why, sizeof(why)), 0);
    CHECK_INT(strlen(a.host), 255);
    memcpy(text + 255, "h:80", 5);
    CHECK_INT(ymo_addr_parse(text, YMO_PROTO_HTTP, &a, why, sizeof(why)), YMO_EINVAL);
    CHECK_STR(why, "the host is longer than 255 bytes");
    memset(text, 'p', sizeof(text));
    memcpy(text, "unix:/", 6);
    text[5 + 107] = '\0';
    CHECK_INT(ymo_addr_parse(text, YMO_PROTO_HTTP, &a, why, sizeof(why)), 0);
    CHECK_INT(strlen(a.path), 107);
    memcpy(text + 5 + 107, "p", 2);
    CHECK_INT(ymo_addr_parse(text, YMO_PROTO_HTTP, &a, why, sizeof(why)), YMO_EINVAL);
    CHECK_STR(why, "the path of a unix socket has at most 107 bytes");
}

static void
settings_give_addresses(void)
{
    char host[] = "[::1]", one[] = "uwsgi://:1", two[] = "unix:/x", *items[] = {one, two};
    struct ymo_settings s = {.host = host, .port = 9, .protocol = YMO_PROTO_FASTCGI};
    struct ymo_addr *addrs;
    size_t n;
    char text[400];
    REQUIRE(ymo_settings_addresses(&s, &addrs, &n) == 0);
    CHECK_INT(n, 1);
    CHECK_STR(addrs[0].host, "::1");
    ymo_addr_format(&addrs[0], text, sizeof(text));
    CHECK_STR(text, "fastcgi://[::1]:9");
    free(addrs);
    s.bind = (struct ymo_strings){items, 2};
    REQUIRE(ymo_settings_addresses(&s, &addrs, &n) == 0);
    CHECK_INT(n, 2);
    ymo_addr_format(&addrs[0], text, sizeof(text));
    CHECK_STR(text, "uwsgi://:1");
    ymo_addr_format(&addrs[1], text, sizeof(text));
    CHECK_STR(text, "fastcgi://unix:/x");
    free(addrs);
    one[0] = '?';
    CHECK_INT(ymo_settings_addresses(&s, &addrs, &n), YMO_EINVAL);
}

YMO_SUITE(config_addr, addresses_parse_and_format, wrong_addresses, lengths_are_bounded,
          settings_give_addresses);
