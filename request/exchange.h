/* SPDX-License-Identifier: MIT */
/*
 * One request and its response, and who owns it.
 *
 *   OPEN ──submit──▶ QUEUED ──begin──▶ RUNNING ──end──▶ ENDED ──▶ (released)
 *   reactor          nobody            one worker       reactor
 *
 * The reactor allocates and frees. Between submit and END the reactor may only: set the cancel
 * flag, append to a streaming body, and take messages. The worker's last touch is posting END.
 * Transitions are asserted.
 */
#ifndef YMO_REQUEST_EXCHANGE_H
#define YMO_REQUEST_EXCHANGE_H

#include "base/arena.h"
#include "base/list.h"
#include "base/parker.h"
#include "request/body.h"
#include "request/mailbox.h"
#include "request/request.h"
#include "request/response.h"

#include <stdatomic.h>

enum ymo_exchange_state {
    YMO_EXCHANGE_FREE = 0,
    YMO_EXCHANGE_OPEN,
    YMO_EXCHANGE_QUEUED,
    YMO_EXCHANGE_RUNNING,
    YMO_EXCHANGE_ENDED,
};

/* A note is an entry of that log, and nginx cuts its entries at 2 KiB, request and all. */
enum { YMO_EXCHANGE_NOTE = 1024 };

struct ymo_exchange {
    /* reactor only */
    struct ymo_list in_conn;   /* the connection's open exchanges */
    void *conn;                /* NULL once the connection is gone */
    uint32_t id;               /* the codec's number for it */
    struct ymo_msg *out_first; /* messages taken and not yet written */
    struct ymo_msg *out_last;
    unsigned out_refs; /* segments of the connection's output that point into messages */
    bool handed_over;  /* the executor has seen it */
    bool head_sent, end_taken, end_written, broken;
    bool receiving;            /* its body is arriving */
    bool withdrawn;            /* by the peer: what it still posts is dropped */
    bool body_done;            /* the request's last body byte has arrived */
    bool want_continue;        /* 100 (Continue) is owed on first read */
    struct ymo_list in_flight; /* the reactor's list, from submit to END */
    bool reported;             /* slow_request_log has been seen to */
    struct ymo_slice raw;      /* the head as it was received, where it may go to another process */
    struct ymo_list kept;      /* the list of those */
    double kept_at;
    bool abandoned; /* over request_timeout: nobody waits for its END any more */

    /* written by the reactor, frozen at submit */
    struct ymo_exchange *next; /* batch and queue links, under the queue's lock */
    struct ymo_exchange *prev;
    bool in_queue;          /* under the queue's lock */
    struct ymo_arena arena; /* reactor until submit, then the worker, then the reactor again */
    struct ymo_request req;
    struct ymo_mailbox *mailbox;
    size_t high_water; /* bytes of response that may wait unsent */
    bool timed;        /* note when it starts to run; reading a clock costs */
    bool takes_notes;  /* the peer has a log for text about this request: ymo_exchange_note */

    /* its own rules, see body.h */
    struct ymo_body body;

    /* worker only until the message that carries it is posted */
    struct ymo_response resp;
    struct ymo_msg first; /* the first message needs no allocation */
    struct ymo_msg last;  /* nor does a separate END */
    bool first_used;
    struct ymo_parker *parker; /* the running worker's; published through `waiting` */
    void *executor_data;       /* the executor's own, e.g. its per-request object */

    /* atomic */
    atomic_uchar state;    /* enum ymo_exchange_state */
    atomic_llong started;  /* ymo_clock_ns; 0 until a `timed` one is RUNNING */
    atomic_llong paused;   /* ymo_clock_ns; 0 unless it waits for its client now */
    atomic_llong waited;   /* nanoseconds that it has waited for its client before */
    atomic_bool cancelled; /* the client is gone: stop when convenient, then END as usual */
    atomic_size_t unsent;  /* response bytes posted and not yet written to the socket */
    _Atomic(struct ymo_parker *) waiting; /* a worker parked on `unsent` or on the body */
    struct ymo_msg body_wanted;           /* reader → reactor: see ymo_body_begin */
    atomic_bool body_wanted_posted;
};

/* ---- executor side: the worker that runs the exchange ---------------------------------- */

/* Take it over from the queue. Notes the time in `started` if it is `timed`. */
void ymo_exchange_begin(struct ymo_exchange *ex, struct ymo_parker *parker);

