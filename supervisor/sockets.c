/* SPDX-License-Identifier: MIT */
#include "supervisor/sockets.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int
add(struct ymo_sockets *socks, struct ymo_socket **s_r)
{
    struct ymo_socket *items = realloc(socks->items, (socks->n + 1) * sizeof(*items));
    if (!items)
        return YMO_ENOMEM;
    socks->items = items;
    *s_r = &items[socks->n++];
    **s_r = (struct ymo_socket){.fd = -1};
    return YMO_OK;
}

/* Why bind or listen failed, and what the reader can do about it. */
static void
explain(const char *name, const struct ymo_addr *a, int err)
{
    bool tcp = a->kind == YMO_ADDR_TCP;
    struct stat st;
    switch (err) {
    case EADDRINUSE:
        if (tcp)
            ymo_fatal("cannot listen on %s: the port is in use; `ss -ltnp` shows by which process. "
                      "Stop it, or choose another port with --port or --bind",
                      name);
        else if (a->path[0] != '@' && lstat(a->path, &st) == 0 && !S_ISSOCK(st.st_mode))
            ymo_fatal("cannot listen on %s: a file that is no socket is in the way; choose another "
                      "path with --bind",
                      name);
        else
            ymo_fatal("cannot listen on %s: another process is listening there; stop it, or choose "
                      "another path with --bind",
                      name);
        break;
    case EACCES:
    case EPERM:
        if (tcp)
            ymo_fatal("cannot listen on %s: permission denied: ports below 1024 are privileged. "
                      "Choose a higher one with --port, or give the right to bind it "
                      "(CAP_NET_BIND_SERVICE, or net.ipv4.ip_unprivileged_port_start)",
                      name);
        else
            ymo_fatal("cannot listen on %s: permission denied: this user may not create a socket "
                      "in that directory",
                      name);
        break;
    case EADDRNOTAVAIL:
        ymo_fatal("cannot listen on %s: this machine has no such address; 0.0.0.0 or [::] listens "
                  "on all of them",
                  name);
        break;
    case ENOENT:
    case ENOTDIR:
        ymo_fatal("cannot listen on %s: its directory does not exist", name);
        break;
    case EAFNOSUPPORT:
        ymo_fatal("cannot listen on %s: this machine does not support that kind of address", name);
        break;
    default:
        ymo_fatal("cannot listen on %s: %s", name, strerror(err));
    }
}

/* A socket file that nobody listens on is left over from a process that was killed. */
static void
remove_stale(const struct sockaddr_un *un, socklen_t len)
{
    struct stat st;
    if (lstat(un->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    /* Non-blocking: a full backlog is somebody's, too, and would keep us waiting. */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)un, len) != 0 && errno == ECONNREFUSED)
        (void)unlink(un->sun_path);
    close(fd);
}

static int
make_socket(const struct sockaddr *sa, socklen_t len, int backlog)
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
    if (bind(fd, sa, len) != 0 || listen(fd, backlog) != 0) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

/* The address that the kernel gave (port 0), as text. */
static void
name_of(int fd, const struct ymo_addr *a, char *dst, size_t len)
{
    struct sockaddr_storage ss;
    socklen_t n = sizeof(ss);
    struct ymo_addr real = *a;
    if (getsockname(fd, (struct sockaddr *)&ss, &n) == 0) {
        if (ss.ss_family == AF_INET) {
            const struct sockaddr_in *in = (const void *)&ss;
            real.kind = YMO_ADDR_TCP;
            inet_ntop(AF_INET, &in->sin_addr, real.host, sizeof(real.host));
            real.port = ntohs(in->sin_port);
        } else if (ss.ss_family == AF_INET6) {
            const struct sockaddr_in6 *in6 = (const void *)&ss;
            real.kind = YMO_ADDR_TCP;
            inet_ntop(AF_INET6, &in6->sin6_addr, real.host, sizeof(real.host));
            real.port = ntohs(in6->sin6_port);
        }
    }
    ymo_addr_format(&real, dst, len);
}

static int
open_unix(const struct ymo_addr *a, int backlog, struct ymo_sockets *socks)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct ymo_socket *s;
    size_t path_len = strlen(a->path);
    bool abstract = a->path[0] == '@';
    char name[320];
    ymo_addr_format(a, name, sizeof(name));
    memcpy(un.sun_path, a->path, path_len);
    if (abstract)
        un.sun_path[0] = '\0';
    socklen_t len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_len + (abstract ? 0 : 1));
    if (!abstract)
        remove_stale(&un, len);
    int fd = make_socket((struct sockaddr *)&un, len, backlog);
    if (fd < 0) {
        explain(name, a, errno);
        return YMO_EIO;
    }
    if (add(socks, &s) < 0) {
        close(fd);
        return YMO_ENOMEM;
    }
    s->fd = fd;
    s->protocol = a->protocol;
    s->is_unix = true;
    memcpy(s->name, name, sizeof(name));
    if (!abstract)
        memcpy(s->unlink, a->path, path_len + 1);
    return YMO_OK;
}

