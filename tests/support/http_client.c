/* SPDX-License-Identifier: MIT */
#include "tests/support/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 };

bool
ymo_http_client_open(struct ymo_http_client *c, int port, int rcvbuf)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1;
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *c = (struct ymo_http_client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (c->fd < 0)
        return false;
    if (rcvbuf)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
        return true;
    ymo_http_client_close(c);
    return false;
}

void
ymo_http_client_close(struct ymo_http_client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    ymo_buf_free(&c->in);
}

void
ymo_http_client_reset(struct ymo_http_client *c)
{
    const struct linger now = {1, 0};
    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    ymo_http_client_close(c);
}

bool
ymo_http_client_send(struct ymo_http_client *c, const void *data, size_t n)
{
    const char *p = data;
    if (c->io)
        return c->io->send(c, data, n);
    while (n > 0) {
        ssize_t w = send(c->fd, p, n, MSG_NOSIGNAL);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return false;
        p += w;
        n -= (size_t)w;
    }
    return true;
}

bool
ymo_http_client_say(struct ymo_http_client *c, const char *text)
{
    return ymo_http_client_send(c, text, strlen(text));
}

bool
ymo_http_client_ready(struct ymo_http_client *c)
{
    struct pollfd p = {c->fd, POLLIN, 0};
    return c->in.len > 0 || c->eof || poll(&p, 1, 0) > 0;
}

ssize_t
ymo_http_client_receive(struct ymo_http_client *c, void *dst, size_t n)
{
    struct pollfd p = {c->fd, POLLIN, 0};
    while (poll(&p, 1, PATIENCE_MS) < 0 && errno == EINTR)
        ;
    if (!p.revents) {
        fprintf(stderr, "nothing came from the server for a minute\n");
        c->reset = true;
        return -1;
    }
    return recv(c->fd, dst, n, 0);
}

bool
ymo_http_client_fill(struct ymo_http_client *c)
{
    if (c->eof || ymo_buf_reserve(&c->in, 65536) < 0)
        return false;
    char *room = ymo_buf_room(&c->in);
    ssize_t n = c->io ? c->io->receive(c, room, 65536) : ymo_http_client_receive(c, room, 65536);
    if (n > 0) {
        ymo_buf_commit(&c->in, (size_t)n);
        return true;
    }
    c->eof = true;
    c->reset |= n < 0;
    return false;
}

bool
ymo_http_client_at_end(struct ymo_http_client *c)
{
    while (c->in.len == 0 && ymo_http_client_fill(c))
        ;
    return c->in.len == 0 && c->eof && !c->reset;
}

/* Offset behind `mark`, 0 when it does not come. Looks at what is new only. */
static size_t
until(struct ymo_http_client *c, const char *mark)
{
    size_t from = 0, len = strlen(mark);
    for (;;) {
        const char *at = c->in.len >= from + len
                             ? memmem(ymo_buf_data(&c->in) + from, c->in.len - from, mark, len)
                             : NULL;
        if (at)
            return (size_t)(at - ymo_buf_data(&c->in)) + len;
        from = c->in.len >= len ? c->in.len - len + 1 : 0;
        if (!ymo_http_client_fill(c))
            return 0;
    }
}

static bool
take(struct ymo_http_client *c, struct ymo_http_reply *r, size_t n)
{
    while (n > 0) {
        if (c->in.len == 0 && !ymo_http_client_fill(c))
            return false;
        size_t step = n < c->in.len ? n : c->in.len;
        if (ymo_buf_append(&r->body, ymo_buf_data(&c->in), step) < 0)
            abort();
        ymo_buf_consume(&c->in, step);
        n -= step;
    }
    return true;
}

static bool
take_chunks(struct ymo_http_client *c, struct ymo_http_reply *r)
{
    for (;;) {
        char *end, line[32];
        size_t n = until(c, "\r\n");
        if (n < 3 || n > 20)
            return false;
        memcpy(line, ymo_buf_data(&c->in), n);
        line[n] = '\0';
        unsigned long size = strtoul(line, &end, 16);
        ymo_buf_consume(&c->in, n);
        if (end[0] != '\r' || !take(c, r, size))
            return false;
        while (c->in.len < 2)
            if (!ymo_http_client_fill(c))
                return false;
        if (memcmp(ymo_buf_data(&c->in), "\r\n", 2) != 0)
            return false;
        ymo_buf_consume(&c->in, 2);
        if (size == 0)
            return true;
        r->pieces++;
    }
}

bool
ymo_http_client_reply(struct ymo_http_client *c, struct ymo_http_reply *r, bool head_only)
{
    ymo_http_reply_free(r);
    size_t n = until(c, "\r\n\r\n");
    if (n == 0 || n >= sizeof(r->head))
        return false;
    memcpy(r->head, ymo_buf_data(&c->in), n);
    r->head[n] = '\0';
    ymo_buf_consume(&c->in, n);
    if (sscanf(r->head, "HTTP/1.1 %3d ", &r->status) != 1)
        return false;
    const char *length = strstr(r->head, "\r\nContent-Length: ");
    r->close = strstr(r->head, "\r\nConnection: close\r\n") != NULL;
    if (head_only || r->status < 200 || r->status == 204 || r->status == 304)
        r->whole = true;
    else if (strstr(r->head, "\r\nTransfer-Encoding: chunked\r\n"))
        r->whole = !length && take_chunks(c, r);
    else if (length)
        r->whole = take(c, r, strtoul(length + 18, NULL, 10));
    else
        r->whole = !take(c, r, SIZE_MAX) && c->eof && !c->reset;
    return r->whole;
}

void
ymo_http_reply_free(struct ymo_http_reply *r)
{
    ymo_buf_free(&r->body);
    *r = (struct ymo_http_reply){0};
}
