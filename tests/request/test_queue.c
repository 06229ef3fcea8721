/* SPDX-License-Identifier: MIT */
#include "request/queue.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>

enum { N = 4, ITEMS = 16 };

static struct ymo_queue q;
static struct ymo_queue_worker w[N];
static struct ymo_exchange *ex; /* the queue looks at its links only */

static void
setup(void)
{
    static struct ymo_exchange storage[ITEMS];
    memset(storage, 0, sizeof(storage));
    ex = storage;
    ymo_queue_init(&q);
    for (int i = 0; i < N; i++)
        ymo_queue_worker_init(&w[i]);
}

static void
teardown(void)
{
    for (int i = 0; i < N; i++)
        ymo_queue_worker_destroy(&w[i]);
    ymo_queue_destroy(&q);
}

/* Push ex[from] to ex[to] as one batch. */
static void
push(int from, int to)
{
    for (int i = from; i <= to; i++)
        ex[i].next = i < to ? &ex[i + 1] : NULL;
    ymo_queue_push(&q, &ex[from], &ex[to]);
}

/* Number of the next request for worker `i`, -1 for none, -2 when it is to leave. */
static int
pop(int i)
{
    bool closed;
    struct ymo_exchange *got = ymo_queue_pop(&q, &w[i], &closed);
    return got ? (int)(got - ex) : closed ? -2 : -1;
}

/* Was worker `i` woken since this was asked last? */
static bool
woken(int i)
{
    int tokens = 0;
    sem_getvalue(&w[i].parker.sem, &tokens);
    CHECK(tokens <= 1);
    return tokens > 0 && ymo_parker_park(&w[i].parker) == YMO_OK;
}

static int
n_woken(void)
{
    int n = 0;
    for (int i = 0; i < N; i++)
        n += woken(i);
    return n;
}

static int
n_idle(void)
{
    int n = 0;
    for (struct ymo_queue_worker *i = q.idle; i && n < 100; i = i->next_idle)
        n++;
    return n;
}

static void
first_in_first_out(void)
{
    setup();
    push(0, 2);
    push(3, 3);
    for (int i = 0; i < 4; i++)
        CHECK_INT(pop(0), i);
    CHECK_INT(pop(0), -1);
    push(4, 5);
    CHECK(woken(0));
    CHECK_INT(pop(0), 4);
    CHECK_INT(pop(0), 5);
    CHECK_INT(pop(0), -1);
    teardown();
}

static void
one_push_wakes_one(void)
{
    setup();
    for (int i = 0; i < N; i++)
        CHECK_INT(pop(i), -1);
    CHECK_INT(n_idle(), N);
    push(0, 9);          /* a large batch, too */
    CHECK(woken(N - 1)); /* the last to go idle has the warmest cache */
    CHECK_INT(n_woken(), 0);
    CHECK_INT(n_idle(), N - 1);
    push(10, 10); /* one is on its way */
    CHECK_INT(n_woken(), 0);
    CHECK_INT(pop(N - 1), 0);
    push(11, 11); /* it runs, and was quick so far */
    CHECK_INT(n_woken(), 0);
    for (int i = 1; i <= 11; i++)
        CHECK_INT(pop(N - 1), i);
    CHECK_INT(pop(N - 1), -1);
    push(12, 12); /* all idle again */
    CHECK_INT(n_woken(), 1);
    teardown();
}

static void
kick_wakes_another_without_progress_only(void)
{
    setup();
    CHECK_INT(pop(0), -1);
    CHECK_INT(pop(1), -1);
    push(0, 5);
    CHECK(woken(1));
    CHECK_INT(pop(1), 0);
    CHECK(ymo_queue_kick(&q)); /* it has popped since the last kick */
    CHECK_INT(n_woken(), 0);
    CHECK_INT(pop(1), 1);
    CHECK(ymo_queue_kick(&q));
    CHECK_INT(n_woken(), 0);
    /* Now it is stuck in a long request, and others wait. */
    CHECK(!ymo_queue_kick(&q)); /* nobody sleeps any more */
    CHECK(woken(0));
    CHECK_INT(n_woken(), 0);
    (void)ymo_queue_kick(&q); /* that one is on its way */
    CHECK_INT(n_woken(), 0);
    CHECK_INT(pop(0), 2);
    CHECK_INT(pop(0), 3);
    CHECK_INT(pop(0), 4);
    CHECK_INT(pop(0), 5);
    CHECK_INT(pop(0), -1);
    teardown();
}

