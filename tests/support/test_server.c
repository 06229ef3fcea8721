/* SPDX-License-Identifier: MIT */
#include "tests/support/test_server.h"

#include "base/log.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

char
ymo_test_server_byte(uint64_t i)
{
    return (char)('a' + (i * 7 + i / 1000) % 26);
}

size_t
ymo_test_server_wrong(const char *data, uint64_t from, size_t n)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += data[i] != ymo_test_server_byte(from + i);
    return wrong;
}

/* ---- handlers -------------------------------------------------------------------------- */

static void
start_reply(struct ymo_exchange *ex, int64_t length)
{
    ex->resp.status = 200;
    ex->resp.reason = YMO_SLICE("OK");
    ex->resp.content_length = length;
    ex->resp.no_body = ex->req.head_only;
}

/* Send a piece, waiting for room as an executor has to. False when the client is gone. */
static bool
send_piece(struct ymo_test_server *s, struct ymo_exchange *ex, const char *data, size_t n)
{
    if (ymo_exchange_send(ex, data, n) < 0)
        return false;
    size_t unsent = atomic_load(&ex->unsent), most = atomic_load(&s->most_unsent);
    while (unsent > most && !atomic_compare_exchange_weak(&s->most_unsent, &most, unsent))
        ;
    while (ymo_exchange_full(ex) && !ymo_exchange_cancelled(ex))
        (void)!ymo_exchange_wait(ex);
    if (!ymo_exchange_cancelled(ex))
        return true;
    atomic_fetch_add(&s->gone, 1);
    return false;
}

static ssize_t
read_piece(struct ymo_test_server *s, struct ymo_exchange *ex, char *dst, size_t n)
{
    ssize_t got;
    while ((got = ymo_body_read(&ex->body, dst, n)) == YMO_EAGAIN)
        (void)!ymo_body_wait(&ex->body, ex->parker);
    if (got == YMO_ECLOSED)
        atomic_fetch_add(&s->broken_bodies, 1);
    if (got > 0)
        atomic_fetch_add(&s->bodies_read, (int)got);
    return got;
}

static void
echo(struct ymo_test_server *s, struct ymo_exchange *ex)
{
    char data[5000];
    ssize_t n;
    start_reply(ex, -1);
    bool ok = ymo_exchange_respond(ex, NULL, 0, false) == YMO_OK;
    while ((n = read_piece(s, ex, data, sizeof(data))) > 0)
        ok = ok && send_piece(s, ex, data, (size_t)n);
    ymo_exchange_end(ex, n < 0 || !ok);
}

static void
stored(struct ymo_test_server *s, struct ymo_exchange *ex)
{
    struct ymo_buf all = {0};
    ssize_t n = 0;
    while (ymo_buf_reserve(&all, 10000) == YMO_OK &&
           (n = read_piece(s, ex, ymo_buf_room(&all), 10000)) > 0)
        ymo_buf_commit(&all, (size_t)n);
    if (n == 0)
        ymo_echo_executor_reply(ex, ymo_buf_slice(&all).data, all.len);
    else
        ymo_exchange_end(ex, true);
    ymo_buf_free(&all);
}

static void
pieces(struct ymo_test_server *s, struct ymo_exchange *ex, const char *args)
{
    unsigned long count = 0, len = 0, done = 0;
    if (sscanf(args, "%lu,%lu", &count, &len) != 2)
        abort();
    char *data = malloc(len);
    start_reply(ex, -1);
    bool ok = data && ymo_exchange_respond(ex, NULL, 0, false) == YMO_OK;
    for (; ok && done < count; done++) {
        for (unsigned long i = 0; i < len; i++)
            data[i] = ymo_test_server_byte(done * len + i);
        ok = send_piece(s, ex, data, len);
    }
    free(data);
    ymo_exchange_end(ex, !ok);
}

static void
longest(struct ymo_exchange *ex, const char *args)
{
    size_t len = strtoul(args, NULL, 10);
    char *data = malloc(len);
    for (size_t i = 0; data && i < len; i++)
        data[i] = ymo_test_server_byte(i);
    ymo_echo_executor_reply(ex, data, data ? len : 0);
    free(data);
}

static void
file(struct ymo_test_server *s, struct ymo_exchange *ex, const char *args)
{
    unsigned long off = 0, len = 0, say = 0;
    if (sscanf(args, "%lu,%lu,%lu", &off, &len, &say) != 3)
        abort();
    start_reply(ex, (int64_t)say);
    int rc = ymo_exchange_respond(ex, NULL, 0, false);
    if (rc == YMO_OK)
        rc = ymo_exchange_send_file(ex, dup(s->file), (int64_t)off, len);
    ymo_exchange_end(ex, rc < 0);
}

