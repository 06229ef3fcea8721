/* SPDX-License-Identifier: MIT */
/* The messages of handoff.h on the wire: one datagram each, a CONN with a descriptor. */
#ifndef YMO_REACTOR_HANDMSG_H
#define YMO_REACTOR_HANDMSG_H

#include "base/err.h"
#include "base/slice.h"

#include <stddef.h>
#include <stdint.h>

enum ymo_handmsg_type {
    YMO_HANDMSG_POKE = 1, /* a request waits here */
    YMO_HANDMSG_OFFER,    /* arg: room for so many */
    YMO_HANDMSG_FULL,     /* no room */
    YMO_HANDMSG_CONN,     /* arg: the listener's id; descriptor; bytes received and not answered */
    YMO_HANDMSG_NONE,     /* nothing (more) comes */
};

enum {
    YMO_HANDMSG_MORE = 1,   /* CONN: another one, or NONE, follows */
    YMO_HANDMSG_SHARED = 2, /* CONN: see ymo_conn.shared */

    YMO_HANDMSG_MOST = 32 * 1024, /* bytes of a CONN */
};

struct ymo_handmsg {
    uint32_t type; /* enum ymo_handmsg_type; unknown ones are to be ignored */
    int32_t seat;  /* the sender's; not checked by recv */
    uint32_t arg;
    uint32_t flags;
};

/*
 * Send the header and up to three `parts`, together at most YMO_HANDMSG_MOST bytes; `fd` goes along
 * unless it is -1 (and stays open here). 0; YMO_EAGAIN: the inbox is full; YMO_EIO.
 */
int ymo_handmsg_send(int inbox, const struct ymo_handmsg *m, const struct ymo_slice *parts,
                     int n_parts, int fd) YMO_MUST_CHECK;

/*
 * Take one message; its bytes go to `dst`. 0: *fd_r is the caller's, or -1. YMO_EAGAIN: there is
 * none. YMO_EINVAL: this one was not ours or too long, and is gone. YMO_EIO.
 */
int ymo_handmsg_recv(int inbox, struct ymo_handmsg *m_r, char *dst, size_t size, size_t *len_r,
                     int *fd_r) YMO_MUST_CHECK;

#endif
