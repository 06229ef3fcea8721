/* SPDX-License-Identifier: MIT */
/*
 * Load for fair.py: fast requests among slow ones, at random times of a given average rate whether
 * answers come or not (so that a stalled server is not asked less), or from a number of clients
 * that each wait for their answer. Over kept-alive connections, or one connection a request.
 *
 *     mixload PORT SECONDS RATE|0 CLIENTS SLOW-PERCENT close|keep
 *
 * CLIENTS is also how many connections are kept at least, used in turn.
 * Latency counts from the moment a request was due. Prints percentiles in milliseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { CONNS = 4096, EVENTS = 256 };

struct conn {
    int fd;
    bool busy, slow, connecting;
    double due;
    struct conn *next_free;
    size_t got, want; /* bytes of the answer; want 0: its head is not complete */
    char head[2048];
};

/* Idle ones are used in turn, as a pool of browsers or a proxy's does. */
static struct conn conns[CONNS], *idle, *idle_last;
static int n_conns, ep, port, percent, pool;
static bool keep;
static double *times[2];
static size_t n_times[2], cap_times[2];
static unsigned long errors, unfinished;
static uint64_t seed = 0x9e3779b97f4a7c15;

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
uniform(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (double)(seed >> 11) / 9007199254740992.0;
}

static void
note(const struct conn *c)
{
    int k = c->slow;
    if (n_times[k] == cap_times[k]) {
        cap_times[k] = cap_times[k] ? cap_times[k] * 2 : 4096;
        times[k] = realloc(times[k], cap_times[k] * sizeof(double));
        if (!times[k])
            abort();
    }
    times[k][n_times[k]++] = now() - c->due;
}

static void
drop(struct conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

static void
finish(struct conn *c, bool ok)
{
    if (!c->busy)
        return;
    c->busy = false;
    if (ok)
        note(c);
    else
        errors++;
    c->next_free = NULL;
    if (idle)
        idle_last->next_free = c;
    else
        idle = c;
    idle_last = c;
}

static void
ask(struct conn *c)
{
    char text[160];
    int n = snprintf(text, sizeof(text), "GET /%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
                     c->slow ? "slow" : "fast", keep ? "" : "Connection: close\r\n");
    c->got = c->want = 0;
    if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) != n) {
        drop(c);
        finish(c, false);
    }
}

static void
dial(struct conn *c)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    int one = 1;
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0 ||
        (connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 && errno != EINPROGRESS)) {
        drop(c);
        finish(c, false);
        return;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    c->connecting = true;
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev);
}

static void
start(double due)
{
    struct conn *c = idle;
    if (c && n_conns >= pool) {
        idle = c->next_free;
    } else if (n_conns < CONNS) {
        c = &conns[n_conns++];
        c->fd = -1;
    } else {
        errors++;
        return;
    }
    c->busy = true;
    c->slow = uniform() * 100 < percent;
    c->due = due;
    if (c->fd < 0)
        dial(c);
    else
        ask(c);
}

/* The whole answer has its length announced. */
static void
take(struct conn *c)
{
    for (;;) {
        char rest[4096];
        bool head = c->want == 0 && c->got < sizeof(c->head) - 1;
        ssize_t n = head ? recv(c->fd, c->head + c->got, sizeof(c->head) - 1 - c->got, 0)
                         : recv(c->fd, rest, sizeof(rest), 0);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            drop(c); /* an idle one that the server ended is made anew when it is needed */
            finish(c, false);
            return;
        }
        c->got += (size_t)n;
        if (!c->busy)
            continue;
        if (c->want == 0) {
            c->head[c->got] = '\0';
            char *end = strstr(c->head, "\r\n\r\n");
            char *length = strcasestr(c->head, "\r\ncontent-length:");
            if (!end)
                continue;
            if (!length || strncmp(c->head + 8, " 200", 4) != 0) {
                drop(c);
                finish(c, false);
                return;
            }
            c->want = (size_t)(end + 4 - c->head) + strtoul(length + 17, NULL, 10);
        }
        if (c->got >= c->want) {
            bool ends = !keep || strcasestr(c->head, "\r\nconnection: close") ||
                        strncmp(c->head, "HTTP/1.0", 8) == 0;
            if (ends)
                drop(c);
            finish(c, true);
            if (ends)
                return;
        }
    }
}

static void
on_event(struct conn *c, uint32_t events)
{
    if (c->connecting && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
        int err = 0;
        socklen_t len = sizeof(err);
        c->connecting = false;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
        if (err) {
            drop(c);
            finish(c, false);
            return;
        }
        ask(c);
    }
    if (c->fd >= 0 && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        take(c);
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
percentile(int k, double p)
{
    if (n_times[k] == 0)
        return 0;
    size_t i = (size_t)(p / 100 * (double)n_times[k]);
    return times[k][i < n_times[k] ? i : n_times[k] - 1] * 1e3;
}

static unsigned long
count_busy(void)
{
    unsigned long n = 0;
    for (int i = 0; i < n_conns; i++)
        n += conns[i].busy;
    return n;
}

int
main(int argc, char **argv)
{
    struct epoll_event evs[EVENTS];
    if (argc != 7) {
        fputs("usage: mixload PORT SECONDS RATE|0 CLIENTS SLOW-PERCENT close|keep\n", stderr);
        return 2;
    }
    port = atoi(argv[1]);
    double seconds = atof(argv[2]), rate = atof(argv[3]), begin = now(), next = begin;
    unsigned long clients = strtoul(argv[4], NULL, 10);
    percent = atoi(argv[5]);
    pool = clients < CONNS ? (int)clients : CONNS;
    keep = strcmp(argv[6], "keep") == 0;
    ep = epoll_create1(0);
    int clock = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(ep, EPOLL_CTL_ADD, clock, &ev);
    for (;;) {
        double t = now();
        if (t > begin + seconds + 10 || (t > begin + seconds && count_busy() == 0))
            break;
        if (t < begin + seconds && rate > 0) {
            for (; next <= t; next += -log(1 - uniform()) / rate)
                start(next);
            double wait = next - now();
            struct itimerspec set = {.it_value = {.tv_nsec = 1}};
            if (wait > 0) {
                set.it_value.tv_sec = (time_t)wait;
                set.it_value.tv_nsec = (long)((wait - floor(wait)) * 1e9) + 1;
                if (set.it_value.tv_nsec > 999999999)
                    set.it_value.tv_nsec = 999999999;
            }
            timerfd_settime(clock, 0, &set, NULL);
        } else if (t < begin + seconds) {
            for (unsigned long busy = count_busy(); busy < clients; busy++)
                start(t);
        }
        int n = epoll_wait(ep, evs, EVENTS, 100);
        for (int i = 0; i < n; i++) {
            uint64_t expirations;
            if (evs[i].data.ptr)
                on_event(evs[i].data.ptr, evs[i].events);
            else if (read(clock, &expirations, sizeof(expirations)) < 0)
                continue;
        }
    }
    unfinished = count_busy();
    for (int k = 0; k < 2; k++)
        qsort(times[k], n_times[k], sizeof(double), compare);
    printf("{\"fast\": %zu, \"slow\": %zu, \"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, "
           "\"max\": %.3f, \"slow_p50\": %.3f, \"errors\": %lu}\n",
           n_times[0], n_times[1], percentile(0, 50), percentile(0, 90), percentile(0, 99),
           percentile(0, 100), percentile(1, 50), errors + unfinished);
    return 0;
}
