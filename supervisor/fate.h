/* SPDX-License-Identifier: MIT */
/* How a process ended, in words. */
#ifndef YMO_SUPERVISOR_FATE_H
#define YMO_SUPERVISOR_FATE_H

#include <stddef.h>

enum { YMO_FATE_MAX = 160 };

/*
 * A text for a status of waitpid(2) that goes on after a process's name: "exited with status 1",
 * "was killed by SIGKILL (…)". NUL-terminated; cut when `len` is too small.
 */
void ymo_fate_text(int status, char *dst, size_t len);

#endif
