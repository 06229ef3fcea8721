/* SPDX-License-Identifier: MIT */
#include "reactor/outq.h"

static struct ymo_seg *
push(struct ymo_outq *q, enum ymo_seg_kind kind, size_t len)
{
    YMO_ASSERT(q->n < YMO_OUTQ_SEGS);
    struct ymo_seg *s = &q->segs[(q->first + q->n++) % YMO_OUTQ_SEGS];
    *s = (struct ymo_seg){.kind = kind, .len = len};
    if (kind != YMO_SEG_FILE)
        q->pending += len;
    return s;
}

void
ymo_outq_wrote(struct ymo_outq *q, size_t before)
{
    size_t len = q->bytes.len - before;
    if (len == 0)
        return;
    if (q->n > 0) {
        struct ymo_seg *s = &q->segs[(q->first + q->n - 1) % YMO_OUTQ_SEGS];
        if (s->kind == YMO_SEG_BYTES) {
            s->len += len;
            q->pending += len;
            return;
        }
    }
    push(q, YMO_SEG_BYTES, len);
}

void
ymo_outq_ref(struct ymo_outq *q, struct ymo_msg *msg, const char *data, size_t len, bool last)
{
    struct ymo_seg *s = push(q, YMO_SEG_REF, len);
    s->data = data;
    s->msg = msg;
    s->last = last;
    msg->ex->out_refs++;
}

void
ymo_outq_file(struct ymo_outq *q, struct ymo_msg *msg, int64_t off, size_t len, bool last)
{
    struct ymo_seg *s = push(q, YMO_SEG_FILE, len);
    s->off = off;
    s->msg = msg;
    s->last = last;
    msg->ex->out_refs++;
}

static void
drop_front(struct ymo_outq *q)
{
    struct ymo_seg *s = &q->segs[q->first];
    q->first = (q->first + 1) % YMO_OUTQ_SEGS;
    q->n--;
    if (s->msg) {
        s->msg->ex->out_refs--;
        if (s->last)
            ymo_exchange_msg_free(s->msg);
    }
}

void
ymo_outq_advance(struct ymo_outq *q, size_t n)
{
    struct ymo_seg *s = &q->segs[q->first];
    YMO_ASSERT(q->n > 0 && n <= s->len);
    s->len -= n;
    if (s->kind != YMO_SEG_FILE)
        q->pending -= n;
    if (s->kind == YMO_SEG_BYTES) {
        ymo_buf_consume(&q->bytes, n);
    } else if (s->kind == YMO_SEG_REF) {
        s->data += n;
        ymo_exchange_sent(s->msg->ex, n);
    } else {
        s->off += (int64_t)n;
    }
    if (s->len == 0)
        drop_front(q);
}

void
ymo_outq_clear(struct ymo_outq *q)
{
    while (q->n > 0)
        ymo_outq_advance(q, q->segs[q->first].len);
    /* Bytes of a codec that ran out of memory half-way belong to no segment. The buffer goes on to
     * another connection. */
    ymo_buf_consume(&q->bytes, q->bytes.len);
}
