/* SPDX-License-Identifier: MIT */
#include "supervisor/sockets.h"

#include "base/log.h"
#include "supervisor/binding.h"
#include "supervisor/stdsocket.h"

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

static uint32_t last_id;

#define REFUSE(o, ...) YMO_LOG_AT((o)->level, __VA_ARGS__)

/* With a copy of `s`, which gets an id unless it has one. */
static int
add(struct ymo_sockets *socks, const struct ymo_socket *s)
{
    struct ymo_socket *items = realloc(socks->items, (socks->n + 1) * sizeof(*items));
    if (!items)
        return YMO_ENOMEM;
    socks->items = items;
    items[socks->n] = *s;
    if (s->id == 0)
        items[socks->n].id = ++last_id;
    socks->n++;
    return YMO_OK;
}

static bool
has_name(const struct ymo_sockets *socks, const char *name)
{
    for (size_t i = 0; socks && i < socks->n; i++) {
        if (strcmp(socks->items[i].name, name) == 0)
            return true;
    }
    return false;
}

void
ymo_sockets_announce(const struct ymo_sockets *socks, const struct ymo_sockets *known)
{
    for (size_t i = 0; i < socks->n; i++) {
        const struct ymo_socket *s = &socks->items[i];
        if (!has_name(known, s->name))
            ymo_notice("listening on %s%s", s->name,
                       s->protocol == YMO_PROTO_REDIRECT ? " (redirects to https)" : "");
    }
}

bool
ymo_sockets_hold(const struct ymo_sockets *socks, int fd)
{
    for (size_t i = 0; i < socks->n; i++) {
        if (socks->items[i].fd == fd)
            return true;
    }
    return false;
}

/* The address as it is configured, without the protocol. */
static void
key_of(const struct ymo_addr *a, char *dst, size_t len)
{
    switch (a->kind) {
    case YMO_ADDR_TCP:
        (void)snprintf(dst, len, "tcp:%s:%d", a->host, a->port);
        break;
    case YMO_ADDR_UNIX:
        (void)snprintf(dst, len, "unix:%s", a->path);
        break;
    case YMO_ADDR_FD:
        (void)snprintf(dst, len, "fd:%d", a->fd);
        break;
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

/* ---- one address ---- */

static int
open_unix(const struct ymo_binding *o, const struct ymo_addr *a, struct ymo_socket *s)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t path_len = strlen(a->path);
    bool abstract = a->path[0] == '@';
    memcpy(un.sun_path, a->path, path_len);
    if (abstract)
        un.sun_path[0] = '\0';
    socklen_t len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_len + (abstract ? 0 : 1));
    if (!abstract)
        remove_stale(&un, len);
    s->is_unix = true;
    s->fd = ymo_binding_socket(o, (struct sockaddr *)&un, len);
    if (s->fd < 0) {
        ymo_binding_explain(o, s->name, a, errno);
        return YMO_EIO;
    }
    if (!abstract)
        memcpy(s->unlink, a->path, path_len + 1);
    if (add(o->socks, s) == YMO_OK)
        return YMO_OK;
    close(s->fd);
    return YMO_ENOMEM;
}

static bool
same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET) {
        const struct sockaddr_in *x = (const void *)a, *y = (const void *)b;
        return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *x = (const void *)a, *y = (const void *)b;
    return a->sa_family == AF_INET6 && x->sin6_port == y->sin6_port &&
           x->sin6_scope_id == y->sin6_scope_id &&
           memcmp(&x->sin6_addr, &y->sin6_addr, sizeof(x->sin6_addr)) == 0;
}

/* What is bound there already under another name ("localhost", "127.0.0.1"), or NULL. */
static const struct ymo_socket *
find_bound(const struct ymo_binding *o, const struct sockaddr *sa)
{
    for (size_t i = 0; i < o->old->n; i++) {
        struct sockaddr_storage ss;
        socklen_t len = sizeof(ss);
        const struct ymo_socket *s = &o->old->items[i];
        if (ymo_binding_port(sa) > 0 && !ymo_sockets_hold(o->socks, s->fd) &&
            getsockname(s->fd, (struct sockaddr *)&ss, &len) == 0 &&
            same_address(sa, (struct sockaddr *)&ss))
            return s;
    }
    return NULL;
}

/* One of the addresses of a name. 0, or errno. */
static int
open_resolved(const struct ymo_binding *o, const struct ymo_addr *a, const struct addrinfo *ai,
              struct ymo_socket *s)
{
    const struct ymo_socket *same = find_bound(o, ai->ai_addr);
    s->fd = same ? same->fd : ymo_binding_socket(o, ai->ai_addr, ai->ai_addrlen);
    s->id = same ? same->id : 0;
    if (s->fd < 0)
        return errno;
    name_of(s->fd, a, s->name, sizeof(s->name));
    if (add(o->socks, s) == YMO_OK)
        return 0;
    if (!same)
        close(s->fd);
    return ENOMEM;
}

