/* SPDX-License-Identifier: MIT */
/*
 * A request body between the reactor, which appends what arrives, and the executor, which reads.
 *
 * Buffered (the default): all of it is appended before the exchange is submitted; the first
 * `memory_max` bytes stay in memory, then everything goes to an unlinked temporary file. The
 * reader never waits.
 * Streaming (`request_buffering: off`): the reader starts at the head of the request; at most
 * `memory_max` bytes wait in memory, the reactor stops reading the socket beyond that, and a
 * client that breaks off becomes YMO_ECLOSED for the reader, never a short body.
 */
#ifndef YMO_REQUEST_BODY_H
#define YMO_REQUEST_BODY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/parker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ymo_body {
    /* set at begin, then constant */
    bool streaming;
    size_t memory_max;
    const char *tmp_dir;
    void (*wanted)(void *arg); /* streaming: called on the reader's thread, see below */
    void *wanted_arg;

    /* buffered: reactor until submit, then reader. streaming: under the lock. */
    pthread_mutex_t lock; /* used when streaming only; leaf lock, never held across a wait */
    struct ymo_buf mem;
    int fd;                    /* temporary file, or -1 */
    uint64_t size;             /* bytes appended so far */
    uint64_t pos;              /* bytes read so far */
    bool complete;             /* the last byte has been appended */
    bool broken;               /* it will never be complete */
    bool armed;                /* the reactor is to be told through `wanted` */
    struct ymo_parker *reader; /* parked reader, or NULL */
};

/* Once for the life of the storage; `fini` undoes it. */
void ymo_body_init(struct ymo_body *b);
void ymo_body_fini(struct ymo_body *b);

/*
 * Start a body. Streaming only: after an append that took less than it was given, or after
 * ymo_body_rearm, a reader that finds less than half of memory_max waiting calls `wanted(arg)`
 * once, on its own thread: the reactor is to read on (and to send the 100 it owes).
 */
void ymo_body_begin(struct ymo_body *b, bool streaming, size_t memory_max, const char *tmp_dir,
                    void (*wanted)(void *), void *arg);

/* Reactor, streaming: ask for one call of `wanted`. */
void ymo_body_rearm(struct ymo_body *b);

/* Release memory and file; back to the state after init. Reactor, when no reader is left. */
void ymo_body_reset(struct ymo_body *b);

/*
 * Reactor, streaming: how many bytes append would take now. When that is less than `want`, `wanted`
 * will be called once there is room for half of memory_max.
 */
size_t ymo_body_room(struct ymo_body *b, size_t want);

/*
 * Reactor: append `n` bytes. Returns how many were taken (all, if when streaming no more
 * was given than there is room), YMO_EIO (the temporary file: errno) or YMO_ENOMEM.
 */
ssize_t ymo_body_append(struct ymo_body *b, const char *data, size_t n) YMO_MUST_CHECK;

/*
 * Reactor: the body is whole. Wakes the reader. YMO_EIO when the rest of it cannot be written to
 * the temporary file (errno); never when streaming.
 */
int ymo_body_finish(struct ymo_body *b) YMO_MUST_CHECK;
/* Reactor: it will never be. Wakes the reader. */
void ymo_body_break(struct ymo_body *b);

/*
 * Reader: up to `n` bytes into `dst`. > 0 bytes; 0 at the end of a complete body; YMO_EAGAIN when
 * streaming and nothing has arrived (then ymo_body_wait); YMO_ECLOSED when it broke off; YMO_EIO.
 */
ssize_t ymo_body_read(struct ymo_body *b, char *dst, size_t n) YMO_MUST_CHECK;

/*
 * Reader, without the GIL: sleep on `parker` until something can be read, the body ends or breaks.
 * 0, or YMO_EINTR when a signal arrived.
 */
int ymo_body_wait(struct ymo_body *b, struct ymo_parker *parker) YMO_MUST_CHECK;

/*
 * Reader: the unread rest as one slice, when the body is buffered and wholly in memory; valid for
 * the life of the exchange. Otherwise data is NULL. Lets read() and readline() avoid copies.
 */
struct ymo_slice ymo_body_memory(struct ymo_body *b);
/* Reader: count `n` bytes of that slice as read. */
void ymo_body_skip(struct ymo_body *b, size_t n);

#endif
