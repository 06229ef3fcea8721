/* SPDX-License-Identifier: MIT */
#include "reactor/deadline.h"

#include <math.h>
#include <stdbool.h>

/* Farther away than any process lives. libev shows its monotonic time in no other way. */
#define NEVER 1e10

double
ymo_deadlines_now(const struct ymo_deadlines *ds)
{
    return NEVER - ev_timer_remaining(ds->loop, (ev_timer *)&ds->clock);
}

/* The earliest deadline of all, or infinity. */
static double
earliest(const struct ymo_deadlines *ds)
{
    double at = INFINITY;
    for (int k = 1; k < YMO_DEADLINE_KINDS; k++) {
        const struct ymo_list *head = &ds->lists[k];
        if (!ymo_list_empty(head)) {
            const struct ymo_deadline *d = YMO_CONTAINER_OF(head->next, struct ymo_deadline, node);
            if (d->at < at)
                at = d->at;
        }
    }
    return at;
}

static void
stand_at(struct ymo_deadlines *ds, double at)
{
    ev_timer_stop(ds->loop, &ds->timer);
    if (isinf(at))
        return;
    double after = at - ymo_deadlines_now(ds);
    ev_timer_set(&ds->timer, after > 0 ? after : 0, 0.);
    ev_timer_start(ds->loop, &ds->timer);
}

static void
timer_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
    struct ymo_deadlines *ds = t->data;
    double now = ymo_deadlines_now(ds);
    (void)loop, (void)revents;
    for (int k = 1; k < YMO_DEADLINE_KINDS; k++) {
        struct ymo_list *head = &ds->lists[k];
        /* `expired` may arm others, which go to the tail with a later time: this ends. */
        while (!ymo_list_empty(head)) {
            struct ymo_deadline *d = YMO_CONTAINER_OF(head->next, struct ymo_deadline, node);
            if (d->at > now)
                break;
            ymo_list_remove(&d->node);
            /* `kind` still says which it was; a set by the callback overwrites it. */
            ds->expired(ds->arg, d);
        }
    }
    stand_at(ds, earliest(ds));
}

void
ymo_deadlines_init(struct ymo_deadlines *ds, struct ev_loop *loop,
                   void (*expired)(void *, struct ymo_deadline *), void *arg)
{
    ds->loop = loop;
    ds->expired = expired;
    ds->arg = arg;
    ev_timer_init(&ds->timer, timer_cb, 0., 0.);
    ds->timer.data = ds;
    /* After the sockets: what arrived while the loop was not attended has arrived in time. */
    ev_set_priority(&ds->timer, EV_MINPRI);
    ev_timer_init(&ds->clock, timer_cb, NEVER, 0.);
    ds->clock.data = ds;
    ev_timer_start(loop, &ds->clock);
    ev_unref(loop);
    for (int k = 0; k < YMO_DEADLINE_KINDS; k++)
        ymo_list_init(&ds->lists[k]);
}

void
ymo_deadlines_stop(struct ymo_deadlines *ds)
{
    ev_timer_stop(ds->loop, &ds->timer);
    if (ev_is_active(&ds->clock))
        ev_ref(ds->loop);
    ev_timer_stop(ds->loop, &ds->clock);
}

void
ymo_deadline_init(struct ymo_deadline *d)
{
    ymo_list_init(&d->node);
    d->kind = YMO_DEADLINE_NONE;
}

void
ymo_deadline_set(struct ymo_deadlines *ds, struct ymo_deadline *d, enum ymo_deadline_kind kind,
                 bool keep)
{
    if (keep && d->kind == kind && (kind == YMO_DEADLINE_NONE || !ymo_list_empty(&d->node)))
        return;
    ymo_list_remove(&d->node);
    d->kind = kind;
    if (kind == YMO_DEADLINE_NONE)
        return;
    double now = ymo_deadlines_now(ds);
    d->at = now + ds->seconds[kind];
    ymo_list_append(&ds->lists[kind], &d->node);
    /*
     * The timer may stand too early (then it finds nothing and moves on), never too late. One that
     * is about to be called moves itself.
     */
    if (!ev_is_pending(&ds->timer) &&
        (!ev_is_active(&ds->timer) || d->at < now + ev_timer_remaining(ds->loop, &ds->timer)))
        stand_at(ds, d->at);
}
