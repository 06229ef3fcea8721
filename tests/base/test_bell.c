/* SPDX-License-Identifier: MIT */
#include "base/bell.h"
#include "tests/support/test.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

static struct ymo_parker *parked;

static int
note(struct ymo_parker *p)
{
    parked = p;
    return YMO_EINTR;
}

static bool
readable(const struct ymo_bell *b)
{
    struct pollfd p = {.fd = b->fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void
hang(struct ymo_bell *b, struct ymo_parker *p, int n)
{
    for (int i = 0; i < n; i++) {
        ymo_parker_init(&p[i]);
        ymo_bell_hang(b, &p[i]);
    }
}

static void
several_ring_as_one(void)
{
    struct ymo_bell b;
    struct ymo_parker p[3];
    REQUIRE(ymo_bell_init(&b, note) == YMO_OK);
    hang(&b, p, 3);
    CHECK(!readable(&b));
    CHECK(ymo_bell_take(&b) == NULL);
    ymo_parker_unpark(&p[2]);
    ymo_parker_unpark(&p[0]);
    ymo_parker_unpark(&p[2]); /* is in the list already */
    CHECK(readable(&b));
    struct ymo_parker *first = ymo_bell_take(&b);
    CHECK(!readable(&b));
    REQUIRE(first == &p[0]);
    struct ymo_parker *second = ymo_bell_next(first);
    REQUIRE(second == &p[2]);
    CHECK(ymo_bell_next(second) == NULL);
    CHECK(ymo_bell_take(&b) == NULL);
    for (int i = 0; i < 3; i++)
        ymo_parker_destroy(&p[i]);
    ymo_bell_destroy(&b);
}

/* From take to next it belongs to the taker's list; after next it rings anew. */
static void
rings_again_once_it_was_taken(void)
{
    struct ymo_bell b;
    struct ymo_parker p[2];
    REQUIRE(ymo_bell_init(&b, note) == YMO_OK);
    hang(&b, p, 2);
    ymo_parker_unpark(&p[0]);
    struct ymo_parker *list = ymo_bell_take(&b);
    ymo_parker_unpark(&p[0]);
    CHECK(!readable(&b));
    CHECK(ymo_bell_next(list) == NULL);
    ymo_parker_unpark(&p[0]);
    CHECK(readable(&b));
    ymo_parker_unpark(&p[1]);
    list = ymo_bell_take(&b);
    REQUIRE(list == &p[1]);
    list = ymo_bell_next(list);
    REQUIRE(list == &p[0]);
    CHECK(ymo_bell_next(list) == NULL);
    ymo_parker_destroy(&p[0]);
    ymo_parker_destroy(&p[1]);
    ymo_bell_destroy(&b);
}

static void
parks_as_the_owner_says(void)
{
    struct ymo_bell b;
    struct ymo_parker p;
    REQUIRE(ymo_bell_init(&b, note) == YMO_OK);
    hang(&b, &p, 1);
    parked = NULL;
    CHECK_INT(ymo_parker_park(&p), YMO_EINTR);
    CHECK(parked == &p);
    ymo_parker_destroy(&p);
    ymo_bell_destroy(&b);
}

/* A parker that was used before it was hung up has no token left that would keep it silent. */
static void
hangs_without_a_token(void)
{
    struct ymo_bell b;
    struct ymo_parker p;
    REQUIRE(ymo_bell_init(&b, note) == YMO_OK);
    ymo_parker_init(&p);
    ymo_parker_unpark(&p);
    ymo_bell_hang(&b, &p);
    CHECK(!readable(&b));
    ymo_parker_unpark(&p);
    CHECK(readable(&b));
    CHECK(ymo_bell_take(&b) == &p);
    ymo_parker_destroy(&p);
    ymo_bell_destroy(&b);
}

enum { RINGERS = 4, ROUNDS = 20000 };

static struct ringer {
    struct ymo_parker parker;
    atomic_int asked, seen;
    pthread_t thread;
} ringers[RINGERS];

/* The next one only when the last has been seen: a lost one would stop this for ever. */
static void *
ring(void *arg)
{
    struct ringer *r = arg;
    for (int i = 1; i <= ROUNDS; i++) {
        atomic_store(&r->asked, i);
        ymo_parker_unpark(&r->parker);
        while (i % 8 == 0 && atomic_load(&r->seen) < i)
            ;
    }
    return NULL;
}

static void
many_threads(void)
{
    struct ymo_bell b;
    int left = RINGERS;
    REQUIRE(ymo_bell_init(&b, note) == YMO_OK);
    for (int i = 0; i < RINGERS; i++) {
        hang(&b, &ringers[i].parker, 1);
        REQUIRE(pthread_create(&ringers[i].thread, NULL, ring, &ringers[i]) == 0);
    }
    while (left > 0) {
        struct pollfd fd = {.fd = b.fd, .events = POLLIN};
        CHECK_INT(poll(&fd, 1, -1), 1);
        for (struct ymo_parker *p = ymo_bell_take(&b), *next; p; p = next) {
            next = ymo_bell_next(p);
            struct ringer *r = (struct ringer *)(void *)p;
            int asked = atomic_load(&r->asked);
            if (asked == ROUNDS && atomic_load(&r->seen) < ROUNDS)
                left--;
            atomic_store(&r->seen, asked);
        }
    }
    for (int i = 0; i < RINGERS; i++) {
        pthread_join(ringers[i].thread, NULL);
        ymo_parker_destroy(&ringers[i].parker);
    }
    ymo_bell_destroy(&b);
}

YMO_SUITE(bell, several_ring_as_one, rings_again_once_it_was_taken, parks_as_the_owner_says,
          hangs_without_a_token, many_threads);
