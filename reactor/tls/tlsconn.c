/* SPDX-License-Identifier: MIT */
/* A TLS connection's beginning: its first bytes, its place among the handshakes, the handshake. */
#include "reactor/tls/tlsconn.h"

#include "base/log.h"
#include "reactor/loop.h"
#include "reactor/tls/tlscrypto.h"
#include "reactor/tls/tlsstate.h"

#include <stdlib.h>
#include <string.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

/* A signature takes up to a millisecond: the other connections have their turn in between. */
enum { STARTS_PER_TURN = 4 };

static void start_waiting(struct ymo_tlsio *io);

/* ---- what connections share -------------------------------------------------------------- */

static void
next_cb(struct ev_loop *loop, ev_async *w, int revents)
{
    (void)loop, (void)revents;
    start_waiting(w->data);
}

int
ymo_tlsio_create(struct ymo_reactor *r, int max, struct ymo_tlsio **io_r)
{
    struct ymo_tlsio *io = calloc(1, sizeof(*io));
    if (!io)
        return YMO_ENOMEM;
    io->r = r;
    io->max = max;
    ymo_list_init(&io->waiting);
    ev_async_init(&io->next, next_cb);
    io->next.data = io;
    ev_async_start(r->loop, &io->next);
    *io_r = io;
    return YMO_OK;
}

void
ymo_tlsio_free(struct ymo_tlsio *io)
{
    if (!io)
        return;
    YMO_ASSERT(ymo_list_empty(&io->waiting) && io->active == 0);
    ev_async_stop(io->r->loop, &io->next);
    ymo_buf_free(&io->out);
    free(io);
}

/* ---- life ------------------------------------------------------------------------------ */

int
ymo_tlsconn_open(struct ymo_conn *c, struct ymo_tls *tls)
{
    struct ymo_tlsconn *t = calloc(1, sizeof(*t));
    if (!t)
        return YMO_ENOMEM;
    t->io = c->r->tls;
    t->c = c;
    t->tls = tls;
    ymo_list_init(&t->turn);
    c->tls = t;
    c->transport = &ymo_tls_ops;
    c->shaking = true;
    return YMO_OK;
}

void
ymo_tlsconn_free(struct ymo_tlsconn *t)
{
    if (!t)
        return;
    YMO_ASSERT(!t->ssl);
    ymo_buf_free(&t->in);
    ymo_buf_free(&t->out);
    ymo_tlsinfo_free(t->info);
    free(t->server_name);
    free(t);
}

void
ymo_tlsconn_leave_queue(struct ymo_tlsconn *t)
{
    struct ymo_tlsio *io = t->io;
    if (t->state == YMO_TLSCONN_WAITING)
        ymo_list_remove(&t->turn);
    if (t->state != YMO_TLSCONN_SHAKING)
        return;
    io->active--;
    if (!ymo_list_empty(&io->waiting))
        ev_async_send(io->r->loop, &io->next);
}

int
ymo_tlsconn_add_vars(const struct ymo_tlsconn *t, struct ymo_request *req)
{
    return ymo_tlsinfo_add_vars(t->info, req);
}

/* ---- the handshake ----------------------------------------------------------------------- */

/* Nothing more comes of it: what the library had to say (an alert) is sent, and a moment given to
 * the client to read it. */
static void
give_up(struct ymo_tlsconn *t)
{
    struct ymo_conn *c = t->c;
    ymo_tlsconn_leave_queue(t);
    t->state = YMO_TLSCONN_SHUT;
    c->shaking = false;
    if (ymo_tlsrecord_send(t, false) < 0)
        ymo_conn_kill(c);
    else
        ymo_conn_finish(c, true);
}

/*
 * The library ends some handshakes without a word (a certificate that was required and did not
 * come, a hello it does not like), and the client would take that for a broken network. An alert is
 * in plaintext before the ServerHello, and in 1.2 before the server's Finished (RFC 5246 7.1),
 * which comes first when a session is resumed.
 */
