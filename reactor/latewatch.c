/* SPDX-License-Identifier: MIT */
#include "reactor/latewatch.h"

#include "reactor/loop.h"

bool
ymo_latewatch_add(struct ymo_conn *c)
{
    struct ymo_reactor *r = c->r;
    if (!c->codec->front_end || c->tls || c->state != YMO_CONN_OPEN || c->n_exchanges == 0 ||
        c->receiving || r->in_flight == 0)
        return false;
    if (ymo_list_empty(&c->late)) {
        c->late_since = r->n_naps;
        ymo_list_append(&r->late, &c->late);
        ymo_dispatch_nap(r); /* none may be on: nothing was handed over for a while */
    }
    return true;
}

static void
watch(struct ymo_conn *c)
{
    ymo_list_remove(&c->late);
    ev_io_start(c->r->loop, &c->rd);
}

/* Since the nap before: a whole one, at least. */
bool
ymo_latewatch_turn(struct ymo_reactor *r)
{
    while (!ymo_list_empty(&r->late)) {
        struct ymo_conn *c = YMO_CONTAINER_OF(r->late.next, struct ymo_conn, late);
        if (c->late_since == r->n_naps)
            break;
        watch(c);
    }
    r->n_naps++;
    return !ymo_list_empty(&r->late);
}

void
ymo_latewatch_all(struct ymo_reactor *r)
{
    while (!ymo_list_empty(&r->late))
        watch(YMO_CONTAINER_OF(r->late.next, struct ymo_conn, late));
}