/* An idle worker that runs several requests at once may not come, and is not waited for. */
static void
kick_does_not_trust_busy_idle_workers(void)
{
    setup();
    q.busy_idle = true;
    CHECK_INT(pop(0), -1);
    CHECK_INT(pop(1), -1);
    push(0, 5);
    CHECK(woken(1));
    CHECK(ymo_queue_kick(&q)); /* it was woken only just now */
    CHECK_INT(n_woken(), 0);
    (void)ymo_queue_kick(&q);
    CHECK(woken(0));
    CHECK_INT(pop(0), 0);
    CHECK_INT(pop(1), 1);
    teardown();
}

static void
kick_says_when_it_is_needed_again(void)
{
    setup();
    CHECK(!ymo_queue_kick(&q)); /* nothing at all */
    CHECK_INT(pop(0), -1);
    CHECK(!ymo_queue_kick(&q));
    push(0, 0);
    CHECK(woken(0));
    CHECK_INT(pop(0), 0);
    CHECK(ymo_queue_kick(&q));  /* it was quick: a push in the next millisecond would rely on it */
    CHECK(!ymo_queue_kick(&q)); /* it has become slow, and nothing waits */
    push(1, 2);                 /* nobody idle, nobody quick: whoever ends next takes it */
    CHECK_INT(n_woken(), 0);
    CHECK(!ymo_queue_kick(&q));
    CHECK_INT(pop(1), 1);
    CHECK_INT(pop(1), 2);
    CHECK_INT(pop(1), -1);
    CHECK_INT(pop(0), -1);
    teardown();
}

/* A request that waits behind a slow worker gets a second worker after two kicks at most. */
static void
nothing_starves_behind_a_slow_worker(void)
{
    setup();
    CHECK_INT(pop(0), -1);
    CHECK_INT(pop(1), -1);
    push(0, 0);
    CHECK(woken(1));
    CHECK_INT(pop(1), 0); /* and does not come back */
    push(1, 1);
    CHECK_INT(n_woken(), 0);
    CHECK(ymo_queue_kick(&q));
    CHECK_INT(n_woken(), 0); /* it may still be quick */
    (void)ymo_queue_kick(&q);
    CHECK(woken(0));
    CHECK_INT(pop(0), 1);
    push(2, 2); /* worker 0 is quick, worker 1 is not */
    CHECK_INT(n_woken(), 0);
    CHECK_INT(pop(0), 2);
    CHECK_INT(pop(0), -1);
    push(3, 3); /* the slow one does not count: 0 is woken at once */
    CHECK(woken(0));
    teardown();
}

static void
take_back(void)
{
    static const struct {
        int order[4];
        const char *left;
    } rows[] = {{{0, 1, 2, 3}, ""}, {{3, 2, 1, 0}, ""}, {{1, -1}, "023"},  {{0, -1}, "123"},
                {{3, -1}, "012"},   {{1, 2, -1}, "03"}, {{2, 0, -1}, "13"}};
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        ymo_test_context("row %zu", r);
        setup();
        push(0, 3);
        for (int i = 0; i < 4 && rows[r].order[i] >= 0; i++) {
            CHECK(ymo_queue_take_back(&q, &ex[rows[r].order[i]]));
            CHECK(!ymo_queue_take_back(&q, &ex[rows[r].order[i]])); /* once */
        }
        for (const char *c = rows[r].left; *c; c++) {
            CHECK_INT(pop(0), *c - '0');
            CHECK(!ymo_queue_take_back(&q, &ex[*c - '0'])); /* a worker has it */
        }
        CHECK_INT(pop(0), -1);
        push(4, 5); /* the ends of the list are right */
        CHECK_INT(pop(0), 4);
        CHECK_INT(pop(0), 5);
        teardown();
    }
    ymo_test_context(NULL);
}

static void
close_drains(void)
{
    setup();
    CHECK_INT(pop(0), -1);
    CHECK_INT(pop(1), -1);
    push(0, 2);
    CHECK(woken(1));
    ymo_queue_close(&q);
    CHECK(woken(0));
    CHECK_INT(pop(2), 0); /* what is queued is still done, by whoever comes */
    CHECK_INT(pop(1), 1);
    CHECK_INT(pop(0), 2);
    for (int i = 0; i < N; i++) {
        CHECK_INT(pop(i), -2);
        CHECK_INT(pop(i), -2);
    }
    CHECK_INT(n_idle(), 0);
    teardown();
}

