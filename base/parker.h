/* SPDX-License-Identifier: MIT */
/*
 * Where one thread sleeps until another has something for it. A binary token: unpark before
 * park is not lost, several unparks count once. Wake-ups may be spurious: park in a loop around
 * the condition. A worker releases the GIL before it parks.
 */
#ifndef YMO_BASE_PARKER_H
#define YMO_BASE_PARKER_H

#include "base/err.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

struct ymo_bell;

struct ymo_parker {
    sem_t sem;
    atomic_bool token;
    struct ymo_bell *bell;        /* NULL: it sleeps on the semaphore; else see bell.h */
    struct ymo_parker *next_rung; /* the bell's */
};

void ymo_parker_init(struct ymo_parker *p);
void ymo_parker_destroy(struct ymo_parker *p);

/*
 * Owner thread only. 0 after an unpark; YMO_EINTR when a signal handler ran on this thread, or
 * when the bell's owner has another reason to give up waiting.
 */
int ymo_parker_park(struct ymo_parker *p) YMO_MUST_CHECK;

/* Any thread. One system call at most, and only when the owner sleeps. */
void ymo_parker_unpark(struct ymo_parker *p);

#endif