static int
open_tcp(const struct ymo_binding *o, const struct ymo_addr *a, struct ymo_socket *s)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char port[8], name[sizeof(s->name)];
    int made = 0, err = 0;
    memcpy(name, s->name, sizeof(name));
    (void)snprintf(port, sizeof(port), "%d", a->port);
    int rc = getaddrinfo(a->host[0] ? a->host : "::", port, &hints, &list);
    if (rc != 0) {
        REFUSE(o, "cannot listen on %s: the host is not known here: %s", name,
               rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
        return YMO_EIO;
    }
    for (struct addrinfo *ai = list; ai; ai = ai->ai_next) {
        err = open_resolved(o, a, ai, s);
        /* A name may have an IPv6 address that this machine has no use for. */
        if (err == EADDRNOTAVAIL || err == EAFNOSUPPORT)
            continue;
        if (err != 0)
            break;
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
        return open_tcp(o, &v4, s);
    }
    ymo_binding_explain(o, name, a, err);
    return YMO_EIO;
}

static int
open_fd(const struct ymo_binding *o, const struct ymo_addr *a, struct ymo_socket *s)
{
    struct sockaddr_storage ss;
    int type = 0, listening = 0, one = 1;
    socklen_t len = sizeof(ss), int_len = sizeof(int);
    /* Given up once, the number may now be that of a socket of our own. */
    if (ymo_sockets_hold(o->old, a->fd) || ymo_sockets_hold(o->socks, a->fd) ||
        getsockname(a->fd, (struct sockaddr *)&ss, &len) != 0 ||
        getsockopt(a->fd, SOL_SOCKET, SO_TYPE, &type, &int_len) != 0 || type != SOCK_STREAM) {
        REFUSE(o,
               "cannot listen on fd:%d: that descriptor is no stream socket; it must be passed "
               "in by the parent process",
               a->fd);
        return YMO_EIO;
    }
    int_len = sizeof(int);
    if ((getsockopt(a->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &int_len) != 0 || !listening) &&
        listen(a->fd, o->backlog) != 0) {
        REFUSE(o, "cannot listen on fd:%d: %s", a->fd, strerror(errno));
        return YMO_EIO;
    }
    int flags = fcntl(a->fd, F_GETFL);
    if (flags < 0 || fcntl(a->fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(a->fd, F_SETFD, FD_CLOEXEC) < 0) {
        REFUSE(o, "cannot listen on fd:%d: %s", a->fd, strerror(errno));
        return YMO_EIO;
    }
    if (ss.ss_family != AF_UNIX)
        (void)setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    s->fd = a->fd;
    s->is_unix = ss.ss_family == AF_UNIX;
    name_of(a->fd, a, s->name, sizeof(s->name));
    return add(o->socks, s);
}

static int
open_one(const struct ymo_binding *o, const struct ymo_addr *a)
{
    struct ymo_socket s = {.fd = -1, .protocol = a->protocol};
    int rc = YMO_EINVAL;
    ymo_addr_format(a, s.name, sizeof(s.name));
    key_of(a, s.key, sizeof(s.key));
    switch (a->kind) {
    case YMO_ADDR_TCP:
        rc = open_tcp(o, a, &s);
        break;
    case YMO_ADDR_UNIX:
        rc = open_unix(o, a, &s);
        break;
    case YMO_ADDR_FD:
        rc = open_fd(o, a, &s);
        break;
    }
    if (rc == YMO_ENOMEM)
        REFUSE(o, "cannot listen: out of memory");
    return rc;
}

/* ---- all of them ---- */

/* A unix socket whose file somebody removed is of no use to anybody. */
static bool
reachable(const struct ymo_socket *s)
{
    struct stat st;
    return !s->unlink[0] || (lstat(s->unlink, &st) == 0 && S_ISSOCK(st.st_mode));
}

/*
 * The next socket, from *at on, that was opened for this address and nobody has taken over. Any
 * free port, asked for twice, is two addresses that are written alike: what they are for tells them
 * apart, as long as that stays.
 */
static const struct ymo_socket *
next_opened(const struct ymo_binding *o, const struct ymo_addr *a, bool same_protocol, size_t *at)
{
    char key[sizeof(((struct ymo_socket *)NULL)->key)];
    key_of(a, key, sizeof(key));
    while (*at < o->old->n) {
        const struct ymo_socket *s = &o->old->items[(*at)++];
        if (strcmp(s->key, key) == 0 && !ymo_sockets_hold(o->socks, s->fd) && reachable(s) &&
            (!same_protocol || s->protocol == a->protocol))
            return s;
    }
    return NULL;
}

/* Take over what was opened for this address. How many sockets that is, or YMO_ENOMEM. */
static int
take(const struct ymo_binding *o, const struct ymo_addr *a)
{
    bool one = a->kind == YMO_ADDR_TCP && a->port == 0;
    int n = 0;
    for (int pass = one ? 0 : 1; pass < 2; pass++) {
        const struct ymo_socket *found;
        size_t at = 0;
        while ((n == 0 || !one) && (found = next_opened(o, a, pass == 0, &at)) != NULL) {
            struct ymo_socket s = *found;
            s.protocol = a->protocol;
            name_of(s.fd, a, s.name, sizeof(s.name));
            if (add(o->socks, &s) < 0) {
                REFUSE(o, "cannot listen: out of memory");
                return YMO_ENOMEM;
            }
            n++;
        }
    }
    return n;
}

/* What is taken over comes first: it must be known when the others look for their place. */
static int
open_all(const struct ymo_binding *o, const struct ymo_addr *addrs, size_t n)
{
    int rc = YMO_OK;
    bool *taken = calloc(n + 1, sizeof(*taken));
    if (!taken)
        return YMO_ENOMEM;
    for (size_t i = 0; i < n && rc >= 0; i++) {
        rc = take(o, &addrs[i]);
        taken[i] = rc > 0;
    }
    for (size_t i = 0; i < n && rc >= 0; i++)
        rc = taken[i] ? YMO_OK : open_one(o, &addrs[i]);
    free(taken);
    return rc < 0 ? rc : YMO_OK;
}

/* Also of those that a reload takes over: the setting may have changed. */
static int
set_modes(const struct ymo_binding *o, const char *mode)
{
    for (size_t i = 0; mode && i < o->socks->n; i++) {
        const struct ymo_socket *s = &o->socks->items[i];
        if (s->unlink[0] && chmod(s->unlink, (mode_t)strtoul(mode, NULL, 8)) != 0) {
            REFUSE(o, "cannot give %s the mode %s: %s; see socket_mode", s->unlink, mode,
                   strerror(errno));
            return YMO_EIO;
        }
    }
    return YMO_OK;
}

static int
open_settings(const struct ymo_binding *o, const struct ymo_settings *s)
{
    struct ymo_addr *addrs;
    size_t n;
    *o->socks = (struct ymo_sockets){0};
    int rc = ymo_settings_addresses(s, &addrs, &n);
    if (rc < 0) {
        REFUSE(o, "cannot work out where to listen: %s", ymo_err_str(rc));
        return rc;
    }
    ymo_stdsocket_use(s, addrs);
    rc = open_all(o, addrs, n);
    free(addrs);
    if (rc == YMO_OK)
        rc = set_modes(o, s->socket_mode);
    if (rc < 0)
        ymo_sockets_drop(o->socks, o->old);
    return rc;
}

int
ymo_sockets_open(const struct ymo_settings *s, struct ymo_sockets *socks_r)
{
    const struct ymo_sockets none = {0};
    const struct ymo_binding o = {s->backlog, &none, socks_r, YMO_LOG_FATAL};
    return open_settings(&o, s);
}

int
ymo_sockets_reopen(const struct ymo_settings *s, const struct ymo_sockets *old,
                   struct ymo_sockets *new_r)
{
    const struct ymo_binding o = {s->backlog, old, new_r, YMO_LOG_ERROR};
    int rc = open_settings(&o, s);
    /* The backlog may have changed. Whoever passed a descriptor in has chosen that one's. */
    for (size_t i = 0; rc == YMO_OK && i < new_r->n; i++) {
        if (strncmp(new_r->items[i].key, "fd:", 3) != 0)
            (void)listen(new_r->items[i].fd, s->backlog);
    }
    return rc;
}

int
ymo_sockets_adopt(struct ymo_sockets *socks, const struct ymo_socket *s)
{
    if (s->id > last_id)
        last_id = s->id;
    return add(socks, s);
}

static bool
owns_path(const struct ymo_sockets *socks, const char *path)
{
    for (size_t i = 0; i < socks->n; i++) {
        if (strcmp(socks->items[i].unlink, path) == 0)
            return true;
    }
    return false;
}

void
ymo_sockets_drop(struct ymo_sockets *gone, const struct ymo_sockets *kept)
{
    for (size_t i = 0; i < gone->n; i++) {
        const struct ymo_socket *s = &gone->items[i];
        if (!ymo_sockets_hold(kept, s->fd))
            ymo_stdsocket_close(s->fd);
        if (s->unlink[0] && !owns_path(kept, s->unlink))
            (void)unlink(s->unlink);
    }
    free(gone->items);
    *gone = (struct ymo_sockets){0};
}

void
ymo_sockets_leave(struct ymo_sockets *gone, const struct ymo_sockets *kept)
{
    for (size_t i = 0; i < gone->n; i++) {
        if (!ymo_sockets_hold(kept, gone->items[i].fd))
            ymo_stdsocket_close(gone->items[i].fd);
    }
    free(gone->items);
    *gone = (struct ymo_sockets){0};
}

void
ymo_sockets_close(struct ymo_sockets *socks, bool fds_gone)
{
    for (size_t i = 0; i < socks->n; i++) {
        const struct ymo_socket *s = &socks->items[i];
        if (!fds_gone)
            ymo_stdsocket_close(s->fd);
        if (s->unlink[0])
            (void)unlink(s->unlink);
    }
    free(socks->items);
    *socks = (struct ymo_sockets){0};
}
