/* SPDX-License-Identifier: MIT */
/* Listening sockets: made once, before any process or thread is. Main thread only. */
#ifndef YMO_SUPERVISOR_SOCKETS_H
#define YMO_SUPERVISOR_SOCKETS_H

#include "base/err.h"
#include "config/settings.h"

#include <stdbool.h>
#include <stddef.h>

struct ymo_socket {
    int fd;
    enum ymo_protocol protocol;
    bool is_unix;
    char name[320];   /* "http://127.0.0.1:8081", with the port that was really given */
    char unlink[108]; /* path to be removed at the end, or "" */
};

struct ymo_sockets {
    struct ymo_socket *items;
    size_t n;
};

/*
 * Bind and listen on every address that the settings ask for. A host name is bound on each of its
 * addresses. Non-blocking, close-on-exec, TCP_NODELAY (inherited by what they accept). 0; YMO_EIO
 * after one line was logged that says what failed and what to do; nothing stays open then.
 */
int ymo_sockets_open(const struct ymo_settings *s, struct ymo_sockets *socks_r) YMO_MUST_CHECK;

/*
 * Remove the paths of unix sockets and free; the descriptors are closed too unless `fds_gone`
 * (somebody took them over and closed them).
 */
void ymo_sockets_close(struct ymo_sockets *socks, bool fds_gone);

#endif
