/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlsnames.h"

#include "tests/support/test.h"

static void
check(const struct ymo_tlsnames *names, const char *host, enum ymo_tlsnames_match expected)
{
    ymo_test_context("%s", host);
    CHECK_INT(ymo_tlsnames_match(names, ymo_slice_str(host)), expected);
    ymo_test_context(NULL);
}

static void
add(struct ymo_tlsnames *names, const char *name)
{
    CHECK_INT(ymo_tlsnames_add(names, ymo_slice_str(name)), YMO_OK);
}

static void
matches(void)
{
    struct ymo_tlsnames names = {0};
    add(&names, "Example.ORG");
    add(&names, "*.example.net");
    add(&names, "www.example.net");
    CHECK_INT(names.n, 3);
    CHECK_STR(names.items[0], "example.org");
    check(&names, "example.org", YMO_TLSNAMES_EXACT);
    check(&names, "EXAMPLE.org", YMO_TLSNAMES_EXACT);
    check(&names, "example.org.", YMO_TLSNAMES_EXACT);
    check(&names, "www.example.org", YMO_TLSNAMES_NO);
    check(&names, "xexample.org", YMO_TLSNAMES_NO);
    check(&names, "example.or", YMO_TLSNAMES_NO);
    check(&names, "a.example.net", YMO_TLSNAMES_WILDCARD);
    check(&names, "A.Example.Net.", YMO_TLSNAMES_WILDCARD);
    check(&names, "www.example.net", YMO_TLSNAMES_EXACT);
    check(&names, "a.b.example.net", YMO_TLSNAMES_NO);
    check(&names, "example.net", YMO_TLSNAMES_NO);
    check(&names, ".example.net", YMO_TLSNAMES_NO);
    check(&names, "*.example.net", YMO_TLSNAMES_WILDCARD);
    check(&names, "", YMO_TLSNAMES_NO);
    check(&names, ".", YMO_TLSNAMES_NO);
    ymo_tlsnames_free(&names);
    CHECK(names.n == 0 && names.items == NULL);
}

static void
no_names(void)
{
    static const char *const bad[] = {"",       ".",    "a..b",  "*",    "*.",          "a.*.b",
                                      "w*.b.c", "*a.b", "a b.c", "a.b.", "\xc3\xbc.de", "a/b",
                                      "**.b.c"};
    struct ymo_tlsnames names = {0};
    char label[80], host[300] = "";
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ymo_test_context("%s", bad[i]);
        add(&names, bad[i]);
        CHECK_INT(names.n, 0);
    }
    ymo_test_context(NULL);
    CHECK_INT(ymo_tlsnames_add(&names, ymo_slice_of("good.org\0.evil.org", 18)), YMO_OK);
    memset(label, 'a', 64);
    label[64] = '\0';
    add(&names, label);
    CHECK_INT(names.n, 0);
    label[63] = '\0';
    add(&names, label);
    CHECK_INT(names.n, 1);
    while (strlen(host) < 254)
        strcat(host, "ab");
    for (size_t i = 50; i < 254; i += 50)
        host[i] = '.';
    add(&names, host);
    CHECK_INT(names.n, 1);
    host[253] = '\0';
    add(&names, host);
    CHECK_INT(names.n, 2);
    ymo_tlsnames_free(&names);
}

YMO_SUITE(tlsnames, matches, no_names);
