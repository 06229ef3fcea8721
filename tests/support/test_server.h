/* SPDX-License-Identifier: MIT */
/*
 * A whole reactor over the echo executor, in this process, on a port of its own. Its handler knows
 * paths:
 *
 *   /hello            "hello"
 *   /echo             the request body, read as it comes and sent as it is read
 *   /stored           the request body, all of it and then one answer
 *   /early            an answer that does not look at the body
 *   /pieces?COUNT,LEN COUNT pieces of LEN bytes, of no announced length
 *   /long?LEN         one message of LEN bytes, length announced
 *   /file?OFF,LEN,SAY a range of `file`, with Content-Length SAY
 *   /endless          pieces until `stop` is set or the client is gone
 *   /gate             waits for ymo_test_server_open, then "open"
 *   /client           waits likewise, as if for its client
 *   /half             a piece, "some", then waits likewise
 *   /broken /broken0  an end that says broken: after a piece, before anything
 *   /broken?LEN       likewise, after a piece of LEN bytes
 *   /empty            204
 *   /noted            "some", with notes before and after it; then it waits as /gate does, and has
 *                     one more before its end
 */
#ifndef YMO_TESTS_SUPPORT_TEST_SERVER_H
#define YMO_TESTS_SUPPORT_TEST_SERVER_H

#include "reactor/reactor.h"
#include "tests/support/echo_executor.h"
#include "tests/support/http_client.h"

#include <semaphore.h>

struct ymo_test_server {
    struct ymo_reactor_config cfg; /* to be changed between init and start; executor: another one */
    struct ymo_reactor_listener listener;
    struct ymo_reactor *reactor;
    struct ymo_echo_executor executor;
    const struct ymo_codec_ops *codec; /* NULL: http */
    bool redirect;                     /* its listener sends its clients to https */
    struct ymo_tls *tls;               /* NULL: plain */
    int n_workers;
    const struct ymo_test_server *beside; /* whose listening socket it shares; NULL: its own */
    int port;
    int file; /* of /file */

    sem_t gate;
    atomic_int at_gate; /* handlers that arrived there */
    atomic_bool stop;
    atomic_size_t most_unsent; /* that a handler has seen */
    atomic_int broken_bodies;  /* reads that ended with YMO_ECLOSED */
    atomic_int gone;           /* handlers that saw the cancel flag */
    atomic_int bodies_read;    /* bytes that handlers read */
};

/* Defaults: 1 worker, generous limits, an hour of time for everything. */
void ymo_test_server_init(struct ymo_test_server *s);
/* False (and a failed check): no server. */
bool ymo_test_server_start(struct ymo_test_server *s);
/* Graceful stop, and until everything has ended: nothing in flight may be left over. */
void ymo_test_server_stop(struct ymo_test_server *s);

/* A connected client; a failed check when it cannot be had. */
struct ymo_http_client ymo_test_server_client(struct ymo_test_server *s);
/* Start, with one client; and the end of both, with the client's last reply. */
bool ymo_test_server_begin(struct ymo_test_server *s, struct ymo_http_client *c_r);
void ymo_test_server_finish(struct ymo_test_server *s, struct ymo_http_client *c,
                            struct ymo_http_reply *r);
/* Let `n` handlers through the gate. */
void ymo_test_server_open(struct ymo_test_server *s, int n);
/* Wait until *counter has reached `n`: for what happens on other threads. False after a minute. */
bool ymo_test_server_until(const atomic_int *counter, int n);
/* One request and its answer, to see that the server serves, and that the loop has turned. */
bool ymo_test_server_hello(struct ymo_http_client *c);

/* Content of bodies and pieces at offset `i`. */
char ymo_test_server_byte(uint64_t i);
/* How many of the `n` bytes at `data`, at offset `from`, are other ones. */
size_t ymo_test_server_wrong(const char *data, uint64_t from, size_t n);

#endif
