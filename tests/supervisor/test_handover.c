/* SPDX-License-Identifier: MIT */
/* One process plays both programs: the process id stays over execve, and so do descriptors. */
#include "supervisor/handover.h"
#include "tests/support/capture.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_WORKERS = 2 };

static char dir[] = "/tmp/yimmo-wsgi-handover.XXXXXX";
static struct ymo_sockets socks;
static struct ymo_handover_worker workers[N_WORKERS];
static int far_ends[N_WORKERS];
static char entry[64]; /* the environment points here */
static char tickets[YMO_TLS_STATE];

static void
set_up(void)
{
    char path[64], *binds[] = {(char *)(uintptr_t) "127.0.0.1:0", path};
    snprintf(path, sizeof(path), "uwsgi://unix:%s/a b", dir);
    const struct ymo_settings s = {.backlog = 4, .bind = {binds, 2}};
    if (ymo_sockets_open(&s, &socks) < 0)
        abort();
    for (int i = 0; i < N_WORKERS; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
            abort();
        workers[i] = (struct ymo_handover_worker){.pid = fork(), .link = pair[0], .leaving = i};
        if (workers[i].pid == 0) {
            char c;
            close(pair[0]);
            _exit(read(pair[1], &c, 1) == 0 ? 0 : 1); /* ends with the link, as a worker does */
        }
        far_ends[i] = pair[1];
    }
}

static void
tear_down(void)
{
    for (int i = 0; i < N_WORKERS; i++) {
        (void)kill(workers[i].pid, SIGKILL);
        (void)waitpid(workers[i].pid, NULL, 0);
        (void)close(workers[i].link);
        close(far_ends[i]);
    }
    ymo_sockets_close(&socks, false);
}

static bool
survives_exec(int fd)
{
    return fcntl(fd, F_GETFD) == 0;
}

static void
taken_over(void)
{
    struct ymo_sockets got;
    struct ymo_handover_worker *ws;
    size_t n;
    int before = ymo_capture_n_open();
    set_up();
    int open = ymo_capture_n_open();
    REQUIRE(ymo_handover_write(&socks, workers, N_WORKERS, "1:ab", entry, sizeof(entry)) == YMO_OK);
    for (size_t i = 0; i < 2; i++)
        CHECK(survives_exec(socks.items[i].fd) && survives_exec(workers[i].link));
    REQUIRE(strncmp(entry, YMO_HANDOVER_ENV "=", strlen(YMO_HANDOVER_ENV) + 1) == 0);
    CHECK(survives_exec(atoi(strchr(entry, '=') + 1)));
    putenv(entry);
    REQUIRE(ymo_handover_read(&got, &ws, &n, tickets) == 1);
    CHECK(getenv(YMO_HANDOVER_ENV) == NULL);
    CHECK_INT(ymo_capture_n_open(), open); /* the list is closed */
    CHECK_STR(tickets, "1:ab");
    REQUIRE(got.n == 2 && n == N_WORKERS);
    for (size_t i = 0; i < 2; i++) {
        const struct ymo_socket *a = &socks.items[i], *b = &got.items[i];
        CHECK_INT(b->fd, a->fd);
        CHECK_INT(b->protocol, a->protocol);
        CHECK_INT(b->is_unix, a->is_unix);
        CHECK_INT(b->id, a->id);
        CHECK_STR(b->name, a->name);
        CHECK_STR(b->unlink, a->unlink);
        CHECK_STR(b->key, a->key);
        CHECK_INT(ws[i].pid, workers[i].pid);
        CHECK_INT(ws[i].link, workers[i].link);
        CHECK_INT(ws[i].leaving, workers[i].leaving);
        CHECK(!survives_exec(b->fd) && !survives_exec(ws[i].link));
    }
    free(ws);
    free(got.items);
    tear_down();
    CHECK_INT(ymo_capture_n_open(), before);
}

static void
undone(void)
{
    set_up();
    int open = ymo_capture_n_open();
    REQUIRE(ymo_handover_write(&socks, workers, N_WORKERS, "", entry, sizeof(entry)) == YMO_OK);
    CHECK_INT(ymo_capture_n_open(), open + 1);
    errno = ENOEXEC;
    ymo_handover_undo(&socks, workers, N_WORKERS);
    CHECK_INT(errno, ENOEXEC);
    CHECK_INT(ymo_capture_n_open(), open);
    for (size_t i = 0; i < 2; i++)
        CHECK(!survives_exec(socks.items[i].fd) && !survives_exec(workers[i].link));
    char small[8];
    CHECK_INT(ymo_handover_write(&socks, workers, N_WORKERS, "", small, sizeof(small)), YMO_EINVAL);
    CHECK_INT(ymo_capture_n_open(), open);
    CHECK(!survives_exec(socks.items[0].fd));
    tear_down();
}

