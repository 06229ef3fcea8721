/* SPDX-License-Identifier: MIT */
/*
 * Records: one recv for what has arrived, given to the library from memory; one send for what it
 * has sealed, however many records that is.
 */
#include "base/log.h"
#include "reactor/loop.h"
#include "reactor/tls/tlsstate.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

/*
 * A record can be read only when all of it is there. What begins a burst goes out in records that
 * fit one packet, so that the client reads the first as it arrives; from where a connection's
 * initial window of ten packets has been filled on, throughput counts.
 */
enum { SMALL_RECORD = 1370, LARGE_RECORD = 16384, SMALL_BYTES = 12 * SMALL_RECORD };
enum { RECORD_HEADER = 5 };
#define BURST_PAUSE 1.0 /* seconds; the window may have shrunk again */

/* ---- between the library and the socket -------------------------------------------------- */

int
ymo_tlsrecord_take(WOLFSSL *ssl, char *dst, int n, void *arg)
{
    struct ymo_tlsconn *t = arg;
    size_t want = (size_t)n;
    (void)ssl;
    if (t->in.len > 0) {
        if (want > t->in.len)
            want = t->in.len;
        memcpy(dst, ymo_buf_data(&t->in), want);
        ymo_buf_consume(&t->in, want);
    } else if (t->fresh.len > 0) {
        if (want > t->fresh.len)
            want = t->fresh.len;
        memcpy(dst, t->fresh.data, want);
        t->fresh.data += want;
        t->fresh.len -= want;
    } else {
        /* It asks for a whole header, or for what is missing of a record it has begun. */
        t->midway = n != RECORD_HEADER;
        /* Later the end is open_records' affair: the library, told of it, would not say goodbye. */
        return t->peer_done && t->state != YMO_TLSCONN_OPEN ? WOLFSSL_CBIO_ERR_CONN_CLOSE
                                                            : WOLFSSL_CBIO_ERR_WANT_READ;
    }
    return (int)want;
}

int
ymo_tlsrecord_give(WOLFSSL *ssl, char *src, int n, void *arg)
{
    struct ymo_tlsconn *t = arg;
    (void)ssl;
    t->spoke = true;
    return ymo_buf_append(&t->io->out, src, (size_t)n) < 0 ? WOLFSSL_CBIO_ERR_GENERAL : n;
}

int
ymo_tlsrecord_keep(struct ymo_tlsconn *t)
{
    int rc = t->fresh.len > 0 ? ymo_buf_append(&t->in, t->fresh.data, t->fresh.len) : YMO_OK;
    t->fresh.len = 0;
    if (t->in.len == 0)
        ymo_buf_free(&t->in);
    return rc;
}

ssize_t
ymo_tlsrecord_receive(struct ymo_tlsconn *t)
{
    ssize_t n = ymo_plain_ops.read(t->c, t->io->in, sizeof(t->io->in));
    if (n > 0)
        t->fresh = ymo_slice_of((const char *)t->io->in, (size_t)n);
    else if (n == 0)
        t->peer_done = true;
    return n;
}

/* As much of `b` as the socket takes. 0 when all of it was. */
static int
send_from(struct ymo_conn *c, struct ymo_buf *b, bool more)
{
    while (b->len > 0) {
        struct iovec iov = {ymo_buf_data(b), b->len};
        ssize_t n = ymo_plain_ops.writev(c, &iov, 1, more);
        if (n < 0)
            return (int)n;
        c->moved = true;
        ymo_buf_consume(b, (size_t)n);
    }
    return YMO_OK;
}

int
ymo_tlsrecord_send(struct ymo_tlsconn *t, bool more)
{
    struct ymo_buf *fresh = &t->io->out;
    int rc = YMO_OK;
    if (t->out.len > 0) {
        rc = send_from(t->c, &t->out, more || fresh->len > 0);
        if (rc == YMO_OK)
            ymo_buf_free(&t->out);
    }
    if (rc == YMO_OK)
        rc = send_from(t->c, fresh, more);
    if (fresh->len > 0) {
        if (rc == YMO_EAGAIN && ymo_buf_append(&t->out, ymo_buf_data(fresh), fresh->len) < 0)
            rc = YMO_ENOMEM;
        ymo_buf_consume(fresh, fresh->len);
    }
    return rc;
}

const char *
ymo_tlsrecord_reason(WOLFSSL *ssl, int rc)
{
    static _Thread_local char text[WOLFSSL_MAX_ERROR_SZ];
    int err = wolfSSL_get_error(ssl, rc);
    wolfSSL_ERR_error_string_n((unsigned long)err, text, sizeof(text));
    wolfSSL_ERR_clear_error();
    return text;
}

/* The library had to say something by itself (a key update, a ticket), and the socket is full. */
static void
want_write(struct ymo_conn *c)
{
    if (!ev_is_active(&c->wr))
        ev_io_start(c->r->loop, &c->wr);
}

/* ---- reading --------------------------------------------------------------------------- */

