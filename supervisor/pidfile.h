/* SPDX-License-Identifier: MIT */
/* The file that holds our process id. */
#ifndef YMO_SUPERVISOR_PIDFILE_H
#define YMO_SUPERVISOR_PIDFILE_H

#include "base/err.h"

/*
 * Write our process id and a newline to `path`, mode 0644; whoever reads it meanwhile finds the old
 * text or the new one, never a part. A file that is there is replaced whatever it says: it may be
 * left over from a crash, and its number long somebody else's; that no second server runs is seen
 * to by the sockets. NULL: nothing to do. 0, or YMO_EIO after one line was logged.
 */
int ymo_pidfile_write(const char *path) YMO_MUST_CHECK;

/* Remove it if it still holds our process id. NULL: nothing to do. */
void ymo_pidfile_remove(const char *path);

#endif
