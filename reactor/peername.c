/* SPDX-License-Identifier: MIT */
#include "reactor/peername.h"

#include "reactor/loop.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* IPv4 addresses of a dual-stack socket are shown as what they are. */
static void
format_addr(const struct sockaddr *sa, char *addr, char *port)
{
    char host[INET6_ADDRSTRLEN] = "";
    unsigned n = 0;
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)sa;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        n = ntohs(in->sin_port);
    } else {
        const struct sockaddr_in6 *in6 = (const void *)sa;
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
            inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], host, sizeof(host));
        else
            inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        n = ntohs(in6->sin6_port);
    }
    memcpy(addr, host, sizeof(host));
    if (port)
        (void)snprintf(port, 6, "%u", n & 0xffffu);
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
