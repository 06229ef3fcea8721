/* SPDX-License-Identifier: MIT */
#include "tests/support/fail_accept.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

atomic_int ymo_fail_accept_errno, ymo_fail_accept_count;

/* The executable's symbol wins over the library's. */
int
accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    int err = atomic_load(&ymo_fail_accept_errno);
    if (err) {
        atomic_fetch_add(&ymo_fail_accept_count, 1);
        errno = err;
        return -1;
    }
    return (int)syscall(SYS_accept4, fd, addr, len, flags);
}