static void
say_why(struct ymo_tlsconn *t)
{
    static const unsigned char alert[] = {21, 3, 3, 0, 2, 2, 40}; /* fatal, handshake_failure */
    WOLFSSL_ALERT_HISTORY h;
    if (t->spoke && (wolfSSL_version(t->ssl) != TLS1_2_VERSION || wolfSSL_session_reused(t->ssl)))
        return;
    if (wolfSSL_get_alert_history(t->ssl, &h) != WOLFSSL_SUCCESS || h.last_tx.code >= 0 ||
        h.last_rx.level == alert_fatal)
        return;
    (void)!ymo_buf_append(&t->io->out, alert, sizeof(alert)); /* without it, as before */
}

static void
refuse(struct ymo_tlsconn *t, const char *why)
{
    ymo_info("conn %llu: %s: TLS handshake: %s", (unsigned long long)t->c->serial,
             t->c->remote_addr, why);
    give_up(t);
}

static void
succeed(struct ymo_tlsconn *t)
{
    struct ymo_conn *c = t->c;
    t->info = ymo_tlsinfo_make(t->ssl, t->server_name ? t->server_name : "", t->tls->client);
    (void)wolfSSL_set_ex_data(t->ssl, YMO_TLSCERT_NAME, NULL);
    free(t->server_name);
    t->server_name = NULL;
    if (!t->info) {
        ymo_conn_kill(c);
        return;
    }
    ymo_tlsconn_leave_queue(t);
    t->state = YMO_TLSCONN_OPEN;
    c->shaking = false;
    ymo_trace("conn %llu: %s, %s", (unsigned long long)c->serial, wolfSSL_get_version(t->ssl),
              wolfSSL_get_cipher_name(t->ssl));
    ymo_conn_deadline(c, true);
    ymo_conn_update_read(c);
}

/* Take the next step with what has been received. */
static void
step(struct ymo_tlsconn *t)
{
    struct ymo_conn *c = t->c;
    int rc = wolfSSL_accept(t->ssl);
    int err = rc == WOLFSSL_SUCCESS ? 0 : wolfSSL_get_error(t->ssl, rc);
    bool waits = err == WOLFSSL_ERROR_WANT_READ || err == WOLFSSL_ERROR_WANT_WRITE;
    if (ymo_tlsrecord_keep(t) < 0) {
        ymo_conn_kill(c);
        return;
    }
    if (rc != WOLFSSL_SUCCESS && !waits) {
        if (t->peer_done && t->io->out.len == 0) {
            wolfSSL_ERR_clear_error();
            ymo_debug("conn %llu: %s: gone in the TLS handshake", (unsigned long long)c->serial,
                      c->remote_addr);
            ymo_conn_kill(c);
            return;
        }
        say_why(t);
        refuse(t, ymo_tlsrecord_reason(t->ssl, rc));
        return;
    }
    int sent = ymo_tlsrecord_send(t, false);
    if (sent < 0 && sent != YMO_EAGAIN) {
        ymo_conn_kill(c);
        return;
    }
    if (sent == YMO_EAGAIN && !ev_is_active(&c->wr))
        ev_io_start(c->r->loop, &c->wr);
    else if (sent == YMO_OK && ev_is_active(&c->wr))
        ev_io_stop(c->r->loop, &c->wr);
    if (!waits)
        succeed(t);
}

/* It is its turn. */
static void
start(struct ymo_tlsconn *t)
{
    struct ymo_conn *c = t->c;
    ymo_list_remove(&t->turn);
    t->state = YMO_TLSCONN_SHAKING;
    t->io->active++;
    t->io->started++;
    c->paused = false;
    ymo_conn_update_read(c);
    t->ssl = wolfSSL_new(t->cert->ctx);
    if (!t->ssl) {
        ymo_error("conn %llu: out of memory for a TLS connection", (unsigned long long)c->serial);
        ymo_conn_kill(c);
        return;
    }
    wolfSSL_SetIOReadCtx(t->ssl, t);
    wolfSSL_SetIOWriteCtx(t->ssl, t);
    wolfSSL_SSLSetIORecv(t->ssl, ymo_tlsrecord_take);
    wolfSSL_SSLSetIOSend(t->ssl, ymo_tlsrecord_give);
    /* RFC 7301 3.2: a client that speaks none of it is told so. */
    char http1[] = "http/1.1";
    if (strcmp(c->codec->name, "http") == 0 &&
        wolfSSL_UseALPN(t->ssl, http1, sizeof(http1) - 1, WOLFSSL_ALPN_FAILED_ON_MISMATCH) !=
            WOLFSSL_SUCCESS) {
        ymo_conn_kill(c);
        return;
    }
    (void)wolfSSL_set_ex_data(t->ssl, YMO_TLSCERT_NAME, t->server_name);
    ymo_tlscrypto_attach(t->ssl, t->cert->key);
    step(t);
}

