/* SPDX-License-Identifier: MIT */
#include "reactor/deadline.h"
#include "tests/support/clock_step.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <unistd.h>

struct item {
    struct ymo_deadline d;
    char name;
};

static struct ev_loop *loop;
static struct ymo_deadlines ds;
static struct item items[4];
static char order[64];
static size_t n_order;
static void (*then)(struct item *it);

static void
expired(void *arg, struct ymo_deadline *d)
{
    struct item *it = YMO_CONTAINER_OF(d, struct item, d);
    CHECK(arg == &n_order);
    CHECK(ymo_list_empty(&d->node)); /* already disarmed */
    if (n_order < sizeof(order))
        order[n_order++] = it->name;
    if (then)
        then(it);
}

static void
setup(void)
{
    loop = ev_loop_new(EVFLAG_NOENV);
    ymo_deadlines_init(&ds, loop, expired, &n_order);
    for (int k = 0; k < YMO_DEADLINE_KINDS; k++)
        ds.seconds[k] = 3600;
    ds.seconds[YMO_DEADLINE_HEAD] = 0.002;
    ds.seconds[YMO_DEADLINE_BODY] = 0.004;
    n_order = 0;
    then = NULL;
    for (int i = 0; i < 4; i++) {
        items[i].name = (char)('a' + i);
        ymo_deadline_init(&items[i].d);
    }
}

static void
teardown(void)
{
    ymo_deadlines_stop(&ds);
    ev_loop_destroy(loop);
}

static void
set(int i, enum ymo_deadline_kind kind)
{
    ymo_deadline_set(&ds, &items[i].d, kind, false);
}

/* Run until `n` have expired. */
static struct ymo_slice
run(size_t n)
{
    while (n_order < n)
        ev_run(loop, EVRUN_ONCE);
    return ymo_slice_of(order, n_order);
}

static void
earliest_first(void)
{
    setup();
    ds.seconds[YMO_DEADLINE_IDLE] = 0.006;
    set(0, YMO_DEADLINE_IDLE);
    set(1, YMO_DEADLINE_BODY);
    set(2, YMO_DEADLINE_HEAD);
    set(3, YMO_DEADLINE_HEAD);
    CHECK_SLICE(run(4), "cdba");
    CHECK(!ev_is_active(&ds.timer)); /* nothing is left to wait for */
    teardown();
}

static void
disarmed_ones_never_expire(void)
{
    setup();
    set(0, YMO_DEADLINE_HEAD);
    set(1, YMO_DEADLINE_HEAD);
    set(2, YMO_DEADLINE_BODY);
    set(0, YMO_DEADLINE_NONE);
    set(0, YMO_DEADLINE_NONE);   /* harmless */
    set(1, YMO_DEADLINE_LINGER); /* another kind, which has an hour */
    CHECK_SLICE(run(1), "c");
    CHECK_INT(items[0].d.kind, YMO_DEADLINE_NONE);
    CHECK(!ymo_list_empty(&items[1].d.node));
    teardown();
}

static void
keep(void)
{
    setup();
    set(0, YMO_DEADLINE_BODY);
    set(1, YMO_DEADLINE_BODY);
    double at = items[0].d.at;
    ymo_deadline_set(&ds, &items[0].d, YMO_DEADLINE_BODY, true);
    CHECK(items[0].d.at == at && ds.lists[YMO_DEADLINE_BODY].next == &items[0].d.node);
    ymo_deadline_set(&ds, &items[0].d, YMO_DEADLINE_BODY, false); /* to the tail */
    CHECK(ds.lists[YMO_DEADLINE_BODY].next == &items[1].d.node);
    ymo_deadline_set(&ds, &items[1].d, YMO_DEADLINE_HEAD, true); /* of another kind: armed anew */
    CHECK_INT(items[1].d.kind, YMO_DEADLINE_HEAD);
    CHECK_SLICE(run(2), "ba");
    /* One that has expired is armed again, whatever it was. */
    ymo_deadline_set(&ds, &items[1].d, YMO_DEADLINE_HEAD, true);
    CHECK_SLICE(run(3), "bab");
    teardown();
}

static void
arm_again(struct item *it)
{
    if (n_order < 20)
        ymo_deadline_set(&ds, &it->d, YMO_DEADLINE_HEAD, false);
}

