/* SPDX-License-Identifier: MIT */
/*
 * Messages from workers to the reactor: many writers, one reader, and as few wake-ups as the
 * promises allow. A system call to wake the reactor costs more than the rest of a small response,
 * so a message whose sender will soon have more to say is posted without one:
 *
 *   AWAKE  the reactor is running and looks here before it sleeps: nobody wakes it.
 *   NAP    it sleeps for a millisecond at most, because work is under way: a lazy message waits for
 *          the sender's flush (when it runs out of work) or the end of the nap; an urgent one
 * wakes. SLEEP  it sleeps until something happens: every message wakes.
 */
#ifndef YMO_REQUEST_MAILBOX_H
#define YMO_REQUEST_MAILBOX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ymo_exchange;

enum ymo_msg_flags {
    YMO_MSG_HEAD = 1,      /* exchange->resp is ready to be written */
    YMO_MSG_FILE = 2,      /* the payload is fd/off/len instead of data/len */
    YMO_MSG_END = 4,       /* the worker is done with the exchange */
    YMO_MSG_BROKEN = 8,    /* with END: the response is not complete */
    YMO_MSG_WANTED = 16,   /* the reader of a streaming body wants more */
    YMO_MSG_EMBEDDED = 32, /* part of its exchange: not to be freed */
    YMO_MSG_SHARED = 64,   /* reactor: a segment of the output points into it */
    YMO_MSG_NOTE = 128,    /* the payload is text for the log of the front end */
};

struct ymo_msg {
    struct ymo_msg *next;
    struct ymo_exchange *ex;
    unsigned flags;
    int fd;
    int64_t off;
    uint64_t len; /* payload bytes */
    char *data;   /* in the exchange's arena or behind this struct */
};

enum ymo_mailbox_mode { YMO_MAILBOX_AWAKE = 0, YMO_MAILBOX_NAP, YMO_MAILBOX_SLEEP };

struct ymo_mailbox {
    pthread_mutex_t lock; /* leaf lock */
    struct ymo_msg *first, *last;
    atomic_bool nonempty;
    atomic_int mode;         /* written by the reactor */
    void (*wake)(void *arg); /* thread-safe, idempotent: ev_async_send */
    void *wake_arg;
};

void ymo_mailbox_init(struct ymo_mailbox *mb, void (*wake)(void *), void *arg);
void ymo_mailbox_destroy(struct ymo_mailbox *mb);

/* Any worker. The message belongs to the reactor afterwards. */
void ymo_mailbox_post(struct ymo_mailbox *mb, struct ymo_msg *msg, bool urgent);

/* Any worker, before it goes to sleep: whatever was posted lazily must not wait longer. */
void ymo_mailbox_flush(struct ymo_mailbox *mb);

/* Reactor: take all messages, oldest first; NULL when there is none. */
struct ymo_msg *ymo_mailbox_take(struct ymo_mailbox *mb);

/*
 * Reactor, just before it blocks. False when messages are waiting: then it must not block.
 * After blocking it sets YMO_MAILBOX_AWAKE.
 */
bool ymo_mailbox_set_mode(struct ymo_mailbox *mb, enum ymo_mailbox_mode mode);

#endif
