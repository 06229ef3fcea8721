/* SPDX-License-Identifier: MIT */
/*
 * One connection: its socket, its codec's state, what has been read and not yet understood, and
 * what waits to be written. Reactor thread only, except that the text of addresses is read by
 * workers (it is constant, and lives until the last exchange of the connection was released).
 *
 *   OPEN ──▶ FLUSHING (nothing more is read; what is queued is written) ──▶ LINGER or DEAD
 *   LINGER (our side is shut down; what still arrives is thrown away, so that the peer can read the
 *   answer before a reset reaches it: RFC 9112 9.6) ──▶ DEAD ──▶ freed when no exchange is left
 */
#ifndef YMO_REACTOR_CONN_H
#define YMO_REACTOR_CONN_H

#include "base/buf.h"
#include "base/list.h"
#include "protocols/codec.h"
#include "reactor/deadline.h"
#include "reactor/outq.h"
#include "reactor/transport.h"

#include <ev.h>
#include <netinet/in.h>
#include <stdint.h>

struct ymo_reactor;
struct ymo_listener;

enum ymo_conn_state { YMO_CONN_OPEN, YMO_CONN_FLUSHING, YMO_CONN_LINGER, YMO_CONN_DEAD };

struct ymo_conn {
    struct ymo_reactor *r;
    const struct ymo_transport_ops *transport;
    const struct ymo_codec_ops *codec;
    const struct ymo_listener *listener;
    int fd;
    enum ymo_conn_state state;
    bool linger;  /* FLUSHING ends in LINGER */
    bool reset;   /* close with a reset: what was sent is not complete */
    bool eof;     /* the peer will send no more */
    bool paused;  /* a streaming body is full: do not read */
    bool pumping; /* inside ymo_writer_pump */
    bool feeding; /* inside the feed loop */
    bool used;    /* a request was received */
    bool shaking; /* a TLS handshake comes first */
    bool moved;   /* the transport has sent something, see transport.h */
    bool given;   /* it goes on in another process: forget it without ending it */
    bool shared;  /* an application's child may hold the socket too: closing it is not enough */
    bool dirty;
    uint32_t n_exchanges;
    uint64_t serial;   /* for the log */
    double body_since; /* ymo_deadlines_now: the body being read, or the lingering, began */
    int unacked;       /* ymo_writer_unacked when the deadline of writing was last moved */
    ev_io rd, wr;
    struct ymo_deadline deadline;
    struct ymo_list node;      /* the reactor's list of connections */
    struct ymo_list late;      /* see latewatch.h */
    unsigned late_since;       /* reactor->n_naps */
    struct ymo_list exchanges; /* open ones, oldest first */
    struct ymo_conn *next_dirty;
    struct ymo_exchange *receiving; /* whose body is being read; of several one that streams */
    struct ymo_buf in;              /* received and not yet consumed */
    struct ymo_tlsconn *tls;        /* NULL: plain */
    struct ymo_outq *out;           /* NULL when nothing waits */
    struct ymo_codec_env env;
    char remote_addr[INET6_ADDRSTRLEN], remote_port[6];
    char local_addr[INET6_ADDRSTRLEN]; /* only when the listener's address is a wildcard */
    _Alignas(8) unsigned char codec_state[];
};

/*
 * Take over the accepted socket `fd`. `peer` is what accept returned. NULL when out of memory (then
 * fd is closed). Nothing is read yet: ymo_conn_begin or ymo_conn_input is next.
 */
struct ymo_conn *ymo_conn_open(struct ymo_reactor *r, const struct ymo_listener *l, int fd,
                               const struct sockaddr *peer);

/* Read, now if the peer is one that has said something by now. May close the connection. */
void ymo_conn_begin(struct ymo_conn *c);

/* Look at what has been received: called when the codec may go on (a response ended, room came). */
void ymo_conn_input(struct ymo_conn *c);

/* Read what may have arrived without an event yet. May close the connection. */
void ymo_conn_look(struct ymo_conn *c);

/* What it may read has changed, or there is something to be read without an event. */
void ymo_conn_update_read(struct ymo_conn *c);

/* The reader of a streaming body has made room. */
void ymo_conn_resume(struct ymo_conn *c, struct ymo_exchange *ex);

/*
 * Answer `status` for `ex` (or for no exchange: NULL) and close after it. `why` goes to the log;
 * NULL = nothing to log.
 */
void ymo_conn_fail(struct ymo_conn *c, struct ymo_exchange *ex, int status, const char *why);

/* Nothing more is read or answered: write what is queued, then close. */
void ymo_conn_finish(struct ymo_conn *c, bool linger);

/* Queue is written: LINGER or close. */
void ymo_conn_flushed(struct ymo_conn *c);

/* Close at once. Exchanges are cancelled; the struct is freed when the last of them has ended. */
void ymo_conn_kill(struct ymo_conn *c);

/* Forget `ex` and release it; frees a dead connection with its last one. */
void ymo_conn_release(struct ymo_conn *c, struct ymo_exchange *ex);

/* End of the turn: the memory of a dead connection without exchanges. */
void ymo_conn_free(struct ymo_conn *c);

/* Arm the deadline that fits what the connection waits for now. `progress`: something moved. */
void ymo_conn_deadline(struct ymo_conn *c, bool progress);

/* May this connection be closed by a graceful stop without losing anything? */
bool ymo_conn_idle(const struct ymo_conn *c);

#endif
