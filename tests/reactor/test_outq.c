/* SPDX-License-Identifier: MIT */
#include "reactor/outq.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static struct ymo_exchange ex;
static struct ymo_outq q;

static void
setup(void)
{
    memset(&ex, 0, sizeof(ex));
    memset(&q, 0, sizeof(q));
    atomic_store(&ex.unsent, 1000000);
}

static void
teardown(void)
{
    ymo_outq_clear(&q);
    ymo_buf_free(&q.bytes);
}

static void
bytes(const char *text)
{
    size_t before = q.bytes.len;
    CHECK_INT(ymo_buf_append_slice(&q.bytes, ymo_slice_str(text)), YMO_OK);
    ymo_outq_wrote(&q, before);
}

/* A message on the heap, as the reactor gets them; the sanitizer sees whether it is freed once. */
static struct ymo_msg *
message(bool file)
{
    struct ymo_msg *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    m->ex = &ex;
    m->flags = file ? YMO_MSG_FILE : 0;
    m->fd = file ? open("/dev/null", O_RDONLY) : -1;
    return m;
}

static const struct ymo_seg *
seg(unsigned i)
{
    return &q.segs[(q.first + i) % YMO_OUTQ_SEGS];
}

static void
byte_segments_merge(void)
{
    setup();
    bytes("head");
    bytes("");
    bytes("frame");
    CHECK_INT(q.n, 1);
    CHECK_INT(seg(0)->len, 9);
    ymo_outq_ref(&q, message(false), "body", 4, true);
    bytes("");
    CHECK_INT(q.n, 2);
    bytes("\r\n");
    bytes("0\r\n\r\n");
    CHECK_INT(q.n, 3);
    CHECK_INT(seg(2)->len, 7);
    CHECK_INT(q.pending, 9 + 4 + 7);
    teardown();
}

static void
advance_in_parts(void)
{
    setup();
    struct ymo_msg *m = message(false), *f = message(true);
    int fd = f->fd;
    bytes("abc");
    ymo_outq_ref(&q, m, "defgh", 5, true);
    ymo_outq_file(&q, f, 100, 50, true);
    bytes("end");
    CHECK_INT(ex.out_refs, 2);
    CHECK_INT(q.pending, 11); /* a file waits on the disk */
    ymo_outq_advance(&q, 2);
    CHECK_SLICE(ymo_buf_slice(&q.bytes), "cend");
    ymo_outq_advance(&q, 1);
    CHECK_INT(seg(0)->kind, YMO_SEG_REF);
    ymo_outq_advance(&q, 2);
    CHECK_SLICE(ymo_slice_of(seg(0)->data, seg(0)->len), "fgh");
    CHECK_INT(ex.unsent, 1000000 - 2);
    CHECK_INT(ex.out_refs, 2);
    ymo_outq_advance(&q, 3);
    CHECK_INT(ex.unsent, 1000000 - 5);
    CHECK_INT(ex.out_refs, 1);
    ymo_outq_advance(&q, 20);
    CHECK(seg(0)->off == 120 && seg(0)->len == 30);
    CHECK_INT(ex.unsent, 1000000 - 5);
    CHECK(fcntl(fd, F_GETFD) >= 0);
    ymo_outq_advance(&q, 30);
    CHECK_INT(ex.out_refs, 0);
    CHECK_INT(fcntl(fd, F_GETFD), -1);
    CHECK_INT(q.pending, 3);
    ymo_outq_advance(&q, 3);
    CHECK_INT(q.n, 0);
    CHECK_INT(q.pending, 0);
    teardown();
}

static void
messages_live_until_their_last_segment(void)
{
    setup();
    struct ymo_msg *m = message(true);
    int fd = m->fd;
    ymo_outq_file(&q, m, 0, 10, false);
    ymo_outq_file(&q, m, 10, 10, true);
    CHECK_INT(ex.out_refs, 2);
    ymo_outq_advance(&q, 10);
    CHECK(fcntl(fd, F_GETFD) >= 0);
    CHECK_INT(ex.out_refs, 1);
    ymo_outq_advance(&q, 10);
    CHECK_INT(fcntl(fd, F_GETFD), -1);
    teardown();
}

static void
clear_drops_everything(void)
{
    setup();
    struct ymo_msg *f = message(true), *shared = message(false);
    int fd = f->fd;
    bytes("abc");
    ymo_outq_ref(&q, message(false), "defgh", 5, true);
    ymo_outq_file(&q, f, 0, 10, true);
    ymo_outq_ref(&q, shared, "x", 1, false); /* its rest is still with the exchange */
    bytes("xyz");
    /* A codec that ran out of memory in the middle: these must not open the next connection. */
    CHECK_INT(ymo_buf_append(&q.bytes, "HTTP/1.1 2", 10), YMO_OK);
    ymo_outq_clear(&q);
    CHECK_INT(q.n, 0);
    CHECK_INT(q.pending, 0);
    CHECK_INT(q.bytes.len, 0);
    CHECK_INT(ex.out_refs, 0);
    CHECK_INT(ex.unsent, 1000000 - 6);
    CHECK_INT(fcntl(fd, F_GETFD), -1);
    ymo_exchange_msg_free(shared);
    bytes("next");
    CHECK_SLICE(ymo_buf_slice(&q.bytes), "next");
    teardown();
}

static void
ring_and_room(void)
{
    static char large[YMO_OUTQ_BYTES];
    setup();
    /* Round the ring several times, nearly full. */
    char c = 0;
    for (int i = 0; i < 200; i++) {
        while (ymo_outq_room(&q)) {
            bytes("f");
            ymo_outq_ref(&q, message(false), &large[(size_t)c++ & 127], 1, true);
            bytes("u");
        }
        CHECK(q.n <= YMO_OUTQ_SEGS);
        CHECK(q.n >= YMO_OUTQ_SEGS - 3);
        for (int k = 0; k < 7; k++)
            ymo_outq_advance(&q, seg(0)->len);
    }
    ymo_outq_clear(&q);
    CHECK(ymo_outq_room(&q));
    ymo_outq_ref(&q, message(false), large, YMO_OUTQ_BYTES - 1, true);
    CHECK(ymo_outq_room(&q));
    bytes("x");
    CHECK(!ymo_outq_room(&q));
    ymo_outq_advance(&q, 1);
    CHECK(ymo_outq_room(&q));
    ymo_outq_clear(&q);
    ymo_outq_file(&q, message(true), 0, (size_t)1 << 40, true);
    CHECK(ymo_outq_room(&q));
    teardown();
}

YMO_SUITE(outq, byte_segments_merge, advance_in_parts, messages_live_until_their_last_segment,
          clear_drops_everything, ring_and_room);
