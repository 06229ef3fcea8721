/* SPDX-License-Identifier: MIT */
#include "reactor/handoff.h"

#include "base/log.h"
#include "reactor/forkguard.h"
#include "reactor/handmsg.h"
#include "reactor/loop.h"
#include "reactor/pollset.h"
#include "reactor/siblings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Seconds that a request waits before it is worth while to give it away: longer than a small one
 * takes, too short to notice. */
#define WORTH 0.0008
/* Until a sibling that did not answer is asked again; doubled each time, up to ASK_MOST. */
#define ASK_LEAST 0.004
#define ASK_MOST  1.0
/* How long an offer holds up a stop: whoever it was made to may have died. */
#define EXPECT 1.0

/* Messages taken from the inbox between two looks at the sockets. */
enum { PER_TURN = 16, OFFER_MOST = 8 };

/* What we know of a sibling. */
struct sibling {
    bool asked; /* and not answered */
    double asked_at, patience;
    unsigned offers, promised; /* offers it has not made up for, and the room in them */
};

struct ymo_handoff {
    struct ymo_reactor *r;
    struct ymo_board *board;
    int seat;
    ev_io inbox;
    ev_timer expect;
    unsigned offers, promised; /* sums over the siblings */
    struct ymo_list waiting;   /* kept exchanges, oldest first; also some that run by now */
    double moved_at;           /* when a request last ended, or began with none before it */
    int next;                  /* the seat where the next search begins */
    struct ymo_pollset pollset;
    struct sibling siblings[];
};

static double
now_of(const struct ymo_handoff *h)
{
    return ymo_deadlines_now(&h->r->deadlines);
}

static struct ymo_load
my_load(const struct ymo_handoff *h)
{
    const struct ymo_reactor *r = h->r;
    return (struct ymo_load){.in_flight = r->in_flight,
                             .capacity = (unsigned)r->cfg.capacity,
                             .n_conns = (unsigned)r->n_conns};
}

static int
send_word(struct ymo_handoff *h, int seat, enum ymo_handmsg_type type, uint32_t arg)
{
    const struct ymo_handmsg m = {.type = type, .seat = h->seat, .arg = arg};
    return ymo_handmsg_send(h->board->inbox[seat][1], &m, NULL, 0, -1);
}

/* ---- what waits ------------------------------------------------------------------------ */

void
ymo_handoff_keep(struct ymo_handoff *h, struct ymo_conn *c, struct ymo_exchange *ex,
                 struct ymo_slice head)
{
    struct ymo_reactor *r = h->r;
    if (r->in_flight == 0) { /* it starts at once */
        h->moved_at = now_of(h);
        return;
    }
    if (!c->codec->portable || c->transport != &ymo_plain_ops || !r->cfg.request_buffering ||
        ex->req.expect_continue || ex->req.content_length < 0 ||
        ex->req.content_length > YMO_HANDMSG_MOST || head.len > YMO_HANDMSG_MOST)
        return;
    ex->raw = ymo_arena_dup(&ex->arena, head);
    if (!ex->raw.data)
        return; /* then it waits here */
    ex->kept_at = now_of(h);
    ymo_list_append(&h->waiting, &ex->kept);
}

void
ymo_handoff_forget(struct ymo_exchange *ex)
{
    ymo_list_remove(&ex->kept);
    ex->raw = ymo_slice_of(NULL, 0);
}

/* The oldest one in the queue, or NULL. */
static struct ymo_exchange *
oldest(struct ymo_handoff *h)
{
    struct ymo_list *n, *next;
    YMO_LIST_FOREACH (n, next, &h->waiting) {
        struct ymo_exchange *ex = YMO_CONTAINER_OF(n, struct ymo_exchange, kept);
        unsigned char state = atomic_load(&ex->state);
        if (state == YMO_EXCHANGE_QUEUED && ex->handed_over)
            return ex;
        if (state == YMO_EXCHANGE_RUNNING || state == YMO_EXCHANGE_ENDED)
            ymo_list_remove(n); /* it found a worker */
    }
    return NULL;
}

/* Has it waited long enough? Behind one that takes long it need not even begin to. */
static bool
is_due(const struct ymo_handoff *h, const struct ymo_exchange *ex)
{
    double now = now_of(h);
    return now - h->moved_at >= WORTH || now - ex->kept_at >= WORTH;
}

