/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets: made before any process or thread that uses them is. A reload makes a second
 * list, which shares sockets with the first. Main thread only.
 */
#ifndef YMO_SUPERVISOR_SOCKETS_H
#define YMO_SUPERVISOR_SOCKETS_H

#include "base/err.h"
#include "config/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ymo_socket {
    int fd;
    enum ymo_protocol protocol;
    bool is_unix;
    char name[320];   /* "http://127.0.0.1:8081", with the port that was really given */
    char unlink[108]; /* path to be removed at the end, or "" */
    char key[320];    /* the address as configured, without the protocol: what a reload compares */
    uint32_t id;      /* not 0; unique over the server's life, the same in every list */
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
 * What the settings of a reload ask for. A socket that `old` has for the same configured address,
 * or that is bound to the same one under another name, is not opened again: both lists then hold
 * the same descriptor, with the same id; protocol and name are as the new settings say, port 0
 * keeps its port, and the backlog changes. A name that was resolved once is not resolved again.
 * Others are bound; one that only overlaps with an address that is being given up (0.0.0.0:80
 * beside 127.0.0.1:80) can be. 0; YMO_EIO or YMO_ENOMEM after one line was logged: what was opened
 * is closed, `old` is as it was.
 */
int ymo_sockets_reopen(const struct ymo_settings *s, const struct ymo_sockets *old,
                       struct ymo_sockets *new_r) YMO_MUST_CHECK;

/* Append a copy of a socket that is open already and has its id. 0, or YMO_ENOMEM. */
int ymo_sockets_adopt(struct ymo_sockets *socks, const struct ymo_socket *s) YMO_MUST_CHECK;

/* Close, and unlink, what `kept` does not hold; free `gone`. */
void ymo_sockets_drop(struct ymo_sockets *gone, const struct ymo_sockets *kept);

/* The same in a forked process: paths are the supervisor's to remove, and stay. */
void ymo_sockets_leave(struct ymo_sockets *gone, const struct ymo_sockets *kept);

/* Log which of them are listened on, and what for; not those whose names are among `known` (NULL:
 * none are). */
void ymo_sockets_announce(const struct ymo_sockets *socks, const struct ymo_sockets *known);

/* Is this descriptor one of them? */
bool ymo_sockets_hold(const struct ymo_sockets *socks, int fd);

/*
 * Remove the paths of unix sockets and free; the descriptors are closed too unless `fds_gone`
 * (somebody took them over and closed them).
 */
void ymo_sockets_close(struct ymo_sockets *socks, bool fds_gone);

#endif
