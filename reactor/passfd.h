/* SPDX-License-Identifier: MIT */
/* One message over a unix socket, and a descriptor with it (SCM_RIGHTS). Any thread. */
#ifndef YMO_REACTOR_PASSFD_H
#define YMO_REACTOR_PASSFD_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * Send without waiting and without SIGPIPE; `fd` goes along unless it is -1 (and stays open here).
 * As sendmsg: the bytes sent, or -1 with errno, which is never EINTR.
 */
ssize_t ymo_passfd_send(int sock, struct iovec *iov, size_t n_iov, int fd) YMO_MUST_CHECK;

/*
 * Receive without waiting. As recvmsg: the bytes, or -1 with errno, never EINTR. *fd_r: what came
 * along, close-on-exec and the caller's, or -1; more than one is never taken. *cut_r: the message
 * was longer than `iov`.
 */
ssize_t ymo_passfd_recv(int sock, struct iovec *iov, size_t n_iov, int *fd_r,
                        bool *cut_r) YMO_MUST_CHECK;

#endif