static int
open_tcp(const struct ymo_addr *a, int backlog, struct ymo_sockets *socks)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char port[8], name[320];
    int made = 0, err = 0;
    ymo_addr_format(a, name, sizeof(name));
    (void)snprintf(port, sizeof(port), "%d", a->port);
    int rc = getaddrinfo(a->host[0] ? a->host : "::", port, &hints, &list);
    if (rc != 0) {
        ymo_fatal("cannot listen on %s: the host is not known here: %s", name,
                  rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
        return YMO_EIO;
    }
    for (struct addrinfo *ai = list; ai && rc == 0; ai = ai->ai_next) {
        struct ymo_socket *s;
        int fd = make_socket(ai->ai_addr, ai->ai_addrlen, backlog);
        if (fd < 0) {
            /* A name may have an IPv6 address that this machine has no use for. */
            err = errno;
            if (err != EADDRNOTAVAIL && err != EAFNOSUPPORT)
                break;
            continue;
        }
        if (add(socks, &s) < 0) {
            close(fd);
            err = ENOMEM;
            break;
        }
        err = 0;
        s->fd = fd;
        s->protocol = a->protocol;
        name_of(fd, a, s->name, sizeof(s->name));
        made++;
        if (a->port == 0)
            break; /* each further address would get another port */
    }
    freeaddrinfo(list);
    if (made > 0 && (err == 0 || err == EADDRNOTAVAIL || err == EAFNOSUPPORT))
        return YMO_OK;
    if (!a->host[0] && err == EAFNOSUPPORT) {
        struct ymo_addr v4 = *a; /* no IPv6 on this machine: all addresses are IPv4 ones */
        (void)snprintf(v4.host, sizeof(v4.host), "0.0.0.0");
        return open_tcp(&v4, backlog, socks);
    }
    explain(name, a, err);
    return YMO_EIO;
}

static int
open_fd(const struct ymo_addr *a, int backlog, struct ymo_sockets *socks)
{
    struct sockaddr_storage ss;
    struct ymo_socket *s;
    int type = 0, listening = 0, one = 1;
    socklen_t len = sizeof(ss), int_len = sizeof(int);
    if (getsockname(a->fd, (struct sockaddr *)&ss, &len) != 0 ||
        getsockopt(a->fd, SOL_SOCKET, SO_TYPE, &type, &int_len) != 0 || type != SOCK_STREAM) {
        ymo_fatal("cannot listen on fd:%d: that descriptor is no stream socket; it must be passed "
                  "in by the parent process",
                  a->fd);
        return YMO_EIO;
    }
    int_len = sizeof(int);
    if ((getsockopt(a->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &int_len) != 0 || !listening) &&
        listen(a->fd, backlog) != 0) {
        ymo_fatal("cannot listen on fd:%d: %s", a->fd, strerror(errno));
        return YMO_EIO;
    }
    int flags = fcntl(a->fd, F_GETFL);
    if (flags < 0 || fcntl(a->fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(a->fd, F_SETFD, FD_CLOEXEC) < 0) {
        ymo_fatal("cannot listen on fd:%d: %s", a->fd, strerror(errno));
        return YMO_EIO;
    }
    if (ss.ss_family != AF_UNIX)
        (void)setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (add(socks, &s) < 0)
        return YMO_ENOMEM;
    s->fd = a->fd;
    s->protocol = a->protocol;
    s->is_unix = ss.ss_family == AF_UNIX;
    name_of(a->fd, a, s->name, sizeof(s->name));
    return YMO_OK;
}

int
ymo_sockets_open(const struct ymo_settings *s, struct ymo_sockets *socks_r)
{
    struct ymo_addr *addrs;
    size_t n;
    *socks_r = (struct ymo_sockets){0};
    int rc = ymo_settings_addresses(s, &addrs, &n);
    if (rc < 0) {
        ymo_fatal("cannot work out where to listen: %s", ymo_err_str(rc));
        return rc;
    }
    for (size_t i = 0; i < n && rc == YMO_OK; i++) {
        const struct ymo_addr *a = &addrs[i];
        switch (a->kind) {
        case YMO_ADDR_TCP:
            rc = open_tcp(a, s->backlog, socks_r);
            break;
        case YMO_ADDR_UNIX:
            rc = open_unix(a, s->backlog, socks_r);
            break;
        case YMO_ADDR_FD:
            rc = open_fd(a, s->backlog, socks_r);
            break;
        }
        if (rc == YMO_ENOMEM)
            ymo_fatal("cannot listen: out of memory");
    }
    free(addrs);
    if (rc < 0)
        ymo_sockets_close(socks_r, false);
    return rc;
}

void
ymo_sockets_close(struct ymo_sockets *socks, bool fds_gone)
{
    for (size_t i = 0; i < socks->n; i++) {
        struct ymo_socket *s = &socks->items[i];
        if (!fds_gone)
            close(s->fd);
        if (s->unlink[0])
            (void)unlink(s->unlink);
    }
    free(socks->items);
    *socks = (struct ymo_sockets){0};
}
