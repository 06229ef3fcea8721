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

const struct ymo_transport_ops ymo_plain_ops = {
    .name = "plain",
    .read = plain_read,
    .writev = plain_writev,
    .sendfile = plain_sendfile,
    .shutdown = plain_shutdown,
};
