/* SPDX-License-Identifier: MIT */
#include "reactor/peername.h"

#include "reactor/loop.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

/* Decimal, without a NUL; the end of it. Each connection needs it five times. */
static char *
put_decimal(char *dst, unsigned n)
{
    char digits[10];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    memcpy(dst, digits + at, sizeof(digits) - at);
    return dst + sizeof(digits) - at;
}

static void
put_ipv4(char *dst, const unsigned char bytes[4])
{
    for (int i = 0; i < 4; i++) {
        dst = put_decimal(dst, bytes[i]);
        *dst++ = i < 3 ? '.' : '\0';
    }
}

/* IPv4 addresses of a dual-stack socket are shown as what they are. */
static void
format_addr(const struct sockaddr *sa, char *addr, char *port)
{
    unsigned n = 0;
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)sa;
        put_ipv4(addr, (const unsigned char *)&in->sin_addr);
        n = ntohs(in->sin_port);
    } else {
        const struct sockaddr_in6 *in6 = (const void *)sa;
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
            put_ipv4(addr, &in6->sin6_addr.s6_addr[12]);
        else
            inet_ntop(AF_INET6, &in6->sin6_addr, addr, INET6_ADDRSTRLEN);
        n = ntohs(in6->sin6_port);
    }
    if (port)
        *put_decimal(port, n) = '\0';
}

void
ymo_peername_format(const struct sockaddr *peer, char addr[INET6_ADDRSTRLEN])
{
    format_addr(peer, addr, NULL);
}

void
ymo_peername_set(struct ymo_conn *c, const struct ymo_listener *l, const struct sockaddr *peer)
{
    if (peer->sa_family != AF_INET && peer->sa_family != AF_INET6)
        return;
    format_addr(peer, c->remote_addr, c->remote_port);
    c->env.remote_addr = ymo_slice_str(c->remote_addr);
    c->env.remote_port = ymo_slice_str(c->remote_port);
    c->env.server_name = ymo_slice_str(l->name);
    c->env.server_port = ymo_slice_str(l->port);
    if (l->wildcard) {
        struct sockaddr_storage local;
        socklen_t len = sizeof(local);
        if (getsockname(c->fd, (struct sockaddr *)&local, &len) == 0) {
            format_addr((struct sockaddr *)&local, c->local_addr, NULL);
            c->env.server_name = ymo_slice_str(c->local_addr);
        }
    }
}
