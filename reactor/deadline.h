/* SPDX-License-Identifier: MIT */
/*
 * Deadlines without a timer each. Every kind has one constant duration, so a list a kind, appended
 * at the tail, is always sorted; one libev timer stands at the earliest head. Arming and disarming
 * is a few pointer writes, which is what a keep-alive request does twice.
 * Reactor thread only. Times are seconds of the monotonic clock, as of this turn of the loop: a
 * step of the wall clock, which is what ev_now() follows, must neither close every connection nor
 * keep them for ever.
 */
#ifndef YMO_REACTOR_DEADLINE_H
#define YMO_REACTOR_DEADLINE_H

#include "base/list.h"

#include <ev.h>

enum ymo_deadline_kind {
    YMO_DEADLINE_NONE = 0,
    YMO_DEADLINE_SHAKE,  /* TLS handshake: from the connection's first moment */
    YMO_DEADLINE_HEAD,   /* request head: from its first byte, whatever arrives */
    YMO_DEADLINE_BODY,   /* request body: between two arrivals */
    YMO_DEADLINE_IDLE,   /* between requests, or before the first byte */
    YMO_DEADLINE_WRITE,  /* the peer takes nothing */
    YMO_DEADLINE_LINGER, /* after our end of the connection was closed */
    YMO_DEADLINE_KINDS
};

struct ymo_deadline {
    struct ymo_list node;
    double at;
    enum ymo_deadline_kind kind;
};

struct ymo_deadlines {
    struct ev_loop *loop;
    ev_timer timer;
    ev_timer clock; /* never fires; what remains of it tells the time */
    struct ymo_list lists[YMO_DEADLINE_KINDS];
    double seconds[YMO_DEADLINE_KINDS]; /* lowered only if all of the list is armed anew */
    void (*expired)(void *arg, struct ymo_deadline *d); /* already disarmed */
    void *arg;
};

void ymo_deadlines_init(struct ymo_deadlines *ds, struct ev_loop *loop,
                        void (*expired)(void *, struct ymo_deadline *), void *arg);
void ymo_deadlines_stop(struct ymo_deadlines *ds);

/* The time that deadlines are measured with. It has no meaning but in differences. */
double ymo_deadlines_now(const struct ymo_deadlines *ds);

void ymo_deadline_init(struct ymo_deadline *d);

/*
 * (Re)arm as `kind`, to expire seconds[kind] from now; NONE disarms. With `keep`, one that already
 * is of this kind stays as it is.
 */
void ymo_deadline_set(struct ymo_deadlines *ds, struct ymo_deadline *d, enum ymo_deadline_kind kind,
                      bool keep);

#endif
