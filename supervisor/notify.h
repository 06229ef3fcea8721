/* SPDX-License-Identifier: MIT */
/*
 * What the service manager is told, in systemd's sd_notify protocol: a datagram of lines to the
 * socket that $NOTIFY_SOCKET names. Without that variable nothing is done; a message that cannot be
 * sent is a line at DEBUG and no more. Main thread.
 */
#ifndef YMO_SUPERVISOR_NOTIFY_H
#define YMO_SUPERVISOR_NOTIFY_H

#include <sys/types.h>

/*
 * Take NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment: the application, and
 * what it starts, must not speak for the server. Before any thread is there.
 */
void ymo_notify_init(void);

/* It serves (again). `pid` is the process to be signalled, `status` a text for humans. Undoes
 * ymo_notify_keep. */
void ymo_notify_ready(pid_t pid, const char *status);
/* A reload begins; it ends with ymo_notify_ready. */
void ymo_notify_reloading(void);
void ymo_notify_stopping(void);

/* Seconds within which ymo_notify_watchdog must be called again and again; 0: it need not be. */
double ymo_notify_watchdog_interval(void);
void ymo_notify_watchdog(void);

/* Put the variables back, for a program that is about to be executed in this one's place. */
void ymo_notify_keep(void);

#endif
