/* SPDX-License-Identifier: MIT */
#include "reactor/link.h"

#include "reactor/passfd.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

const char *
ymo_link_reason_text(int reason)
{
    static const char *const texts[YMO_LINK_N_REASONS] = {
        [YMO_LINK_STOP] = "the server stops",
        [YMO_LINK_RELOAD] = "reloaded",
        [YMO_LINK_FEWER] = "one worker fewer was asked for",
        [YMO_LINK_MAX_REQUESTS] = "max_requests is reached",
        [YMO_LINK_MAX_LIFETIME] = "max_lifetime is reached",
        [YMO_LINK_MAX_MEMORY] = "max_memory is exceeded",
        [YMO_LINK_TIMEOUT] = "a request over request_timeout does not end",
    };
    return reason >= 0 && reason < YMO_LINK_N_REASONS ? texts[reason] : "?";
}

int
ymo_link_pair(int fds_r[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds_r) == 0
               ? YMO_OK
               : YMO_EIO;
}

int
ymo_link_send(int link, enum ymo_link_type type, int32_t arg, int pass_fd)
{
    struct ymo_link_msg msg = {.type = (int32_t)type, .arg = arg};
    struct iovec iov = {&msg, sizeof(msg)};
    if (ymo_passfd_send(link, &iov, 1, pass_fd) >= 0)
        return YMO_OK;
    if (errno == EAGAIN || errno == ENOBUFS)
        return YMO_EAGAIN;
    return errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN ? YMO_ECLOSED : YMO_EIO;
}

int
ymo_link_recv(int link, struct ymo_link_msg *msg_r, int *fd_r)
{
    struct iovec iov = {msg_r, sizeof(*msg_r)};
    bool cut;
    int fd;
    ssize_t n = ymo_passfd_recv(link, &iov, 1, &fd, &cut);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return YMO_EAGAIN;
    if (n <= 0)
        return YMO_ECLOSED;
    if ((size_t)n != sizeof(*msg_r) || cut)
        msg_r->type = 0; /* nothing of ours: to be ignored */
    if (fd_r)
        *fd_r = fd;
    else if (fd >= 0)
        close(fd);
    return YMO_OK;
}

int
ymo_link_wait(int link)
{
    struct pollfd p = {.fd = link, .events = POLLIN};
    return poll(&p, 1, -1) < 0 ? YMO_EINTR : YMO_OK;
}
