/* SPDX-License-Identifier: MIT */
/*
 * How bytes get from and to the peer: plain sockets here, TLS as another set of the same functions.
 * Not a protocol: any codec runs over any transport. All functions are non-blocking.
 */
#ifndef YMO_REACTOR_TRANSPORT_H
#define YMO_REACTOR_TRANSPORT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct ymo_conn;

struct ymo_transport_ops {
    const char *name;
    /* > 0 bytes; 0 at the end of the peer's data; YMO_EAGAIN; YMO_ECLOSED (reset, broken). */
    ssize_t (*read)(struct ymo_conn *c, void *dst, size_t n);
    /* > 0 bytes; YMO_EAGAIN; YMO_ECLOSED. `more`: further bytes follow at once (do not send a short
     * packet). */
    ssize_t (*writev)(struct ymo_conn *c, const struct iovec *iov, int n_iov, bool more);
    /* The same for `n` bytes of a file from `off`; YMO_EIO (errno) when the file
     * has fewer (ENODATA) or cannot be read. */
    ssize_t (*sendfile)(struct ymo_conn *c, int fd, int64_t off, size_t n);
    /*
     * writev and sendfile give YMO_EAGAIN as long as what they took is not on the socket, and
     * expect the same bytes again; c->moved says that some of it is. What the transport itself has
     * to send is written by `flush` (NULL: nothing ever): 0, YMO_EAGAIN, YMO_ECLOSED.
     */
    int (*flush)(struct ymo_conn *c);
    /* No more will be written; the peer sees the end of our data. */
    void (*shutdown)(struct ymo_conn *c);
    /*
     * Close the descriptor; with c->reset so that the peer sees a reset. `copies`: other processes
     * may hold the socket, too, and the connection ends all the same.
     */
    void (*close)(struct ymo_conn *c, bool copies);
};

extern const struct ymo_transport_ops ymo_plain_ops;

#endif
