/* SPDX-License-Identifier: MIT */
#include "request/mailbox.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

static void
count(void *arg)
{
    ++*(int *)arg;
}

/* Which posts wake the reactor: the promise of mailbox.h, row by row. */
static void
which_posts_wake(void)
{
    static const struct {
        enum ymo_mailbox_mode mode;
        bool urgent;
        int on_post, on_flush;
    } rows[] = {
        {YMO_MAILBOX_AWAKE, false, 0, 0}, {YMO_MAILBOX_AWAKE, true, 0, 0},
        {YMO_MAILBOX_NAP, false, 0, 1},   {YMO_MAILBOX_NAP, true, 1, 1},
        {YMO_MAILBOX_SLEEP, false, 1, 1}, {YMO_MAILBOX_SLEEP, true, 1, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ymo_mailbox mb;
        struct ymo_msg m = {0};
        int wakes = 0;
        ymo_test_context("row %zu", i);
        ymo_mailbox_init(&mb, count, &wakes);
        CHECK(ymo_mailbox_set_mode(&mb, rows[i].mode));
        ymo_mailbox_flush(&mb);
        CHECK_INT(wakes, 0); /* nothing waits */
        ymo_mailbox_post(&mb, &m, rows[i].urgent);
        CHECK_INT(wakes, rows[i].on_post);
        wakes = 0;
        ymo_mailbox_flush(&mb);
        CHECK_INT(wakes, rows[i].on_flush);
        CHECK(ymo_mailbox_take(&mb) == &m);
        wakes = 0;
        ymo_mailbox_flush(&mb);
        CHECK_INT(wakes, 0);
        ymo_mailbox_destroy(&mb);
    }
    ymo_test_context(NULL);
}

static void
oldest_first_and_all_at_once(void)
{
    struct ymo_mailbox mb;
    struct ymo_msg m[5] = {0};
    int wakes = 0;
    ymo_mailbox_init(&mb, count, &wakes);
    CHECK(ymo_mailbox_take(&mb) == NULL);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5; i++) {
            m[i].next = &m[0]; /* rubbish that post has to clear */
            ymo_mailbox_post(&mb, &m[i], i & 1);
        }
        struct ymo_msg *got = ymo_mailbox_take(&mb);
        for (int i = 0; i < 5; i++) {
            CHECK(got == &m[i]);
            got = got ? got->next : NULL;
        }
        CHECK(got == NULL);
        CHECK(ymo_mailbox_take(&mb) == NULL);
    }
    ymo_mailbox_destroy(&mb);
}

static void
no_sleep_while_messages_wait(void)
{
    struct ymo_mailbox mb;
    struct ymo_msg m = {0};
    int wakes = 0;
    ymo_mailbox_init(&mb, count, &wakes);
    ymo_mailbox_post(&mb, &m, false);
    CHECK(!ymo_mailbox_set_mode(&mb, YMO_MAILBOX_SLEEP));
    CHECK(!ymo_mailbox_set_mode(&mb, YMO_MAILBOX_NAP));
    CHECK(ymo_mailbox_take(&mb) == &m);
    CHECK(ymo_mailbox_set_mode(&mb, YMO_MAILBOX_SLEEP));
    CHECK_INT(wakes, 0);
    ymo_mailbox_destroy(&mb);
}

enum { POSTERS = 3, MESSAGES = 20000 };

struct office {
    struct ymo_mailbox mb;
    sem_t wake;
};

struct poster {
    struct office *o;
    unsigned number;
    struct ymo_msg *msgs;
};

static void
ring(void *arg)
{
    sem_post(&((struct office *)arg)->wake);
}

static void *
post_all(void *arg)
{
    struct poster *p = arg;
    unsigned dice = p->number * 7919 + 1;
    for (int i = 0; i < MESSAGES; i++) {
        struct ymo_msg *m = &p->msgs[i];
        dice = dice * 1103515245 + 12345;
        *m = (struct ymo_msg){.flags = p->number, .off = i};
        ymo_mailbox_post(&p->o->mb, m, (dice >> 16) % 4 == 0);
        if ((dice >> 20) % 5 == 0)
            ymo_mailbox_flush(&p->o->mb);
    }
    ymo_mailbox_flush(&p->o->mb); /* it would go to sleep now */
    return NULL;
}

/* The reactor sleeps without a limit, in both modes: one lost wake-up and this never ends. */
static void
no_wake_up_is_lost(void)
{
    struct office o;
    struct poster posters[POSTERS];
    pthread_t t[POSTERS];
    int64_t next[POSTERS] = {0};
    int taken = 0, wrong = 0;
    sem_init(&o.wake, 0, 0);
    ymo_mailbox_init(&o.mb, ring, &o);
    CHECK(ymo_mailbox_set_mode(&o.mb, YMO_MAILBOX_SLEEP)); /* it sleeps before the first post */
    for (unsigned i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){&o, i, calloc(MESSAGES, sizeof(struct ymo_msg))};
        REQUIRE(posters[i].msgs != NULL);
        REQUIRE(pthread_create(&t[i], NULL, post_all, &posters[i]) == 0);
    }
    while (sem_wait(&o.wake) != 0)
        ;
    (void)ymo_mailbox_set_mode(&o.mb, YMO_MAILBOX_AWAKE);
    while (taken < POSTERS * MESSAGES) {
        for (struct ymo_msg *m = ymo_mailbox_take(&o.mb), *then; m; m = then) {
            then = m->next;
            wrong += m->off != next[m->flags]++;
            taken++;
        }
        if (taken < POSTERS * MESSAGES &&
            ymo_mailbox_set_mode(&o.mb, taken % 3 ? YMO_MAILBOX_SLEEP : YMO_MAILBOX_NAP)) {
            while (sem_wait(&o.wake) != 0)
                ;
        }
        (void)ymo_mailbox_set_mode(&o.mb, YMO_MAILBOX_AWAKE);
    }
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(t[i], NULL);
        free(posters[i].msgs);
    }
    CHECK_INT(taken, POSTERS * MESSAGES);
    CHECK_INT(wrong, 0); /* each poster's own order is kept */
    ymo_mailbox_destroy(&o.mb);
    sem_destroy(&o.wake);
}

YMO_SUITE(mailbox, which_posts_wake, oldest_first_and_all_at_once, no_sleep_while_messages_wait,
          no_wake_up_is_lost);
