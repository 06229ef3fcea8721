/* SPDX-License-Identifier: MIT */
/*
 * Load for gateway.py: asks a server as a front end does, over uwsgi or FastCGI, without the front
 * end. Each connection asks as soon as it is answered. One thread, blocking connects.
 *
 *     gateload uwsgi|fastcgi|fastcgi-kept HOST:PORT|unix:PATH CONNECTIONS SECONDS
 *
 * fastcgi-kept: requests on kept connections; otherwise one connection a request. The variables
 * are those nginx sends, with its files of parameters, for a request with a few headers, in one
 * piece. Prints the counts as JSON; an answer that is not a whole 200 is an error.
 */
#define _GNU_SOURCE /* memmem */
#include <arpa/inet.h>
#include <errno.h>
#include <fastcgi.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, ANSWER = 4096, REQUEST = 4096 };

struct conn {
    int fd;
    size_t got; /* of the answer */
    unsigned char answer[ANSWER];
};

static const char *const variables[][2] = {
    {"QUERY_STRING", ""},
    {"REQUEST_METHOD", "GET"},
    {"CONTENT_TYPE", ""},
    {"CONTENT_LENGTH", ""},
    {"SCRIPT_NAME", "/hello"},
    {"REQUEST_URI", "/hello"},
    {"DOCUMENT_URI", "/hello"},
    {"DOCUMENT_ROOT", "/usr/share/nginx/html"},
    {"SERVER_PROTOCOL", "HTTP/1.1"},
    {"REQUEST_SCHEME", "http"},
    {"GATEWAY_INTERFACE", "CGI/1.1"},
    {"SERVER_SOFTWARE", "nginx/1.22.1"},
    {"REMOTE_ADDR", "127.0.0.1"},
    {"REMOTE_PORT", "40000"},
    {"SERVER_ADDR", "127.0.0.1"},
    {"SERVER_PORT", "80"},
    {"SERVER_NAME", "localhost"},
    {"REDIRECT_STATUS", "200"},
    {"HTTP_HOST", "localhost"},
    {"HTTP_USER_AGENT", "gateload"},
    {"HTTP_ACCEPT", "*/*"},
    {"HTTP_ACCEPT_ENCODING", "gzip, deflate"},
};

/* uwsgi has PATH_INFO where FastCGI has SCRIPT_NAME, as those files of parameters do. */
static const char uwsgi_instead[] = "PATH_INFO";

static struct sockaddr_storage address;
static socklen_t address_len;
static struct conn *conns;
static int n_conns, n_open, ep;
static bool fastcgi, keep;
static unsigned char request[REQUEST];
static size_t request_len;
static double deadline;
static unsigned long requests, errors;

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "gateload: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void
add(const void *bytes, size_t n)
{
    must(request_len + n <= sizeof request, "request");
    memcpy(request + request_len, bytes, n);
    request_len += n;
}

static void
add_byte(size_t byte)
{
    unsigned char c = (unsigned char)byte;
    add(&c, 1);
}

/* Lengths: uwsgi's are 16 bits, little-endian; those of FastCGI one byte, all are below 128. */
static void
add_variables(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *name = variables[i][0], *value = variables[i][1];
        if (!fastcgi && strcmp(name, "SCRIPT_NAME") == 0)
            name = uwsgi_instead;
        add_byte(strlen(name));
        if (!fastcgi) {
            add_byte(0);
            add(name, strlen(name));
        }
        add_byte(strlen(value));
        if (!fastcgi)
            add_byte(0);
        else
            add(name, strlen(name));
        add(value, strlen(value));
    }
}

static void
add_record(unsigned char type, size_t length)
{
    FCGI_Header h = {.version = FCGI_VERSION_1, .type = type, .requestIdB0 = 1};
    h.contentLengthB1 = (unsigned char)(length >> 8);
    h.contentLengthB0 = (unsigned char)length;
    add(&h, sizeof h);
}

static void
make_request(void)
{
    if (!fastcgi) {
        static const unsigned char modifiers[4];
        add(modifiers, sizeof modifiers);
        add_variables();
        request[1] = (unsigned char)(request_len - 4);
        request[2] = (unsigned char)((request_len - 4) >> 8);
        return;
    }
    FCGI_BeginRequestBody begin = {.roleB0 = FCGI_RESPONDER};
    begin.flags = keep ? FCGI_KEEP_CONN : 0;
    add_record(FCGI_BEGIN_REQUEST, sizeof begin);
    add(&begin, sizeof begin);
    unsigned char *params = request + request_len;
    add_record(FCGI_PARAMS, 0);
    add_variables();
    size_t length = (size_t)(request + request_len - params) - sizeof(FCGI_Header);
    params[4] = (unsigned char)(length >> 8);
    params[5] = (unsigned char)length;
    params[6] = (unsigned char)(-length % 8); /* nginx pads to a multiple of 8, too */
    for (size_t i = 0; i < params[6]; i++)
        add_byte(0);
    add_record(FCGI_PARAMS, 0);
    add_record(FCGI_STDIN, 0);
}

