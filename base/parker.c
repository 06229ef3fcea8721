/* SPDX-License-Identifier: MIT */
#include "base/parker.h"

#include "base/bell.h"

#include <errno.h>
#include <stddef.h>

void
ymo_parker_init(struct ymo_parker *p)
{
    YMO_ASSERT(sem_init(&p->sem, 0, 0) == 0);
    atomic_init(&p->token, false);
    p->bell = NULL;
    p->next_rung = NULL;
}

void
ymo_parker_destroy(struct ymo_parker *p)
{
    sem_destroy(&p->sem);
}

int
ymo_parker_park(struct ymo_parker *p)
{
    if (p->bell)
        return p->bell->park(p);
    if (sem_wait(&p->sem) != 0) {
        YMO_ASSERT(errno == EINTR);
        return YMO_EINTR;
    }
    /* Cleared after the wait: an unpark from here on posts anew, and what it announces is seen by
     * the caller's look at its condition, or by the next park. */
    atomic_store(&p->token, false);
    return YMO_OK;
}

void
ymo_parker_unpark(struct ymo_parker *p)
{
    if (atomic_exchange(&p->token, true))
        return;
    if (p->bell)
        ymo_bell_ring(p->bell, p);
    else
        sem_post(&p->sem);
}
