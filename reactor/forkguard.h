/* SPDX-License-Identifier: MIT */
/*
 * What a fork by application code (os.fork, multiprocessing) must not break: the child inherits the
 * handlers through which the loop hears of signals, and copies of the clients' descriptors.
 */
#ifndef YMO_REACTOR_FORKGUARD_H
#define YMO_REACTOR_FORKGUARD_H

#include <stdatomic.h>

/* A fork happened in this process: descriptors may have copies in children. */
extern atomic_bool ymo_forkguard_forked;

/* Remember what `signo` does now, before the loop takes it over. Main thread. */
void ymo_forkguard_before(int signo);

/*
 * The loop has taken `signo` over: from here on a child gets back what was remembered, unless the
 * application has installed a handler of its own since. Nothing is lost in between: the signal is
 * blocked across the fork. Main thread.
 */
void ymo_forkguard_after(int signo);

#endif