/*
 * A `timed` one waits for its client from here on, until `resume`: that is not the application's
 * time. ymo_exchange_wait does so itself.
 */
void ymo_exchange_pause(struct ymo_exchange *ex);
void ymo_exchange_resume(struct ymo_exchange *ex);

static inline bool
ymo_exchange_cancelled(const struct ymo_exchange *ex)
{
    return atomic_load_explicit(&ex->cancelled, memory_order_relaxed);
}

/*
 * Send the head (`ex->resp`, filled by the caller) together with the first `len` body bytes, and
 * END too when `end` is true: the whole of a small response is one message. Body bytes are copied.
 * They are dropped when resp.no_body. 0 or YMO_ENOMEM (nothing was sent).
 * With `end` the exchange belongs to the reactor afterwards: do not touch it again.
 */
int ymo_exchange_respond(struct ymo_exchange *ex, const void *data, size_t len,
                         bool end) YMO_MUST_CHECK;

/* Send `len` > 0 more body bytes (copied). After the head only. Wakes the reactor. 0 or YMO_ENOMEM.
 */
int ymo_exchange_send(struct ymo_exchange *ex, const void *data, size_t len) YMO_MUST_CHECK;

/*
 * Text for the peer's log, where `takes_notes` says that it has one: before the head, between
 * pieces of the body, at any time until END. Copied; of at most YMO_EXCHANGE_NOTE bytes. Counts as
 * unsent like the body, but does not wait. Any thread, one at a time. 0 or YMO_ENOMEM.
 */
int ymo_exchange_note(struct ymo_exchange *ex, const void *text, size_t len) YMO_MUST_CHECK;

/*
 * Send `len` bytes of `fd` from `off` with sendfile. Takes ownership of `fd` (the reactor closes
 * it, also on failure). After the head only. 0 or YMO_ENOMEM.
 */
int ymo_exchange_send_file(struct ymo_exchange *ex, int fd, int64_t off,
                           uint64_t len) YMO_MUST_CHECK;

/*
 * END, when respond() did not carry it. `broken` says the response is not complete: the reactor
 * closes the connection so that the client can tell, or sends a 500 when no head was sent.
 * The worker's last touch.
 */
void ymo_exchange_end(struct ymo_exchange *ex, bool broken);

/* Is more than the high-water mark waiting to be sent? Then ymo_exchange_wait before sending on. */
bool ymo_exchange_full(const struct ymo_exchange *ex);

/*
 * Without the GIL: sleep until less than half the high-water mark is waiting, or cancelled.
 * 0 (look at ymo_exchange_cancelled), or YMO_EINTR when a signal arrived: call again.
 */
int ymo_exchange_wait(struct ymo_exchange *ex) YMO_MUST_CHECK;

/* ---- reactor side --------------------------------------------------------------------- */

/* A zeroed or released exchange becomes OPEN. */
void ymo_exchange_open(struct ymo_exchange *ex, void *conn, uint32_t id,
                       struct ymo_mailbox *mailbox, size_t high_water);
/*
 * For ymo_body_begin: runs on the reader's thread and posts `body_wanted`. The reactor clears
 * body_wanted_posted before it acts on the message.
 */
void ymo_exchange_body_wanted(void *ex);
/* Set up once after allocation; `free` before the memory goes. */
void ymo_exchange_init(struct ymo_exchange *ex);
void ymo_exchange_free(struct ymo_exchange *ex);
/* OPEN → QUEUED, just before the executor's submit. */
void ymo_exchange_submit(struct ymo_exchange *ex);
/* OPEN, QUEUED (taken back) or ENDED → FREE: drop messages, body and arena. */
void ymo_exchange_release(struct ymo_exchange *ex);
/* The client is gone: set the flag, break the body, wake the worker if it is parked. */
void ymo_exchange_cancel(struct ymo_exchange *ex);
/* `n` response bytes reached the socket (or were dropped): wake a worker waiting for room. */
void ymo_exchange_sent(struct ymo_exchange *ex, size_t n);
/* Free a message and what it carries. */
void ymo_exchange_msg_free(struct ymo_msg *m);
/* RUNNING → ENDED, when the reactor takes the END message. */
void ymo_exchange_ended(struct ymo_exchange *ex);

#endif