static void
expiry_arms_again(void)
{
    setup();
    then = arm_again;
    set(0, YMO_DEADLINE_HEAD);
    set(1, YMO_DEADLINE_HEAD);
    CHECK_INT(run(21).len, 21);
    int a = 0;
    for (size_t i = 0; i < n_order; i++)
        a += order[i] == 'a';
    CHECK(a == 10 || a == 11);
    teardown();
}

static void
disarm_the_others(struct item *it)
{
    for (int i = 0; i < 3; i++) {
        if (&items[i] != it)
            ymo_deadline_set(&ds, &items[i].d, YMO_DEADLINE_NONE, false);
    }
}

static void
expiry_disarms_others(void)
{
    setup();
    then = disarm_the_others;
    set(0, YMO_DEADLINE_HEAD);
    set(1, YMO_DEADLINE_HEAD);
    set(2, YMO_DEADLINE_BODY);
    set(3, YMO_DEADLINE_BODY);
    CHECK_SLICE(run(2), "ad");
    teardown();
}

/* Arming and disarming at the rate of requests must not move libev's timer each time. */
static void
the_timer_rests(void)
{
    setup();
    set(0, YMO_DEADLINE_LINGER);
    int moved = 0;
    for (int i = 0; i < 1000; i++) {
        double at = ev_timer_remaining(loop, &ds.timer);
        set(1, YMO_DEADLINE_WRITE);
        set(1, YMO_DEADLINE_IDLE);
        set(1, YMO_DEADLINE_NONE);
        moved += ev_timer_remaining(loop, &ds.timer) != at;
    }
    CHECK_INT(moved, 0);
    teardown();
}

/* As a graceful stop does: all of a kind are armed anew, for a shorter time. */
static void
shorter_for_all(void)
{
    setup();
    for (int i = 0; i < 3; i++)
        set(i, YMO_DEADLINE_IDLE);
    ds.seconds[YMO_DEADLINE_IDLE] = 0.002;
    for (int i = 0; i < 3; i++)
        set(i, YMO_DEADLINE_IDLE);
    CHECK(ev_timer_remaining(loop, &ds.timer) < 1);
    CHECK_SLICE(run(3), "abc");
    teardown();
}

static void
on_readable(struct ev_loop *l, ev_io *io, int revents)
{
    (void)l, (void)revents;
    set(0, YMO_DEADLINE_LINGER); /* what it waited for has come */
    ev_io_stop(loop, io);
}

/* The loop was not attended for a while, and both are due: data in time counts. */
static void
sockets_before_deadlines(void)
{
    int fds[2];
    ev_io io;
    setup();
    ds.seconds[YMO_DEADLINE_HEAD] = 0;
    REQUIRE(pipe(fds) == 0 && write(fds[1], "x", 1) == 1);
    ev_io_init(&io, on_readable, fds[0], EV_READ);
    ev_io_start(loop, &io);
    set(0, YMO_DEADLINE_HEAD);
    set(1, YMO_DEADLINE_HEAD);
    CHECK_SLICE(run(1), "b");
    CHECK_INT(items[0].d.kind, YMO_DEADLINE_LINGER);
    close(fds[0]);
    close(fds[1]);
    teardown();
}

/* Somebody sets the clock, by an hour either way. */
static void
wall_clock_steps(void)
{
    for (int sign = -1; sign <= 1; sign += 2) {
        ymo_test_context("%+d hour", sign);
        setup();
        ds.seconds[YMO_DEADLINE_IDLE] = 1800;
        set(0, YMO_DEADLINE_IDLE);
        set(1, YMO_DEADLINE_BODY);
        ymo_clock_step = sign * 3600.;
        set(2, YMO_DEADLINE_BODY);
        CHECK_SLICE(run(2), "bc");
        CHECK(!ymo_list_empty(&items[0].d.node));
        ymo_clock_step = 0;
        teardown();
    }
    ymo_test_context(NULL);
}

YMO_SUITE(deadline, earliest_first, disarmed_ones_never_expire, keep, expiry_arms_again,
          expiry_disarms_others, the_timer_rests, shorter_for_all, sockets_before_deadlines,
          wall_clock_steps);
