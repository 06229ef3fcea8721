/* SPDX-License-Identifier: MIT */
#include "reactor/handmsg.h"

#include "reactor/passfd.h"

#include <errno.h>
#include <unistd.h>

enum { PARTS = 3 };

int
ymo_handmsg_send(int inbox, const struct ymo_handmsg *m, const struct ymo_slice *parts, int n_parts,
                 int fd)
{
    struct iovec iov[1 + PARTS] = {{(void *)(uintptr_t)m, sizeof(*m)}};
    size_t n = 1;
    YMO_ASSERT(n_parts <= PARTS);
    for (int i = 0; i < n_parts; i++) {
        if (parts[i].len > 0)
            iov[n++] = (struct iovec){(void *)(uintptr_t)parts[i].data, parts[i].len};
    }
    if (ymo_passfd_send(inbox, iov, n, fd) >= 0)
        return YMO_OK;
    return errno == EAGAIN || errno == ENOBUFS ? YMO_EAGAIN : YMO_EIO;
}

int
ymo_handmsg_recv(int inbox, struct ymo_handmsg *m_r, char *dst, size_t size, size_t *len_r,
                 int *fd_r)
{
    struct iovec iov[2] = {{m_r, sizeof(*m_r)}, {dst, size}};
    bool cut;
    ssize_t n = ymo_passfd_recv(inbox, iov, 2, fd_r, &cut);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? YMO_EAGAIN : YMO_EIO;
    /* Never the end: we hold the other side ourselves. */
    if ((size_t)n < sizeof(*m_r) || cut) {
        if (*fd_r >= 0)
            close(*fd_r);
        *fd_r = -1;
        return YMO_EINVAL;
    }
    *len_r = (size_t)n - sizeof(*m_r);
    return YMO_OK;
}
