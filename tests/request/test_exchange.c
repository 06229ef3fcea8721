/* SPDX-License-Identifier: MIT */
#include "request/exchange.h"

#include "base/clock.h"
#include "tests/support/death.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { HIGH = 1000 };

struct rig {
    struct ymo_exchange ex;
    struct ymo_mailbox mb;
    struct ymo_parker parker;
    int wakes;
    atomic_bool over;
    int rc;
};

static void
count(void *arg)
{
    ++*(int *)arg;
}

static void
setup(struct rig *r, enum ymo_exchange_state to)
{
    memset(r, 0, sizeof(*r));
    ymo_mailbox_init(&r->mb, count, &r->wakes);
    ymo_parker_init(&r->parker);
    ymo_exchange_init(&r->ex);
    ymo_exchange_open(&r->ex, NULL, 7, &r->mb, HIGH);
    ymo_body_begin(&r->ex.body, true, 100, NULL, ymo_exchange_body_wanted, &r->ex);
    if (to >= YMO_EXCHANGE_QUEUED)
        ymo_exchange_submit(&r->ex);
    if (to >= YMO_EXCHANGE_RUNNING)
        ymo_exchange_begin(&r->ex, &r->parker);
    if (to >= YMO_EXCHANGE_ENDED)
        ymo_exchange_ended(&r->ex);
}

static void
teardown(struct rig *r)
{
    for (struct ymo_msg *m = ymo_mailbox_take(&r->mb), *next; m; m = next) {
        next = m->next;
        ymo_exchange_msg_free(m);
    }
    if (r->ex.state == YMO_EXCHANGE_RUNNING)
        ymo_exchange_ended(&r->ex);
    if (r->ex.state != YMO_EXCHANGE_FREE)
        ymo_exchange_release(&r->ex);
    ymo_exchange_free(&r->ex);
    ymo_parker_destroy(&r->parker);
    ymo_mailbox_destroy(&r->mb);
}

/* ---- states ---------------------------------------------------------------------------- */

static struct rig dying;

static void
do_open(void *arg)
{
    struct rig *r = arg;
    ymo_exchange_open(&r->ex, NULL, 1, &r->mb, HIGH);
}
static void
do_submit(void *arg)
{
    ymo_exchange_submit(&((struct rig *)arg)->ex);
}
static void
do_begin(void *arg)
{
    struct rig *r = arg;
    ymo_exchange_begin(&r->ex, &r->parker);
}
static void
do_ended(void *arg)
{
    ymo_exchange_ended(&((struct rig *)arg)->ex);
}
static void
do_release(void *arg)
{
    ymo_exchange_release(&((struct rig *)arg)->ex);
}
static void
do_free(void *arg)
{
    ymo_exchange_free(&((struct rig *)arg)->ex);
}

/* Every step in every state: exactly the arrows of exchange.h are allowed. */
static void
transitions(void)
{
    static const struct {
        const char *name;
        void (*step)(void *);
        const char *allowed; /* in FREE, OPEN, QUEUED, RUNNING, ENDED */
    } rows[] = {
        {"open", do_open, "y----"},       {"submit", do_submit, "-y---"},
        {"begin", do_begin, "--y--"},     {"ended", do_ended, "---y-"},
        {"release", do_release, "-yy-y"}, {"free", do_free, "y----"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int state = YMO_EXCHANGE_FREE; state <= YMO_EXCHANGE_ENDED; state++) {
            ymo_test_context("%s in state %d", rows[i].name, state);
            setup(&dying, (enum ymo_exchange_state)state);
            if (state == YMO_EXCHANGE_FREE)
                ymo_exchange_release(&dying.ex);
            CHECK_INT(ymo_death_by_assert(rows[i].step, &dying), rows[i].allowed[state] != 'y');
            teardown(&dying);
        }
    }
    ymo_test_context(NULL);
}

