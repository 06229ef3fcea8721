/* SPDX-License-Identifier: MIT */
#include "reactor/board.h"

#include "reactor/link.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(sizeof(struct ymo_seat) == 64, "a seat is one cache line");

int
ymo_board_create(int n, bool inboxes, struct ymo_board **b_r)
{
    struct ymo_board *b = calloc(1, sizeof(*b));
    if (!b)
        return YMO_ENOMEM;
    b->n = n;
    b->inbox = calloc((size_t)n, sizeof(*b->inbox));
    b->seats = mmap(NULL, (size_t)n * sizeof(*b->seats), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!b->inbox || b->seats == MAP_FAILED) {
        if (b->seats != MAP_FAILED)
            (void)munmap(b->seats, (size_t)n * sizeof(*b->seats));
        free(b->inbox);
        free(b);
        return YMO_ENOMEM;
    }
    for (int i = 0; i < n; i++)
        b->inbox[i][0] = b->inbox[i][1] = -1;
    for (int i = 0; i < n && inboxes; i++) {
        if (ymo_link_pair(b->inbox[i]) < 0) {
            ymo_board_free(b);
            return YMO_EIO;
        }
    }
    *b_r = b;
    return YMO_OK;
}

void
ymo_board_free(struct ymo_board *b)
{
    if (!b)
        return;
    for (int i = 0; i < b->n; i++) {
        for (int end = 0; end < 2; end++) {
            if (b->inbox[i][end] >= 0)
                close(b->inbox[i][end]);
        }
    }
    (void)munmap(b->seats, (size_t)b->n * sizeof(*b->seats));
    free(b->inbox);
    free(b);
}

int
ymo_board_take(struct ymo_board *b)
{
    for (int i = 0; i < b->n; i++) {
        struct ymo_seat *s = &b->seats[i];
        if (atomic_load(&s->state) != YMO_SEAT_FREE)
            continue;
        atomic_store(&s->beat, 0);
        atomic_store(&s->in_flight, 0);
        atomic_store(&s->capacity, 0);
        atomic_store(&s->n_conns, 0);
        atomic_store(&s->state, YMO_SEAT_STARTING);
        return i;
    }
    return -1;
}

int
ymo_board_n_free(const struct ymo_board *b)
{
    int n = 0;
    for (int i = 0; i < b->n; i++)
        n += atomic_load(&b->seats[i].state) == YMO_SEAT_FREE;
    return n;
}

void
ymo_board_leave(struct ymo_board *b, int seat)
{
    atomic_store(&b->seats[seat].state, YMO_SEAT_FREE);
}
