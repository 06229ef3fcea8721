/* SPDX-License-Identifier: MIT */
/*
 * The file, as text. Its first two lines stay as they are in every version, so that a program that
 * does not know the version can at least close what it would otherwise hold for ever:
 *
 *     yimmo-handover VERSION PID
 *     close FD…                                   (all but what our own parent passed in)
 *     socket FD PROTOCOL IS_UNIX ID N:NAME N:UNLINK N:KEY       (N bytes each)
 *     worker PID LINK LEAVING
 *     end
 */
#include "supervisor/handover.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VERSION = 1, MAX_FILE = 16 << 20, MAX_FD = 1 << 24 };

static int file = -1; /* the list, between write and undo */

/* ---- the old program ---- */

/* A file without a name. -1, with errno set. */
static int
nameless(void)
{
    int fd = -1;
#ifdef __linux__
    fd = memfd_create("yimmo-handover", MFD_CLOEXEC);
#endif
    if (fd < 0) {
        char path[] = "/tmp/yimmo-handover.XXXXXX";
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
            (void)unlink(path);
    }
    return fd;
}

static bool
from_parent(const struct ymo_socket *s)
{
    return strncmp(s->key, "fd:", 3) == 0;
}

static void
write_list(FILE *f, const struct ymo_sockets *socks, const struct ymo_handover_worker *workers,
           size_t n_workers, const char *tickets)
{
    (void)fprintf(f, "yimmo-handover %d %ld\nclose", VERSION, (long)getpid());
    for (size_t i = 0; i < socks->n; i++) {
        if (!from_parent(&socks->items[i]))
            (void)fprintf(f, " %d", socks->items[i].fd);
    }
    for (size_t i = 0; i < n_workers; i++)
        (void)fprintf(f, " %d", workers[i].link);
    (void)fputc('\n', f);
    for (size_t i = 0; i < socks->n; i++) {
        const struct ymo_socket *s = &socks->items[i];
        (void)fprintf(f, "socket %d %s %d %" PRIu32 " %zu:%s %zu:%s %zu:%s\n", s->fd,
                      ymo_addr_protocol(s->protocol), s->is_unix, s->id, strlen(s->name), s->name,
                      strlen(s->unlink), s->unlink, strlen(s->key), s->key);
    }
    for (size_t i = 0; i < n_workers; i++)
        (void)fprintf(f, "worker %ld %d %d\n", (long)workers[i].pid, workers[i].link,
                      workers[i].leaving);
    if (*tickets)
        (void)fprintf(f, "tickets %zu:%s\n", strlen(tickets), tickets);
    (void)fputs("end\n", f);
}

static int
keep(int fd, bool on)
{
    return fcntl(fd, F_SETFD, on ? 0 : FD_CLOEXEC);
}

static int
keep_all(const struct ymo_sockets *socks, const struct ymo_handover_worker *workers,
         size_t n_workers, bool on)
{
    int rc = 0;
    for (size_t i = 0; i < socks->n; i++)
        rc |= keep(socks->items[i].fd, on);
    for (size_t i = 0; i < n_workers; i++)
        rc |= keep(workers[i].link, on);
    return rc;
}

int
ymo_handover_write(const struct ymo_sockets *socks, const struct ymo_handover_worker *workers,
                   size_t n_workers, const char *tickets, char *env_r, size_t len)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return YMO_ENOMEM;
    write_list(f, socks, workers, n_workers, tickets);
    if (fclose(f) != 0 || size > MAX_FILE) {
        free(text);
        return YMO_ENOMEM;
    }
    file = nameless();
    ssize_t n = file < 0 ? -1 : pwrite(file, text, size, 0);
    explicit_bzero(text, size);
    free(text);
    if (n >= 0 && (size_t)n != size)
        errno = ENOSPC;
    int rc = n >= 0 && (size_t)n == size ? YMO_OK : YMO_EIO;
    if (rc == YMO_OK && (size_t)snprintf(env_r, len, "%s=%d", YMO_HANDOVER_ENV, file) >= len)
        rc = YMO_EINVAL;
    if (rc == YMO_OK && (keep(file, true) | keep_all(socks, workers, n_workers, true)) != 0)
        rc = YMO_EIO;
    if (rc < 0)
        ymo_handover_undo(socks, workers, n_workers);
    return rc;
}