static void
open_forgets_the_last_life(void)
{
    struct rig r;
    setup(&r, YMO_EXCHANGE_RUNNING);
    r.ex.resp.status = 200;
    r.ex.resp.no_body = true;
    CHECK_INT(ymo_exchange_respond(&r.ex, "x", 1, false), YMO_OK);
    ymo_exchange_cancel(&r.ex);
    ymo_exchange_body_wanted(&r.ex);
    r.ex.head_sent = r.ex.end_taken = r.ex.end_written = r.ex.broken = r.ex.body_done = true;
    r.ex.want_continue = r.ex.handed_over = true;
    (void)ymo_mailbox_take(&r.mb);
    ymo_exchange_ended(&r.ex);
    ymo_exchange_release(&r.ex);
    ymo_exchange_open(&r.ex, &r, 8, &r.mb, 5);
    CHECK(r.ex.conn == &r && r.ex.id == 8 && r.ex.high_water == 5);
    CHECK(!r.ex.head_sent && !r.ex.end_taken && !r.ex.end_written && !r.ex.broken);
    CHECK(!r.ex.body_done && !r.ex.want_continue && !r.ex.handed_over && !r.ex.first_used);
    CHECK(!ymo_exchange_cancelled(&r.ex) && r.ex.unsent == 0 && !r.ex.body_wanted_posted);
    CHECK(!r.ex.resp.no_body && r.ex.req.n_vars == 0 && r.ex.arena.used == 0);
    teardown(&r);
}

/* ---- messages -------------------------------------------------------------------------- */

static void
respond_in_one_message(void)
{
    static char body[40000];
    static const struct {
        size_t len;
        bool embedded;
    } rows[] = {{0, true}, {1, true}, {16384, true}, {16385, false}, {40000, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int end = 0; end < 2; end++) {
            struct rig r;
            ymo_test_context("%zu bytes, end %d", rows[i].len, end);
            setup(&r, YMO_EXCHANGE_RUNNING);
            (void)ymo_mailbox_set_mode(&r.mb, YMO_MAILBOX_NAP);
            memset(body, 'b', sizeof(body));
            CHECK_INT(ymo_exchange_respond(&r.ex, body, rows[i].len, end), YMO_OK);
            memset(body, 'z', sizeof(body)); /* it was copied */
            struct ymo_msg *m = ymo_mailbox_take(&r.mb);
            REQUIRE(m != NULL);
            CHECK(m->next == NULL && m->ex == &r.ex);
            CHECK_INT(m->flags & (YMO_MSG_HEAD | YMO_MSG_END),
                      YMO_MSG_HEAD | (end ? YMO_MSG_END : 0));
            CHECK_INT((m->flags & YMO_MSG_EMBEDDED) != 0, rows[i].embedded);
            CHECK_INT(m->len, rows[i].len);
            int wrong = 0;
            for (size_t k = 0; k < rows[i].len; k++)
                wrong += m->data[k] != 'b';
            CHECK_INT(wrong, 0);
            CHECK_INT(r.ex.unsent, rows[i].len);
            /* A piece that others will follow shall leave now. Else the worker goes on at once, and
             * flushes when it has nothing to do. */
            CHECK_INT(r.wakes, !end && rows[i].len > 0);
            ymo_exchange_msg_free(m);
            teardown(&r);
        }
    }
    ymo_test_context(NULL);
}

static void
a_whole_body_is_not_urgent(void)
{
    for (int len = 3; len <= 5; len++) {
        struct rig r;
        setup(&r, YMO_EXCHANGE_RUNNING);
        (void)ymo_mailbox_set_mode(&r.mb, YMO_MAILBOX_NAP);
        r.ex.resp.content_length = len;
        CHECK_INT(ymo_exchange_respond(&r.ex, "four", 4, false), YMO_OK);
        CHECK_INT(r.wakes, len != 4);
        teardown(&r);
    }
}

static void
pieces_in_order(void)
{
    struct rig r;
    char text[64];
    size_t n = 0;
    setup(&r, YMO_EXCHANGE_RUNNING);
    CHECK_INT(ymo_exchange_respond(&r.ex, "a", 1, false), YMO_OK);
    CHECK_INT(ymo_exchange_send(&r.ex, "bc", 2), YMO_OK);
    CHECK_INT(ymo_exchange_send(&r.ex, "", 0),
              YMO_OK); /* an empty piece would end a chunked body */
    CHECK_INT(ymo_exchange_send(&r.ex, "d", 1), YMO_OK);
    ymo_exchange_end(&r.ex, false);
    CHECK_INT(r.ex.unsent, 4);
    unsigned flags = 0, messages = 0;
    for (struct ymo_msg *m = ymo_mailbox_take(&r.mb), *next; m; m = next) {
        next = m->next;
        CHECK(!(flags & YMO_MSG_END));
        flags = m->flags;
        if (m->len)
            memcpy(text + n, m->data, (size_t)m->len);
        n += (size_t)m->len;
        messages++;
        ymo_exchange_msg_free(m);
    }
    CHECK_SLICE(ymo_slice_of(text, n), "abcd");
    CHECK_INT(messages, 4);
    CHECK_INT(flags & (YMO_MSG_END | YMO_MSG_BROKEN), YMO_MSG_END);
    teardown(&r);
}

