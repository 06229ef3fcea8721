/* SPDX-License-Identifier: MIT */
#include "request/exchange.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Up to this many bytes of a first body piece live in the arena beside the head. */
enum { INLINE_MAX = 16 * 1024 };

static void
move_state(struct ymo_exchange *ex, enum ymo_exchange_state from, enum ymo_exchange_state to)
{
    unsigned char was = atomic_exchange(&ex->state, (unsigned char)to);
    YMO_ASSERT(was == (unsigned char)from);
}

/* ---- reactor side ---- */

void
ymo_exchange_init(struct ymo_exchange *ex)
{
    memset(ex, 0, sizeof(*ex));
    ymo_list_init(&ex->in_conn);
    ymo_list_init(&ex->kept);
    ymo_list_init(&ex->in_flight);
    ymo_arena_init(&ex->arena, 0);
    ymo_body_init(&ex->body);
}

void
ymo_exchange_free(struct ymo_exchange *ex)
{
    YMO_ASSERT(atomic_load(&ex->state) == YMO_EXCHANGE_FREE);
    ymo_arena_free(&ex->arena);
    ymo_body_fini(&ex->body);
}

void
ymo_exchange_open(struct ymo_exchange *ex, void *conn, uint32_t id, struct ymo_mailbox *mailbox,
                  size_t high_water)
{
    move_state(ex, YMO_EXCHANGE_FREE, YMO_EXCHANGE_OPEN);
    ex->conn = conn;
    ex->id = id;
    ex->out_first = ex->out_last = NULL;
    ex->out_refs = 0;
    ex->raw = ymo_slice_of(NULL, 0);
    ex->end_written = ex->handed_over = false;
    ex->head_sent = ex->end_taken = ex->broken = ex->body_done = ex->want_continue = false;
    ex->reported = ex->abandoned = ex->timed = false;
    ex->receiving = ex->withdrawn = false;
    ex->takes_notes = false;
    ex->next = ex->prev = NULL;
    ex->in_queue = false;
    ex->mailbox = mailbox;
    ex->high_water = high_water;
    ex->first_used = false;
    ex->parker = NULL;
    ex->executor_data = NULL;
    ymo_request_init(&ex->req, &ex->arena);
    ymo_response_init(&ex->resp);
    atomic_store_explicit(&ex->started, 0, memory_order_relaxed);
    atomic_store_explicit(&ex->paused, 0, memory_order_relaxed);
    atomic_store_explicit(&ex->waited, 0, memory_order_relaxed);
    atomic_store_explicit(&ex->cancelled, false, memory_order_relaxed);
    atomic_store_explicit(&ex->unsent, 0, memory_order_relaxed);
    atomic_store_explicit(&ex->waiting, NULL, memory_order_relaxed);
    atomic_store_explicit(&ex->body_wanted_posted, false, memory_order_relaxed);
}

void
ymo_exchange_submit(struct ymo_exchange *ex)
{
    move_state(ex, YMO_EXCHANGE_OPEN, YMO_EXCHANGE_QUEUED);
}

void
ymo_exchange_release(struct ymo_exchange *ex)
{
    unsigned char was = atomic_exchange(&ex->state, YMO_EXCHANGE_FREE);
    YMO_ASSERT(was == YMO_EXCHANGE_OPEN || was == YMO_EXCHANGE_QUEUED || was == YMO_EXCHANGE_ENDED);
    for (struct ymo_msg *m = ex->out_first, *next; m; m = next) {
        next = m->next;
        ymo_exchange_msg_free(m);
    }
    ex->out_first = ex->out_last = NULL;
    ymo_list_remove(&ex->in_conn);
    ymo_body_reset(&ex->body);
    ymo_arena_reset(&ex->arena);
}

void
ymo_exchange_msg_free(struct ymo_msg *m)
{
    if ((m->flags & YMO_MSG_FILE) && m->fd >= 0)
        close(m->fd);
    if (!(m->flags & YMO_MSG_EMBEDDED))
        free(m);
}

static void
wake_waiting(struct ymo_exchange *ex)
{
    struct ymo_parker *p = atomic_load(&ex->waiting);
    if (p)
        ymo_parker_unpark(p);
}

void
ymo_exchange_cancel(struct ymo_exchange *ex)
{
    atomic_store(&ex->cancelled, true);
    ymo_body_break(&ex->body);
    wake_waiting(ex);
}

void
ymo_exchange_sent(struct ymo_exchange *ex, size_t n)
{
    size_t before = atomic_fetch_sub(&ex->unsent, n);
    YMO_ASSERT(before >= n);
    if (before - n <= ex->high_water / 2)
        wake_waiting(ex);
}

void
ymo_exchange_ended(struct ymo_exchange *ex)
{
    move_state(ex, YMO_EXCHANGE_RUNNING, YMO_EXCHANGE_ENDED);
}

/* ---- worker side ---- */

void
ymo_exchange_begin(struct ymo_exchange *ex, struct ymo_parker *parker)
{
    if (ex->timed)
        atomic_store_explicit(&ex->started, ymo_clock_ns(), memory_order_relaxed);
    move_state(ex, YMO_EXCHANGE_QUEUED, YMO_EXCHANGE_RUNNING);
    ex->parker = parker;
}

void
ymo_exchange_pause(struct ymo_exchange *ex)
{
    if (ex->timed)
        atomic_store(&ex->paused, ymo_clock_ns());
}

