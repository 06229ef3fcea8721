/* SPDX-License-Identifier: MIT */
/*
 * Load for tls.py: connections that each do one thing again and again as fast as they are answered,
 * over TLS by OpenSSL or in plaintext. One thread.
 *
 *     tlsload PORT 1.2|1.3|plain full|resumed|keep|hold CONNECTIONS SECONDS PATH [BODY-BYTES]
 *
 * full, resumed: connect, a handshake (from scratch, or with the ticket of the connection before),
 *                one request, close;
 * keep:          requests on kept connections;
 * hold:          nothing more.
 *
 * First each connection sends one request. Then "ready" is printed, a line awaited on standard
 * input, and the work begins. At its end the counts are printed as JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, BLOCK = 128 * 1024, HEAD = 2048 };

enum state { SHAKE, SEND, RECEIVE, PARKED };

struct conn {
    int fd;
    SSL *ssl; /* NULL: plaintext */
    SSL_SESSION *session;
    enum state state;
    bool used;        /* did an answer come on this connection? */
    size_t sent;      /* of the request */
    size_t head, got; /* bytes of the answer's head, 0: not complete; of the answer */
    size_t body;      /* its length */
    bool ends;
    char text[HEAD];
};

struct counts {
    unsigned long handshakes, resumed, requests, errors, lost;
    unsigned long long up, down;
};

static struct conn *conns;
static int n_conns, n_parked, ep, port;
static SSL_CTX *ctx;
static bool keep, resume, hold, working;
static char *request;
static size_t request_len, body_len;
static struct counts counts;
static char block[BLOCK], sink[BLOCK];

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "tlsload: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- connections --------------------------------------------------------------------------- */

static void
dial(struct conn *c)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    int one = 1;
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(c->fd >= 0, "socket");
    must(connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 || errno == EINPROGRESS,
         "connect");
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    must(epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev) == 0, "epoll_ctl");
    c->used = false;
    c->sent = c->head = c->got = c->body = 0;
    c->state = SEND;
    if (!ctx)
        return;
    c->state = SHAKE;
    c->ssl = SSL_new(ctx);
    must(c->ssl != NULL, "SSL_new");
    SSL_set_ex_data(c->ssl, 0, c);
    SSL_set_tlsext_host_name(c->ssl, "localhost");
    SSL_set_fd(c->ssl, c->fd);
    if (resume && c->session)
        SSL_set_session(c->ssl, c->session);
}

static void
hang_up(struct conn *c, bool politely)
{
    if (c->ssl) {
        if (politely)
            SSL_shutdown(c->ssl);
        ERR_clear_error();
        SSL_free(c->ssl);
        c->ssl = NULL;
    }
    close(c->fd);
    c->fd = -1;
}

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
    struct conn *c = SSL_get_ex_data(ssl, 0);
    SSL_SESSION_free(c->session);
    c->session = session;
    return 1; /* it is ours now */
}

/* ---- bytes --------------------------------------------------------------------------------- */

/* > 0 bytes; 0 the end; -1 later; -2 an error. */
static ssize_t
verdict(struct conn *c, ssize_t n)
{
    if (n > 0)
        return n;
    if (!c->ssl)
        return n == 0 ? 0 : errno == EAGAIN ? -1 : -2;
    int why = SSL_get_error(c->ssl, (int)n);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return -1;
    ERR_clear_error();
    return why == SSL_ERROR_ZERO_RETURN ? 0 : -2;
}

static ssize_t
put(struct conn *c, const char *src, size_t n)
{
    return verdict(c, c->ssl ? SSL_write(c->ssl, src, (int)n) : send(c->fd, src, n, MSG_NOSIGNAL));
}

static ssize_t
get(struct conn *c, char *dst, size_t n)
{
    return verdict(c, c->ssl ? SSL_read(c->ssl, dst, (int)n) : recv(c->fd, dst, n, 0));
}

/* ---- one request --------------------------------------------------------------------------- */

static void
fail(struct conn *c)
{
    /* A kept connection that was ended between two requests is no error, but must be told. */
    if (c->used && c->got == 0)
        counts.lost++;
    else
        counts.errors++;
    if (counts.errors > 1000) {
        fprintf(stderr, "tlsload: nothing but errors\n");
        exit(1);
    }
    hang_up(c, false);
    dial(c);
}

static void
begin(struct conn *c)
{
    c->sent = c->head = c->got = c->body = 0;
    c->state = SEND;
}

static void
finish(struct conn *c)
{
    counts.requests++;
    c->used = true;
    if (!working) {
        c->state = PARKED;
        n_parked++;
        return;
    }
    if (keep && !c->ends) {
        begin(c);
        return;
    }
    hang_up(c, true);
    dial(c);
}

/* False: nothing can be done now. */
static bool
send_request(struct conn *c)
{
    ssize_t n;
    if (c->sent < request_len) {
        n = put(c, request + c->sent, request_len - c->sent);
    } else {
        size_t left = request_len + body_len - c->sent;
        n = put(c, block, left < BLOCK ? left : BLOCK);
        if (n > 0)
            counts.up += (unsigned long long)n;
    }
    if (n == -1)
        return false;
    if (n <= 0) {
        fail(c);
        return true;
    }
    c->sent += (size_t)n;
    if (c->sent == request_len + body_len)
        c->state = RECEIVE;
    return true;
}