static void
broken_end(void)
{
    struct rig r;
    setup(&r, YMO_EXCHANGE_RUNNING);
    ymo_exchange_end(&r.ex, true);
    struct ymo_msg *m = ymo_mailbox_take(&r.mb);
    REQUIRE(m != NULL);
    CHECK_INT(m->flags, YMO_MSG_END | YMO_MSG_BROKEN | YMO_MSG_EMBEDDED);
    ymo_exchange_msg_free(m);
    teardown(&r);
}

static void
no_body_drops_data(void)
{
    struct rig r;
    int fds[2];
    REQUIRE(pipe(fds) == 0);
    setup(&r, YMO_EXCHANGE_RUNNING);
    r.ex.resp.no_body = true;
    CHECK_INT(ymo_exchange_respond(&r.ex, "body", 4, false), YMO_OK);
    CHECK_INT(ymo_exchange_send(&r.ex, "more", 4), YMO_OK);
    CHECK_INT(ymo_exchange_send_file(&r.ex, fds[0], 0, 100), YMO_OK);
    CHECK_INT(fcntl(fds[0], F_GETFD), -1); /* closed, as it was handed over */
    struct ymo_msg *m = ymo_mailbox_take(&r.mb);
    REQUIRE(m != NULL && m->next == NULL);
    CHECK_INT(m->len, 0);
    CHECK(m->flags & YMO_MSG_HEAD);
    CHECK_INT(r.ex.unsent, 0);
    ymo_exchange_msg_free(m);
    close(fds[1]);
    teardown(&r);
}

static void
files(void)
{
    struct rig r;
    int fd = open("/dev/null", O_RDONLY), empty = open("/dev/null", O_RDONLY);
    REQUIRE(fd >= 0 && empty >= 0);
    setup(&r, YMO_EXCHANGE_RUNNING);
    CHECK_INT(ymo_exchange_respond(&r.ex, NULL, 0, false), YMO_OK);
    CHECK_INT(ymo_exchange_send_file(&r.ex, empty, 5, 0), YMO_OK); /* nothing to send */
    CHECK_INT(fcntl(empty, F_GETFD), -1);
    CHECK_INT(ymo_exchange_send_file(&r.ex, fd, 5, UINT64_C(1) << 40), YMO_OK);
    CHECK_INT(r.ex.unsent, 0); /* it waits on the disk */
    CHECK(!ymo_exchange_full(&r.ex));
    struct ymo_msg *head = ymo_mailbox_take(&r.mb);
    REQUIRE(head != NULL && head->next != NULL && head->next->next == NULL);
    struct ymo_msg *m = head->next;
    CHECK(m->flags & YMO_MSG_FILE);
    CHECK(m->fd == fd && m->off == 5 && m->len == UINT64_C(1) << 40);
    ymo_exchange_msg_free(head);
    /* What the reactor took and did not write is released with the exchange. */
    r.ex.out_first = r.ex.out_last = m;
    ymo_exchange_ended(&r.ex);
    ymo_exchange_release(&r.ex);
    CHECK_INT(fcntl(fd, F_GETFD), -1);
    teardown(&r);
}

