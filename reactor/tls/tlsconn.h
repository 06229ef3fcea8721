/* SPDX-License-Identifier: MIT */
/*
 * The TLS transport of a connection: a look at its first bytes, a place among the handshakes, the
 * handshake, records. Reactor thread.
 *
 *   HELLO (nothing but some bytes is kept) ──▶ WAITING (for one of max_handshakes) ──▶ SHAKING
 *   ──▶ OPEN ──▶ SHUT (close_notify sent)
 */
#ifndef YMO_REACTOR_TLS_TLSCONN_H
#define YMO_REACTOR_TLS_TLSCONN_H

#include "base/err.h"
#include "base/slice.h"
#include "request/request.h"

#include <stdbool.h>

struct ymo_conn;
struct ymo_reactor;
struct ymo_tls;
struct ymo_tlsio; /* what the TLS connections of a reactor share: buffers, the queue of handshakes
                   */
struct ymo_tlsconn;

/* `max`: handshakes under way at once. 0 or YMO_ENOMEM. */
int ymo_tlsio_create(struct ymo_reactor *r, int max, struct ymo_tlsio **io_r) YMO_MUST_CHECK;
void ymo_tlsio_free(struct ymo_tlsio *io);

/* Make `c`, just accepted, a TLS connection. 0 or YMO_ENOMEM. */
int ymo_tlsconn_open(struct ymo_conn *c, struct ymo_tls *tls) YMO_MUST_CHECK;
/* Its memory, with the connection's own. NULL is fine. */
void ymo_tlsconn_free(struct ymo_tlsconn *t);

/*
 * Go on with the handshake: something can be read or written, or it is its turn. Afterwards the
 * connection is still shaking hands, or c->shaking is false, or it is dead.
 */
void ymo_tlsconn_shake(struct ymo_conn *c);

/* Is there input that needs no event of the socket to be read? */
bool ymo_tlsconn_pending(const struct ymo_tlsconn *t);

/* Has a part of a record arrived? */
bool ymo_tlsconn_midway(const struct ymo_tlsconn *t);

/*
 * Add what is known of the connection to a request, in the names of mod_ssl: HTTPS, SSL_PROTOCOL,
 * SSL_CIPHER, SSL_TLS_SNI, and SSL_CLIENT_… where clients are asked for a certificate. Values live
 * as long as the connection's struct. 0 or YMO_ENOMEM.
 */
int ymo_tlsconn_add_vars(const struct ymo_tlsconn *t, struct ymo_request *req) YMO_MUST_CHECK;

#endif
