/* SPDX-License-Identifier: MIT */
/*
 * The reactor's inside, shared by the files of this folder and by nobody else. Everything here
 * belongs to the owner of the loop, except the mailbox and the wake watcher.
 */
#ifndef YMO_REACTOR_LOOP_H
#define YMO_REACTOR_LOOP_H

#include "reactor/conn.h"
#include "reactor/deadline.h"
#include "reactor/handoff.h"
#include "reactor/lifeline.h"
#include "reactor/overdue.h"
#include "reactor/reactor.h"
#include "reactor/recycle.h"
#include "reactor/tls/tlsconn.h"
#include "request/mailbox.h"

#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>

enum { YMO_SCRATCH = 64 * 1024, YMO_POOL_EXCHANGES = 256, YMO_POOL_OUTQS = 64, YMO_N_SIGNALS = 4 };

struct ymo_listener {
    struct ymo_reactor *r;
    const struct ymo_reactor_listener *cfg;
    ev_io io;
    double turned_away;                   /* ymo_deadlines_now when that was last logged */
    bool wildcard;                        /* the server's address differs by connection */
    char name[INET6_ADDRSTRLEN], port[6]; /* SERVER_NAME, SERVER_PORT; empty for unix sockets */
};

struct ymo_reactor {
    struct ymo_reactor_config cfg;
    struct ev_loop *loop;
    pthread_t thread;
    bool thread_started;

    ev_async wake;      /* ev_async_send is the one call that others than the owner make */
    ev_async ask;       /* stop or join was asked for, see the atomics */
    ev_prepare prepare; /* before blocking: messages, submits */
    ev_check check;     /* after blocking */
    ev_timer nap;
    bool napping;
    unsigned n_naps;
    struct ymo_list late; /* see latewatch.h */
    ev_signal signals[YMO_N_SIGNALS];
    ev_timer graceful; /* the end of graceful_timeout */
    ev_timer resume;   /* accept again */
    bool stopping, drained, accepting;
    bool patient;      /* the stop under way, see ymo_reactor_begin_stop */
    bool closing_idle; /* idle connections go at the end of this turn */
    double farewell;   /* ymo_deadlines_now: until then silence is waited for, see sends_away */

    struct ymo_handoff *handoff; /* NULL: no siblings */
    ev_timer yield;              /* a sibling had better accept; then we do */
    unsigned yields;             /* in a row */
    double yield_again;          /* not before: siblings did not take what was left to them */

    struct ymo_tlsio *tls; /* NULL: no listener has TLS */
    struct ymo_listener *listeners;
    int *hidden; /* their descriptors, see ymo_forkguard_hide */
    struct ymo_list conns;
    struct ymo_list dead; /* to be freed at the end of the turn */
    int n_conns;
    uint64_t next_serial;
    double accept_complained; /* when EMFILE was last logged */

    atomic_bool stop_asked, join_asked; /* any thread; away from the owner's flags */
    struct ymo_mailbox mailbox;
    struct ymo_exchange *batch_first, *batch_last; /* to be submitted at the end of the turn */
    unsigned in_flight;                            /* submitted and not ended */
    struct ymo_conn *dirty;                        /* have messages to be written */
    struct ymo_deadlines deadlines;
    struct ymo_overdue overdue;
    struct ymo_recycle recycle;
    struct ymo_lifeline lifeline;

    struct ymo_exchange *free_exchanges; /* linked by next */
    unsigned n_free_exchanges;
    struct ymo_outq *free_outqs;
    unsigned n_free_outqs;

    time_t date_at;
    char date[32];
    size_t in_max; /* bytes a connection may have received and not consumed */
    char scratch[YMO_SCRATCH];
};

/* dispatch.c: exchanges on their way to the executor and back */
struct ymo_exchange *ymo_dispatch_open(struct ymo_conn *c, uint32_t id);
void ymo_dispatch_submit(struct ymo_reactor *r, struct ymo_exchange *ex);
/* Not submitted, ended, or taken back: give its memory back. */
void ymo_dispatch_release(struct ymo_reactor *r, struct ymo_exchange *ex);
/*
 * Take a submitted exchange back, to run elsewhere: true. Then either put_back, here again; or
 * forget, before it is released. False: a worker has it.
 */
bool ymo_dispatch_recall(struct ymo_reactor *r, struct ymo_exchange *ex);
void ymo_dispatch_put_back(struct ymo_reactor *r, struct ymo_exchange *ex);
void ymo_dispatch_forget(struct ymo_reactor *r, struct ymo_exchange *ex);
/* The client is gone. True when it never ran and has been released. */
bool ymo_dispatch_cancel(struct ymo_reactor *r, struct ymo_exchange *ex);
/* While exchanges are in flight: the loop comes back within a nap. */
void ymo_dispatch_nap(struct ymo_reactor *r);
void ymo_dispatch_init(struct ymo_reactor *r);
void ymo_dispatch_free(struct ymo_reactor *r);
/*
 * Write what is dirty, hand over the batch, take messages: until there is nothing left to do
 * (true), or until it is the sockets' turn, because the workers post as fast as we write.
 */
bool ymo_dispatch_turn(struct ymo_reactor *r);
void ymo_dispatch_dirty(struct ymo_conn *c);

/* writer.c: messages → bytes → socket */
void ymo_writer_pump(struct ymo_conn *c);
/* The output queue of `c`, made when there is none; NULL when out of memory. */
struct ymo_outq *ymo_writer_outq(struct ymo_conn *c);
void ymo_writer_drop_outq(struct ymo_conn *c);
/* Bytes that the socket has taken and the peer has not; 0 where the system does not say. */
int ymo_writer_unacked(const struct ymo_conn *c);
/* Kill it with a reset: the peer must not take what it has for a whole response. */
void ymo_writer_break_off(struct ymo_conn *c);
/* What a head written now has to say. */
struct ymo_codec_out ymo_writer_out(struct ymo_reactor *r, bool close);

/* listener.c */
void ymo_listener_init(struct ymo_listener *l, struct ymo_reactor *r,
                       const struct ymo_reactor_listener *cfg);
void ymo_listener_init_yield(struct ymo_reactor *r);
/* Start or stop accepting on all listeners, as the number of connections and of descriptors allows.
 */
void ymo_listener_update(struct ymo_reactor *r);
/* Accept what waits in the backlogs one last time, and close. */
void ymo_listener_close_all(struct ymo_reactor *r);

/* signals.c. Main thread, while the loop does not run. */
void ymo_signals_init(struct ymo_reactor *r);
void ymo_signals_take(struct ymo_reactor *r);
void ymo_signals_drop(struct ymo_reactor *r);

/* reactor.c */
void ymo_reactor_conn_gone(struct ymo_reactor *r);
/*
 * Begin a graceful stop, unless it has begun. `patient`: others go on serving, so idle clients need
 * not be sent away at once. A stop that was patient can become one that is not.
 */
void ymo_reactor_begin_stop(struct ymo_reactor *r, bool patient);
/*
 * A stop is under way: is a connection to be closed that has just become idle? One whose codec
 * could not announce it gets some time, unless the stop is impatient, in which its peer may fall
 * silent: then no request is likely to cross the closing.
 */
bool ymo_reactor_sends_away(const struct ymo_reactor *r, const struct ymo_codec_ops *codec);

#endif
