/* SPDX-License-Identifier: MIT */
/*
 * What waits to be written to one connection: copied bytes (heads, frames, small bodies),
 * references into messages (large bodies) and file ranges, in order. Exists only while something
 * waits, and holds little: the rest stays in the exchange, where it counts against the high-water
 * mark. Reactor thread only.
 */
#ifndef YMO_REACTOR_OUTQ_H
#define YMO_REACTOR_OUTQ_H

#include "base/buf.h"
#include "base/err.h"
#include "request/exchange.h"

#include <stdbool.h>

enum { YMO_OUTQ_SEGS = 32, YMO_OUTQ_BYTES = 256 * 1024, YMO_OUTQ_COPY_MAX = 16 * 1024 };

enum ymo_seg_kind { YMO_SEG_BYTES, YMO_SEG_REF, YMO_SEG_FILE };

struct ymo_seg {
    enum ymo_seg_kind kind;
    size_t len;          /* bytes still to be written */
    const char *data;    /* REF */
    int64_t off;         /* FILE */
    struct ymo_msg *msg; /* REF, FILE: whose bytes these are */
    bool last;           /* REF, FILE: the message is done with when this is written */
};

struct ymo_outq {
    struct ymo_outq *next_free; /* reactor's pool */
    struct ymo_buf bytes;       /* all BYTES segments, one after the other */
    size_t pending;             /* bytes of BYTES and REF segments */
    unsigned first, n;          /* ring */
    struct ymo_seg segs[YMO_OUTQ_SEGS];
};

/* Is there room for a framed piece (three segments)? */
static inline bool
ymo_outq_room(const struct ymo_outq *q)
{
    return q->n + 3 <= YMO_OUTQ_SEGS && q->pending < YMO_OUTQ_BYTES;
}

/* Count what was appended to q->bytes since it held `before` bytes as a segment. */
void ymo_outq_wrote(struct ymo_outq *q, size_t before);

/* Queue `len` bytes at `data` inside `msg`, or `len` bytes of its file from `off`. Needs room. */
void ymo_outq_ref(struct ymo_outq *q, struct ymo_msg *msg, const char *data, size_t len, bool last);
void ymo_outq_file(struct ymo_outq *q, struct ymo_msg *msg, int64_t off, size_t len, bool last);

/* The segment at the front was written by `n` <= its len bytes. Frees messages that are done with.
 */
void ymo_outq_advance(struct ymo_outq *q, size_t n);

/* Drop everything. */
void ymo_outq_clear(struct ymo_outq *q);

#endif
