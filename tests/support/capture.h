/* SPDX-License-Identifier: MIT */
/* What is logged, and what is open. Single-threaded tests only. */
#ifndef YMO_TESTS_SUPPORT_CAPTURE_H
#define YMO_TESTS_SUPPORT_CAPTURE_H

/* From here on stderr goes nowhere but to the text that ymo_capture_end returns (static; up to
 * 4 KiB). No nesting. */
void ymo_capture_begin(void);
const char *ymo_capture_end(void);

/* How many descriptors are open. */
int ymo_capture_n_open(void);

#endif
