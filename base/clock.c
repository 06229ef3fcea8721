/* SPDX-License-Identifier: MIT */
/* Alone in its file, so that a test program can have another one. */
#include "base/clock.h"

#include "base/err.h"

#include <time.h>

long long
ymo_clock_ns(void)
{
    struct timespec now;
    YMO_ASSERT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}
