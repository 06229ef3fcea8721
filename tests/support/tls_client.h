/* SPDX-License-Identifier: MIT */
/*
 * A TLS client on OpenSSL, which never touches the socket itself: what it would send is bytes that
 * a test sends, cuts, or spoils. Its plaintext is a ymo_http_client's; waits end after a minute.
 */
#ifndef YMO_TESTS_SUPPORT_TLS_CLIENT_H
#define YMO_TESTS_SUPPORT_TLS_CLIENT_H

#include "tests/support/http_client.h"

struct ssl_st;
struct ssl_session_st;

struct ymo_tls_client {
    struct ymo_http_client http; /* send, reply and all the rest of it go through TLS */
    struct ssl_st *ssl;
    bool goodbye; /* close_notify came */
    bool failed;  /* the handshake, or a record, could not be understood */
    int alert;    /* the last other one that came; 0: none */
};

struct ymo_tls_client_options {
    int version;                    /* 12 or 13; 0: any */
    const char *name;               /* SNI; NULL: none */
    const char *alpn;               /* with lengths: "\x08http/1.1"; NULL: none */
    struct ssl_session_st *session; /* to be resumed; NULL: none */
    int rcvbuf;
};

/* Connected; no byte is sent. */
bool ymo_tls_client_open(struct ymo_tls_client *c, int port,
                         const struct ymo_tls_client_options *options);
/* The whole handshake. False: see failed, alert, http.eof. */
bool ymo_tls_client_shake(struct ymo_tls_client *c);
void ymo_tls_client_close(struct ymo_tls_client *c);
/* The same with a reset. */
void ymo_tls_client_reset(struct ymo_tls_client *c);

/* Make the next step of the handshake; what it would send is appended to `dst`. True when the
 * handshake is over. */
bool ymo_tls_client_step(struct ymo_tls_client *c, struct ymo_buf *dst);
/* Receive once, for the next step. False at the end of the connection. */
bool ymo_tls_client_receive(struct ymo_tls_client *c);
/* Append what sending `data` comes to, at most `record` bytes in one record; 0: as they fit. */
void ymo_tls_client_seal(struct ymo_tls_client *c, const void *data, size_t n, size_t record,
                         struct ymo_buf *dst);
/* Append a close_notify; the client can read on. */
void ymo_tls_client_say_goodbye(struct ymo_tls_client *c, struct ymo_buf *dst);
/* Append a KeyUpdate that asks for one, too (1.3), or a wish to shake hands again (1.2). */
bool ymo_tls_client_new_keys(struct ymo_tls_client *c, struct ymo_buf *dst);
bool ymo_tls_client_again(struct ymo_tls_client *c, struct ymo_buf *dst);
/* To the socket as it is. False when the peer is gone. */
bool ymo_tls_client_send(struct ymo_tls_client *c, struct ymo_slice bytes);
/* The end of what it sends, without a word. */
void ymo_tls_client_fin(struct ymo_tls_client *c);

const char *ymo_tls_client_version(const struct ymo_tls_client *c);
const char *ymo_tls_client_alpn(const struct ymo_tls_client *c, char dst[64]);
bool ymo_tls_client_resumed(const struct ymo_tls_client *c);
/* To be freed; NULL: none that could be resumed. */
struct ssl_session_st *ymo_tls_client_session(const struct ymo_tls_client *c);
void ymo_tls_client_session_free(struct ssl_session_st *session);

/* Write a new key and a certificate for "localhost" into the file. False: see errno. */
bool ymo_tls_client_certificate(const char *path, bool ecdsa);

#endif
