/* SPDX-License-Identifier: MIT */
/*
 * Chunked bodies (RFC 9112 7.1). http and uwsgi: one of the latter's front ends passes a client's
 * chunks on as they came.
 */
#ifndef YMO_PROTOCOLS_HTTP1_HTTP1_CHUNK_H
#define YMO_PROTOCOLS_HTTP1_HTTP1_CHUNK_H

#include "protocols/codec.h"
#include "protocols/http1/http1_class.h"

/* A refusal; `why` is static. */
struct ymo_http1_bad {
    int status;
    const char *why;
};

/* Where in a body we are. Owns nothing. */
struct ymo_http1_chunk {
    const struct ymo_codec_limits *limits;
    uint64_t left;   /* bytes to come of the current chunk */
    uint64_t total;  /* body bytes announced so far */
    uint64_t exts;   /* bytes of extensions so far */
    uint32_t count;  /* digits, or extension bytes, of this line; bytes of trailers */
    uint32_t fields; /* of the trailers */
    uint8_t state;   /* enum in http1_chunk.c */
};

/* `limits` outlives `k`. */
void ymo_http1_chunk_begin(struct ymo_http1_chunk *k, const struct ymo_codec_limits *limits);

/*
 * Scan a chunked body up to and including the next piece of data, which is returned in *piece_r
 * (inside `in`), or its end, which sets *end_r. Returns the bytes covered; fewer than in.len only
 * when there is a piece or the end, or when the next byte is what bad_r refuses.
 */
size_t ymo_http1_chunk_scan(struct ymo_http1_chunk *k, struct ymo_slice in,
                            struct ymo_slice *piece_r, bool *end_r, struct ymo_http1_bad *bad_r);

#endif
