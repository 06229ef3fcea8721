/* SPDX-License-Identifier: MIT */
/*
 * What leaves a running request: the head with the first body bytes, more body, the end.
 * Sees to it that never more bytes are sent than Content-Length announced, and waits (without
 * the GIL) when the client is slow. GIL held; on the worker's own thread only.
 */
#ifndef YMO_PYWORKER_OUTPUT_H
#define YMO_PYWORKER_OUTPUT_H

#include "pyworker/call.h"

#include <stddef.h>

/* At most this many bytes of one piece are copied at a time. */
enum { YMO_OUTPUT_SLICE = 256 * 1024 };

/*
 * Send body bytes, after start_response. Bytes beyond Content-Length set c->excess and are not
 * sent. 0; YMO_ECLOSED: the client is gone; YMO_ENOMEM; YMO_EINTR: a Python exception is set, a
 * signal handler's.
 */
int ymo_output_send(struct ymo_call *c, const char *data, size_t len) YMO_MUST_CHECK;

/*
 * Send the head, `len` <= YMO_OUTPUT_SLICE bytes of body and the end in one message; the head must
 * not have been sent. The request is over.
 */
void ymo_output_whole(struct ymo_call *c, const char *data, size_t len);

/*
 * The rest of `fd` (owned by the callee) from `off` on, `len` bytes. Head included when it has not
 * been sent. 0 or YMO_ENOMEM.
 */
int ymo_output_file(struct ymo_call *c, int fd, int64_t off, uint64_t len) YMO_MUST_CHECK;

/* The end; with the head when it has not been sent and `broken` is false. The request is over. */
void ymo_output_end(struct ymo_call *c, bool broken);

#endif
