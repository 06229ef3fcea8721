/* SPDX-License-Identifier: MIT */
/*
 * The head of a response in neutral form. The executor fills it (memory: the exchange's arena)
 * before it posts its first message; frozen from then on; the codec turns it into bytes.
 */
#ifndef YMO_REQUEST_RESPONSE_H
#define YMO_REQUEST_RESPONSE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct ymo_header {
    struct ymo_slice name, value;
};

struct ymo_response {
    int status;              /* 200…599 */
    struct ymo_slice reason; /* "OK"; may be empty */
    struct ymo_header *headers;
    uint32_t n_headers, cap_headers;
    int64_t content_length; /* body bytes that will follow, -1 = not known; never in headers */
    bool no_body; /* HEAD, 204, 304: nothing follows the head; content_length may be set */
    bool has_date, has_server; /* the application sent its own */
};

void ymo_response_init(struct ymo_response *r);

/* Append; name and value are not copied (arena or static). 0 or YMO_ENOMEM. */
int ymo_response_add(struct ymo_response *r, struct ymo_arena *arena, struct ymo_slice name,
                     struct ymo_slice value) YMO_MUST_CHECK;

#endif
