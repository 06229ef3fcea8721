/* SPDX-License-Identifier: MIT */
#include "reactor/siblings.h"

#include "tests/support/test.h"

static struct ymo_load
load(unsigned in_flight, unsigned capacity, unsigned n_conns)
{
    return (struct ymo_load){in_flight, capacity, n_conns};
}

static bool
sooner(unsigned mine, unsigned other, unsigned capacity)
{
    return ymo_siblings_sooner(load(mine, capacity, 0), load(other, capacity, 0));
}

static void
who_answers_sooner(void)
{
    CHECK(!sooner(0, 0, 1));
    CHECK(sooner(1, 0, 1));
    CHECK(!sooner(1, 1, 1));
    CHECK(!sooner(5, 1, 1)); /* it is full as well: requests are moved when it has room */
    CHECK(sooner(1, 0, 4));
    CHECK(!sooner(2, 1, 4));
    CHECK(sooner(4, 3, 4));
    CHECK(!sooner(4, 4, 4));
    CHECK(!sooner(0, 1, 4));
    CHECK(!ymo_siblings_sooner(load(1, 1, 0), load(0, 0, 0))); /* it has not said what it can do */
}

static void
seat(struct ymo_board *b, int i, enum ymo_seat_state state, struct ymo_load l)
{
    atomic_store(&b->seats[i].in_flight, l.in_flight);
    atomic_store(&b->seats[i].capacity, l.capacity);
    atomic_store(&b->seats[i].n_conns, l.n_conns);
    atomic_store(&b->seats[i].state, state);
}

static void
who_should_yield(void)
{
    static const enum ymo_seat_state away[] = {YMO_SEAT_FREE, YMO_SEAT_STARTING, YMO_SEAT_LEAVING};
    struct ymo_board *b;
    REQUIRE(ymo_board_create(3, false, &b) == YMO_OK);
    seat(b, 0, YMO_SEAT_SERVING, load(0, 1, 0)); /* what one's own seat says does not matter */
    for (size_t i = 0; i < 3; i++) {
        seat(b, 1, away[i], load(0, 1, 0));
        seat(b, 2, away[i], load(0, 1, 0));
        CHECK(!ymo_siblings_should_yield(b, 0, load(1, 1, 100)));
    }
    seat(b, 2, YMO_SEAT_SERVING, load(0, 1, 0));
    CHECK(ymo_siblings_should_yield(b, 0, load(1, 1, 1)));
    CHECK(!ymo_siblings_should_yield(b, 0, load(0, 1, 1)));
    CHECK(!ymo_siblings_should_yield(b, 0, load(0, 1, 4)));
    CHECK(ymo_siblings_should_yield(b, 0, load(0, 1, 5))); /* many more connections */
    seat(b, 2, YMO_SEAT_SERVING, load(1, 1, 0));
    CHECK(!ymo_siblings_should_yield(b, 0, load(0, 1, 1000))); /* but that one is busy */
    seat(b, 2, YMO_SEAT_SERVING, load(0, 1, 100));
    CHECK(!ymo_siblings_should_yield(b, 0, load(0, 1, 129)));
    CHECK(ymo_siblings_should_yield(b, 0, load(0, 1, 130)));
    ymo_board_free(b);
}

YMO_SUITE(siblings, who_answers_sooner, who_should_yield);
