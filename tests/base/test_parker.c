/* SPDX-License-Identifier: MIT */
#include "base/parker.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static int
posted(struct ymo_parker *p)
{
    int n = -1;
    sem_getvalue(&p->sem, &n);
    return n;
}

static void
one_token(void)
{
    struct ymo_parker p;
    ymo_parker_init(&p);
    CHECK_INT(posted(&p), 0);
    ymo_parker_unpark(&p); /* before park: not lost */
    ymo_parker_unpark(&p); /* several count once */
    ymo_parker_unpark(&p);
    CHECK_INT(posted(&p), 1);
    CHECK_INT(ymo_parker_park(&p), YMO_OK);
    CHECK_INT(posted(&p), 0);
    ymo_parker_unpark(&p); /* and it can be had again */
    CHECK_INT(posted(&p), 1);
    CHECK_INT(ymo_parker_park(&p), YMO_OK);
    ymo_parker_destroy(&p);
}

static void
on_signal(int signo)
{
    (void)signo;
}

struct sleeper {
    struct ymo_parker p;
    atomic_int rc; /* of the last park */
    atomic_bool over;
};

static void *
sleep_once(void *arg)
{
    struct sleeper *s = arg;
    int rc = ymo_parker_park(&s->p);
    atomic_store(&s->rc, rc);
    atomic_store(&s->over, true);
    return NULL;
}

/* Python's handlers are installed like this one, and have to run although the worker sleeps. */
static void
signals_end_the_sleep(void)
{
    struct sleeper s = {.rc = 77};
    struct sigaction sa = {.sa_handler = on_signal}, before;
    pthread_t t;
    ymo_parker_init(&s.p);
    sigaction(SIGUSR1, &sa, &before);
    REQUIRE(pthread_create(&t, NULL, sleep_once, &s) == 0);
    /* One that comes before the thread sleeps is not seen by it: send until it is. */
    while (!atomic_load(&s.over)) {
        pthread_kill(t, SIGUSR1);
        usleep(100);
    }
    pthread_join(t, NULL);
    CHECK_INT(s.rc, YMO_EINTR);
    sigaction(SIGUSR1, &before, NULL);
    /* The token was not used up by that. */
    ymo_parker_unpark(&s.p);
    CHECK_INT(ymo_parker_park(&s.p), YMO_OK);
    ymo_parker_destroy(&s.p);
}

enum { ROUNDS = 20000 };

struct pair {
    struct ymo_parker ping, pong;
    atomic_int to, from;
};

static void *
answer(void *arg)
{
    struct pair *p = arg;
    for (int i = 1; i <= ROUNDS; i++) {
        while (atomic_load(&p->to) < i)
            (void)!ymo_parker_park(&p->ping);
        atomic_store(&p->from, i);
        ymo_parker_unpark(&p->pong);
    }
    return NULL;
}

/* A lost wake-up would stop this for ever. */
static void
two_threads(void)
{
    struct pair p = {.to = 0};
    pthread_t t;
    ymo_parker_init(&p.ping);
    ymo_parker_init(&p.pong);
    REQUIRE(pthread_create(&t, NULL, answer, &p) == 0);
    for (int i = 1; i <= ROUNDS; i++) {
        atomic_store(&p.to, i);
        ymo_parker_unpark(&p.ping);
        if (i % 3 == 0)
            ymo_parker_unpark(&p.ping); /* a spurious one does no harm */
        while (atomic_load(&p.from) < i)
            (void)!ymo_parker_park(&p.pong);
    }
    pthread_join(t, NULL);
    CHECK_INT(p.from, ROUNDS);
    ymo_parker_destroy(&p.ping);
    ymo_parker_destroy(&p.pong);
}

YMO_SUITE(parker, one_token, signals_end_the_sleep, two_threads);
