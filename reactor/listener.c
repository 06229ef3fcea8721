/* SPDX-License-Identifier: MIT */
/* Accepting, and not accepting when there is no room. */
#include "base/log.h"
#include "reactor/forkguard.h"
#include "reactor/loop.h"
#include "reactor/peername.h"
#include "reactor/webaddrs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Per event: the other connections have their turn too. Fewer where siblings stand by: each may
 * have its share of a crowd. */
enum { ACCEPTS = 64, ACCEPTS_SHARED = 8 };

/*
 * Seconds for which a sibling that had better accept is let, how often in a row, and for how long
 * it is not waited for again when it did not come: it may be stopped.
 */
#define YIELD    0.001
#define DISTRUST 0.05
enum { YIELDS = 2 };

/* After the descriptors ran out: seconds until the next try, unless a connection closes first. */
#define PAUSE 0.5

/* Trying again at once would only spin. */
static void
pause_accepting(struct ymo_listener *l, int err)
{
    struct ymo_reactor *r = l->r;
    double now = ev_now(r->loop);
    if (now - r->accept_complained > 60) {
        if (err == EMFILE || err == ENFILE)
            ymo_warn("cannot accept a connection: %s; %d are open. Accepting goes on when one "
                     "closes; raise the limit (ulimit -n) or lower max_connections",
                     strerror(err), r->n_conns);
        else
            ymo_error("cannot accept a connection on %s: %s; trying again twice a second",
                      l->cfg->name, strerror(err));
        r->accept_complained = now;
    }
    ev_timer_stop(r->loop, &r->resume);
    ev_timer_set(&r->resume, PAUSE, 0.);
    ev_timer_start(r->loop, &r->resume);
    ymo_listener_update(r);
}

static void
turn_away(struct ymo_listener *l, int fd, const struct sockaddr *peer)
{
    double now = ymo_deadlines_now(&l->r->deadlines);
    char addr[INET6_ADDRSTRLEN];
    close(fd);
    if (now - l->turned_away < 60)
        return; /* whoever else there is: one line a minute */
    l->turned_away = now;
    ymo_peername_format(peer, addr);
    ymo_notice("%s: a connection from %s was closed: " YMO_WEBADDRS_ENV " does not name it",
               l->cfg->name, addr);
}

/* Up to `most` connections. False when the backlog is empty or nothing can be accepted now. */
static bool
accept_some(struct ymo_listener *l, int most)
{
    struct ymo_reactor *r = l->r;
    for (int i = 0; i < most && r->n_conns < r->cfg.max_connections; i++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof(peer);
        peer.ss_family = AF_UNSPEC;
        int fd = accept4(l->cfg->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && l->cfg->allowed &&
            !ymo_webaddrs_has(l->cfg->allowed, (struct sockaddr *)&peer)) {
            turn_away(l, fd, (struct sockaddr *)&peer);
            continue;
        }
        if (fd >= 0) {
            struct ymo_conn *c = ymo_conn_open(r, l, fd, (struct sockaddr *)&peer);
            if (c)
                ymo_conn_begin(c);
            else
                ymo_error("cannot accept a connection: out of memory");
            continue;
        }
        switch (errno) {
        case EAGAIN:
#if EAGAIN != EWOULDBLOCK
        case EWOULDBLOCK:
#endif
            return false;
        case EINTR:
        case ECONNABORTED:
        case EPERM:
        case EPROTO:
        case ENOPROTOOPT:
        case EOPNOTSUPP:
        case ENETDOWN:
        case ENETUNREACH:
        case EHOSTDOWN:
        case EHOSTUNREACH:
            /* The peer was gone before we came, or the network said so: the next one may do. */
            ymo_debug("accept on %s: %s", l->cfg->name, strerror(errno));
            break;
        default:
            pause_accepting(l, errno);
            return false;
        }
    }
    return true;
}

/* A sibling is to have this connection: stop looking for a moment. */
static void
yield(struct ymo_reactor *r)
{
    ev_timer_stop(r->loop, &r->yield);
    ev_timer_set(&r->yield, YIELD, 0.);
    ev_timer_start(r->loop, &r->yield);
    ymo_listener_update(r);
}

static bool
had_better_yield(const struct ymo_reactor *r)
{
    return ymo_deadlines_now(&r->deadlines) >= r->yield_again &&
           ymo_handoff_should_yield(r->handoff);
}