void
ymo_handover_undo(const struct ymo_sockets *socks, const struct ymo_handover_worker *workers,
                  size_t n_workers)
{
    int err = errno;
    (void)keep_all(socks, workers, n_workers, false);
    if (file >= 0)
        close(file);
    file = -1;
    errno = err;
}

/* ---- the new one ---- */

/* What is left of the text, NUL-terminated. */
struct cursor {
    const char *at;
    size_t len;
};

static bool
literal(struct cursor *c, const char *text)
{
    size_t n = strlen(text);
    if (c->len < n || memcmp(c->at, text, n) != 0)
        return false;
    c->at += n;
    c->len -= n;
    return true;
}

/* A decimal number of at most `max`. */
static bool
number(struct cursor *c, uint64_t max, uint64_t *v_r)
{
    uint64_t v = 0;
    size_t n = 0;
    for (; c->len > 0 && *c->at >= '0' && *c->at <= '9'; c->at++, c->len--, n++) {
        v = v * 10 + (uint64_t)(*c->at - '0');
        if (v > max)
            return false;
    }
    *v_r = v;
    return n > 0;
}

static bool
descriptor(struct cursor *c, int *fd_r)
{
    uint64_t v;
    if (!number(c, MAX_FD, &v))
        return false;
    *fd_r = (int)v;
    return true;
}

static bool
flag(struct cursor *c, bool *v_r)
{
    uint64_t v;
    if (!number(c, 1, &v))
        return false;
    *v_r = v == 1;
    return true;
}

/* "N:BYTES", which fit dst and hold no NUL. */
static bool
string(struct cursor *c, char *dst, size_t size)
{
    uint64_t n;
    if (!number(c, size - 1, &n) || !literal(c, ":") || c->len < n || memchr(c->at, 0, n))
        return false;
    memcpy(dst, c->at, n);
    dst[n] = '\0';
    c->at += n;
    c->len -= n;
    return true;
}

static bool
protocol(struct cursor *c, enum ymo_protocol *p_r)
{
    for (int i = 0; i < YMO_N_PROTOCOLS; i++) {
        struct cursor try = *c;
        if (literal(&try, ymo_addr_protocol((enum ymo_protocol)i)) && literal(&try, " ")) {
            *p_r = (enum ymo_protocol)i;
            *c = try;
            return true;
        }
    }
    return false;
}

static bool
socket_option_is(int fd, int option, int value)
{
    int v = 0;
    socklen_t len = sizeof(v);
    return getsockopt(fd, SOL_SOCKET, option, &v, &len) == 0 && v == value;
}

static bool
read_socket(struct cursor *c, struct ymo_sockets *socks)
{
    struct ymo_socket s = {.fd = -1};
    uint64_t id;
    if (!descriptor(c, &s.fd) || !literal(c, " ") || !protocol(c, &s.protocol) ||
        !flag(c, &s.is_unix) || !literal(c, " ") || !number(c, UINT32_MAX, &id) || id == 0 ||
        !literal(c, " ") || !string(c, s.name, sizeof(s.name)) || !literal(c, " ") ||
        !string(c, s.unlink, sizeof(s.unlink)) || !literal(c, " ") ||
        !string(c, s.key, sizeof(s.key)) || !literal(c, "\n"))
        return false;
    s.id = (uint32_t)id;
    for (size_t i = 0; i < socks->n; i++) {
        if (socks->items[i].fd == s.fd || socks->items[i].id == s.id)
            return false;
    }
    return socket_option_is(s.fd, SO_TYPE, SOCK_STREAM) &&
           socket_option_is(s.fd, SO_ACCEPTCONN, 1) && ymo_sockets_adopt(socks, &s) == YMO_OK;
}

struct workers {
    struct ymo_handover_worker *items;
    size_t n;
};