/* ---- A: asking ------------------------------------------------------------------------- */

/* The best sibling that may be asked now, or -1. */
static int
choose(struct ymo_handoff *h)
{
    struct ymo_load mine = my_load(h), best = {0, 0, 0}, other;
    int found = -1, n = h->board->n;
    double now = now_of(h);
    for (int i = 0; i < n; i++) {
        int seat = (h->next + i) % n;
        const struct sibling *s = &h->siblings[seat];
        if (seat == h->seat || !ymo_siblings_load(h->board, seat, &other) ||
            !ymo_siblings_sooner(mine, other) || (s->asked && now - s->asked_at < s->patience))
            continue;
        if (found < 0 || other.in_flight < best.in_flight) {
            found = seat;
            best = other;
        }
    }
    return found;
}

/* True when a sibling was asked. */
static bool
ask(struct ymo_handoff *h)
{
    int seat = choose(h);
    if (seat < 0)
        return false;
    struct sibling *s = &h->siblings[seat];
    /* Also when it cannot be sent: its inbox is full because nobody reads it. */
    s->patience = !s->asked ? ASK_LEAST : s->patience < ASK_MOST / 2 ? s->patience * 2 : ASK_MOST;
    s->asked = true;
    s->asked_at = now_of(h);
    h->next = (seat + 1) % h->board->n;
    return send_word(h, seat, YMO_HANDMSG_POKE, 0) == YMO_OK;
}

void
ymo_handoff_submitted(struct ymo_handoff *h)
{
    bool unused;
    (void)!ymo_handoff_look(h, &unused);
}

bool
ymo_handoff_look(struct ymo_handoff *h, bool *asked_r)
{
    const struct ymo_exchange *ex = oldest(h);
    *asked_r = ex && is_due(h, ex) && ask(h);
    return ex != NULL;
}

void
ymo_handoff_ended(struct ymo_handoff *h)
{
    h->moved_at = now_of(h);
}

/* ---- A: giving ------------------------------------------------------------------------- */

/*
 * Nothing of it may have been answered, and all that was received and not yet answered must be
 * ours to send on.
 */
static bool
is_movable(const struct ymo_conn *c, const struct ymo_exchange *ex)
{
    return c && c->state == YMO_CONN_OPEN && c->n_exchanges == 1 && !c->out && !c->receiving &&
           !c->feeding && !c->pumping && !c->paused && !ex->out_first && !ex->body.streaming &&
           ex->body.fd < 0 && ex->body_done &&
           ex->raw.len + ex->body.mem.len + c->in.len <= YMO_HANDMSG_MOST;
}

static int
send_conn(struct ymo_handoff *h, int seat, const struct ymo_conn *c, const struct ymo_exchange *ex,
          bool more)
{
    bool shared = c->shared || atomic_load_explicit(&ymo_forkguard_forked, memory_order_relaxed);
    const struct ymo_handmsg m = {
        .type = YMO_HANDMSG_CONN,
        .seat = h->seat,
        .arg = c->listener->cfg->id,
        .flags = (shared ? YMO_HANDMSG_SHARED : 0u) | (more ? YMO_HANDMSG_MORE : 0u),
    };
    const struct ymo_slice parts[] = {ex->raw, ymo_buf_slice(&ex->body.mem), ymo_buf_slice(&c->in)};
    return ymo_handmsg_send(h->board->inbox[seat][1], &m, parts, 3, c->fd);
}

/* The poll set has lost the socket: have it put in again. */
static void
rearm(struct ymo_handoff *h, struct ymo_conn *c)
{
    if (!ev_is_active(&c->rd))
        return;
    ev_io_stop(h->r->loop, &c->rd);
    ev_io_set(&c->rd, c->fd, EV_READ);
    ev_io_start(h->r->loop, &c->rd);
}