static void
start_waiting(struct ymo_tlsio *io)
{
    unsigned now = ev_iteration(io->r->loop);
    if (io->iteration != now) {
        io->iteration = now;
        io->started = 0;
    }
    while (!ymo_list_empty(&io->waiting) && io->active < io->max) {
        if (io->started >= STARTS_PER_TURN) {
            ev_async_send(io->r->loop, &io->next); /* from the loop itself: it comes back at once */
            return;
        }
        start(YMO_CONTAINER_OF(io->waiting.next, struct ymo_tlsconn, turn));
    }
}

/* ---- before the handshake ------------------------------------------------------------------ */

#define HTTP_TEXT \
    "400 Bad Request: this port speaks HTTPS, and plain HTTP was sent to it; use https://\n"
_Static_assert(sizeof(HTTP_TEXT) - 1 == 85, "its length is in the answer");

static void
answer_http(struct ymo_tlsconn *t)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                 "Content-Type: text/plain\r\n"
                                 "Content-Length: 85\r\n"
                                 "Connection: close\r\n"
                                 "\r\n" HTTP_TEXT;
    struct ymo_conn *c = t->c;
    ymo_info("conn %llu: %s: plain text on a TLS port: answered 400", (unsigned long long)c->serial,
             c->remote_addr);
    struct ymo_outq *q = ymo_writer_outq(c);
    t->state = YMO_TLSCONN_SHUT;
    c->transport = &ymo_plain_ops;
    c->shaking = false;
    if (!q || ymo_buf_append(&q->bytes, answer, sizeof(answer) - 1) < 0) {
        ymo_conn_kill(c);
        return;
    }
    ymo_outq_wrote(q, 0);
    ymo_conn_finish(c, true);
}

static void
answer_alien(struct ymo_tlsconn *t)
{
    /* A fatal alert, unexpected_message (RFC 8446 6). */
    static const unsigned char alert[] = {21, 3, 1, 0, 2, 2, 10};
    if (ymo_buf_append(&t->io->out, alert, sizeof(alert)) < 0)
        ymo_conn_kill(t->c);
    else
        refuse(t, "what was sent is no TLS");
}

/* Look at what there is. */
static void
look(struct ymo_tlsconn *t)
{
    struct ymo_tlshello hello;
    enum ymo_tlshello_what what = ymo_tlshello_look(ymo_buf_slice(&t->in), &hello);
    bool http = strcmp(t->c->codec->name, "http") == 0;
    switch (what) {
    case YMO_TLSHELLO_MORE:
        break;
    case YMO_TLSHELLO_HTTP:
        if (http)
            answer_http(t);
        else
            refuse(t, "plain text on a TLS port");
        break;
    case YMO_TLSHELLO_ALIEN:
        answer_alien(t);
        break;
    case YMO_TLSHELLO_WHOLE:
        t->cert = ymo_tls_choose(t->tls, &hello);
        if (hello.server_name[0] && !(t->server_name = strdup(hello.server_name))) {
            ymo_conn_kill(t->c);
            break;
        }
        t->state = YMO_TLSCONN_WAITING;
        t->c->paused = true;
        ymo_conn_update_read(t->c);
        ymo_list_append(&t->io->waiting, &t->turn);
        start_waiting(t->io);
        break;
    }
}

void
ymo_tlsconn_shake(struct ymo_conn *c)
{
    struct ymo_tlsconn *t = c->tls;
    if (t->state == YMO_TLSCONN_WAITING)
        return;
    ssize_t n = t->peer_done ? 0 : ymo_tlsrecord_receive(t);
    if (n < 0 && n != YMO_EAGAIN) {
        ymo_conn_kill(c);
        return;
    }
    if (t->state == YMO_TLSCONN_SHAKING) {
        step(t);
        return;
    }
    if (n == 0) {
        ymo_conn_kill(c); /* came and went: a health check */
    } else if (n > 0) {
        if (ymo_tlsrecord_keep(t) < 0)
            ymo_conn_kill(c);
        else
            look(t);
    }
}
