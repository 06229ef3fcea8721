/* SPDX-License-Identifier: MIT */
#include "supervisor/binding.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REFUSE(b, ...) YMO_LOG_AT((b)->level, __VA_ARGS__)

void
ymo_binding_explain(const struct ymo_binding *b, const char *name, const struct ymo_addr *a,
                    int err)
{
    bool tcp = a->kind == YMO_ADDR_TCP;
    struct stat st;
    switch (err) {
    case EADDRINUSE:
        if (tcp)
            REFUSE(b,
                   "cannot listen on %s: the port is in use; `ss -ltnp` shows by which process. "
                   "Stop it, or choose another port with --port or --bind",
                   name);
        else if (a->path[0] != '@' && lstat(a->path, &st) == 0 && !S_ISSOCK(st.st_mode))
            REFUSE(b,
                   "cannot listen on %s: a file that is no socket is in the way; choose another "
                   "path with --bind",
                   name);
        else
            REFUSE(b,
                   "cannot listen on %s: another process is listening there; stop it, or choose "
                   "another path with --bind",
                   name);
        break;
    case EACCES:
    case EPERM:
        if (tcp)
            REFUSE(b,
                   "cannot listen on %s: permission denied: ports below 1024 are privileged. "
                   "Choose a higher one with --port, or give the right to bind it "
                   "(CAP_NET_BIND_SERVICE, or net.ipv4.ip_unprivileged_port_start)",
                   name);
        else
            REFUSE(b,
                   "cannot listen on %s: permission denied: this user may not create a socket "
                   "in that directory",
                   name);
        break;
    case EADDRNOTAVAIL:
        REFUSE(b,
               "cannot listen on %s: this machine has no such address; 0.0.0.0 or [::] listens "
               "on all of them",
               name);
        break;
    case ENOENT:
    case ENOTDIR:
        REFUSE(b, "cannot listen on %s: its directory does not exist", name);
        break;
    case EAFNOSUPPORT:
        REFUSE(b, "cannot listen on %s: this machine does not support that kind of address", name);
        break;
    default:
        REFUSE(b, "cannot listen on %s: %s", name, strerror(err));
    }
}

int
ymo_binding_port(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)sa)->sin_port);
    if (sa->sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)sa)->sin6_port);
    return -1;
}

/*
 * Let a new socket be bound beside those that a reload will give up: 0.0.0.0:80 beside
 * 127.0.0.1:80. The kernel allows that between sockets of one user that all say SO_REUSEPORT. False
 * when there is none that could be in the way.
 */
static bool
share_port(const struct ymo_binding *b, int port, int on)
{
    bool any = false;
    for (size_t i = 0; i < b->old->n && port > 0; i++) {
        struct sockaddr_storage ss;
        socklen_t len = sizeof(ss);
        int fd = b->old->items[i].fd;
        if (ymo_sockets_hold(b->socks, fd) || getsockname(fd, (struct sockaddr *)&ss, &len) != 0 ||
            ymo_binding_port((struct sockaddr *)&ss) != port)
            continue;
        any = setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 || any;
    }
    return any;
}

static int
bind_shared(const struct ymo_binding *b, int fd, const struct sockaddr *sa, socklen_t len)
{
    int one = 1, zero = 0, port = ymo_binding_port(sa);
    if (!share_port(b, port, 1)) {
        errno = EADDRINUSE;
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    int rc = bind(fd, sa, len);
    if (rc == 0)
        rc = listen(fd, b->backlog);
    int err = errno;
    /* Nobody else is to bind there. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &zero, sizeof(zero));
    (void)share_port(b, port, 0);
    errno = err;
    return rc;
}

static int
bind_and_listen(const struct ymo_binding *b, int fd, const struct sockaddr *sa, socklen_t len)
{
    int rc = bind(fd, sa, len);
    if (rc == 0)
        rc = listen(fd, b->backlog);
    return rc != 0 && errno == EADDRINUSE ? bind_shared(b, fd, sa, len) : rc;
}

int
ymo_binding_socket(const struct ymo_binding *b, const struct sockaddr *sa, socklen_t len)
{
    int one = 1, zero = 0;
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (sa->sa_family != AF_UNIX) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    /* [::] takes IPv4 clients too; an IPv6 address of its own is what it says. */
    if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)sa;
        bool any = IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, any ? &zero : &one, sizeof(one));
    }
    if (bind_and_listen(b, fd, sa, len) != 0) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}
