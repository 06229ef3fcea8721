/* SPDX-License-Identifier: MIT */
/* The clock that measures durations, whatever happens to the wall clock. Any thread. */
#ifndef YMO_BASE_CLOCK_H
#define YMO_BASE_CLOCK_H

/* CLOCK_MONOTONIC in nanoseconds; never 0. */
long long ymo_clock_ns(void);

#endif
