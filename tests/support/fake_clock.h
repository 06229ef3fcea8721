/* SPDX-License-Identifier: MIT */
/* Stands in for ymo_clock_ns: time passes when a test says so, however busy the machine is. */
#ifndef YMO_TESTS_SUPPORT_FAKE_CLOCK_H
#define YMO_TESTS_SUPPORT_FAKE_CLOCK_H

/* Any thread. */
void ymo_fake_clock_pass(double seconds);

#endif
