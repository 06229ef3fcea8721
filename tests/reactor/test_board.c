/* SPDX-License-Identifier: MIT */
#include "reactor/board.h"
#include "reactor/link.h"
#include "tests/support/death.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ymo_board *b;

static void
seats_are_taken_and_left(void)
{
    REQUIRE(ymo_board_create(3, false, &b) == YMO_OK);
    CHECK_INT(b->n, 3);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(atomic_load(&b->seats[i].state), YMO_SEAT_FREE);
        CHECK_INT(b->inbox[i][0], -1);
        CHECK_INT(b->inbox[i][1], -1);
        CHECK_INT(ymo_board_take(b), i);
        CHECK_INT(atomic_load(&b->seats[i].state), YMO_SEAT_STARTING);
    }
    CHECK_INT(ymo_board_take(b), -1);
    atomic_store(&b->seats[1].state, YMO_SEAT_SERVING);
    atomic_store(&b->seats[1].beat, 5);
    atomic_store(&b->seats[1].in_flight, 6);
    atomic_store(&b->seats[1].capacity, 7);
    atomic_store(&b->seats[1].n_conns, 8);
    ymo_board_leave(b, 1);
    CHECK_INT(ymo_board_take(b), 1); /* as if nobody had ever sat there */
    CHECK_INT(atomic_load(&b->seats[1].state), YMO_SEAT_STARTING);
    CHECK_INT(atomic_load(&b->seats[1].beat), 0);
    CHECK_INT(atomic_load(&b->seats[1].in_flight), 0);
    CHECK_INT(atomic_load(&b->seats[1].capacity), 0);
    CHECK_INT(atomic_load(&b->seats[1].n_conns), 0);
    CHECK_INT(ymo_board_take(b), -1);
    ymo_board_free(b);
    ymo_board_free(NULL);
}

static void
sit(void *arg)
{
    (void)arg;
    atomic_store(&b->seats[1].in_flight, 42);
}

static void
children_share_the_seats(void)
{
    REQUIRE(ymo_board_create(2, false, &b) == YMO_OK);
    CHECK_INT(ymo_death_status(sit, NULL), 0);
    CHECK_INT(atomic_load(&b->seats[1].in_flight), 42);
    CHECK_INT(atomic_load(&b->seats[0].in_flight), 0);
    ymo_board_free(b);
}

static void
inboxes(void)
{
    struct ymo_link_msg m;
    int fds[2][2];
    REQUIRE(ymo_board_create(2, true, &b) == YMO_OK);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(ymo_link_send(b->inbox[i][1], YMO_LINK_READY, i, -1), YMO_OK);
        for (int end = 0; end < 2; end++)
            fds[i][end] = b->inbox[i][end];
    }
    for (int i = 0; i < 2; i++) {
        CHECK_INT(ymo_link_recv(b->inbox[i][0], &m, NULL), YMO_OK);
        CHECK_INT(m.arg, i);
    }
    ymo_board_free(b);
    for (int i = 0; i < 4; i++)
        CHECK(fcntl(fds[i / 2][i % 2], F_GETFD) < 0);
}

YMO_SUITE(board, seats_are_taken_and_left, children_share_the_seats, inboxes);