static void
wanted_once_until_looked_at(void)
{
    struct rig r;
    char c;
    setup(&r, YMO_EXCHANGE_RUNNING);
    (void)ymo_mailbox_set_mode(&r.mb, YMO_MAILBOX_NAP);
    ymo_body_rearm(&r.ex.body);
    CHECK_INT(ymo_body_read(&r.ex.body, &c, 1), YMO_EAGAIN);
    CHECK_INT(r.wakes, 1); /* the reader is about to sleep: urgent */
    ymo_body_rearm(&r.ex.body);
    CHECK_INT(ymo_body_read(&r.ex.body, &c, 1), YMO_EAGAIN);
    struct ymo_msg *m = ymo_mailbox_take(&r.mb);
    REQUIRE(m == &r.ex.body_wanted && m->next == NULL);
    CHECK_INT(m->flags, YMO_MSG_WANTED | YMO_MSG_EMBEDDED);
    atomic_store(&r.ex.body_wanted_posted, false);
    ymo_body_rearm(&r.ex.body);
    CHECK_INT(ymo_body_read(&r.ex.body, &c, 1), YMO_EAGAIN);
    CHECK(ymo_mailbox_take(&r.mb) == &r.ex.body_wanted);
    teardown(&r);
}

/* ---- waiting for the client ------------------------------------------------------------ */

static void
full_beyond_high_water(void)
{
    static char body[HIGH + 1];
    struct rig r;
    setup(&r, YMO_EXCHANGE_RUNNING);
    CHECK_INT(ymo_exchange_respond(&r.ex, body, HIGH, false), YMO_OK);
    CHECK(!ymo_exchange_full(&r.ex));
    CHECK_INT(ymo_exchange_send(&r.ex, body, 1), YMO_OK);
    CHECK(ymo_exchange_full(&r.ex));
    ymo_exchange_sent(&r.ex, 1);
    CHECK(!ymo_exchange_full(&r.ex));
    ymo_exchange_sent(&r.ex, HIGH / 2);
    CHECK_INT(ymo_exchange_wait(&r.ex), YMO_OK); /* half is free: no sleep */
    CHECK(r.ex.waiting == NULL);
    teardown(&r);
}

static void
sent_too_much(void *arg)
{
    ymo_exchange_sent(&((struct rig *)arg)->ex, 1);
}

static void
cannot_send_more_than_was_posted(void)
{
    setup(&dying, YMO_EXCHANGE_RUNNING);
    CHECK(ymo_death_by_assert(sent_too_much, &dying));
    teardown(&dying);
}

static void *
wait_for_room(void *arg)
{
    struct rig *r = arg;
    r->rc = ymo_exchange_wait(&r->ex);
    atomic_store(&r->over, true);
    return NULL;
}

static pthread_t
start_waiting(struct rig *r)
{
    static char body[HIGH + 1];
    pthread_t t;
    setup(r, YMO_EXCHANGE_RUNNING);
    r->ex.timed = true;
    if (ymo_exchange_respond(&r->ex, body, HIGH + 1, false) < 0 ||
        pthread_create(&t, NULL, wait_for_room, r) != 0)
        abort();
    while (!atomic_load(&r->ex.waiting))
        sched_yield();
    return t;
}

static void
wait_ends_with_room(void)
{
    struct rig r;
    pthread_t t = start_waiting(&r);
    ymo_exchange_sent(&r.ex, HIGH / 2); /* one byte more than half still waits */
    CHECK(!atomic_load(&r.over));
    CHECK(atomic_load(&r.ex.paused) != 0);
    ymo_parker_unpark(&r.parker); /* spurious */
    ymo_exchange_sent(&r.ex, 1);
    pthread_join(t, NULL);
    CHECK_INT(r.rc, YMO_OK);
    CHECK(r.ex.paused == 0);
    CHECK(r.ex.waited > 0);
    CHECK(r.ex.waiting == NULL);
    teardown(&r);
}

static void
wait_ends_with_cancel(void)
{
    struct rig r;
    char c;
    pthread_t t = start_waiting(&r);
    ymo_exchange_cancel(&r.ex);
    pthread_join(t, NULL);
    CHECK_INT(r.rc, YMO_OK);
    CHECK(ymo_exchange_cancelled(&r.ex));
    CHECK_INT(ymo_body_read(&r.ex.body, &c, 1), YMO_ECLOSED); /* never a short body */
    teardown(&r);
}

static void
on_signal(int signo)
{
    (void)signo;
}

static void
wait_ends_with_a_signal(void)
{
    struct rig r;
    struct sigaction sa = {.sa_handler = on_signal}, before;
    sigaction(SIGUSR1, &sa, &before);
    pthread_t t = start_waiting(&r);
    while (!atomic_load(&r.over)) {
        pthread_kill(t, SIGUSR1);
        usleep(100);
    }
    pthread_join(t, NULL);
    CHECK_INT(r.rc, YMO_EINTR);
    CHECK(r.ex.waiting == NULL);
    sigaction(SIGUSR1, &before, NULL);
    teardown(&r);
}