/*
 * The library answers some of what it reads (a wish for new keys, or to shake hands again) though
 * the socket is full, and no deadline runs while a response is being made. What is more than a
 * batch and a few answers, the client does not mean to read.
 */
static bool
is_flooded(struct ymo_tlsconn *t)
{
    if (t->out.len < 2 * (size_t)YMO_TLS_BATCH)
        return false;
    ymo_info("conn %llu: %s: closed: TLS: the client does not read what it asks for",
             (unsigned long long)t->c->serial, t->c->remote_addr);
    return true;
}

/* > 0 plaintext; 0 nothing (more). */
static size_t
open_records(struct ymo_tlsconn *t, char *dst, size_t n)
{
    size_t total = 0;
    while (total < n && !t->broken) {
        size_t room = n - total < INT32_MAX ? n - total : INT32_MAX;
        int got = wolfSSL_read(t->ssl, dst + total, (int)room);
        if (got > 0) {
            total += (size_t)got;
            if (t->in.len == 0 && t->fresh.len == 0 && wolfSSL_pending(t->ssl) == 0) {
                t->midway = false;
                break;
            }
            continue;
        }
        int err = wolfSSL_get_error(t->ssl, got);
        if (err == WOLFSSL_ERROR_WANT_READ || err == WOLFSSL_ERROR_WANT_WRITE)
            break;
        if (err == WOLFSSL_ERROR_ZERO_RETURN || t->peer_done) {
            t->peer_done = true;
            wolfSSL_ERR_clear_error();
            break;
        }
        t->broken = true;
        ymo_info("conn %llu: %s: closed: TLS: %s", (unsigned long long)t->c->serial,
                 t->c->remote_addr, ymo_tlsrecord_reason(t->ssl, got));
    }
    return total;
}

static ssize_t
tls_read(struct ymo_conn *c, void *dst, size_t n)
{
    struct ymo_tlsconn *t = c->tls;
    if (t->state != YMO_TLSCONN_OPEN)
        return ymo_plain_ops.read(c, dst, n); /* to be thrown away */
    if (t->in.len == 0 && !t->peer_done && wolfSSL_pending(t->ssl) == 0) {
        ssize_t got = ymo_tlsrecord_receive(t);
        if (got < 0)
            return got;
    }
    size_t total = open_records(t, dst, n);
    int rc = ymo_tlsrecord_keep(t);
    if (rc == YMO_OK && (t->io->out.len > 0 || t->out.len > 0)) {
        rc = ymo_tlsrecord_send(t, false);
        if (rc == YMO_EAGAIN && is_flooded(t))
            return YMO_ECLOSED;
        if (rc == YMO_EAGAIN) {
            want_write(c);
            rc = YMO_OK;
        }
    }
    if (total > 0)
        return (ssize_t)total;
    if (rc < 0 || t->broken)
        return YMO_ECLOSED;
    return t->peer_done ? 0 : YMO_EAGAIN;
}

bool
ymo_tlsconn_pending(const struct ymo_tlsconn *t)
{
    if (t->state != YMO_TLSCONN_OPEN)
        return false;
    return t->in.len > 0 || t->peer_done || t->broken || wolfSSL_pending(t->ssl) > 0;
}

bool
ymo_tlsconn_midway(const struct ymo_tlsconn *t)
{
    return t->state == YMO_TLSCONN_OPEN && t->midway;
}

/* ---- writing --------------------------------------------------------------------------- */

static size_t
record_size(struct ymo_tlsconn *t)
{
    double now = ymo_deadlines_now(&t->c->r->deadlines);
    if (now - t->wrote_at > BURST_PAUSE)
        t->burst = 0;
    t->wrote_at = now;
    return t->burst < SMALL_BYTES ? SMALL_RECORD : LARGE_RECORD;
}

/* Seal `n` bytes. 0 or YMO_ECLOSED. */
static int
seal(struct ymo_tlsconn *t, const char *src, size_t n)
{
    while (n > 0) {
        size_t size = record_size(t);
        if (size > n)
            size = n;
        int rc = wolfSSL_write(t->ssl, src, (int)size);
        if (rc != (int)size) {
            ymo_debug("conn %llu: TLS: %s", (unsigned long long)t->c->serial,
                      ymo_tlsrecord_reason(t->ssl, rc));
            ymo_buf_consume(&t->io->out, t->io->out.len);
            return YMO_ECLOSED;
        }
        t->burst += size;
        src += size;
        n -= size;
    }
    return YMO_OK;
}

/* What was taken before must be on the socket first. 0: nothing was; > 0: it is, that many. */
static ssize_t
finish_taken(struct ymo_tlsconn *t, bool more)
{
    if (t->out.len > 0) {
        int rc = ymo_tlsrecord_send(t, more);
        if (rc < 0)
            return rc;
    }
    size_t n = t->taken;
    t->taken = 0;
    return (ssize_t)n;
}