static void
ask(struct conn *c)
{
    c->got = 0;
    must(send(c->fd, request, request_len, MSG_NOSIGNAL) == (ssize_t)request_len, "send");
}

static void
dial(struct conn *c)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    int one = 1;
    c->fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(c->fd >= 0 && connect(c->fd, (struct sockaddr *)&address, address_len) == 0, "connect");
    if (address.ss_family == AF_INET)
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    must(epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev) == 0, "epoll_ctl");
    ask(c);
}

static bool
is_200(const unsigned char *text, size_t n)
{
    static const char *const heads[] = {"HTTP/1.1 200 ", "HTTP/1.0 200 ", "Status: 200 "};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (n > strlen(heads[i]) && memcmp(text, heads[i], strlen(heads[i])) == 0)
            return memmem(text, n, "\r\n\r\nHello, world!", 17) != NULL;
    return false;
}

/* Takes the records' bytes of STDOUT together. Is END_REQUEST there, and the whole a 200? */
static bool
is_fastcgi_200(const struct conn *c, bool *ended)
{
    unsigned char out[ANSWER];
    size_t n = 0, at = 0;
    *ended = false;
    while (c->got - at >= sizeof(FCGI_Header)) {
        FCGI_Header h;
        memcpy(&h, c->answer + at, sizeof h);
        at += sizeof h;
        size_t length = (size_t)h.contentLengthB1 << 8 | h.contentLengthB0;
        if (c->got - at < length + h.paddingLength)
            return false;
        if (h.type == FCGI_STDOUT) {
            memcpy(out + n, c->answer + at, length);
            n += length;
        }
        if (h.type == FCGI_END_REQUEST) {
            *ended = true;
            return length == sizeof(FCGI_EndRequestBody) &&
                   c->answer[at + 4] == FCGI_REQUEST_COMPLETE && is_200(out, n);
        }
        at += length + h.paddingLength;
    }
    return false;
}

static void
finish(struct conn *c, bool ok, bool gone)
{
    requests += ok;
    errors += !ok;
    bool more = now() < deadline;
    if (more && !gone) {
        ask(c);
        return;
    }
    close(c->fd);
    n_open--;
    if (more) {
        n_open++;
        dial(c);
    }
}

static void
take(struct conn *c)
{
    bool ended = false;
    ssize_t n = recv(c->fd, c->answer + c->got, sizeof c->answer - c->got, 0);
    if (n > 0)
        c->got += (size_t)n;
    if (n > 0 && c->got < sizeof c->answer && !keep)
        return; /* its end is that of the connection */
    bool ok = fastcgi ? is_fastcgi_200(c, &ended) : is_200(c->answer, c->got);
    if (keep && ended && n > 0)
        finish(c, ok, false);
    else if (n <= 0 || c->got == sizeof c->answer)
        finish(c, ok && n == 0 && !keep, true);
}

static void
set_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    must(colon != NULL, "address");
    if (strncmp(text, "unix:", 5) == 0) {
        struct sockaddr_un *un = (struct sockaddr_un *)&address;
        must(strlen(text + 5) < sizeof un->sun_path, "length of the path");
        un->sun_family = AF_UNIX;
        strcpy(un->sun_path, text + 5);
        address_len = sizeof *un;
    } else {
        struct sockaddr_in *in = (struct sockaddr_in *)&address;
        in->sin_family = AF_INET;
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        in->sin_port = htons((uint16_t)atoi(colon + 1));
        address_len = sizeof *in;
    }
}

int
main(int argc, char **argv)
{
    struct epoll_event evs[EVENTS];
    if (argc != 5) {
        fputs("usage: gateload uwsgi|fastcgi|fastcgi-kept HOST:PORT|unix:PATH CONNECTIONS"
              " SECONDS\n",
              stderr);
        return 2;
    }
    fastcgi = strcmp(argv[1], "uwsgi") != 0;
    keep = strcmp(argv[1], "fastcgi-kept") == 0;
    set_address(argv[2]);
    n_conns = atoi(argv[3]);
    make_request();
    conns = calloc((size_t)n_conns, sizeof *conns);
    ep = epoll_create1(EPOLL_CLOEXEC);
    must(conns && ep >= 0 && n_conns > 0, "set-up");
    double start = now();
    deadline = start + atof(argv[4]);
    for (n_open = 0; n_open < n_conns; n_open++)
        dial(&conns[n_open]);
    while (n_open > 0) {
        int n = epoll_wait(ep, evs, EVENTS, 10000);
        must(n > 0, "ten seconds without an answer");
        for (int i = 0; i < n; i++)
            take(evs[i].data.ptr);
    }
    printf("{\"seconds\": %.6f, \"requests\": %lu, \"errors\": %lu}\n", now() - start, requests,
           errors);
    return 0;
}