static void
yield_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_reactor *r = t->data;
    int before = r->n_conns;
    (void)loop, (void)revents;
    bool still = had_better_yield(r);
    if (!still || ++r->yields >= YIELDS) {
        for (size_t i = 0; i < r->cfg.n_listeners && !r->stopping; i++)
            (void)accept_some(&r->listeners[i], ACCEPTS_SHARED);
        if (still && r->n_conns > before)
            r->yield_again = ymo_deadlines_now(&r->deadlines) + DISTRUST;
        r->yields = 0;
    }
    ymo_listener_update(r);
}

void
ymo_listener_init_yield(struct ymo_reactor *r)
{
    ev_timer_init(&r->yield, yield_cb, 0., 0.);
    r->yield.data = r;
}

static void
accept_cb(struct ev_loop *loop, ev_io *io, int revents)
{
    struct ymo_listener *l = io->data;
    (void)loop, (void)revents;
    if (l->r->handoff && had_better_yield(l->r)) {
        yield(l->r);
        return;
    }
    accept_some(l, l->r->handoff ? ACCEPTS_SHARED : ACCEPTS);
    if (l->r->n_conns >= l->r->cfg.max_connections) {
        double now = ev_now(loop);
        if (now - l->r->accept_complained > 60) {
            ymo_warn("max_connections (%d) reached: new clients wait until one closes",
                     l->r->cfg.max_connections);
            l->r->accept_complained = now;
        }
        ymo_listener_update(l->r);
    }
}

static void
name_after_socket(struct ymo_listener *l)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    if (getsockname(l->cfg->fd, (struct sockaddr *)&ss, &len) != 0)
        return;
    if (ss.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)&ss;
        inet_ntop(AF_INET, &in->sin_addr, l->name, sizeof(l->name));
        l->wildcard = in->sin_addr.s_addr == htonl(INADDR_ANY);
        (void)snprintf(l->port, sizeof(l->port), "%u", ntohs(in->sin_port) & 0xffffu);
    } else if (ss.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)&ss;
        inet_ntop(AF_INET6, &in6->sin6_addr, l->name, sizeof(l->name));
        l->wildcard = IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
        (void)snprintf(l->port, sizeof(l->port), "%u", ntohs(in6->sin6_port) & 0xffffu);
    }
}

void
ymo_listener_init(struct ymo_listener *l, struct ymo_reactor *r,
                  const struct ymo_reactor_listener *cfg)
{
    *l = (struct ymo_listener){.r = r, .cfg = cfg, .turned_away = -3600};
    ev_io_init(&l->io, accept_cb, cfg->fd, EV_READ);
    l->io.data = l;
    name_after_socket(l);
#ifdef TCP_DEFER_ACCEPT
    /* Front ends speak at once: a connection is accepted together with its request. */
    int seconds = 1;
    if (cfg->codec->front_end && !cfg->is_unix)
        (void)setsockopt(cfg->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
#endif
}

void
ymo_listener_update(struct ymo_reactor *r)
{
    bool want = !r->stopping && r->n_conns < r->cfg.max_connections && !ev_is_active(&r->resume) &&
                !ev_is_active(&r->yield) && !ymo_overdue_all(r);
    if (want == r->accepting)
        return;
    r->accepting = want;
    for (size_t i = 0; i < r->cfg.n_listeners; i++) {
        if (want)
            ev_io_start(r->loop, &r->listeners[i].io);
        else
            ev_io_stop(r->loop, &r->listeners[i].io);
    }
}

void
ymo_listener_close_all(struct ymo_reactor *r)
{
    ymo_forkguard_hide(NULL, 0);
    for (size_t i = 0; i < r->cfg.n_listeners; i++) {
        struct ymo_listener *l = &r->listeners[i];
        ev_io_stop(r->loop, &l->io);
        /* Clients that the kernel has already let in would be reset: serve them, unless a
         * replacement can and we cannot. */
        int before;
        do
            before = r->n_conns;
        while (!(r->patient && ymo_overdue_all(r)) && accept_some(l, ACCEPTS) &&
               r->n_conns > before);
        close(l->cfg->fd);
    }
    ev_timer_stop(r->loop, &r->resume);
    ev_timer_stop(r->loop, &r->yield);
    r->accepting = false;
}