static void
nothing_to_take_over(void)
{
    struct ymo_sockets got;
    struct ymo_handover_worker *ws;
    size_t n = 1;
    ymo_capture_begin();
    CHECK_INT(ymo_handover_read(&got, &ws, &n, tickets), 0);
    CHECK_STR(ymo_capture_end(), "");
    CHECK(got.n == 0 && ws == NULL && n == 0);
}

/* Have `text` read as the list. One warning, and nothing is taken over. */
static void
read_bad(const char *text, size_t len)
{
    struct ymo_sockets got;
    struct ymo_handover_worker *ws;
    size_t n;
    int fd = memfd_create("test", 0);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len)
        abort();
    snprintf(entry, sizeof(entry), "%s=%d", YMO_HANDOVER_ENV, fd);
    putenv(entry);
    ymo_capture_begin();
    CHECK_INT(ymo_handover_read(&got, &ws, &n, tickets), 0);
    const char *line = ymo_capture_end(), *nl = strchr(line, '\n');
    CHECK(strstr(line, "WARNING") && strstr(line, YMO_HANDOVER_ENV) && nl && nl[1] == '\0');
    CHECK(got.items == NULL && ws == NULL && n == 0);
    CHECK(getenv(YMO_HANDOVER_ENV) == NULL);
    CHECK(fcntl(fd, F_GETFD) < 0);
}

