/* SPDX-License-Identifier: MIT */
/* What must hold of ymo_tlshello_look whatever the bytes are; for the fuzz target and the tests. */
#ifndef YMO_TESTS_REACTOR_TLSHELLO_RUN_H
#define YMO_TESTS_REACTOR_TLSHELLO_RUN_H

#include "base/buf.h"
#include "reactor/tls/tlshello.h"

#include <stdint.h>

/* Of a copy on the heap that is exactly as long, so that the sanitizer sees a byte too far. */
enum ymo_tlshello_what ymo_tlshello_run(const void *data, size_t len, struct ymo_tlshello *hello_r);

/* Append the message in records of `size` bytes. */
void ymo_tlshello_run_records(struct ymo_buf *dst, const void *message, size_t len, size_t size);

/*
 * `data` as it is, and its rest as a message in records of many sizes: the answer does not change
 * once it is given, and does not depend on how the message was cut. NULL, or what is wrong.
 */
const char *ymo_tlshello_run_corpus(const uint8_t *data, size_t len);

#endif
