/* SPDX-License-Identifier: MIT */
/*
 * The floor that servers are measured against: epoll, keep-alive, one recv and one send a request,
 * a fixed answer of the size of ours. It understands nothing, and no server can be cheaper.
 *
 *     floor PORT [once]      once: a connection for each request, as uwsgi has it
 */
#define _GNU_SOURCE /* accept4 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n"
                             "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: floor\r\n\r\n"
                             "Hello, world!";

/* The whole of a connection in four calls; its end travels with the answer. */
static void
serve_once(int ls)
{
    char buf[16384];
    int fd = accept4(ls, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (recv(fd, buf, sizeof buf, 0) > 0)
        (void)send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_MORE);
    close(fd);
}

int
main(int argc, char **argv)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event ev = {.events = EPOLLIN}, evs[256];
    int once = argc > 2 && strcmp(argv[2], "once") == 0;
    int one = 1, ls = socket(AF_INET, SOCK_STREAM, 0), ep = epoll_create1(0);
    char buf[16384];

    a.sin_port = htons((unsigned short)(argc > 1 ? atoi(argv[1]) : 0));
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(ls, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (once)
        setsockopt(ls, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one, sizeof one);
    if (bind(ls, (struct sockaddr *)&a, sizeof a) != 0 || listen(ls, 1024) != 0) {
        perror("floor");
        return 1;
    }
    ev.data.fd = ls;
    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev);
    for (;;) {
        int n = epoll_wait(ep, evs, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = evs[i].data.fd;
            if (fd == ls && once) {
                serve_once(ls);
                continue;
            }
            if (fd == ls) {
                ev.data.fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK);
                epoll_ctl(ep, EPOLL_CTL_ADD, ev.data.fd, &ev);
                continue;
            }
            ssize_t got = recv(fd, buf, sizeof buf, 0);
            if (got <= 0 || send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0)
                close(fd);
        }
    }
}
