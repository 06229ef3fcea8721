/* SPDX-License-Identifier: MIT */
/*
 * The keys that session tickets are sealed with. Time is cut into periods as long as a ticket is
 * good for; each has a key, and the next is the hash of the one before, which is then forgotten but
 * for one: what is found in memory does not open older tickets. All workers come to the same keys
 * by themselves, from the state they inherit and the clock (the real-time one: a reboot in between
 * is fine, a clock set back keeps the newest).
 * Not thread-safe: the owner of the loop.
 */
#ifndef YMO_REACTOR_TLS_TICKETS_H
#define YMO_REACTOR_TLS_TICKETS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { YMO_TICKETS_KEY = 32, YMO_TICKETS_NAME = 16, YMO_TICKETS_NONCE = 12, YMO_TICKETS_TAG = 16 };

struct ymo_ticket_key {
    uint64_t period; /* number since the epoch */
    unsigned char name[YMO_TICKETS_NAME], key[YMO_TICKETS_KEY];
};

struct ymo_tickets {
    double lifetime;                   /* seconds of a period */
    struct ymo_ticket_key now, before; /* before.period == now.period: there is none */
};

/*
 * `state` is ymo_tickets_save's text or NULL; when it is no such text, or of another lifetime, a
 * fresh key is made. 0, or YMO_EIO when there is no randomness.
 */
int ymo_tickets_init(struct ymo_tickets *t, double lifetime, const char *state) YMO_MUST_CHECK;
void ymo_tickets_save(const struct ymo_tickets *t, char *dst, size_t len);
void ymo_tickets_wipe(struct ymo_tickets *t);

/* The key to seal with at `now` (seconds since the epoch). */
const struct ymo_ticket_key *ymo_tickets_current(struct ymo_tickets *t, double now);
/*
 * The key of that name, if tickets of it are still accepted; *renew_r: it is not the current one,
 * give the client a new ticket. NULL: no resumption.
 */
const struct ymo_ticket_key *ymo_tickets_find(struct ymo_tickets *t, double now,
                                              const unsigned char name[YMO_TICKETS_NAME],
                                              bool *renew_r);

#endif
