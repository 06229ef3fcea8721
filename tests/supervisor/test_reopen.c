/* SPDX-License-Identifier: MIT */
/* The sockets of a reload: what is kept, what is new, what is given up. */
#include "supervisor/sockets.h"
#include "tests/support/capture.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/yimmo-wsgi-reopen.XXXXXX";
static const char *line; /* what was logged */

/* `binds`: separated by spaces. With `old` NULL: the first start. */
static int
open_binds(const char *binds, const struct ymo_sockets *old, struct ymo_sockets *socks)
{
    char text[256], *items[8], *save = NULL;
    size_t n = 0;
    snprintf(text, sizeof(text), "%s", binds);
    for (char *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save))
        items[n++] = p;
    const struct ymo_settings s = {
        .host = (char *)(uintptr_t) "127.0.0.1", .backlog = 16, .bind = {items, n}};
    ymo_capture_begin();
    int rc = old ? ymo_sockets_reopen(&s, old, socks) : ymo_sockets_open(&s, socks);
    line = ymo_capture_end();
    return rc;
}

static int
port_of(int fd)
{
    struct sockaddr_in sa;
    socklen_t len = sizeof(sa);
    return getsockname(fd, (struct sockaddr *)&sa, &len) == 0 ? ntohs(sa.sin_port) : -1;
}

/* Does something accept there? */
static bool
reachable(in_addr_t host, int port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    sa.sin_addr.s_addr = htonl(host);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
    close(fd);
    return ok;
}

static bool
reachable_unix(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0;
    close(fd);
    return ok;
}

static const struct ymo_socket *
by_key(const struct ymo_sockets *socks, const char *key)
{
    for (size_t i = 0; i < socks->n; i++) {
        if (strcmp(socks->items[i].key, key) == 0)
            return &socks->items[i];
    }
    return NULL;
}

static void
same_settings_same_sockets(void)
{
    struct ymo_sockets old, new;
    char binds[128], key[96];
    int before = ymo_capture_n_open();
    snprintf(binds, sizeof(binds), "127.0.0.1:0 unix:%s/same", dir);
    snprintf(key, sizeof(key), "unix:%s/same", dir);
    REQUIRE(open_binds(binds, NULL, &old) == YMO_OK);
    CHECK(old.items[0].id != 0 && old.items[1].id != 0 && old.items[0].id != old.items[1].id);
    int open = ymo_capture_n_open(), port = port_of(old.items[0].fd);
    REQUIRE(open_binds(binds, &old, &new) == YMO_OK);
    CHECK_INT(ymo_capture_n_open(), open);
    REQUIRE(new.n == 2);
    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(new.items[i].fd, old.items[i].fd);
        CHECK_INT(new.items[i].id, old.items[i].id);
        CHECK_STR(new.items[i].name, old.items[i].name);
        CHECK_STR(new.items[i].unlink, old.items[i].unlink);
    }
    CHECK_INT(port_of(new.items[0].fd), port); /* asked for any, and this one it is */
    CHECK(by_key(&new, key) != NULL);
    ymo_sockets_drop(&old, &new);
    CHECK(old.items == NULL && old.n == 0);
    CHECK(reachable(INADDR_LOOPBACK, port));
    CHECK(reachable_unix(key + 5));
    ymo_sockets_drop(&new, &old);
    CHECK_INT(ymo_capture_n_open(), before);
    CHECK(!reachable_unix(key + 5));
}

/* Two of any free port are written alike, and stay two. */
static void
free_ports_stay_apart(void)
{
    struct ymo_sockets old, new, third;
    const char *binds = "127.0.0.1:0 uwsgi://127.0.0.1:0 127.0.0.1:0";
    int before = ymo_capture_n_open();
    REQUIRE(open_binds(binds, NULL, &old) == YMO_OK);
    int open = ymo_capture_n_open();
    REQUIRE(open_binds(binds, &old, &new) == YMO_OK);
    CHECK_INT(ymo_capture_n_open(), open);
    REQUIRE(new.n == 3);
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(new.items[i].fd, old.items[i].fd);
        CHECK_STR(new.items[i].name, old.items[i].name);
        CHECK_INT(new.items[i].protocol, old.items[i].protocol);
    }
    /* In another order each keeps its port, and one that is for something else takes what is left.
     */
    REQUIRE(open_binds("uwsgi://127.0.0.1:0 127.0.0.1:0 fastcgi://127.0.0.1:0", &old, &third) ==
            YMO_OK);
    CHECK_INT(ymo_capture_n_open(), open);
    REQUIRE(third.n == 3);
    CHECK_INT(third.items[0].fd, old.items[1].fd);
    CHECK_INT(third.items[1].fd, old.items[0].fd);
    CHECK_INT(third.items[2].fd, old.items[2].fd);
    CHECK_INT(third.items[2].protocol, YMO_PROTO_FASTCGI);
    ymo_sockets_drop(&third, &old);
    ymo_sockets_drop(&old, &new);
    ymo_sockets_close(&new, false);
    CHECK_INT(ymo_capture_n_open(), before);
}