/* `n` bytes are sealed: send them. As transport writev. */
static ssize_t
send_taken(struct ymo_tlsconn *t, size_t n, bool more)
{
    int rc = ymo_tlsrecord_send(t, more);
    if (rc == YMO_OK)
        return (ssize_t)n;
    if (rc != YMO_EAGAIN)
        return YMO_ECLOSED;
    t->taken = n;
    return YMO_EAGAIN;
}

static ssize_t
tls_writev(struct ymo_conn *c, const struct iovec *iov, int n_iov, bool more)
{
    struct ymo_tlsconn *t = c->tls;
    ssize_t done = finish_taken(t, more);
    size_t staged = 0, total = 0;
    int rc = YMO_OK;
    if (done != 0)
        return done;
    /* Short pieces (a head, chunk sizes) share a record with what follows them. */
    for (int i = 0; i < n_iov && total < YMO_TLS_BATCH && rc == YMO_OK; i++) {
        const char *at = iov[i].iov_base;
        size_t len = iov[i].iov_len;
        if (len > YMO_TLS_BATCH - total) {
            len = YMO_TLS_BATCH - total;
            more = true;
        }
        total += len;
        if (staged == 0 && len >= LARGE_RECORD) {
            rc = seal(t, at, len);
            continue;
        }
        memcpy(t->io->plain + staged, at, len);
        staged += len;
        if (staged >= LARGE_RECORD || i + 1 == n_iov || total == YMO_TLS_BATCH) {
            rc = seal(t, t->io->plain, staged);
            staged = 0;
        }
    }
    if (rc == YMO_OK && staged > 0)
        rc = seal(t, t->io->plain, staged);
    return rc < 0 ? rc : send_taken(t, total, more);
}

static ssize_t
tls_sendfile(struct ymo_conn *c, int fd, int64_t off, size_t n)
{
    struct ymo_tlsconn *t = c->tls;
    ssize_t done = finish_taken(t, false), got;
    if (done != 0)
        return done;
    if (n > sizeof(t->io->plain))
        n = sizeof(t->io->plain);
    do
        got = pread(fd, t->io->plain, n, (off_t)off);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        errno = ENODATA; /* the file became shorter than it was */
    if (got <= 0)
        return YMO_EIO;
    int rc = seal(t, t->io->plain, (size_t)got);
    return rc < 0 ? rc : send_taken(t, (size_t)got, false);
}

static int
tls_flush(struct ymo_conn *c)
{
    return ymo_tlsrecord_send(c->tls, false);
}

/* ---- the end --------------------------------------------------------------------------- */

/* RFC 8446 6.1: without it the client cannot know that it has everything. */
static void
say_goodbye(struct ymo_tlsconn *t)
{
    if (t->state != YMO_TLSCONN_OPEN)
        return;
    t->state = YMO_TLSCONN_SHUT;
    if (t->broken)
        return; /* the alert went out with the error */
    (void)wolfSSL_shutdown(t->ssl);
    wolfSSL_ERR_clear_error();
    if (ymo_tlsrecord_send(t, false) < 0)
        ymo_trace("conn %llu: no room for close_notify", (unsigned long long)t->c->serial);
}

/*
 * A part of a response was sent, and its end is the end of the connection. Peers there are to whom
 * any end is a good one over TLS, a reset as well; to none is an alert that comes in the clear now.
 * (wolfSSL sends none that is encrypted because we say so.)
 */
static void
say_broken(struct ymo_tlsconn *t)
{
    static const unsigned char alert[] = {21, 3, 3, 0, 2, 2, 80}; /* fatal, internal_error */
    if (t->state != YMO_TLSCONN_OPEN || t->out.len > 0)
        return;
    t->state = YMO_TLSCONN_SHUT;
    /* A reset could overtake it. */
    if (ymo_buf_append(&t->io->out, alert, sizeof(alert)) == YMO_OK &&
        ymo_tlsrecord_send(t, false) >= 0)
        t->c->reset = false;
}

static void
tls_shutdown(struct ymo_conn *c)
{
    say_goodbye(c->tls);
    ymo_plain_ops.shutdown(c);
}

static void
tls_close(struct ymo_conn *c, bool copies)
{
    struct ymo_tlsconn *t = c->tls;
    /* After part of a response close_notify would say that this is all. */
    if (c->reset)
        say_broken(t);
    else if (!c->out && c->n_exchanges == 0)
        say_goodbye(t);
    /* Where memory ran out something may be left, and the next to send is another connection. */
    ymo_buf_consume(&t->io->out, t->io->out.len);
    ymo_tlsconn_leave_queue(t);
    t->state = YMO_TLSCONN_SHUT;
    wolfSSL_free(t->ssl);
    t->ssl = NULL;
    ymo_buf_free(&t->in);
    ymo_buf_free(&t->out);
    ymo_plain_ops.close(c, copies);
}

const struct ymo_transport_ops ymo_tls_ops = {
    .name = "tls",
    .read = tls_read,
    .writev = tls_writev,
    .sendfile = tls_sendfile,
    .flush = tls_flush,
    .shutdown = tls_shutdown,
    .close = tls_close,
};
