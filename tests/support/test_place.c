/* SPDX-License-Identifier: MIT */
#include "tests/support/test_place.h"

#include "tests/support/test.h"

#include <poll.h>
#include <unistd.h>

bool
ymo_test_place_make(struct ymo_test_place *p, struct ymo_test_server *s)
{
    int fds[2];
    *p = (struct ymo_test_place){.supervisor = -1};
    if (!CHECK(ymo_board_create(3, false, &p->place.board) == YMO_OK) ||
        !CHECK(ymo_link_pair(fds) == YMO_OK))
        return false;
    (void)ymo_board_take(p->place.board);
    p->place.seat = ymo_board_take(p->place.board);
    p->seat = &p->place.board->seats[p->place.seat];
    p->supervisor = fds[0];
    p->place.link = fds[1];
    s->cfg.place = &p->place;
    return true;
}

void
ymo_test_place_free(struct ymo_test_place *p)
{
    ymo_test_place_vanish(p);
    close(p->place.link);
    ymo_board_free(p->place.board);
}

bool
ymo_test_place_heard(struct ymo_test_place *p, enum ymo_link_type type, int arg)
{
    struct pollfd pfd = {p->supervisor, POLLIN, 0};
    struct ymo_link_msg msg;
    return poll(&pfd, 1, 60000) == 1 && ymo_link_recv(p->supervisor, &msg, NULL) == YMO_OK &&
           msg.type == (int)type && msg.arg == arg;
}

bool
ymo_test_place_silent(struct ymo_test_place *p)
{
    struct pollfd pfd = {p->supervisor, POLLIN, 0};
    return poll(&pfd, 1, 0) == 0;
}

void
ymo_test_place_drain(struct ymo_test_place *p, enum ymo_link_reason reason)
{
    CHECK_INT(ymo_link_send(p->supervisor, YMO_LINK_DRAIN, (int)reason, -1), YMO_OK);
}

void
ymo_test_place_vanish(struct ymo_test_place *p)
{
    if (p->supervisor >= 0)
        close(p->supervisor);
    p->supervisor = -1;
}

bool
ymo_test_place_is(const atomic_uint *figure, unsigned n)
{
    for (int i = 0; atomic_load(figure) != n; i++) {
        if (i == 60 * 1000)
            return false;
        usleep(1000);
    }
    return true;
}

bool
ymo_test_place_until(const atomic_uint *figure, unsigned n)
{
    for (int i = 0; atomic_load(figure) < n; i++) {
        if (i == 60 * 1000)
            return false;
        usleep(1000);
    }
    return true;
}

void
ymo_test_place_join(struct ymo_test_server *s)
{
    ymo_echo_executor_join(&s->executor);
    ymo_reactor_join(s->reactor);
    CHECK_INT(s->executor.drained, 1);
    sem_destroy(&s->gate);
}
