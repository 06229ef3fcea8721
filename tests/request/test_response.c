/* SPDX-License-Identifier: MIT */
#include "request/response.h"
#include "tests/support/test.h"

#include <stdio.h>

static void
starts_empty(void)
{
    struct ymo_response r;
    ymo_response_init(&r);
    CHECK_INT(r.content_length, -1);
    CHECK_INT(r.n_headers, 0);
    CHECK(!r.no_body && !r.has_date && !r.has_server);
}

static void
headers_keep_their_order(void)
{
    static char names[500][16];
    struct ymo_arena a;
    struct ymo_response r;
    ymo_arena_init(&a, 0);
    ymo_response_init(&r);
    for (int i = 0; i < 500; i++) {
        snprintf(names[i], sizeof(names[i]), "X-%d", i);
        REQUIRE(ymo_response_add(&r, &a, ymo_slice_str(names[i]), YMO_SLICE("v")) == YMO_OK);
    }
    REQUIRE(r.n_headers == 500);
    for (int i = 0; i < 500; i++) {
        CHECK_SLICE(r.headers[i].name, names[i]);
        CHECK_SLICE(r.headers[i].value, "v");
    }
    CHECK(a.used < 64 * 1024); /* doubling, not a copy an addition */
    ymo_arena_free(&a);
}

static void
no_memory(void)
{
    struct ymo_arena a;
    struct ymo_response r;
    uint32_t n = 0;
    ymo_arena_init(&a, 2000);
    ymo_response_init(&r);
    while (n < 1000 && ymo_response_add(&r, &a, YMO_SLICE("A"), YMO_SLICE("b")) == YMO_OK)
        n++;
    CHECK(n >= 16 && n < 1000);
    CHECK_INT(r.n_headers, n); /* what was there still is */
    CHECK_SLICE(r.headers[n - 1].name, "A");
    ymo_arena_free(&a);
}

YMO_SUITE(response, starts_empty, headers_keep_their_order, no_memory);