static void
endless(struct ymo_test_server *s, struct ymo_exchange *ex)
{
    start_reply(ex, -1);
    bool ok = ymo_exchange_respond(ex, NULL, 0, false) == YMO_OK;
    while (ok && !atomic_load(&s->stop))
        ok = send_piece(s, ex, "event\n", 6);
    ymo_exchange_end(ex, !ok);
}

static void
pass_gate(struct ymo_test_server *s, struct ymo_exchange *ex)
{
    atomic_fetch_add(&s->at_gate, 1);
    while (sem_wait(&s->gate) != 0)
        ;
    if (ymo_exchange_cancelled(ex))
        atomic_fetch_add(&s->gone, 1);
}

static void
wait_at_gate(struct ymo_test_server *s, struct ymo_exchange *ex)
{
    pass_gate(s, ex);
    ymo_echo_executor_reply(ex, "open", 4);
}

static void
half(struct ymo_test_server *s, struct ymo_exchange *ex)
{
    start_reply(ex, -1);
    bool ok = ymo_exchange_respond(ex, "some", 4, false) == YMO_OK;
    pass_gate(s, ex);
    ymo_exchange_end(ex, !ok);
}

/* Where it can. */
static bool
note(struct ymo_exchange *ex, const char *text)
{
    return !ex->takes_notes || ymo_exchange_note(ex, text, strlen(text)) == YMO_OK;
}

static void
noted(struct ymo_test_server *s, struct ymo_exchange *ex)
{
    bool ok = note(ex, "before\n");
    start_reply(ex, -1);
    ok = ok && ymo_exchange_respond(ex, "some", 4, false) == YMO_OK && note(ex, "after\n");
    pass_gate(s, ex);
    ok = ok && note(ex, "last\n");
    ymo_exchange_end(ex, !ok);
}

static void
broken(struct ymo_exchange *ex, const char *args, bool after_a_piece)
{
    size_t len = args[0] ? strtoul(args, NULL, 10) : 4;
    char *data = calloc(1, len + 4);
    start_reply(ex, -1);
    if (data && after_a_piece) {
        memcpy(data, "some", 4);
        (void)!ymo_exchange_respond(ex, data, len, false);
    }
    free(data);
    ymo_exchange_end(ex, true);
}

static void
handle(struct ymo_exchange *ex, void *arg)
{
    struct ymo_test_server *s = arg;
    struct ymo_slice path = ymo_request_get(&ex->req, YMO_VAR_PATH_INFO);
    struct ymo_slice query = ymo_request_get(&ex->req, YMO_VAR_QUERY_STRING);
    char args[64] = "";
    if (query.len < sizeof(args))
        memcpy(args, query.data, query.len);
#define IS(literal) ymo_slice_eq(path, YMO_SLICE(literal))
    if (IS("/echo")) {
        echo(s, ex);
    } else if (IS("/stored")) {
        stored(s, ex);
    } else if (IS("/pieces")) {
        pieces(s, ex, args);
    } else if (IS("/long")) {
        longest(ex, args);
    } else if (IS("/file")) {
        file(s, ex, args);
    } else if (IS("/endless")) {
        endless(s, ex);
    } else if (IS("/gate")) {
        wait_at_gate(s, ex);
    } else if (IS("/client")) {
        ymo_exchange_pause(ex);
        pass_gate(s, ex);
        ymo_exchange_resume(ex);
        ymo_echo_executor_reply(ex, "here", 4);
    } else if (IS("/noted")) {
        noted(s, ex);
    } else if (IS("/half")) {
        half(s, ex);
    } else if (IS("/broken") || IS("/broken0")) {
        broken(ex, args, IS("/broken"));
    } else if (IS("/empty")) {
        ex->resp.status = 204;
        ex->resp.no_body = true;
        (void)!ymo_exchange_respond(ex, NULL, 0, true);
    } else if (IS("/early")) {
        ymo_echo_executor_reply(ex, "early", 5);
    } else if (IS("/stop-others")) {
        atomic_store(&s->stop, true);
        ymo_echo_executor_reply(ex, "done", 4);
    } else {
        ymo_echo_executor_reply(ex, "hello", 5);
    }
#undef IS
}

