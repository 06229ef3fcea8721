/* SPDX-License-Identifier: MIT */
#include "tests/support/fake_clock.h"

#include "base/clock.h"

#include <stdatomic.h>

static atomic_llong now = 1;

long long
ymo_clock_ns(void)
{
    return atomic_load(&now);
}

void
ymo_fake_clock_pass(double seconds)
{
    atomic_fetch_add(&now, (long long)(seconds * 1e9));
}