/* YMO_OK: gone. YMO_EAGAIN: this one cannot be. YMO_EIO: nor can any other, to this sibling. */
static int
give(struct ymo_handoff *h, int seat, struct ymo_exchange *ex, bool more)
{
    struct ymo_reactor *r = h->r;
    struct ymo_conn *c = ex->conn;
    if (!is_movable(c, ex)) {
        ymo_list_remove(&ex->kept);
        return YMO_EAGAIN;
    }
    if (!ymo_dispatch_recall(r, ex))
        return YMO_EAGAIN; /* a worker was faster */
    if ((ev_is_active(&c->rd) && ymo_pollset_remove(&h->pollset, r->loop, c->fd) < 0) ||
        send_conn(h, seat, c, ex, more) < 0) {
        rearm(h, c);
        ymo_dispatch_put_back(r, ex);
        return YMO_EIO;
    }
    ymo_trace("conn %llu: given to seat %d", (unsigned long long)c->serial, seat);
    ymo_dispatch_forget(r, ex);
    ymo_conn_release(c, ex);
    c->given = true;
    ymo_conn_kill(c);
    return YMO_OK;
}

static struct ymo_exchange *
next_due(struct ymo_handoff *h)
{
    struct ymo_exchange *ex = oldest(h);
    return ex && is_due(h, ex) ? ex : NULL;
}

static void
on_offer(struct ymo_handoff *h, int seat, uint32_t room)
{
    struct ymo_exchange *ex = next_due(h);
    bool told = false; /* that nothing more comes */
    h->siblings[seat].asked = false;
    while (ex && room > 0 && !told) {
        /* Whether another one follows is known only when it has been seen to be there. */
        struct ymo_exchange *this = ex;
        bool last = room == 1;
        int rc = give(h, seat, this, !last);
        if (rc == YMO_EIO)
            break;
        if (rc == YMO_OK) {
            room--;
            told = last;
        }
        ex = next_due(h);
        if (ex == this)
            break;
    }
    if (!told)
        (void)!send_word(h, seat, YMO_HANDMSG_NONE, 0);
}

/* ---- B --------------------------------------------------------------------------------- */

static unsigned
room_of(const struct ymo_handoff *h)
{
    const struct ymo_reactor *r = h->r;
    unsigned taken = r->in_flight + h->promised, capacity = (unsigned)r->cfg.capacity;
    if (r->stopping || ev_is_active(&r->resume) || r->n_conns >= r->cfg.max_connections ||
        taken >= capacity)
        return 0;
    return capacity - taken < OFFER_MOST ? capacity - taken : OFFER_MOST;
}

static void
expect_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_handoff *h = t->data;
    (void)loop, (void)revents;
    for (int i = 0; i < h->board->n; i++)
        h->siblings[i].offers = h->siblings[i].promised = 0;
    h->offers = h->promised = 0;
}

static void
on_poke(struct ymo_handoff *h, int seat)
{
    unsigned room = room_of(h);
    if (send_word(h, seat, room ? YMO_HANDMSG_OFFER : YMO_HANDMSG_FULL, room) < 0 || !room)
        return;
    h->offers++;
    h->promised += room;
    h->siblings[seat].offers++;
    h->siblings[seat].promised += room;
    ev_timer_stop(h->r->loop, &h->expect);
    ev_timer_set(&h->expect, EXPECT, 0.);
    ev_timer_start(h->r->loop, &h->expect);
}

/* A connection came of an offer, or nothing did; `more`: of the same one more will be heard. */
static void
expect_less(struct ymo_handoff *h, int seat, bool came, bool more)
{
    struct sibling *s = &h->siblings[seat];
    unsigned less = came && s->promised > 0;
    if (s->offers == 0)
        return; /* an offer that was given up, or of who sat here before */
    s->offers -= !more;
    h->offers -= !more;
    if (s->offers == 0)
        less = s->promised;
    s->promised -= less;
    h->promised -= less;
    if (h->offers == 0)
        ev_timer_stop(h->r->loop, &h->expect);
}

/* A connection as if just accepted, and the bytes as if just read. */
static void
adopt(struct ymo_handoff *h, const struct ymo_listener *l, int fd, bool shared,
      struct ymo_slice bytes)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer);
    peer.ss_family = AF_UNSPEC;
    if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0) {
        close(fd); /* the client is gone */
        return;
    }
    struct ymo_conn *c = ymo_conn_open(h->r, l, fd, (struct sockaddr *)&peer);
    if (!c) {
        ymo_error("cannot take over a connection: out of memory");
        return;
    }
    c->shared = shared;
    if (ymo_buf_append_slice(&c->in, bytes) < 0)
        ymo_conn_kill(c);
    else
        ymo_conn_input(c);
}

