/* SPDX-License-Identifier: MIT */
/* Stands between the program and accept4(), which fails as it is told. */
#ifndef YMO_TESTS_SUPPORT_FAIL_ACCEPT_H
#define YMO_TESTS_SUPPORT_FAIL_ACCEPT_H

#include <stdatomic.h>

extern atomic_int ymo_fail_accept_errno; /* 0 = works */
extern atomic_int ymo_fail_accept_count; /* failures so made */

#endif
