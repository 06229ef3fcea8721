/* SPDX-License-Identifier: MIT */
/*
 * What the front end's log is told of a running request, where the request takes notes: whole lines
 * as far as possible, since front ends make an entry of each piece; in UTF-8; and so much that an
 * application that has gone mad fills neither our memory nor their disk. Nothing here waits, fails
 * or leaves an exception: what a front end is not told is in our own log. GIL held.
 */
#ifndef YMO_PYWORKER_NOTES_H
#define YMO_PYWORKER_NOTES_H

#include "pyworker/call.h"

/* At most this many bytes of a request are noted, and then a line that says so. */
enum { YMO_NOTES_MAX = 64 * 1024 };

/* A str. What follows its last newline waits for more, or for flush. */
void ymo_notes_write(struct ymo_call *c, PyObject *text);

/* A line of our own. */
void ymo_notes_line(struct ymo_call *c, const char *line);

/* `what` happened, and the traceback of `exc`. No exception may be set. */
void ymo_notes_raised(struct ymo_call *c, const char *what, PyObject *exc);

/* Send what waits. */
void ymo_notes_flush(struct ymo_call *c);

#endif