static bool
read_head(struct conn *c)
{
    c->text[c->got] = '\0';
    char *end = strstr(c->text, "\r\n\r\n");
    if (!end)
        return c->got < HEAD - 1;
    char *length = strcasestr(c->text, "\r\ncontent-length:");
    if (!length || strncmp(c->text + 8, " 200", 4) != 0)
        return false;
    c->head = (size_t)(end + 4 - c->text);
    c->body = strtoul(length + 17, NULL, 10);
    end[2] = '\0';
    c->ends = strcasestr(c->text, "\r\nconnection: close") != NULL ||
              strncmp(c->text, "HTTP/1.0", 8) == 0;
    return true;
}

static bool
receive(struct conn *c)
{
    ssize_t n = c->head == 0 ? get(c, c->text + c->got, HEAD - 1 - c->got) : get(c, sink, BLOCK);
    if (n == -1)
        return false;
    if (n <= 0) {
        fail(c);
        return true;
    }
    c->got += (size_t)n;
    counts.down += (unsigned long long)n;
    if (c->head == 0 && !read_head(c)) {
        fail(c);
        return true;
    }
    if (c->head > 0 && c->got >= c->head + c->body)
        finish(c);
    return true;
}

static bool
shake(struct conn *c)
{
    int rc = SSL_connect(c->ssl);
    if (rc != 1) {
        if (verdict(c, rc) == -1)
            return false;
        fail(c);
        return true;
    }
    counts.handshakes++;
    counts.resumed += (unsigned long)SSL_session_reused(c->ssl);
    c->state = SEND;
    return true;
}

static void
go_on(struct conn *c)
{
    for (;;) {
        int fd = c->fd;
        bool more = c->state == SHAKE     ? shake(c)
                    : c->state == SEND    ? send_request(c)
                    : c->state == RECEIVE ? receive(c)
                                          : false;
        if (!more || c->fd != fd || c->state == PARKED)
            return; /* a new socket has an event of its own */
    }
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void
turn(int timeout)
{
    struct epoll_event evs[EVENTS];
    int n = epoll_wait(ep, evs, EVENTS, timeout);
    for (int i = 0; i < n; i++)
        go_on(evs[i].data.ptr);
}

static void
set_up_tls(const char *version)
{
    int v = strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    ctx = SSL_CTX_new(TLS_client_method());
    must(ctx != NULL, "SSL_CTX_new");
    /* The same of all servers: what browsers come to with them. */
    must(SSL_CTX_set_min_proto_version(ctx, v) == 1 && SSL_CTX_set_max_proto_version(ctx, v) == 1 &&
             SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") == 1 &&
             SSL_CTX_set_cipher_list(
                 ctx, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256") == 1 &&
             SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1,
         "settings of TLS");
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              (hold ? SSL_MODE_RELEASE_BUFFERS : 0));
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
    SSL_CTX_set_read_ahead(ctx, !hold);
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
}

static void
set_up_request(const char *path)
{
    char length[64] = "";
    request = malloc(strlen(path) + 256);
    must(request != NULL, "malloc");
    if (body_len)
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", body_len);
    request_len = (size_t)sprintf(request, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n",
                                  body_len ? "POST" : "GET", path, length,
                                  keep ? "" : "Connection: close\r\n");
}

static void
start_work(void)
{
    char line[16];
    puts("ready");
    fflush(stdout);
    must(fgets(line, sizeof(line), stdin) != NULL, "standard input");
    if (hold)
        exit(0);
    counts = (struct counts){0};
    working = true;
    for (int i = 0; i < n_conns; i++) {
        struct conn *c = &conns[i];
        if (keep && !c->ends) {
            begin(c);
            go_on(c);
        } else {
            hang_up(c, true);
            dial(c);
        }
    }
}

int
main(int argc, char **argv)
{
    if (argc != 7 && argc != 8) {
        fputs("usage: tlsload PORT 1.2|1.3|plain full|resumed|keep|hold CONNECTIONS SECONDS PATH"
              " [BODY-BYTES]\n",
              stderr);
        return 2;
    }
    port = atoi(argv[1]);
    resume = strcmp(argv[3], "resumed") == 0;
    hold = strcmp(argv[3], "hold") == 0;
    keep = hold || strcmp(argv[3], "keep") == 0;
    n_conns = atoi(argv[4]);
    body_len = argc > 7 ? strtoul(argv[7], NULL, 10) : 0;
    if (strcmp(argv[2], "plain") != 0)
        set_up_tls(argv[2]);
    set_up_request(argv[6]);
    conns = calloc((size_t)n_conns, sizeof(*conns));
    ep = epoll_create1(EPOLL_CLOEXEC);
    must(conns && ep >= 0 && n_conns > 0, "set-up");

    /* A few at a time: their handshakes are to be done, not to time out in a queue. */
    double deadline = now() + 60;
    for (int dialled = 0; n_parked < n_conns;) {
        while (dialled < n_conns && dialled < n_parked + 16)
            dial(&conns[dialled++]);
        turn(100);
        if (now() > deadline) {
            fprintf(stderr, "tlsload: %d of %d connections after a minute, %lu errors\n", n_parked,
                    n_conns, counts.errors);
            return 1;
        }
    }
    start_work();
    double start = now(), seconds = atof(argv[5]);
    while (now() < start + seconds)
        turn(100);
    printf("{\"seconds\": %.6f, \"handshakes\": %lu, \"resumed\": %lu, \"requests\": %lu, "
           "\"up\": %llu, \"down\": %llu, \"errors\": %lu, \"lost\": %lu}\n",
           now() - start, counts.handshakes, counts.resumed, counts.requests, counts.up,
           counts.down, counts.errors, counts.lost);
    return 0;
}
