/* SPDX-License-Identifier: MIT */
#include "reactor/webaddrs.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static bool
has(const struct ymo_webaddrs *list, const char *peer)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    if (inet_pton(AF_INET, peer, &v4.sin_addr) == 1)
        return ymo_webaddrs_has(list, (struct sockaddr *)&v4);
    CHECK_INT(inet_pton(AF_INET6, peer, &v6.sin6_addr), 1);
    return ymo_webaddrs_has(list, (struct sockaddr *)&v6);
}

static void
who_is_named(void)
{
    struct ymo_webaddrs *list;
    const struct sockaddr_un un = {.sun_family = AF_UNIX};
    REQUIRE(ymo_webaddrs_parse("127.0.0.1, 2001:DB8::1 ,192.0.2.255", &list) == YMO_OK);
    CHECK(has(list, "127.0.0.1") && has(list, "::ffff:127.0.0.1"));
    CHECK(has(list, "2001:db8:0::1") && has(list, "192.0.2.255"));
    CHECK(!has(list, "127.0.0.2") && !has(list, "::1") && !has(list, "2001:db8::2"));
    CHECK(!has(list, "::127.0.0.1") && !has(list, "0.0.0.0") && !has(list, "::"));
    CHECK(ymo_webaddrs_has(list, (const struct sockaddr *)&un));
    ymo_webaddrs_free(list);
    REQUIRE(ymo_webaddrs_parse("::ffff:192.0.2.1", &list) == YMO_OK);
    CHECK(has(list, "192.0.2.1") && !has(list, "192.0.2.2"));
    ymo_webaddrs_free(list);
}

static void
malformed(void)
{
    static const char *const texts[] = {
        "",
        " ",
        ",",
        "127.0.0.1,",
        ",127.0.0.1",
        "127.0.0.1,,::1",
        "localhost",
        "127.0.0.1:80",
        "[::1]",
        "127.0.0",
        "127.0.0.256",
        "::1%lo",
        "127.0.0.1 127.0.0.2",
        "127.0.0.1;127.0.0.2",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ymo_webaddrs *list;
        ymo_test_context("'%s'", texts[i]);
        CHECK_INT(ymo_webaddrs_parse(texts[i], &list), YMO_EINVAL);
        CHECK(list == NULL);
    }
}

YMO_SUITE(webaddrs, who_is_named, malformed);
