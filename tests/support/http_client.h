/* SPDX-License-Identifier: MIT */
/*
 * A blocking HTTP/1.1 client that a test can see through: it sends bytes as they are, and parses
 * replies strictly enough to notice a wrong one. Waits end after a minute, with a failure.
 */
#ifndef YMO_TESTS_SUPPORT_HTTP_CLIENT_H
#define YMO_TESTS_SUPPORT_HTTP_CLIENT_H

#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

struct ymo_http_client;

/* What it speaks through instead of its socket. */
struct ymo_http_client_io {
    bool (*send)(struct ymo_http_client *c, const void *data, size_t n);
    /* As recv, but waits; 0 at the end, -1 when it was not one in order. */
    ssize_t (*receive)(struct ymo_http_client *c, void *dst, size_t n);
};

struct ymo_http_client {
    int fd;
    struct ymo_buf in; /* received and not looked at */
    bool eof, reset;
    const struct ymo_http_client_io *io; /* NULL: none */
};

struct ymo_http_reply {
    int status;          /* 0: no complete head came */
    char head[4096];     /* with its last empty line */
    struct ymo_buf body; /* without chunk framing */
    bool whole;          /* ended as its framing says; by the connection's end when it has none */
    bool close;          /* Connection: close */
    int pieces;          /* chunks */
};

/* Connect to 127.0.0.1. `rcvbuf` bytes of receive buffer, 0 = the system's. False: see errno. */
bool ymo_http_client_open(struct ymo_http_client *c, int port, int rcvbuf);
void ymo_http_client_close(struct ymo_http_client *c);
/* Close with a reset, as a client that crashes does. */
void ymo_http_client_reset(struct ymo_http_client *c);

/* The next bytes of the socket, at the latest after a minute; as recv. */
ssize_t ymo_http_client_receive(struct ymo_http_client *c, void *dst, size_t n);

/* False when the peer is gone. */
bool ymo_http_client_send(struct ymo_http_client *c, const void *data, size_t n);
bool ymo_http_client_say(struct ymo_http_client *c, const char *text);

/* The next reply; `head_only`: to a HEAD request. True when it is whole. Frees the last one. */
bool ymo_http_client_reply(struct ymo_http_client *c, struct ymo_http_reply *r, bool head_only);
void ymo_http_reply_free(struct ymo_http_reply *r);

/* True when the peer closed, in order (not by a reset), and nothing more came before. */
bool ymo_http_client_at_end(struct ymo_http_client *c);
/* True when there is something to be read, or the end. Does not wait. */
bool ymo_http_client_ready(struct ymo_http_client *c);
/* Receive more into `in`. False at the end. */
bool ymo_http_client_fill(struct ymo_http_client *c);

#endif