static void
some_go_some_come(void)
{
    struct ymo_sockets old, new;
    char binds[192], gone[64], kept[64], come[64];
    snprintf(gone, sizeof(gone), "%s/gone", dir);
    snprintf(kept, sizeof(kept), "%s/kept", dir);
    snprintf(come, sizeof(come), "%s/come", dir);
    snprintf(binds, sizeof(binds), "unix:%s unix:%s", gone, kept);
    REQUIRE(open_binds(binds, NULL, &old) == YMO_OK);
    uint32_t id = old.items[1].id, newest = id > old.items[0].id ? id : old.items[0].id;
    snprintf(binds, sizeof(binds), "unix:%s uwsgi://unix:%s", come, kept);
    REQUIRE(open_binds(binds, &old, &new) == YMO_OK);
    REQUIRE(new.n == 2);
    snprintf(binds, sizeof(binds), "unix:%s", kept);
    const struct ymo_socket *k = by_key(&new, binds);
    REQUIRE(k != NULL);
    CHECK_INT(k->id, id);
    CHECK_INT(k->protocol, YMO_PROTO_UWSGI);
    CHECK(strncmp(k->name, "uwsgi://", 8) == 0);
    CHECK_INT(old.items[1].protocol, YMO_PROTO_HTTP); /* the old list says what it said */
    snprintf(binds, sizeof(binds), "unix:%s", come);
    const struct ymo_socket *c = by_key(&new, binds);
    REQUIRE(c != NULL);
    CHECK(c->id > newest);
    CHECK(reachable_unix(gone)); /* until it is dropped */
    int open = ymo_capture_n_open();
    ymo_sockets_drop(&old, &new);
    CHECK_INT(ymo_capture_n_open(), open - 1);
    CHECK(access(gone, F_OK) != 0);
    CHECK(reachable_unix(kept) && reachable_unix(come));
    ymo_sockets_close(&new, false);
}

/* What was opened before the failure is closed, what is shared is not. */
static void
failure_changes_nothing(void)
{
    struct ymo_sockets old, new, foreign;
    char binds[192], kept[64], come[64];
    snprintf(kept, sizeof(kept), "%s/kept", dir);
    snprintf(come, sizeof(come), "%s/come", dir);
    REQUIRE(open_binds("127.0.0.1:0", NULL, &foreign) == YMO_OK);
    snprintf(binds, sizeof(binds), "unix:%s", kept);
    REQUIRE(open_binds(binds, NULL, &old) == YMO_OK);
    int open = ymo_capture_n_open();
    snprintf(binds, sizeof(binds), "unix:%s unix:%s 127.0.0.1:%d", come, kept,
             port_of(foreign.items[0].fd));
    CHECK_INT(open_binds(binds, &old, &new), YMO_EIO);
    CHECK(new.items == NULL &&new.n == 0);
    CHECK(strstr(line, "ERROR") && strstr(line, "the port is in use"));
    CHECK(!strstr(line, "FATAL")); /* the server goes on */
    const char *nl = strchr(line, '\n');
    CHECK(nl && nl[1] == '\0');
    CHECK_INT(ymo_capture_n_open(), open);
    CHECK(access(come, F_OK) != 0);
    CHECK(reachable_unix(kept));
    ymo_sockets_close(&old, false);
    ymo_sockets_close(&foreign, false);
}

static void
one_address_two_names(void)
{
    struct ymo_sockets old, new;
    char binds[64];
    REQUIRE(open_binds("127.0.0.1:0", NULL, &old) == YMO_OK);
    int port = port_of(old.items[0].fd);
    snprintf(binds, sizeof(binds), "127.0.0.1:%d", port); /* so far it was "127.0.0.1:0" */
    REQUIRE(open_binds(binds, &old, &new) == YMO_OK);
    REQUIRE(new.n == 1);
    CHECK_INT(new.items[0].fd, old.items[0].fd);
    CHECK_INT(new.items[0].id, old.items[0].id);
    snprintf(binds, sizeof(binds), "tcp:127.0.0.1:%d", port);
    CHECK_STR(new.items[0].key, binds);
    ymo_sockets_drop(&old, &new);
    ymo_sockets_close(&new, false);
}

/* 127.0.0.1:N becomes 0.0.0.0:N, and back. Nobody else may bind beside either. */
static void
wider_and_narrower(void)
{
    struct ymo_sockets first, second, third, other;
    char narrow[64], wide[64];
    REQUIRE(open_binds("127.0.0.1:0", NULL, &first) == YMO_OK);
    int port = port_of(first.items[0].fd);
    snprintf(narrow, sizeof(narrow), "127.0.0.1:%d", port);
    snprintf(wide, sizeof(wide), "0.0.0.0:%d", port);
    REQUIRE(open_binds(wide, &first, &second) == YMO_OK);
    CHECK(second.items[0].fd != first.items[0].fd);
    CHECK(reachable(INADDR_LOOPBACK, port));
    ymo_sockets_drop(&first, &second);
    CHECK(reachable(INADDR_LOOPBACK, port));
    CHECK(reachable(INADDR_LOOPBACK + 1, port));
    CHECK_INT(open_binds(narrow, NULL, &other), YMO_EIO);
    REQUIRE(open_binds(narrow, &second, &third) == YMO_OK);
    ymo_sockets_drop(&second, &third);
    CHECK(reachable(INADDR_LOOPBACK, port));
    CHECK(!reachable(INADDR_LOOPBACK + 1, port));
    CHECK_INT(open_binds(wide, NULL, &other), YMO_EIO);
    /* Overlapping with what stays is as wrong in a reload as at the start. */
    char both[128];
    snprintf(both, sizeof(both), "%s %s", wide, narrow);
    CHECK_INT(open_binds(both, &third, &other), YMO_EIO);
    ymo_sockets_close(&third, false);
}

