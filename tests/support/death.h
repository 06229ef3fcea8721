/* SPDX-License-Identifier: MIT */
/* Does an assertion of ours end the process? Asked in a child; only before a test starts threads.
 */
#ifndef YMO_TESTS_SUPPORT_DEATH_H
#define YMO_TESTS_SUPPORT_DEATH_H

#include <stdbool.h>
#include <unistd.h>

/* Run fn(arg) in a child that says nothing. True when it died of SIGABRT. */
bool ymo_death_by_assert(void (*fn)(void *arg), void *arg);

/* Run fn(arg) in a child that says nothing. Its wait status; when fn returns it ends with 0. */
int ymo_death_status(void (*fn)(void *arg), void *arg);

/* For such a child: what has to hold, or else it ends with 99. */
#define YMO_DEATH_MUST(cond) ((cond) ? (void)0 : _exit(99))

#endif
