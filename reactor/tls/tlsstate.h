/* SPDX-License-Identifier: MIT */
/* The inside of a TLS connection, shared by tlsconn.c (handshakes) and tlsrecord.c (records). */
#ifndef YMO_REACTOR_TLS_TLSSTATE_H
#define YMO_REACTOR_TLS_TLSSTATE_H

#include "base/buf.h"
#include "base/list.h"
#include "reactor/tls/tlsconn.h"
#include "reactor/tls/tlsinfo.h"
#include "reactor/tls/tlsstore.h"
#include "reactor/transport.h"

#include <ev.h>

struct WOLFSSL;

enum { YMO_TLS_RECV = 64 * 1024, YMO_TLS_BATCH = 128 * 1024 };

enum ymo_tlsconn_state {
    YMO_TLSCONN_HELLO,
    YMO_TLSCONN_WAITING,
    YMO_TLSCONN_SHAKING,
    YMO_TLSCONN_OPEN,
    YMO_TLSCONN_SHUT, /* nothing of TLS is sent or understood any more */
};

struct ymo_tlsio {
    struct ymo_reactor *r;
    int max, active;             /* handshakes under way */
    struct ymo_list waiting;     /* connections, by their `turn` */
    ev_async next;               /* there is one whose turn has come */
    unsigned iteration, started; /* how many were started in this one of the loop */
    struct ymo_buf out;          /* what the library has just written; empty between calls */
    unsigned char in[YMO_TLS_RECV];
    char plain[YMO_TLS_BATCH];
};

struct ymo_tlsconn {
    struct ymo_tlsio *io;
    struct ymo_conn *c;
    struct ymo_tls *tls;
    struct WOLFSSL *ssl;
    enum ymo_tlsconn_state state;
    bool peer_done; /* close_notify, or the end of the socket's data */
    bool broken;    /* a record that could not be understood */
    bool midway;    /* the library has a part of a record */
    bool spoke;     /* it has written something */
    const struct ymo_tlscert *cert;
    struct ymo_tlsinfo *info;
    char *server_name; /* until the handshake is done */
    struct ymo_list turn;
    struct ymo_buf in;      /* received, and not yet taken by the library */
    struct ymo_slice fresh; /* the same, where it was just received; taken after `in` */
    struct ymo_buf out;     /* sealed, and not yet on the socket */
    size_t taken;           /* bytes of plaintext that `out` stands for, not yet reported */
    size_t burst;           /* bytes written since the last pause */
    double wrote_at;
};

extern const struct ymo_transport_ops ymo_tls_ops;

/* wolfSSL's calls for input and output; the argument is the connection. */
int ymo_tlsrecord_take(struct WOLFSSL *ssl, char *dst, int n, void *arg);
int ymo_tlsrecord_give(struct WOLFSSL *ssl, char *src, int n, void *arg);

/* What the last call of the library left unused of what was received is kept. 0 or YMO_ENOMEM. */
int ymo_tlsrecord_keep(struct ymo_tlsconn *t) YMO_MUST_CHECK;

/* Send what the library has written. `more`: further bytes follow at once. 0, YMO_EAGAIN (some of
 * it waits), YMO_ECLOSED, YMO_ENOMEM. */
int ymo_tlsrecord_send(struct ymo_tlsconn *t, bool more) YMO_MUST_CHECK;

/* Receive once, into io->in as t->fresh. As transport read. */
ssize_t ymo_tlsrecord_receive(struct ymo_tlsconn *t);

/* The library's reason for its last result, for logs; static or per thread. Forgets its errors. */
const char *ymo_tlsrecord_reason(struct WOLFSSL *ssl, int rc);

/* The handshake is over, one way or the other. */
void ymo_tlsconn_leave_queue(struct ymo_tlsconn *t);

#endif
