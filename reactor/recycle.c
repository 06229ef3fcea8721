/* SPDX-License-Identifier: MIT */
#include "reactor/recycle.h"

#include "base/log.h"
#include "reactor/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Seconds from the end of a request to the look at the memory, which so happens once a second at
 * most, and never in a process that does nothing. */
#define LOOK 1.0

/* Resident bytes, or 0 with errno set. */
static uint64_t
resident(void)
{
    char text[128];
    unsigned long long size, pages;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    int err = n < 0 ? errno : EIO;
    close(fd);
    errno = err;
    if (n <= 0)
        return 0;
    text[n] = '\0';
    if (sscanf(text, "%llu %llu", &size, &pages) != 2)
        return 0;
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
look_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_reactor *r = t->data;
    uint64_t rss = resident();
    (void)loop, (void)revents;
    if (rss == 0 && !r->recycle.cannot_look) {
        ymo_warn("max_memory is not watched: /proc/self/statm: %s", strerror(errno));
        r->recycle.cannot_look = true;
    }
    if (rss > r->cfg.max_memory && ymo_lifeline_retire(r, YMO_LINK_MAX_MEMORY))
        ymo_info("%llu KiB of memory are used, and max_memory is %llu KiB: asking for a "
                 "replacement, after %llu requests",
                 (unsigned long long)rss / 1024, (unsigned long long)r->cfg.max_memory / 1024,
                 (unsigned long long)r->recycle.ended);
}

static void
life_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_reactor *r = t->data;
    (void)loop, (void)revents;
    if (ymo_lifeline_retire(r, YMO_LINK_MAX_LIFETIME))
        ymo_info("max_lifetime (%g s, jitter included) is over: asking for a replacement, after "
                 "%llu requests",
                 r->cfg.max_lifetime, (unsigned long long)r->recycle.ended);
}

void
ymo_recycle_init(struct ymo_reactor *r)
{
    ev_timer_init(&r->recycle.life, life_cb, r->cfg.max_lifetime, 0.);
    ev_timer_init(&r->recycle.look, look_cb, LOOK, 0.);
    r->recycle.life.data = r->recycle.look.data = r;
}

void
ymo_recycle_start(struct ymo_reactor *r)
{
    if (r->cfg.place && r->cfg.max_lifetime > 0)
        ev_timer_start(r->loop, &r->recycle.life);
}

void
ymo_recycle_ended(struct ymo_reactor *r)
{
    uint64_t most = r->cfg.max_requests;
    r->recycle.ended++;
    if (!r->cfg.place)
        return;
    if (most > 0 && r->recycle.ended >= most && ymo_lifeline_retire(r, YMO_LINK_MAX_REQUESTS))
        ymo_info("max_requests (%llu, jitter included) is reached: asking for a replacement",
                 (unsigned long long)most);
    if (r->cfg.max_memory > 0 && !ev_is_active(&r->recycle.look)) {
        ev_timer_set(&r->recycle.look, LOOK, 0.);
        ev_timer_start(r->loop, &r->recycle.look);
    }
}

void
ymo_recycle_stop(struct ymo_reactor *r)
{
    ev_timer_stop(r->loop, &r->recycle.life);
    ev_timer_stop(r->loop, &r->recycle.look);
}