static void
on_conn(struct ymo_handoff *h, const struct ymo_handmsg *m, struct ymo_slice bytes, int fd)
{
    struct ymo_reactor *r = h->r;
    expect_less(h, m->seat, true, m->flags & YMO_HANDMSG_MORE);
    if (fd < 0) {
        ymo_error("seat %d gave a connection that did not arrive: too many open files?", m->seat);
        return;
    }
    for (size_t i = 0; i < r->cfg.n_listeners; i++) {
        const struct ymo_listener *l = &r->listeners[i];
        if (l->cfg->id != m->arg || !l->cfg->codec->portable)
            continue;
        adopt(h, l, fd, m->flags & YMO_HANDMSG_SHARED, bytes);
        return;
    }
    ymo_error("seat %d gave a connection of listener %u, which is not here: closed", m->seat,
              (unsigned)m->arg);
    close(fd);
}

/* ---- the inbox ------------------------------------------------------------------------- */

static void
on_message(struct ymo_handoff *h, const struct ymo_handmsg *m, struct ymo_slice bytes, int fd)
{
    if (m->seat < 0 || m->seat >= h->board->n || m->seat == h->seat) {
        if (fd >= 0)
            close(fd);
        return;
    }
    switch (m->type) {
    case YMO_HANDMSG_CONN:
        on_conn(h, m, bytes, fd);
        return;
    case YMO_HANDMSG_POKE:
        on_poke(h, m->seat);
        break;
    case YMO_HANDMSG_OFFER:
        on_offer(h, m->seat, m->arg);
        break;
    case YMO_HANDMSG_FULL:
        h->siblings[m->seat].asked = false;
        break;
    case YMO_HANDMSG_NONE:
        expect_less(h, m->seat, false, false);
        break;
    default:
        break;
    }
    if (fd >= 0)
        close(fd);
}

static void
inbox_cb(struct ev_loop *loop, ev_io *io, int revents)
{
    struct ymo_handoff *h = io->data;
    (void)loop, (void)revents;
    for (int i = 0; i < PER_TURN; i++) {
        struct ymo_handmsg m;
        size_t len;
        int fd;
        int rc = ymo_handmsg_recv(io->fd, &m, h->r->scratch, YMO_SCRATCH, &len, &fd);
        if (rc == YMO_EAGAIN)
            return;
        if (rc == YMO_EINVAL)
            continue;
        if (rc < 0) {
            ymo_error("the inbox of seat %d is broken: %s", h->seat, strerror(errno));
            ev_io_stop(loop, io);
            return;
        }
        on_message(h, &m, ymo_slice_of(h->r->scratch, len), fd);
    }
}

/* ---- life ------------------------------------------------------------------------------ */

bool
ymo_handoff_expecting(const struct ymo_handoff *h)
{
    return h->offers > 0;
}

bool
ymo_handoff_should_yield(const struct ymo_handoff *h)
{
    return ymo_siblings_should_yield(h->board, h->seat, my_load(h));
}

int
ymo_handoff_create(struct ymo_reactor *r, struct ymo_handoff **h_r)
{
    const struct ymo_place *p = r->cfg.place;
    *h_r = NULL;
    if (!p || !p->board || p->board->n < 2 || p->board->inbox[p->seat][0] < 0)
        return YMO_OK;
    struct ymo_handoff *h = calloc(1, sizeof(*h) + (size_t)p->board->n * sizeof(h->siblings[0]));
    if (!h)
        return YMO_ENOMEM;
    h->r = r;
    h->board = p->board;
    h->seat = p->seat;
    ymo_pollset_init(&h->pollset);
    ymo_list_init(&h->waiting);
    ev_io_init(&h->inbox, inbox_cb, p->board->inbox[p->seat][0], EV_READ);
    ev_timer_init(&h->expect, expect_cb, 0., 0.);
    h->inbox.data = h->expect.data = h;
    ev_io_start(r->loop, &h->inbox);
    *h_r = h;
    return YMO_OK;
}

void
ymo_handoff_free(struct ymo_handoff *h)
{
    if (!h)
        return;
    ev_io_stop(h->r->loop, &h->inbox);
    ev_timer_stop(h->r->loop, &h->expect);
    ymo_list_remove(&h->waiting);
    free(h);
}
