/* SPDX-License-Identifier: MIT */
/*
 * The floor that servers are measured against: it understands nothing and sends a fixed answer of
 * the size of ours. Only a server that goes to sleep less often than it can be cheaper.
 *
 *     floor PORT|PATH [keep|fastcgi|once [PORT|PATH keep|fastcgi|once]...]
 *
 * keep, fastcgi: epoll, kept connections, one recv and one send a request, answered over HTTP or
 *                FastCGI (its request 1);
 * once:          a connection for each request, as uwsgi has it: accept, recv, send, close.
 *
 * A process for each place.
 */
#define _GNU_SOURCE /* accept4 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TEXT                                                       \
    "Content-Type: text/plain\r\nContent-Length: 13\r\n"           \
    "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: floor\r\n\r\n" \
    "Hello, world!"

static const char http[] = "HTTP/1.1 200 OK\r\n" TEXT;
static const char fastcgi[] = "\1\6\0\1\0\201\7\0" /* STDOUT, 129 bytes and 7 of padding */
                              "Status: 200 OK\r\n" TEXT "\0\0\0\0\0\0\0"
                              "\1\3\0\1\0\10\0\0" /* END_REQUEST */
                              "\0\0\0\0\0\0\0";

/* The end of the connection travels with the answer. */
static void
serve_once(int ls)
{
    char buf[16384];
    for (;;) {
        int fd = accept4(ls, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        if (recv(fd, buf, sizeof buf, 0) > 0)
            (void)send(fd, http, sizeof http - 1, MSG_NOSIGNAL | MSG_MORE);
        close(fd);
    }
}

static void
serve_kept(int ls, const char *answer, size_t length)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = ls}, evs[256];
    int ep = epoll_create1(0);
    char buf[16384];

    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev);
    for (;;) {
        int n = epoll_wait(ep, evs, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = evs[i].data.fd;
            if (fd == ls) {
                ev.data.fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK);
                epoll_ctl(ep, EPOLL_CTL_ADD, ev.data.fd, &ev);
                continue;
            }
            ssize_t got = recv(fd, buf, sizeof buf, 0);
            if (got <= 0 || send(fd, answer, length, MSG_NOSIGNAL) < 0)
                close(fd);
        }
    }
}

static int
listen_tcp(const char *port, int once)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, ls = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_port = htons((unsigned short)atoi(port));
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(ls, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (once)
        setsockopt(ls, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one, sizeof one);
    return bind(ls, (struct sockaddr *)&a, sizeof a) != 0 ? -1 : ls;
}

static int
listen_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int ls = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    return bind(ls, (struct sockaddr *)&a, sizeof a) != 0 ? -1 : ls;
}

static int
serve(const char *place, const char *how)
{
    int once = strcmp(how, "once") == 0;
    int ls = place[0] == '/' ? listen_unix(place) : listen_tcp(place, once);

    if (ls < 0 || listen(ls, 1024) != 0) {
        perror("floor");
        return 1;
    }
    if (once)
        serve_once(ls);
    else if (strcmp(how, "fastcgi") == 0)
        serve_kept(ls, fastcgi, sizeof fastcgi);
    else
        serve_kept(ls, http, sizeof http - 1);
    return 0;
}

int
main(int argc, char **argv)
{
    for (int i = 3; i + 1 < argc; i += 2)
        if (fork() == 0)
            return serve(argv[i], argv[i + 1]);
    return serve(argc > 1 ? argv[1] : "0", argc > 2 ? argv[2] : "keep");
}