static void
passed_in_descriptor(void)
{
    struct ymo_sockets old, new;
    char binds[32];
    struct sockaddr_in sa = {.sin_family = AF_INET};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
    snprintf(binds, sizeof(binds), "fd:%d", fd);
    REQUIRE(open_binds(binds, NULL, &old) == YMO_OK);
    REQUIRE(open_binds(binds, &old, &new) == YMO_OK);
    CHECK_INT(new.items[0].fd, fd);
    CHECK_INT(new.items[0].id, old.items[0].id);
    ymo_sockets_drop(&old, &new);
    CHECK(reachable(INADDR_LOOPBACK, port_of(fd)));
    ymo_sockets_close(&new, false);
    /* Its number is now that of a socket of ours, which must not be served twice. */
    REQUIRE(open_binds("127.0.0.1:0", NULL, &old) == YMO_OK);
    snprintf(binds, sizeof(binds), "fd:%d", old.items[0].fd);
    CHECK_INT(open_binds(binds, &old, &new), YMO_EIO);
    CHECK(strstr(line, binds) != NULL);
    ymo_sockets_close(&old, false);
}

/* Somebody tidied up; a reload repairs it. */
static void
removed_path_is_made_anew(void)
{
    struct ymo_sockets old, new;
    char binds[64];
    snprintf(binds, sizeof(binds), "unix:%s/tidy", dir);
    REQUIRE(open_binds(binds, NULL, &old) == YMO_OK);
    REQUIRE(unlink(binds + 5) == 0);
    REQUIRE(open_binds(binds, &old, &new) == YMO_OK);
    CHECK(new.items[0].fd != old.items[0].fd);
    ymo_sockets_drop(&old, &new);
    CHECK(reachable_unix(binds + 5)); /* the path is the new one's */
    ymo_sockets_close(&new, false);
}

/* The number of connections that fit without anybody accepting tells the backlog. */
static int
fill(const char *path, int *clients, int max)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int n = 0;
    snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    for (; n < max; n++) {
        clients[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(clients[n], (struct sockaddr *)&un, sizeof(un)) != 0)
            break;
    }
    for (int i = 0; i < n + (n < max); i++)
        close(clients[i]);
    return n;
}

static void
backlog_changes(void)
{
    struct ymo_sockets old, new;
    char bind_to[64], *items[] = {bind_to};
    int clients[64];
    snprintf(bind_to, sizeof(bind_to), "unix:%s/backlog", dir);
    struct ymo_settings s = {.backlog = 2, .bind = {items, 1}};
    REQUIRE(ymo_sockets_open(&s, &old) == YMO_OK);
    int few = fill(bind_to + 5, clients, 64);
    CHECK(few < 8);
    s.backlog = 40;
    REQUIRE(ymo_sockets_reopen(&s, &old, &new) == YMO_OK);
    /* Those that `few` left in the queue count, too. */
    CHECK(fill(bind_to + 5, clients, 64) >= 40 - few);
    ymo_sockets_drop(&old, &new);
    ymo_sockets_close(&new, false);
}

/* A worker of one generation gives up the other's, and leaves the paths alone. */
static void
child_leaves(void)
{
    struct ymo_sockets old, new;
    char binds[128], gone[64];
    int status = -1;
    snprintf(gone, sizeof(gone), "%s/left", dir);
    snprintf(binds, sizeof(binds), "unix:%s 127.0.0.1:0", gone);
    REQUIRE(open_binds(binds, NULL, &old) == YMO_OK);
    REQUIRE(open_binds("127.0.0.1:0", &old, &new) == YMO_OK);
    pid_t pid = fork();
    if (pid == 0) {
        int mine = new.items[0].fd, other = old.items[0].fd;
        ymo_sockets_leave(&old, &new);
        _exit(fcntl(mine, F_GETFD) >= 0 && fcntl(other, F_GETFD) < 0 && !old.items ? 0 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(reachable_unix(gone));
    ymo_sockets_drop(&old, &new);
    ymo_sockets_close(&new, false);
}

static void
tmp_begin(void)
{
    REQUIRE(mkdtemp(dir) != NULL);
}

static void
tmp_end(void)
{
    CHECK_INT(rmdir(dir), 0); /* everything was removed */
}

YMO_SUITE(reopen, tmp_begin, same_settings_same_sockets, free_ports_stay_apart, some_go_some_come,
          failure_changes_nothing, one_address_two_names, wider_and_narrower, passed_in_descriptor,
          removed_path_is_made_anew, backlog_changes, child_leaves, tmp_end);
