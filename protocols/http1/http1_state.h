/* SPDX-License-Identifier: MIT */
/*
 * What the files of this folder share: the state of a connection and the steps that
 * http1.c puts together. A request goes head_scan → parse (target) → chunk_scan.
 */
#ifndef YMO_PROTOCOLS_HTTP1_HTTP1_STATE_H
#define YMO_PROTOCOLS_HTTP1_HTTP1_STATE_H

#include "protocols/codec.h"
#include "protocols/http1/http1_chunk.h"

#include <http_parser.h>
#include <stdbool.h>
#include <stdint.h>

enum ymo_http1_phase {
    YMO_HTTP1_HEAD,   /* before or in a request's head */
    YMO_HTTP1_LENGTH, /* in a body of `left` more bytes */
    YMO_HTTP1_CHUNKS, /* in a chunked body */
    YMO_HTTP1_READ,   /* the request was read whole: waiting for `next` */
    YMO_HTTP1_OVER,   /* the connection carries no further request */
};

/* Ten thousand idle connections have one each: kept small, owns nothing. */
struct ymo_http1 {
    const struct ymo_codec_env *env;
    http_parser parser; /* of the current request; its `data` is set during a call only */

    size_t scanned; /* head: bytes known to hold no line end and no control byte */
    size_t line;    /* head: where the current line begins; 0 = the request line */
    uint32_t fields;

    uint64_t left;                /* body of an announced length: bytes to come */
    struct ymo_http1_chunk chunk; /* chunked body */
    uint8_t phase;                /* enum ymo_http1_phase */
    uint8_t blanks;               /* empty lines skipped before this request */
    bool started;                 /* the first byte of a request was seen */
    bool head_only;               /* HEAD */
    bool http10;                  /* the client speaks 1.0 */
    bool keep_alive;              /* the client lets the connection live on, and so do we so far */
    bool chunked_body;            /* our response is in chunks */
    bool until_close;             /* our response ends with the connection */
};

/*
 * Look for the end of the head that begins at `in`, checking its lines and limits on the way. The
 * length of the whole head, its last CRLF included; 0 when it is not there yet (call again with
 * the same bytes and more), or with bad_r->status set.
 */
size_t ymo_http1_head_scan(struct ymo_http1 *h, struct ymo_slice in, struct ymo_http1_bad *bad_r);

/* Turn a scanned head into `req`, and set up the phase that follows. */
void ymo_http1_parse(struct ymo_http1 *h, struct ymo_slice head, struct ymo_http1_bad *bad_r);

/* A request-target taken apart; slices into it. */
struct ymo_http1_target {
    struct ymo_slice authority; /* absolute-form only, else empty */
    struct ymo_slice path;      /* not decoded; empty for "*" */
    struct ymo_slice query;     /* without '?' */
};

/* False with `why_r` when it must be answered with 400. `method` decides whether "*" may be. */
bool ymo_http1_target_split(struct ymo_slice target, struct ymo_slice method,
                            struct ymo_http1_target *target_r, const char **why_r);

/* Decode a split target's path, into `arena` unless nothing is encoded. data NULL: no memory. */
struct ymo_slice ymo_http1_target_decode(struct ymo_slice path, struct ymo_arena *arena);

/*
 * Check uri-host [":" port] (RFC 9110 7.2) and take it apart; an IPv6 address keeps its brackets,
 * an absent port is empty. Wholly empty is legal.
 */
bool ymo_http1_target_host(struct ymo_slice value, struct ymo_slice *host_r,
                           struct ymo_slice *port_r);

/* ops->head, frame, unframe, end, fail, proceed. */
int ymo_http1_write_head(void *state, uint32_t id, const struct ymo_response *resp,
                         const struct ymo_codec_out *out, struct ymo_buf *dst);
int ymo_http1_write_frame(void *state, uint32_t id, size_t len, struct ymo_buf *dst,
                          size_t *take_r);
int ymo_http1_write_unframe(void *state, uint32_t id, struct ymo_buf *dst);
int ymo_http1_write_end(void *state, uint32_t id, struct ymo_buf *dst);
int ymo_http1_write_fail(void *state, uint32_t id, int status, const struct ymo_codec_out *out,
                         struct ymo_buf *dst);
int ymo_http1_write_proceed(void *state, uint32_t id, struct ymo_buf *dst);

#endif
