/* SPDX-License-Identifier: MIT */
/*
 * What a fork by application code (os.fork, multiprocessing) must not break: the child inherits the
 * handlers through which the loop hears of signals, and copies of the clients' descriptors.
 */
#ifndef YMO_REACTOR_FORKGUARD_H
#define YMO_REACTOR_FORKGUARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* A fork happened in this process: descriptors may have copies in children. */
extern atomic_bool ymo_forkguard_forked;

enum ymo_forkguard_was { YMO_FORKGUARD_DEFAULT, YMO_FORKGUARD_IGNORED, YMO_FORKGUARD_HANDLED };

/* Remember what `signo` does now, before the loop takes it over. Main thread. */
enum ymo_forkguard_was ymo_forkguard_before(int signo);

/*
 * The loop has taken `signo` over: from here on a child gets back what was remembered, unless the
 * application has installed a handler of its own since. Nothing is lost in between: the signal is
 * blocked across the fork. Main thread.
 */
void ymo_forkguard_after(int signo);

/*
 * From here on a child closes these `n` descriptors: a listening socket that lives on in it would
 * let clients in that nobody serves, and keep the port from the next server. The array stays the
 * caller's; n = 0 before any of them is closed here. The loop's owner, or before it runs.
 */
void ymo_forkguard_hide(const int *fds, size_t n);

/* Has `signo` a handler now that is not the loop's? Any thread, after the above. */
bool ymo_forkguard_foreign(int signo);

#endif
