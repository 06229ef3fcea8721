/* SPDX-License-Identifier: MIT */
/* How many descriptors the process may open (RLIMIT_NOFILE). Before other threads open some. */
#ifndef YMO_BASE_NOFILE_H
#define YMO_BASE_NOFILE_H

/*
 * Raise the limit to `want` descriptors, or as far as the hard limit lets us; never lower it.
 * What may be opened from here on; `want` when that cannot be found out.
 */
unsigned long long ymo_nofile_raise(unsigned long long want);

#endif