void
ymo_exchange_resume(struct ymo_exchange *ex)
{
    if (!ex->timed)
        return;
    atomic_fetch_add(&ex->waited, ymo_clock_ns() - atomic_load(&ex->paused));
    atomic_store(&ex->paused, 0); /* in this order: who sees it run again sees the new time */
}

static struct ymo_msg *
new_msg(struct ymo_exchange *ex, unsigned flags, size_t extra)
{
    struct ymo_msg *m;
    if (!ex->first_used && extra == 0) {
        m = &ex->first;
        flags |= YMO_MSG_EMBEDDED;
        ex->first_used = true;
    } else {
        if (extra > SIZE_MAX - sizeof(*m))
            return NULL;
        m = malloc(sizeof(*m) + extra);
        if (!m)
            return NULL;
    }
    m->ex = ex;
    m->flags = flags;
    m->fd = -1;
    m->off = 0;
    m->len = 0;
    m->data = NULL;
    return m;
}

static void
post(struct ymo_exchange *ex, struct ymo_msg *m, bool urgent)
{
    if (m->len)
        atomic_fetch_add(&ex->unsent, (size_t)m->len);
    ymo_mailbox_post(ex->mailbox, m, urgent);
}

int
ymo_exchange_respond(struct ymo_exchange *ex, const void *data, size_t len, bool end)
{
    struct ymo_msg *m;
    unsigned flags = YMO_MSG_HEAD | (end ? YMO_MSG_END : 0u);
    char *copy = NULL;
    if (ex->resp.no_body)
        len = 0;
    if (len > 0 && len <= INLINE_MAX) {
        copy = ymo_arena_alloc(&ex->arena, len);
        if (!copy)
            return YMO_ENOMEM;
    }
    m = new_msg(ex, flags, copy ? 0 : len);
    if (!m)
        return YMO_ENOMEM;
    if (len > 0) {
        m->data = copy ? copy : (char *)(m + 1);
        m->len = len;
        memcpy(m->data, data, len);
    }
    /* A head alone, or a body that is whole, is followed by more from the sender at once. */
    post(ex, m, !end && len > 0 && (int64_t)len != ex->resp.content_length);
    return YMO_OK;
}

int
ymo_exchange_send(struct ymo_exchange *ex, const void *data, size_t len)
{
    if (ex->resp.no_body || len == 0)
        return YMO_OK;
    struct ymo_msg *m = new_msg(ex, 0, len);
    if (!m)
        return YMO_ENOMEM;
    m->data = (char *)(m + 1);
    m->len = len;
    memcpy(m->data, data, len);
    post(ex, m, true);
    return YMO_OK;
}

int
ymo_exchange_note(struct ymo_exchange *ex, const void *text, size_t len)
{
    YMO_ASSERT(ex->takes_notes && len <= YMO_EXCHANGE_NOTE);
    if (len == 0)
        return YMO_OK;
    struct ymo_msg *m = new_msg(ex, YMO_MSG_NOTE, len);
    if (!m)
        return YMO_ENOMEM;
    m->data = (char *)(m + 1);
    m->len = len;
    memcpy(m->data, text, len);
    post(ex, m, false);
    return YMO_OK;
}

int
ymo_exchange_send_file(struct ymo_exchange *ex, int fd, int64_t off, uint64_t len)
{
    struct ymo_msg *m = ex->resp.no_body || len == 0 ? NULL : new_msg(ex, YMO_MSG_FILE, 0);
    if (!m) {
        close(fd);
        return ex->resp.no_body || len == 0 ? YMO_OK : YMO_ENOMEM;
    }
    m->fd = fd;
    m->off = off;
    m->len = len;
    /* Not counted in `unsent`: a file waits on the disk, not in our memory. */
    ymo_mailbox_post(ex->mailbox, m, false);
    return YMO_OK;
}

void
ymo_exchange_end(struct ymo_exchange *ex, bool broken)
{
    unsigned flags = YMO_MSG_END | (broken ? YMO_MSG_BROKEN : 0u);
    struct ymo_msg *m = &ex->last;
    /* Its own storage: an END must never fail for want of memory. */
    *m = (struct ymo_msg){.ex = ex, .flags = flags | YMO_MSG_EMBEDDED, .fd = -1};
    ymo_mailbox_post(ex->mailbox, m, false);
}

bool
ymo_exchange_full(const struct ymo_exchange *ex)
{
    return atomic_load_explicit(&ex->unsent, memory_order_relaxed) > ex->high_water;
}

int
ymo_exchange_wait(struct ymo_exchange *ex)
{
    int rc = YMO_OK;
    ymo_exchange_pause(ex);
    atomic_store(&ex->waiting, ex->parker);
    while (rc == YMO_OK && atomic_load(&ex->unsent) > ex->high_water / 2 &&
           !atomic_load(&ex->cancelled))
        rc = ymo_parker_park(ex->parker);
    atomic_store(&ex->waiting, NULL);
    ymo_exchange_resume(ex);
    return rc;
}

void
ymo_exchange_body_wanted(void *arg)
{
    struct ymo_exchange *ex = arg;
    if (atomic_exchange(&ex->body_wanted_posted, true))
        return; /* the reactor has not yet looked at the last one */
    ex->body_wanted =
        (struct ymo_msg){.ex = ex, .flags = YMO_MSG_WANTED | YMO_MSG_EMBEDDED, .fd = -1};
    ymo_mailbox_post(ex->mailbox, &ex->body_wanted, true);
}
