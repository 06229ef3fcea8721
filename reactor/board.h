/* SPDX-License-Identifier: MIT */
/*
 * What the processes of one generation show each other: a seat each in shared memory, and an inbox
 * each (a unix socket pair whose both ends every process of the generation holds). Made by the
 * supervisor before the first fork; a process that dies leaves its seat as it was, its inbox's
 * messages go to whoever gets the seat next.
 */
#ifndef YMO_REACTOR_BOARD_H
#define YMO_REACTOR_BOARD_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ymo_seat_state {
    YMO_SEAT_FREE = 0,
    YMO_SEAT_STARTING, /* forked, not serving yet */
    YMO_SEAT_SERVING,
    YMO_SEAT_LEAVING, /* drains: no longer accepts */
};

/* Written by the process that sits there (state FREE and STARTING: by the supervisor), read by all.
 * One cache line, so that a worker that writes its own does not slow the others. */
struct ymo_seat {
    _Alignas(64) atomic_uint state; /* enum ymo_seat_state */
    atomic_uint beat;               /* counts while the loop turns: see watchdog_timeout */
    atomic_uint in_flight;          /* requests handed to the executor and not ended */
    atomic_uint capacity;           /* how many it runs at once */
    atomic_uint n_conns;            /* open connections */
};

struct ymo_board {
    int n; /* seats */
    struct ymo_seat *seats;
    /*
     * inbox[i][0] is read by the process of seat i, inbox[i][1] written by its siblings; -1 when
     * this board has no inboxes.
     */
    int (*inbox)[2];
};

/*
 * `inboxes`: with an inbox for each seat (two descriptors a seat; non-blocking, close-on-exec,
 * SOCK_SEQPACKET). 0; YMO_ENOMEM; YMO_EIO with errno set: descriptors ran out.
 */
int ymo_board_create(int n, bool inboxes, struct ymo_board **b_r) YMO_MUST_CHECK;

/* Unmap and close. Also in a process that inherited a board it does not use. */
void ymo_board_free(struct ymo_board *b);

/* Take a free seat: its number, now STARTING and empty; or -1. Supervisor only. */
int ymo_board_take(struct ymo_board *b);

/* How many ymo_board_take can give. Supervisor only. */
int ymo_board_n_free(const struct ymo_board *b);

/* The process of this seat has ended. Supervisor only. */
void ymo_board_leave(struct ymo_board *b, int seat);

/* A supervised process's place in its generation. */
struct ymo_place {
    struct ymo_board *board;
    int seat;
    int link; /* to the supervisor */
};

#endif