/* The list that the old program would leave; a static text. */
static char *
good_list(size_t *len_r)
{
    static char text[4096];
    if (ymo_handover_write(&socks, workers, N_WORKERS, "", entry, sizeof(entry)) < 0)
        abort();
    ssize_t n = pread(atoi(strchr(entry, '=') + 1), text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    *len_r = (size_t)(n > 0 ? n : 0);
    ymo_handover_undo(&socks, workers, N_WORKERS);
    return text;
}

/* Closed, so that the addresses can be bound afresh; the workers' links too: they end. */
static void
check_closed(void)
{
    for (int i = 0; i < N_WORKERS; i++) {
        CHECK(fcntl(socks.items[i].fd, F_GETFD) < 0);
        CHECK(fcntl(workers[i].link, F_GETFD) < 0);
        socks.items[i].fd = -1;
    }
}

static void
other_version(void)
{
    char text[128];
    set_up();
    snprintf(text, sizeof(text), "yimmo-handover 99 %ld\nclose %d %d %d %d\nwhatever that means\n",
             (long)getpid(), socks.items[0].fd, socks.items[1].fd, workers[0].link,
             workers[1].link);
    read_bad(text, strlen(text));
    check_closed();
    tear_down();
}

static void
other_process(void)
{
    size_t len;
    set_up();
    char *text = good_list(&len), other[4096];
    int n = snprintf(other, sizeof(other), "yimmo-handover 1 %ld%s", (long)getppid(),
                     strchr(text, '\n'));
    read_bad(other, (size_t)n);
    for (size_t i = 0; i < 2; i++) /* what has these numbers here is not what is meant */
        CHECK(fcntl(socks.items[i].fd, F_GETFD) >= 0 && fcntl(workers[i].link, F_GETFD) >= 0);
    tear_down();
}

/* Cut anywhere: never half of it. */
static void
cut_off(void)
{
    size_t len;
    set_up();
    char *text = good_list(&len);
    size_t lines = (size_t)(strchr(strchr(text, '\n') + 1, '\n') + 1 - text);
    for (size_t cut = 0; cut < len; cut += cut < lines ? 1 : 7) {
        int kept[2 * N_WORKERS];
        ymo_test_context("cut at %zu", cut);
        for (int i = 0; i < N_WORKERS; i++) {
            kept[i] = fcntl(socks.items[i].fd, F_DUPFD_CLOEXEC, 500);
            kept[N_WORKERS + i] = fcntl(workers[i].link, F_DUPFD_CLOEXEC, 500);
        }
        read_bad(text, cut);
        for (int i = 0; i < N_WORKERS; i++) { /* as they were, for the next round */
            dup3(kept[i], socks.items[i].fd, O_CLOEXEC);
            dup3(kept[N_WORKERS + i], workers[i].link, O_CLOEXEC);
            close(kept[i]);
            close(kept[N_WORKERS + i]);
        }
    }
    ymo_test_context(NULL);
    tear_down();
}

/* Each line is wrong in one thing; the rest of the list is good. */
static void
lies(void)
{
    set_up();
    int tcp = socks.items[0].fd, plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    long pid = workers[0].pid;
    int link = workers[0].link;
    char rows[16][384];
    size_t n = 0;
    char good_socket[128], good_worker[64];
    snprintf(good_socket, sizeof(good_socket), "socket %d http 0 7 1:n 0: 1:k\n", tcp);
    snprintf(good_worker, sizeof(good_worker), "worker %ld %d 0\n", pid, link);
#define ROW(...) snprintf(rows[n++], sizeof(rows[0]), __VA_ARGS__)
    ROW("socket 999 http 0 1 1:n 0: 1:k\n%s", good_worker);
    ROW("socket %d http 0 1 1:n 0: 1:k\n%s", plain, good_worker); /* does not listen */
    ROW("socket %d gopher 0 1 1:n 0: 1:k\n%s", tcp, good_worker);
    ROW("socket %d http 2 1 1:n 0: 1:k\n%s", tcp, good_worker);
    ROW("socket %d http 0 0 1:n 0: 1:k\n%s", tcp, good_worker);
    ROW("socket %d http 0 1 999:n 0: 1:k\n%s", tcp, good_worker);
    ROW("socket %d http 0 1 300:n 0: 1:k\n%s", tcp, good_worker); /* longer than the rest */
    ROW("socket -1 http 0 1 1:n 0: 1:k\n%s", good_worker);
    ROW("%s%s%s", good_socket, good_socket, good_worker); /* twice */
    ROW("%sworker 1 %d 0\n", good_socket, link);
    ROW("%sworker %ld %d 0\n", good_socket, (long)getpid(), link); /* no child */
    ROW("%sworker %ld %d 0\n", good_socket, pid, tcp);             /* no link */
    ROW("%s%s%s", good_socket, good_worker, good_worker);
    ROW("%s", good_worker); /* nothing to listen on */
#undef ROW
    for (size_t i = 0; i < n; i++) {
        char text[512];
        ymo_test_context("%s", rows[i]);
        int len = snprintf(text, sizeof(text), "yimmo-handover 1 %ld\nclose\n%send\n",
                           (long)getpid(), rows[i]);
        read_bad(text, (size_t)len);
    }
    ymo_test_context(NULL);
    close(plain);
    tear_down();
}

static void
no_list_at_all(void)
{
    char named[64], file[64];
    snprintf(file, sizeof(file), "%s/file", dir);
    int fd = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0600), ends[2];
    REQUIRE(fd >= 0 && pipe2(ends, O_CLOEXEC) == 0);
    snprintf(named, sizeof(named), "%d", fd);
    char pipe_end[16];
    snprintf(pipe_end, sizeof(pipe_end), "%d", ends[0]);
    /* A file with a name is somebody's, and 2 is stderr. */
    const char *const values[] = {"",   "x",   "-1",    "2", "999", "99999999999999999999",
                                  "3x", named, pipe_end};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct ymo_sockets got;
        struct ymo_handover_worker *ws;
        size_t n;
        ymo_test_context("%s", values[i]);
        setenv(YMO_HANDOVER_ENV, values[i], 1);
        ymo_capture_begin();
        CHECK_INT(ymo_handover_read(&got, &ws, &n, tickets), 0);
        CHECK(strstr(ymo_capture_end(), "WARNING") != NULL);
        CHECK(getenv(YMO_HANDOVER_ENV) == NULL);
    }
    ymo_test_context(NULL);
    CHECK(fcntl(fd, F_GETFD) >= 0 && fcntl(ends[0], F_GETFD) >= 0); /* not ours to close */
    close(fd);
    close(ends[0]);
    close(ends[1]);
    CHECK_INT(unlink(file), 0);
}

static void
tmp_begin(void)
{
    REQUIRE(mkdtemp(dir) != NULL);
}

static void
tmp_end(void)
{
    CHECK_INT(rmdir(dir), 0);
}

YMO_SUITE(handover, tmp_begin, taken_over, undone, nothing_to_take_over, other_version,
          other_process, cut_off, lies, no_list_at_all, tmp_end);
