/* SPDX-License-Identifier: MIT */
/* Stands between the program and ev_now(), which follows the wall clock. */
#ifndef YMO_TESTS_SUPPORT_CLOCK_STEP_H
#define YMO_TESTS_SUPPORT_CLOCK_STEP_H

/* Seconds by which the wall clock is wrong. The thread of the loop only. */
extern double ymo_clock_step;

#endif