static bool
is_child(pid_t pid)
{
    siginfo_t info;
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static bool
read_worker(struct cursor *c, struct workers *ws)
{
    struct ymo_handover_worker w;
    uint64_t pid;
    if (!number(c, INT32_MAX, &pid) || pid < 2 || !literal(c, " ") || !descriptor(c, &w.link) ||
        !literal(c, " ") || !flag(c, &w.leaving) || !literal(c, "\n"))
        return false;
    w.pid = (pid_t)pid;
    for (size_t i = 0; i < ws->n; i++) {
        if (ws->items[i].link == w.link || ws->items[i].pid == w.pid)
            return false;
    }
    if (!socket_option_is(w.link, SO_TYPE, SOCK_SEQPACKET) || !is_child(w.pid))
        return false;
    struct ymo_handover_worker *items = realloc(ws->items, (ws->n + 1) * sizeof(*items));
    if (!items)
        return false;
    ws->items = items;
    items[ws->n++] = w;
    return true;
}

static bool
read_lists(struct cursor *c, struct ymo_sockets *socks, struct workers *ws, char *tickets_r)
{
    while (literal(c, "socket ")) {
        if (!read_socket(c, socks))
            return false;
    }
    while (literal(c, "worker ")) {
        if (!read_worker(c, ws))
            return false;
    }
    if (literal(c, "tickets ") && (!string(c, tickets_r, YMO_TLS_STATE) || !literal(c, "\n")))
        return false;
    return literal(c, "end\n") && c->len == 0 && socks->n > 0;
}

/* The line of what is to be closed; `really` or only passed over. */
static bool
close_line(struct cursor *c, int list, bool really)
{
    int fd;
    if (!literal(c, "close"))
        return false;
    while (literal(c, " ")) {
        if (!descriptor(c, &fd))
            return false;
        if (really && fd > STDERR_FILENO && fd != list)
            close(fd);
    }
    return literal(c, "\n");
}

/* The descriptor that the variable names, if that is a file of ours; or -1. */
static int
named(const char *value)
{
    struct cursor c = {value, strlen(value)};
    struct stat st;
    int fd;
    if (!descriptor(&c, &fd) || c.len > 0 || fd <= STDERR_FILENO || fstat(fd, &st) != 0 ||
        !S_ISREG(st.st_mode) || st.st_size > MAX_FILE || st.st_nlink != 0)
        return -1;
    return fd;
}

/* All of it, NUL-terminated; NULL. */
static char *
slurp(int fd, size_t *len_r)
{
    struct stat st;
    size_t size = fstat(fd, &st) == 0 ? (size_t)st.st_size : 0;
    char *text = malloc(size + 1);
    if (!text)
        return NULL;
    ssize_t n = pread(fd, text, size, 0);
    *len_r = n > 0 ? (size_t)n : 0;
    text[*len_r] = '\0';
    return text;
}

/* NULL when all is well; else what is wrong. */
static const char *
read_file(struct cursor c, int list, struct ymo_sockets *socks, struct workers *ws, char *tickets_r)
{
    uint64_t version, pid;
    if (!literal(&c, "yimmo-handover ") || !number(&c, UINT32_MAX, &version) || !literal(&c, " ") ||
        !number(&c, INT32_MAX, &pid) || !literal(&c, "\n"))
        return "it is none of ours";
    if (pid != (uint64_t)getpid())
        return "it is another process's"; /* whose descriptors are not what it lists */
    struct cursor closing = c;
    const char *why = version == VERSION ? NULL : "it is that of another version";
    if (!why && (!close_line(&c, list, false) || !read_lists(&c, socks, ws, tickets_r)))
        why = "it does not describe what there is";
    if (why)
        (void)close_line(&closing, list, true);
    return why;
}

int
ymo_handover_read(struct ymo_sockets *socks_r, struct ymo_handover_worker **workers_r, size_t *n_r,
                  char tickets_r[YMO_TLS_STATE])
{
    struct workers ws = {0};
    const char *value = getenv(YMO_HANDOVER_ENV), *why = "it is no list of descriptors";
    *socks_r = (struct ymo_sockets){0};
    *workers_r = NULL;
    *n_r = 0;
    tickets_r[0] = '\0';
    if (!value)
        return 0;
    int fd = named(value);
    if (fd >= 0) {
        size_t len = 0;
        char *text = slurp(fd, &len);
        why = text ? read_file((struct cursor){text, len}, fd, socks_r, &ws, tickets_r)
                   : "out of memory";
        if (text)
            explicit_bzero(text, len);
        free(text);
        close(fd);
    }
    (void)unsetenv(YMO_HANDOVER_ENV);
    if (why) {
        ymo_warn("what the program before this one left is not taken over (%s): %s; starting "
                 "afresh",
                 YMO_HANDOVER_ENV, why);
        free(socks_r->items);
        free(ws.items);
        *socks_r = (struct ymo_sockets){0};
        return 0;
    }
    (void)keep_all(socks_r, ws.items, ws.n, false);
    *workers_r = ws.items;
    *n_r = ws.n;
    return 1;
}