/* ---- life ------------------------------------------------------------------------------ */

static bool
leave_all(int signo)
{
    (void)signo;
    return true;
}

void
ymo_test_server_init(struct ymo_test_server *s)
{
    memset(s, 0, sizeof(*s));
    s->n_workers = 1;
    s->file = -1;
    sem_init(&s->gate, 0, 0);
    s->cfg = (struct ymo_reactor_config){
        .listeners = &s->listener,
        .n_listeners = 1,
        .limits = {.request_line = 8192, .header_bytes = 65536, .headers = 100, .max_body = 0},
        .script_name = "",
        .server = "test",
        .max_connections = 1000,
        .request_buffering = true,
        .body_memory = 64 * 1024,
        .response_buffer = 64 * 1024,
        .tmp_dir = "/tmp",
        .idle_timeout = 3600,
        .head_timeout = 3600,
        .body_timeout = 3600,
        .write_timeout = 3600,
        .linger_timeout = 3600,
        .graceful_timeout = 3600,
        .handshake_timeout = 3600,
        .max_handshakes = 100,
        .leave_signal = leave_all,
    };
}

static int
listen_on_loopback(int *port_r)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t len = sizeof(sa);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    *port_r = ntohs(sa.sin_port);
    return fd;
}

bool
ymo_test_server_start(struct ymo_test_server *s)
{
    /* What is tested here is mostly worth a line of log. Another server may be running. */
    if (ymo_log_level != YMO_LOG_FATAL)
        ymo_log_init(YMO_LOG_FATAL);
    int fd = s->beside ? dup(s->beside->listener.fd) : listen_on_loopback(&s->port);
    s->listener = (struct ymo_reactor_listener){
        .fd = fd,
        .codec = ymo_codec_find("http"),
        .tls = s->tls,
        .redirect = s->redirect,
        .name = "test",
        .id = 7,
    };
    if (s->beside)
        s->port = s->beside->port;
    if (s->codec)
        s->listener.codec = s->codec;
    if (!CHECK(s->listener.fd >= 0) || !CHECK(s->listener.codec != NULL))
        return false;
    ymo_echo_executor_start(&s->executor, s->n_workers, handle, s);
    if (!s->cfg.executor)
        s->cfg.executor = &s->executor.base;
    return CHECK(ymo_reactor_create(&s->cfg, &s->reactor) == YMO_OK) &&
           CHECK(ymo_reactor_start(s->reactor) == YMO_OK);
}

void
ymo_test_server_stop(struct ymo_test_server *s)
{
    ymo_reactor_stop(s->reactor);
    ymo_echo_executor_join(&s->executor); /* they leave when the reactor has nothing left */
    ymo_reactor_join(s->reactor);
    CHECK_INT(s->executor.drained, 1);
    CHECK_INT(s->executor.started + s->executor.taken_back, s->executor.submitted);
    if (s->file >= 0)
        close(s->file);
    sem_destroy(&s->gate);
}

struct ymo_http_client
ymo_test_server_client(struct ymo_test_server *s)
{
    struct ymo_http_client c;
    CHECK(ymo_http_client_open(&c, s->port, 0));
    return c;
}

void
ymo_test_server_open(struct ymo_test_server *s, int n)
{
    while (n-- > 0)
        sem_post(&s->gate);
}

bool
ymo_test_server_until(const atomic_int *counter, int n)
{
    for (int i = 0; atomic_load(counter) < n; i++) {
        if (i == 60 * 1000)
            return false;
        usleep(1000);
    }
    return true;
}

bool
ymo_test_server_hello(struct ymo_http_client *c)
{
    struct ymo_http_reply r = {0};
    bool ok = ymo_http_client_say(c, "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n") &&
              ymo_http_client_reply(c, &r, false) && r.status == 200 && !r.close &&
              ymo_slice_eq(ymo_buf_slice(&r.body), YMO_SLICE("hello"));
    ymo_http_reply_free(&r);
    return ok;
}

bool
ymo_test_server_begin(struct ymo_test_server *s, struct ymo_http_client *c_r)
{
    if (!ymo_test_server_start(s))
        return false;
    *c_r = ymo_test_server_client(s);
    return c_r->fd >= 0;
}

void
ymo_test_server_finish(struct ymo_test_server *s, struct ymo_http_client *c,
                       struct ymo_http_reply *r)
{
    ymo_http_reply_free(r);
    ymo_http_client_close(c);
    ymo_test_server_stop(s);
}
