/* SPDX-License-Identifier: MIT */
/*
 * What supervisor, template and workers say to each other: small messages over a connected pair of
 * unix sockets (SOCK_SEQPACKET), each whole or not at all, with a descriptor where one is passed.
 * The end of one side is an end of file for the other: that is how a worker learns that its
 * supervisor is gone, however it went.
 */
#ifndef YMO_REACTOR_LINK_H
#define YMO_REACTOR_LINK_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ymo_link_type {
    /* worker → supervisor */
    YMO_LINK_HELLO = 1, /* arg: pid. A worker that the template forked */
    YMO_LINK_READY,     /* it serves; from the template: the application is loaded */
    YMO_LINK_RETIRE,    /* arg: enum ymo_link_reason. Have a replacement ready, then say DRAIN */
    /* supervisor → worker */
    YMO_LINK_DRAIN, /* stop gracefully. arg: enum ymo_link_reason */
    /* supervisor → template; with the new worker's end of its link */
    YMO_LINK_FORK, /* arg: the seat */
};

/* Why a worker goes. */
enum ymo_link_reason {
    YMO_LINK_STOP = 0, /* the server stops */
    YMO_LINK_RELOAD,
    YMO_LINK_FEWER, /* SIGTTOU */
    YMO_LINK_MAX_REQUESTS,
    YMO_LINK_MAX_LIFETIME,
    YMO_LINK_MAX_MEMORY,
    YMO_LINK_TIMEOUT, /* a request over request_timeout does not end */
    YMO_LINK_N_REASONS,
};

/* "max_requests is reached": for the log; "?" for anything else. */
const char *ymo_link_reason_text(int reason);

struct ymo_link_msg {
    int32_t type; /* enum ymo_link_type; unknown ones are to be ignored */
    int32_t arg;
};

/* A pair; both ends non-blocking and close-on-exec. 0, or YMO_EIO with errno set. */
int ymo_link_pair(int fds_r[2]) YMO_MUST_CHECK;

/*
 * Send; `pass_fd` goes along unless it is -1 (it stays open here). 0; YMO_ECLOSED: the other side
 * is gone; YMO_EAGAIN: its queue is full; YMO_EIO.
 */
int ymo_link_send(int link, enum ymo_link_type type, int32_t arg, int pass_fd) YMO_MUST_CHECK;

/*
 * Take one message. 0; YMO_EAGAIN: there is none; YMO_ECLOSED: the other side is gone. *fd_r is a
 * descriptor that came with it (now the caller's) or -1; with fd_r NULL it is closed.
 */
int ymo_link_recv(int link, struct ymo_link_msg *msg_r, int *fd_r) YMO_MUST_CHECK;

/* Block until there is something to receive (an end of file is). 0, or YMO_EINTR. */
int ymo_link_wait(int link) YMO_MUST_CHECK;

#endif
