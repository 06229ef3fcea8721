/* SPDX-License-Identifier: MIT */
#include "reactor/handmsg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PARTS = 3 };

/* Room for one descriptor, aligned as the kernel wants it. */
union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

int
ymo_handmsg_send(int inbox, const struct ymo_handmsg *m, const struct ymo_slice *parts, int n_parts,
                 int fd)
{
    struct iovec iov[1 + PARTS] = {{(void *)(uintptr_t)m, sizeof(*m)}};
    union control control;
    struct msghdr h = {.msg_iov = iov, .msg_iovlen = 1};
    YMO_ASSERT(n_parts <= PARTS);
    for (int i = 0; i < n_parts; i++) {
        if (parts[i].len > 0)
            iov[h.msg_iovlen++] = (struct iovec){(void *)(uintptr_t)parts[i].data, parts[i].len};
    }
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
        n = sendmsg(inbox, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return YMO_OK;
    return errno == EAGAIN || errno == ENOBUFS ? YMO_EAGAIN : YMO_EIO;
}

int
ymo_handmsg_recv(int inbox, struct ymo_handmsg *m_r, char *dst, size_t size, size_t *len_r,
                 int *fd_r)
{
    struct iovec iov[2] = {{m_r, sizeof(*m_r)}, {dst, size}};
    union control control;
    struct msghdr h = {.msg_iov = iov,
                       .msg_iovlen = 2,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control.bytes)};
    ssize_t n;
    do
        n = recvmsg(inbox, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? YMO_EAGAIN : YMO_EIO;
    *fd_r = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
            c->cmsg_len == CMSG_LEN(sizeof(int)))
            memcpy(fd_r, CMSG_DATA(c), sizeof(int));
    }
    /* Never the end: we hold the other side ourselves. */
    if ((size_t)n < sizeof(*m_r) || (h.msg_flags & MSG_TRUNC)) {
        if (*fd_r >= 0)
            close(*fd_r);
        *fd_r = -1;
        return YMO_EINVAL;
    }
    *len_r = (size_t)n - sizeof(*m_r);
    return YMO_OK;
}
