/* SPDX-License-Identifier: MIT */
/*
 * A blocking FastCGI front end that a test can see through. Waits end after a minute, with a
 * failure; so does a record that is malformed, or of no request that has begun.
 */
#ifndef YMO_TESTS_SUPPORT_FCGI_CLIENT_H
#define YMO_TESTS_SUPPORT_FCGI_CLIENT_H

#include "tests/support/http_client.h"

enum { YMO_FCGI_CLIENT_IDS = 100 };

struct ymo_fcgi_client {
    struct ymo_http_client http; /* its socket */
    struct ymo_fcgi_answer {
        struct ymo_buf out;  /* STDOUT, head and body */
        struct ymo_buf err;  /* STDERR */
        bool closed, ended;  /* its end came, END_REQUEST came */
        int protocol_status; /* of END_REQUEST */
        unsigned records;    /* of STDOUT with something in it */
    } answers[YMO_FCGI_CLIENT_IDS];
    unsigned last, row,
        most_in_a_row; /* of whom the last STDOUT was; how many of them came so far */
    unsigned managed;  /* management records */
};

bool ymo_fcgi_client_open(struct ymo_fcgi_client *c, int port, int rcvbuf);
void ymo_fcgi_client_close(struct ymo_fcgi_client *c);

/* Send what `script` says, see fcgi_make.h. False when the peer is gone. */
bool ymo_fcgi_client_say(struct ymo_fcgi_client *c, const char *script);

/* Take one record. False at the end of the connection, or when it was a wrong one. */
bool ymo_fcgi_client_record(struct ymo_fcgi_client *c);

/* Take records until `id` has ended. False when it does not. */
bool ymo_fcgi_client_await(struct ymo_fcgi_client *c, unsigned id);

/* The status of what came for `id`, 0: none; and the body behind its head. */
int ymo_fcgi_client_status(const struct ymo_fcgi_client *c, unsigned id);
struct ymo_slice ymo_fcgi_client_body(const struct ymo_fcgi_client *c, unsigned id);

/* Begin with `id` anew. */
void ymo_fcgi_client_forget(struct ymo_fcgi_client *c, unsigned id);

#endif
