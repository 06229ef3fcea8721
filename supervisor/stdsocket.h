/* SPDX-License-Identifier: MIT */
/*
 * A listening socket that came as descriptor 0: so a web server or spawn-fcgi starts a FastCGI
 * application (FastCGI specification, 2.2). The number is stdin's as well, hence these. Main
 * thread, before others are started.
 */
#ifndef YMO_SUPERVISOR_STDSOCKET_H
#define YMO_SUPERVISOR_STDSOCKET_H

#include "supervisor/sockets.h"

/*
 * Put fd:0 in the place of the default address where the settings' protocol is fastcgi, nothing
 * names an address, and descriptor 0 is a socket that listens. Where another protocol is to be
 * spoken there is no telling whom such a socket is for: a warning says so.
 */
void ymo_stdsocket_use(const struct ymo_settings *s, struct ymo_addr *addrs);

/*
 * Close a listening socket. Below 3 /dev/null takes its place: whatever is opened next would be
 * given the number, and be taken for stdin by programs that the application starts.
 */
void ymo_stdsocket_close(int fd);

/*
 * In a process that runs the application and executes no other program in its own place: the
 * socket gets another number, and stdin is /dev/null. 0; YMO_EIO with errno.
 */
int ymo_stdsocket_free(struct ymo_sockets *socks) YMO_MUST_CHECK;

#endif
