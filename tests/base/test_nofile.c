/* SPDX-License-Identifier: MIT */
#include "base/nofile.h"
#include "tests/support/test.h"

#include <sys/resource.h>

static rlim_t
soft_limit(void)
{
    struct rlimit lim;
    return CHECK(getrlimit(RLIMIT_NOFILE, &lim) == 0) ? lim.rlim_cur : 0;
}

static void
raised_as_far_as_allowed(void)
{
    struct rlimit before, low;
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE(before.rlim_max > 200);
    low = (struct rlimit){.rlim_cur = 100, .rlim_max = before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
    CHECK_INT(ymo_nofile_raise(50), 100); /* never lowered */
    CHECK_INT(soft_limit(), 100);
    CHECK_INT(ymo_nofile_raise(150), 150);
    CHECK_INT(soft_limit(), 150);
    if (before.rlim_max != RLIM_INFINITY) {
        CHECK_INT(ymo_nofile_raise(before.rlim_max + 1), before.rlim_max);
        CHECK_INT(soft_limit(), before.rlim_max);
    }
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

YMO_SUITE(nofile, raised_as_far_as_allowed);
