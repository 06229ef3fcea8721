/* SPDX-License-Identifier: MIT */
/* A place in a generation for the test server, and the supervisor's end of its link. */
#ifndef YMO_TESTS_SUPPORT_TEST_PLACE_H
#define YMO_TESTS_SUPPORT_TEST_PLACE_H

#include "reactor/board.h"
#include "reactor/link.h"
#include "tests/support/test_server.h"

struct ymo_test_place {
    struct ymo_place place;
    struct ymo_seat *seat;
    int supervisor; /* its end of the link; -1: closed */
};

/* Between the server's init and start. False (and a failed check): there is none. */
bool ymo_test_place_make(struct ymo_test_place *p, struct ymo_test_server *s);
/* After the reactor has ended. */
void ymo_test_place_free(struct ymo_test_place *p);

/* Wait for the next message: is it this one? False after a minute. */
bool ymo_test_place_heard(struct ymo_test_place *p, enum ymo_link_type type, int arg);
/* Nothing more has been said so far. */
bool ymo_test_place_silent(struct ymo_test_place *p);
/* Tell the server to stop. */
void ymo_test_place_drain(struct ymo_test_place *p, enum ymo_link_reason reason);
/* Let go: the supervisor is gone. */
void ymo_test_place_vanish(struct ymo_test_place *p);
/* Wait until *figure is `n` (at least). False after a minute. */
bool ymo_test_place_is(const atomic_uint *figure, unsigned n);
bool ymo_test_place_until(const atomic_uint *figure, unsigned n);
/* The end of a server that was told to stop by link or signal. */
void ymo_test_place_join(struct ymo_test_server *s);

#endif
