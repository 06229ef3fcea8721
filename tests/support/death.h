/* SPDX-License-Identifier: MIT */
/* Does an assertion of ours end the process? Asked in a child; only before a test starts threads.
 */
#ifndef YMO_TESTS_SUPPORT_DEATH_H
#define YMO_TESTS_SUPPORT_DEATH_H

#include <stdbool.h>

/* Run fn(arg) in a child that says nothing. True when it died of SIGABRT. */
bool ymo_death_by_assert(void (*fn)(void *arg), void *arg);

#endif
