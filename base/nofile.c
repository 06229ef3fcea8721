/* SPDX-License-Identifier: MIT */
#include "base/nofile.h"

#include <sys/resource.h>

unsigned long long
ymo_nofile_raise(unsigned long long want)
{
    struct rlimit lim;
    if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
        return want;
    rlim_t before = lim.rlim_cur;
    if (before >= want)
        return before;
    lim.rlim_cur = lim.rlim_max < want ? lim.rlim_max : (rlim_t)want;
    return setrlimit(RLIMIT_NOFILE, &lim) == 0 ? lim.rlim_cur : before;
}
