/* SPDX-License-Identifier: MIT */
#include "reactor/siblings.h"

/* Connections that one process may have more than another, besides a quarter of them. */
enum { CONNS_SLACK = 4 };

static bool
is_full(struct ymo_load l)
{
    return l.in_flight >= l.capacity;
}

bool
ymo_siblings_sooner(struct ymo_load mine, struct ymo_load other)
{
    if (is_full(other))
        return false;
    if (is_full(mine))
        return true;
    /* Threads share one interpreter lock: a process with nothing to do beats a free thread. */
    return mine.in_flight > 0 && other.in_flight == 0;
}

bool
ymo_siblings_load(const struct ymo_board *b, int seat, struct ymo_load *load_r)
{
    const struct ymo_seat *s = &b->seats[seat];
    if (atomic_load_explicit(&s->state, memory_order_relaxed) != YMO_SEAT_SERVING)
        return false;
    *load_r = (struct ymo_load){
        .in_flight = atomic_load_explicit(&s->in_flight, memory_order_relaxed),
        .capacity = atomic_load_explicit(&s->capacity, memory_order_relaxed),
        .n_conns = atomic_load_explicit(&s->n_conns, memory_order_relaxed),
    };
    return true;
}

bool
ymo_siblings_should_yield(const struct ymo_board *b, int my_seat, struct ymo_load mine)
{
    struct ymo_load other;
    for (int i = 0; i < b->n; i++) {
        if (i == my_seat || !ymo_siblings_load(b, i, &other))
            continue;
        if (ymo_siblings_sooner(mine, other))
            return true;
        if (mine.n_conns > other.n_conns + other.n_conns / 4 + CONNS_SLACK &&
            !ymo_siblings_sooner(other, mine) && !is_full(other))
            return true;
    }
    return false;
}
