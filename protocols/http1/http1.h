/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.0 and 1.1 (RFC 9110, 9112), server side. One exchange at a time; pipelined requests wait
 * in the input until `next`. What could be read in two ways is refused, never guessed.
 */
#ifndef YMO_PROTOCOLS_HTTP1_HTTP1_H
#define YMO_PROTOCOLS_HTTP1_HTTP1_H

#include "protocols/codec.h"

/* The number of the one exchange that can be open. */
enum { YMO_HTTP1_ID = 1 };

extern const struct ymo_codec_ops ymo_http1_ops;

#endif