static void
spurious_wake_ups(void)
{
    setup();
    for (int i = 0; i < 3; i++)
        CHECK_INT(pop(i), -1);
    for (int i = 0; i < 10; i++)
        CHECK_INT(pop(i % 3), -1); /* signals, say */
    CHECK_INT(n_idle(), 3);
    push(0, 0);
    CHECK(woken(2));
    CHECK_INT(pop(0), 0); /* another was faster, from the middle of the list */
    CHECK_INT(n_idle(), 1);
    CHECK_INT(pop(2), -1);
    CHECK_INT(n_idle(), 2);
    CHECK_INT(pop(0), -1);
    CHECK_INT(n_idle(), 3);
    push(1, 1); /* and the count of those on their way is right again */
    CHECK_INT(n_woken(), 1);
    teardown();
}

/* ---- many workers ---------------------------------------------------------------------- */

enum { MANY = 5000, WORKERS = 4 };

struct stress {
    struct ymo_queue q;
    struct ymo_exchange *items;
    atomic_uchar *times; /* each was processed */
    atomic_int done;
};

struct stress_worker {
    struct stress *s;
    struct ymo_queue_worker w;
    pthread_t t;
    int n;
};

static void *
work(void *arg)
{
    struct stress_worker *sw = arg;
    struct stress *s = sw->s;
    for (;;) {
        bool closed;
        struct ymo_exchange *got = ymo_queue_pop(&s->q, &sw->w, &closed);
        if (got) {
            atomic_fetch_add(&s->times[got - s->items], 1);
            atomic_fetch_add(&s->done, 1);
            if (++sw->n % 64 == 0)
                sched_yield();
        } else if (closed) {
            return NULL;
        } else {
            (void)!ymo_parker_park(&sw->w.parker);
        }
    }
}

static void
each_exactly_once(void)
{
    struct stress s = {.items = calloc(MANY, sizeof(struct ymo_exchange)),
                       .times = calloc(MANY, sizeof(atomic_uchar))};
    struct stress_worker workers[WORKERS];
    unsigned dice = 42;
    int back = 0;
    REQUIRE(s.items && s.times);
    ymo_queue_init(&s.q);
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct stress_worker){.s = &s};
        ymo_queue_worker_init(&workers[i].w);
        REQUIRE(pthread_create(&workers[i].t, NULL, work, &workers[i]) == 0);
    }
    for (int at = 0; at < MANY;) {
        dice = dice * 1103515245 + 12345;
        int n = 1 + (int)(dice >> 16) % 20;
        if (n > MANY - at)
            n = MANY - at;
        for (int i = 0; i < n; i++)
            s.items[at + i].next = i < n - 1 ? &s.items[at + i + 1] : NULL;
        ymo_queue_push(&s.q, &s.items[at], &s.items[at + n - 1]);
        if ((dice >> 8) % 7 == 0 && ymo_queue_take_back(&s.q, &s.items[at + n - 1])) {
            atomic_fetch_add(&s.times[at + n - 1], 1);
            back++;
        }
        at += n;
        /* The reactor's nap: kicks go on for as long as they are asked for. From then on the
         * workers have to get through it on their own. */
        while (ymo_queue_kick(&s.q))
            sched_yield();
        if ((dice >> 12) % 5 == 0)
            while (atomic_load(&s.done) + back < at)
                sched_yield();
    }
    while (atomic_load(&s.done) + back < MANY)
        sched_yield();
    ymo_queue_close(&s.q);
    int wrong = 0;
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].t, NULL);
        ymo_queue_worker_destroy(&workers[i].w);
    }
    for (int i = 0; i < MANY; i++)
        wrong += s.times[i] != 1;
    CHECK_INT(wrong, 0);
    ymo_queue_destroy(&s.q);
    free(s.items);
    free(s.times);
}

YMO_SUITE(queue, first_in_first_out, one_push_wakes_one, kick_wakes_another_without_progress_only,
          kick_does_not_trust_busy_idle_workers, kick_says_when_it_is_needed_again,
          nothing_starves_behind_a_slow_worker, take_back, close_drains, spurious_wake_ups,
          each_exactly_once);
