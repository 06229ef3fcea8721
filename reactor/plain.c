/* SPDX-License-Identifier: MIT */
/* The plain transport: system calls on the socket. */
#include "reactor/conn.h"
#include "reactor/transport.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t
result(ssize_t n)
{
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EWOULDBLOCK ? YMO_EAGAIN : YMO_ECLOSED;
}

static ssize_t
plain_read(struct ymo_conn *c, void *dst, size_t n)
{
    ssize_t got;
    do
        got = recv(c->fd, dst, n, 0);
    while (got < 0 && errno == EINTR);
    return result(got);
}

static ssize_t
plain_writev(struct ymo_conn *c, const struct iovec *iov, int n_iov, bool more)
{
    int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    ssize_t n;
    do {
        if (n_iov == 1) {
            n = send(c->fd, iov->iov_base, iov->iov_len, flags);
        } else {
            struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n_iov};
            n = sendmsg(c->fd, &msg, flags);
        }
    } while (n < 0 && errno == EINTR);
    return result(n);
}

static ssize_t
plain_sendfile(struct ymo_conn *c, int fd, int64_t off, size_t n)
{
    off_t from = (off_t)off;
    ssize_t sent;
    do
        sent = sendfile(c->fd, fd, &from, n);
    while (sent < 0 && errno == EINTR);
    if (sent == 0) {
        errno = ENODATA; /* the file became shorter than it was */
        return YMO_EIO;
    }
    if (sent < 0 && errno != EAGAIN && errno != EPIPE && errno != ECONNRESET && errno != ENOTCONN &&
        errno != ETIMEDOUT)
        return YMO_EIO;
    return result(sent);
}

static void
plain_shutdown(struct ymo_conn *c)
{
    (void)shutdown(c->fd, SHUT_WR);
}

/* Connecting to nothing resets a connection at once, however many hold the socket. */
static bool
disconnect(int fd)
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};
    return connect(fd, &none, sizeof(none)) == 0;
}

static void
plain_close(struct ymo_conn *c, bool copies)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (c->reset)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    if (copies && !(c->reset && disconnect(c->fd)))
        (void)shutdown(c->fd, SHUT_RDWR);
    close(c->fd);
}

const struct ymo_transport_ops ymo_plain_ops = {
    .name = "plain",
    .read = plain_read,
    .writev = plain_writev,
    .sendfile = plain_sendfile,
    .shutdown = plain_shutdown,
    .close = plain_close,
};
