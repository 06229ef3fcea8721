/* SPDX-License-Identifier: MIT */
/*
 * Taking a descriptor out of the kernel's poll set for good. Closing it does that only if nobody
 * else holds the socket; libev counts on it, and so would go on getting events of a connection that
 * lives on in another process. Its own poll set is not to be had from it, so it is looked for.
 */
#ifndef YMO_REACTOR_POLLSET_H
#define YMO_REACTOR_POLLSET_H

#include "base/err.h"

#include <ev.h>

struct ymo_pollset {
    int fd; /* the loop's, once found; -1 */
};

void ymo_pollset_init(struct ymo_pollset *p);

/*
 * Remove `fd`, whose watcher has been seen by the loop. 0, also where closing is enough; YMO_EIO:
 * the poll set was not found. To be put in again its watcher must be set anew and started.
 */
int ymo_pollset_remove(struct ymo_pollset *p, struct ev_loop *loop, int fd) YMO_MUST_CHECK;

#endif