/* A worker that produces without end and a reactor that takes and "writes": both sleep in turn. */
enum { PIECES = 20000 };

static void *
produce(void *arg)
{
    struct rig *r = arg;
    int rc = ymo_exchange_respond(&r->ex, "x", 1, false);
    for (int i = 1; rc == YMO_OK && i < PIECES; i++) {
        char piece[300];
        memset(piece, i & 0x7f, sizeof(piece));
        while (ymo_exchange_full(&r->ex))
            (void)!ymo_exchange_wait(&r->ex);
        rc = ymo_exchange_send(&r->ex, piece, (size_t)(1 + i % 300));
    }
    r->rc = rc;
    ymo_exchange_end(&r->ex, rc < 0);
    return NULL;
}

static void
wake_sem(void *arg)
{
    sem_post(arg);
}

static void
flow(void)
{
    struct rig r;
    sem_t sem;
    pthread_t t;
    size_t most = 0, wrong = 0;
    int pieces = 0;
    bool end = false;
    sem_init(&sem, 0, 0);
    setup(&r, YMO_EXCHANGE_RUNNING);
    r.mb.wake = wake_sem;
    r.mb.wake_arg = &sem;
    REQUIRE(pthread_create(&t, NULL, produce, &r) == 0);
    while (!end) {
        for (struct ymo_msg *m = ymo_mailbox_take(&r.mb), *next; m; m = next) {
            next = m->next;
            size_t unsent = atomic_load(&r.ex.unsent);
            most = unsent > most ? unsent : most;
            if (m->flags & YMO_MSG_END)
                end = true;
            else
                wrong += m->len != (pieces ? (size_t)(1 + pieces % 300) : 1);
            pieces += !(m->flags & YMO_MSG_END);
            if (m->len)
                ymo_exchange_sent(&r.ex, (size_t)m->len);
            ymo_exchange_msg_free(m);
        }
        if (!end && ymo_mailbox_set_mode(&r.mb, YMO_MAILBOX_SLEEP))
            while (sem_wait(&sem) != 0)
                ;
        (void)ymo_mailbox_set_mode(&r.mb, YMO_MAILBOX_AWAKE);
    }
    pthread_join(t, NULL);
    CHECK_INT(r.rc, YMO_OK);
    CHECK_INT(pieces, PIECES);
    CHECK_INT(wrong, 0);
    CHECK(most <= HIGH + 300);
    CHECK_INT(r.ex.unsent, 0);
    sem_destroy(&sem);
    teardown(&r);
}

/* Those that are timed show since when they run; reused ones forget it. */
static void
begin_notes_the_time(void)
{
    struct rig r;
    setup(&r, YMO_EXCHANGE_RUNNING);
    CHECK_INT(r.ex.started, 0);
    ymo_exchange_ended(&r.ex);
    ymo_exchange_release(&r.ex);
    for (int timed = 1; timed >= 0; timed--) {
        ymo_exchange_open(&r.ex, NULL, 8, &r.mb, HIGH);
        CHECK_INT(r.ex.timed, false);
        CHECK_INT(r.ex.started, 0);
        r.ex.timed = timed;
        ymo_exchange_submit(&r.ex);
        CHECK_INT(r.ex.started, 0);
        long long before = ymo_clock_ns();
        ymo_exchange_begin(&r.ex, &r.parker);
        if (timed)
            CHECK(r.ex.started >= before && r.ex.started <= ymo_clock_ns());
        else
            CHECK_INT(r.ex.started, 0);
        ymo_exchange_ended(&r.ex);
        ymo_exchange_release(&r.ex);
    }
    teardown(&r);
}

YMO_SUITE(exchange, transitions, open_forgets_the_last_life, respond_in_one_message,
          a_whole_body_is_not_urgent, pieces_in_order, broken_end, no_body_drops_data, files,
          wanted_once_until_looked_at, full_beyond_high_water, cannot_send_more_than_was_posted,
          wait_ends_with_room, wait_ends_with_cancel, wait_ends_with_a_signal, flow,
          begin_notes_the_time);
