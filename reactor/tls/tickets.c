/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tickets.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/hash.h>

/* After a longer sleep nobody has a ticket left that would be worth the hashing. */
enum { MAX_STEPS = 100000 };

/* SHA-256 of a label and the key. */
static void
derive(const char *label, const unsigned char key[YMO_TICKETS_KEY],
       unsigned char out[WC_SHA256_DIGEST_SIZE])
{
    unsigned char text[64];
    size_t n = strlen(label);
    YMO_ASSERT(n + YMO_TICKETS_KEY <= sizeof(text));
    memcpy(text, label, n);
    memcpy(text + n, key, YMO_TICKETS_KEY);
    int rc = wc_Sha256Hash(text, (word32)(n + YMO_TICKETS_KEY), out);
    explicit_bzero(text, sizeof(text));
    YMO_ASSERT(rc == 0);
}

/* What clients see of a key: it says nothing about it. */
static void
set_name(struct ymo_ticket_key *k)
{
    unsigned char hash[WC_SHA256_DIGEST_SIZE];
    derive("yimmo ticket name", k->key, hash);
    memcpy(k->name, hash, sizeof(k->name));
}

static void
advance(struct ymo_tickets *t, double now)
{
    uint64_t period = now > 0 ? (uint64_t)(now / t->lifetime) : 0;
    unsigned char hash[WC_SHA256_DIGEST_SIZE];
    if (period <= t->now.period)
        return;
    if (period - t->now.period > MAX_STEPS) {
        t->now.period = period - 1; /* the others come to the same */
        t->before = t->now;
    }
    while (t->now.period < period) {
        t->before = t->now;
        derive("yimmo next ticket key", t->now.key, hash);
        memcpy(t->now.key, hash, sizeof(t->now.key));
        t->now.period++;
        set_name(&t->now);
    }
    explicit_bzero(hash, sizeof(hash));
}

/* ---- state as text: LIFETIME:PERIOD:KEY:PERIOD:KEY ----------------------------------------- */

static void
hex(char *dst, const unsigned char *src)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < YMO_TICKETS_KEY; i++) {
        *dst++ = digits[src[i] >> 4];
        *dst++ = digits[src[i] & 15];
    }
    *dst = '\0';
}

static bool
unhex(unsigned char *dst, const char *src)
{
    for (size_t i = 0; i < YMO_TICKETS_KEY; i++) {
        unsigned v;
        if (strspn(src + 2 * i, "0123456789abcdef") < 2 || sscanf(src + 2 * i, "%2x", &v) != 1)
            return false;
        dst[i] = (unsigned char)v;
    }
    return true;
}

void
ymo_tickets_save(const struct ymo_tickets *t, char *dst, size_t len)
{
    char now[2 * YMO_TICKETS_KEY + 1], before[2 * YMO_TICKETS_KEY + 1];
    hex(now, t->now.key);
    hex(before, t->before.key);
    (void)snprintf(dst, len, "%.0f:%" PRIu64 ":%s:%" PRIu64 ":%s", t->lifetime, t->now.period, now,
                   t->before.period, before);
    explicit_bzero(now, sizeof(now));
    explicit_bzero(before, sizeof(before));
}

static bool
restore(struct ymo_tickets *t, const char *state)
{
    char now[2 * YMO_TICKETS_KEY + 1], before[2 * YMO_TICKETS_KEY + 1];
    struct ymo_tickets r = {.lifetime = t->lifetime};
    double lifetime;
    int end = 0;
    bool good = sscanf(state, "%lf:%" SCNu64 ":%64[0-9a-f]:%" SCNu64 ":%64[0-9a-f]%n", &lifetime,
                       &r.now.period, now, &r.before.period, before, &end) == 5 &&
                state[end] == '\0' && (uint64_t)lifetime == (uint64_t)t->lifetime &&
                unhex(r.now.key, now) && unhex(r.before.key, before);
    if (good) {
        set_name(&r.now);
        set_name(&r.before);
        *t = r;
    }
    explicit_bzero(now, sizeof(now));
    explicit_bzero(before, sizeof(before));
    explicit_bzero(&r, sizeof(r));
    return good;
}

int
ymo_tickets_init(struct ymo_tickets *t, double lifetime, const char *state)
{
    *t = (struct ymo_tickets){.lifetime = lifetime};
    if (state && restore(t, state))
        return YMO_OK;
    if (getrandom(t->now.key, sizeof(t->now.key), 0) != (ssize_t)sizeof(t->now.key))
        return YMO_EIO;
    time_t now = time(NULL);
    t->now.period = now > 0 ? (uint64_t)((double)now / lifetime) : 0;
    set_name(&t->now);
    t->before = t->now;
    return YMO_OK;
}

void
ymo_tickets_wipe(struct ymo_tickets *t)
{
    explicit_bzero(t, sizeof(*t));
}

const struct ymo_ticket_key *
ymo_tickets_current(struct ymo_tickets *t, double now)
{
    advance(t, now);
    return &t->now;
}

const struct ymo_ticket_key *
ymo_tickets_find(struct ymo_tickets *t, double now, const unsigned char name[YMO_TICKETS_NAME],
                 bool *renew_r)
{
    advance(t, now);
    *renew_r = false;
    if (memcmp(name, t->now.name, YMO_TICKETS_NAME) == 0)
        return &t->now;
    *renew_r = true;
    if (t->before.period != t->now.period && memcmp(name, t->before.name, YMO_TICKETS_NAME) == 0)
        return &t->before;
    return NULL;
}
