/* SPDX-License-Identifier: MIT */
#include "reactor/passfd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Room for one descriptor, aligned as the kernel wants it. */
union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

ssize_t
ymo_passfd_send(int sock, struct iovec *iov, size_t n_iov, int fd)
{
    union control control;
    struct msghdr h = {.msg_iov = iov, .msg_iovlen = n_iov};
    if (fd >= 0) {
        memset(&control, 0, sizeof(control));
        h.msg_control = control.bytes;
        h.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *c = CMSG_FIRSTHDR(&h);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(sock, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n;
}

ssize_t
ymo_passfd_recv(int sock, struct iovec *iov, size_t n_iov, int *fd_r, bool *cut_r)
{
    union control control;
    /* Not all of the room: where its padding has the size of another descriptor, the kernel would
     * fill it with one, which nobody would ever close. */
    struct msghdr h = {.msg_iov = iov,
                       .msg_iovlen = n_iov,
                       .msg_control = control.bytes,
                       .msg_controllen = CMSG_LEN(sizeof(int))};
    *fd_r = -1;
    *cut_r = false;
    ssize_t n;
    do
        n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return n;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&h);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(fd_r, CMSG_DATA(c), sizeof(int));
    *cut_r = (h.msg_flags & MSG_TRUNC) != 0;
    return n;
}
