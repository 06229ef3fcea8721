/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tickets.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <time.h>

#define LIFETIME 3600.0

/* A time in the period that is `n` after the present one. */
static double
later(const struct ymo_tickets *t, uint64_t n)
{
    return ((double)(t->now.period + n) + 0.5) * t->lifetime;
}

static bool
same(const struct ymo_ticket_key *a, const struct ymo_ticket_key *b)
{
    return a->period == b->period && memcmp(a->key, b->key, sizeof(a->key)) == 0 &&
           memcmp(a->name, b->name, sizeof(a->name)) == 0;
}

static void
keys_follow(void)
{
    struct ymo_tickets t;
    bool renew = true;
    REQUIRE(ymo_tickets_init(&t, LIFETIME, NULL) == YMO_OK);
    double now = later(&t, 0), then = later(&t, 1), last = later(&t, 2);
    struct ymo_ticket_key first = *ymo_tickets_current(&t, now);
    const struct ymo_ticket_key *k = ymo_tickets_find(&t, now, first.name, &renew);
    CHECK(k && same(k, &first) && !renew);

    struct ymo_ticket_key second = *ymo_tickets_current(&t, then);
    CHECK_INT(second.period, first.period + 1);
    CHECK(memcmp(first.key, second.key, sizeof(first.key)) != 0);
    CHECK(memcmp(first.name, second.name, sizeof(first.name)) != 0);
    k = ymo_tickets_find(&t, then, first.name, &renew);
    CHECK(k && same(k, &first) && renew);
    k = ymo_tickets_find(&t, now, second.name, &renew); /* a clock that was set back */
    CHECK(k && same(k, &second) && !renew);

    CHECK(ymo_tickets_find(&t, last, first.name, &renew) == NULL);
    CHECK(ymo_tickets_find(&t, last, second.name, &renew) != NULL);
    unsigned char nobody[YMO_TICKETS_NAME] = {0};
    CHECK(ymo_tickets_find(&t, last, nobody, &renew) == NULL);
    ymo_tickets_wipe(&t);
}

static void
fresh_key_has_no_predecessor(void)
{
    struct ymo_tickets a, b;
    bool renew;
    REQUIRE(ymo_tickets_init(&a, LIFETIME, NULL) == YMO_OK);
    REQUIRE(ymo_tickets_init(&b, LIFETIME, NULL) == YMO_OK);
    CHECK(memcmp(a.now.key, b.now.key, sizeof(a.now.key)) != 0);
    CHECK(ymo_tickets_find(&a, later(&a, 0), b.now.name, &renew) == NULL);
}

/* Whoever goes on from a state comes to the same keys, whenever they look. */
static void
workers_agree(void)
{
    struct ymo_tickets a, b, c;
    char state[256], again[256];
    REQUIRE(ymo_tickets_init(&a, LIFETIME, NULL) == YMO_OK);
    double at = later(&a, 5);
    ymo_tickets_save(&a, state, sizeof(state));
    REQUIRE(ymo_tickets_init(&b, LIFETIME, state) == YMO_OK);
    ymo_tickets_save(&b, again, sizeof(again));
    CHECK_STR(again, state);
    for (uint64_t n = 1; n < 5; n++)
        (void)ymo_tickets_current(&a, later(&b, n));
    CHECK(same(ymo_tickets_current(&a, at), ymo_tickets_current(&b, at)));
    CHECK(same(&a.before, &b.before));
    ymo_tickets_save(&a, state, sizeof(state));
    REQUIRE(ymo_tickets_init(&c, LIFETIME, state) == YMO_OK);
    CHECK(same(&c.now, &a.now) && same(&c.before, &a.before));
    /* After a sleep of years, too. */
    CHECK(same(ymo_tickets_current(&a, at * 10), ymo_tickets_current(&c, at * 10)));
}

static void
bad_state(void)
{
    struct ymo_tickets a, b;
    char state[256], bad[300];
    REQUIRE(ymo_tickets_init(&a, LIFETIME, NULL) == YMO_OK);
    ymo_tickets_save(&a, state, sizeof(state));
    for (size_t len = 0; len < strlen(state); len++) {
        snprintf(bad, sizeof(bad), "%.*s", (int)len, state);
        REQUIRE(ymo_tickets_init(&b, LIFETIME, bad) == YMO_OK);
        ymo_test_context("cut at %zu", len);
        CHECK(memcmp(b.now.key, a.now.key, sizeof(a.now.key)) != 0);
    }
    ymo_test_context(NULL);
    snprintf(bad, sizeof(bad), "%sx", state);
    REQUIRE(ymo_tickets_init(&b, LIFETIME, bad) == YMO_OK);
    CHECK(memcmp(b.now.key, a.now.key, sizeof(a.now.key)) != 0);
    REQUIRE(ymo_tickets_init(&b, 2 * LIFETIME, state) == YMO_OK);
    CHECK(memcmp(b.now.key, a.now.key, sizeof(a.now.key)) != 0);
    REQUIRE(ymo_tickets_init(&b, LIFETIME, state) == YMO_OK);
    CHECK(memcmp(b.now.key, a.now.key, sizeof(a.now.key)) == 0);
}

YMO_SUITE(tickets, keys_follow, fresh_key_has_no_predecessor, workers_agree, bad_state);
