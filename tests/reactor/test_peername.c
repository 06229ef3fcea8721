/* SPDX-License-Identifier: MIT */
#include "reactor/conn.h"
#include "reactor/loop.h"
#include "reactor/peername.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* How the peer at this address and port is shown. */
static void
shown(const char *peer, unsigned port, const char *addr, const char *number)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct ymo_listener l = {.name = "localhost", .port = "80"};
    const struct sockaddr *sa = (const struct sockaddr *)&v4;
    struct ymo_conn *c = calloc(1, sizeof(*c));
    char alone[INET6_ADDRSTRLEN];
    REQUIRE(c != NULL);
    if (inet_pton(AF_INET, peer, &v4.sin_addr) != 1) {
        CHECK_INT(inet_pton(AF_INET6, peer, &v6.sin6_addr), 1);
        sa = (const struct sockaddr *)&v6;
    }
    ymo_peername_set(c, &l, sa);
    CHECK_STR(c->remote_addr, addr);
    CHECK_STR(c->remote_port, number);
    ymo_peername_format(sa, alone);
    CHECK_STR(alone, addr);
    free(c);
}

static void
addresses(void)
{
    shown("127.0.0.1", 8081, "127.0.0.1", "8081");
    shown("0.0.0.0", 0, "0.0.0.0", "0");
    shown("255.255.255.255", 65535, "255.255.255.255", "65535");
    shown("10.9.100.99", 9, "10.9.100.99", "9");
    shown("::1", 10, "::1", "10");
    shown("2001:db8::ff", 443, "2001:db8::ff", "443");
    shown("::ffff:192.0.2.7", 99, "192.0.2.7", "99");
}

YMO_SUITE(peername, addresses);
