/* SPDX-License-Identifier: MIT */
#include "supervisor/sockets.h"

#include "base/log.h"
#include "tests/support/capture.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[] = "/tmp/yimmo-wsgi-test.XXXXXX";
static const char *line = ""; /* what was logged */

/* Open what `binds` says; what is logged goes to `line`. */
static int
open_binds(struct ymo_sockets *socks, char *const *binds, size_t n)
{
    struct ymo_settings s = {.host = (char *)(uintptr_t) "127.0.0.1", .backlog = 16};
    s.bind = (struct ymo_strings){(char **)(uintptr_t)binds, n};
    ymo_capture_begin();
    int rc = ymo_sockets_open(&s, socks);
    line = ymo_capture_end();
    return rc;
}

static int
open_one(struct ymo_sockets *socks, const char *bind_to)
{
    char *one = (char *)(uintptr_t)bind_to;
    return open_binds(socks, &one, 1);
}

/* One line, which says all of these. */
static void
check_line(const char *a, const char *b)
{
    CHECK(strstr(line, "FATAL") != NULL);
    if (!strstr(line, a) || !strstr(line, b))
        CHECK_STR(line, a); /* shows it */
    const char *nl = strchr(line, '\n');
    CHECK(nl && nl[1] == '\0');
}

static int
port_of(int fd)
{
    struct sockaddr_in sa;
    socklen_t len = sizeof(sa);
    return getsockname(fd, (struct sockaddr *)&sa, &len) == 0 ? ntohs(sa.sin_port) : -1;
}

static int
connect_unix(const char *path, int flags)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    memcpy(un.sun_path, path, n);
    if (path[0] == '@')
        un.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_STREAM | flags, 0);
    if (connect(fd, (struct sockaddr *)&un,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (path[0] != '@'))) == 0)
        return fd;
    int err = errno;
    close(fd);
    errno = err;
    return -1;
}

/* Listen on a path, as another server does. */
static int
foreign(const char *path, int backlog)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    memcpy(un.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&un, sizeof(un)) != 0 || listen(fd, backlog) != 0)
        abort();
    return fd;
}

static void
any_free_port(void)
{
    struct ymo_sockets socks;
    int before = ymo_capture_n_open(), on = 0;
    socklen_t len = sizeof(on);
    char name[64];
    REQUIRE(open_one(&socks, "127.0.0.1:0") == YMO_OK);
    REQUIRE(socks.n == 1);
    const struct ymo_socket *s = &socks.items[0];
    snprintf(name, sizeof(name), "http://127.0.0.1:%d", port_of(s->fd));
    CHECK_STR(s->name, name); /* with the port that was really given */
    CHECK(port_of(s->fd) > 0);
    CHECK(!s->is_unix);
    CHECK_INT(s->protocol, YMO_PROTO_HTTP);
    CHECK(fcntl(s->fd, F_GETFL) & O_NONBLOCK);
    CHECK(fcntl(s->fd, F_GETFD) & FD_CLOEXEC);
    CHECK_INT(getsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    CHECK(on != 0);
    CHECK_STR(line, "");
    ymo_sockets_close(&socks, false);
    CHECK_INT(ymo_capture_n_open(), before);
    CHECK(socks.items == NULL && socks.n == 0);
}

/* Not every container has it. */
static bool
has_ipv6(void)
{
    struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static void
several_at_once(void)
{
    char path[64];
    snprintf(path, sizeof(path), "uwsgi://unix:%s/several", dir);
    char *binds[] = {(char *)(uintptr_t) "127.0.0.1:0", path, (char *)(uintptr_t) "[::1]:0"};
    struct ymo_sockets socks;
    size_t n = has_ipv6() ? 3 : 2;
    REQUIRE(open_binds(&socks, binds, n) == YMO_OK);
    REQUIRE(socks.n == n);
    CHECK_INT(socks.items[1].protocol, YMO_PROTO_UWSGI);
    CHECK(socks.items[1].is_unix);
    if (n == 3)
        CHECK(strncmp(socks.items[2].name, "http://[::1]:", 13) == 0);
    ymo_sockets_close(&socks, false);
}

static void
port_in_use(void)
{
    struct ymo_sockets socks, second;
    char again[64];
    REQUIRE(open_one(&socks, "127.0.0.1:0") == YMO_OK);
    snprintf(again, sizeof(again), "127.0.0.1:%d", port_of(socks.items[0].fd));
    char *binds[] = {(char *)(uintptr_t) "127.0.0.1:0", again};
    int before = ymo_capture_n_open();
    CHECK_INT(open_binds(&second, binds, 2), YMO_EIO);
    check_line(again, "in use");
    CHECK_INT(ymo_capture_n_open(), before); /* the first one is not left open */
    CHECK(second.items == NULL && second.n == 0);
    ymo_sockets_close(&socks, false);
    /* Free again at once, whatever its connections are doing. */
    REQUIRE(open_one(&socks, again) == YMO_OK);
    ymo_sockets_close(&socks, false);
}

static void
refusals(void)
{
    char missing[64], file[64];
    snprintf(missing, sizeof(missing), "unix:%s/no/such/dir", dir);
    snprintf(file, sizeof(file), "unix:%s/plain", dir);
    close(open(file + 5, O_CREAT | O_WRONLY, 0600));
    const struct {
        const char *bind_to, *says;
    } rows[] = {
        {"192.0.2.1:0", "no such address"},    {"no-such-host.invalid:80", "not known"},
        {missing, "directory does not exist"}, {file, "cannot listen on"},
        {"fd:250", "no stream socket"},        {"fd:0", "no stream socket"},
    };
    int null = open("/dev/null", O_RDONLY), in = dup(0);
    dup2(null, 0);
    close(null);
    int before = ymo_capture_n_open();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ymo_sockets socks;
        ymo_test_context("%s", rows[i].bind_to);
        CHECK_INT(open_one(&socks, rows[i].bind_to), YMO_EIO);
        check_line(rows[i].bind_to, rows[i].says);
        CHECK_INT(ymo_capture_n_open(), before);
    }
    ymo_test_context(NULL);
    struct stat st;
    CHECK(stat(file + 5, &st) == 0 && S_ISREG(st.st_mode)); /* nobody's file is removed */
    unlink(file + 5);
    dup2(in, 0);
    close(in);
}

static void
unix_path(void)
{
    struct ymo_sockets socks;
    struct stat st;
    char bind_to[64], name[96];
    const char *path = bind_to + 5;
    snprintf(bind_to, sizeof(bind_to), "unix:%s/sock", dir);
    snprintf(name, sizeof(name), "http://unix:%s/sock", dir);
    REQUIRE(open_one(&socks, bind_to) == YMO_OK);
    CHECK_STR(socks.items[0].name, name);
    CHECK(socks.items[0].is_unix);
    int client = connect_unix(path, 0);
    CHECK(client >= 0);
    close(client);
    ymo_sockets_close(&socks, false);
    CHECK_INT(stat(path, &st), -1); /* gone with the server */
    /* Taken over and closed by the reactor: the path is ours to remove all the same. */
    REQUIRE(open_one(&socks, bind_to) == YMO_OK);
    int fd = socks.items[0].fd;
    close(fd);
    int null = open("/dev/null", O_RDONLY);
    int other = dup2(null, fd); /* the number belongs to somebody else now */
    close(null);
    ymo_sockets_close(&socks, true);
    CHECK(fcntl(other, F_GETFD) >= 0);
    CHECK_INT(stat(path, &st), -1);
    close(other);
}

static void
stale_file_is_replaced(void)
{
    struct ymo_sockets socks;
    char bind_to[64];
    snprintf(bind_to, sizeof(bind_to), "unix:%s/stale", dir);
    close(foreign(bind_to + 5, 1)); /* as after SIGKILL: the file stays */
    REQUIRE(open_one(&socks, bind_to) == YMO_OK);
    int client = connect_unix(bind_to + 5, 0);
    CHECK(client >= 0);
    close(client);
    ymo_sockets_close(&socks, false);
}

static void
other_file_is_left_alone(void)
{
    struct ymo_sockets socks;
    char bind_to[64];
    snprintf(bind_to, sizeof(bind_to), "unix:%s/plain", dir);
    int fd = open(bind_to + 5, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    close(fd);
    CHECK_INT(open_one(&socks, bind_to), YMO_EIO);
    check_line(bind_to, "a file that is no socket");
    CHECK_INT(unlink(bind_to + 5), 0);
}

/* Also one that is too busy to accept; asking must not wait for it. */
static void
living_server_is_left_alone(void)
{
    struct ymo_sockets socks;
    char bind_to[64];
    snprintf(bind_to, sizeof(bind_to), "unix:%s/living", dir);
    int fd = foreign(bind_to + 5, 0), clients[64], n = 0;
    CHECK_INT(open_one(&socks, bind_to), YMO_EIO);
    check_line(bind_to, "another process is listening");
    while (n < 64 && (clients[n] = connect_unix(bind_to + 5, SOCK_NONBLOCK)) >= 0)
        n++;
    CHECK_INT(errno, EAGAIN); /* the backlog is full */
    CHECK_INT(open_one(&socks, bind_to), YMO_EIO);
    check_line(bind_to, "another process is listening");
    while (n > 0)
        close(clients[--n]);
    int still = connect_unix(bind_to + 5, SOCK_NONBLOCK);
    CHECK(still >= 0 || errno == EAGAIN); /* its file is there */
    if (still >= 0)
        close(still);
    close(fd);
    unlink(bind_to + 5);
}

static void
abstract_name(void)
{
    struct ymo_sockets socks, second;
    char bind_to[64];
    snprintf(bind_to, sizeof(bind_to), "unix:@yimmo-wsgi-test-%ld", (long)getpid());
    REQUIRE(open_one(&socks, bind_to) == YMO_OK);
    CHECK(socks.items[0].is_unix);
    CHECK_STR(socks.items[0].unlink, "");
    int client = connect_unix(bind_to + 5, 0);
    CHECK(client >= 0);
    close(client);
    CHECK_INT(open_one(&second, bind_to), YMO_EIO);
    check_line(bind_to, "another process is listening");
    ymo_sockets_close(&socks, false);
}

static void
inherited_descriptor(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    struct ymo_sockets socks;
    char bind_to[16], name[64];
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int listening = 0; listening < 2; listening++) {
        int on = 0, fd = socket(AF_INET, SOCK_STREAM, 0);
        socklen_t len = sizeof(on);
        REQUIRE(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
        REQUIRE(!listening || listen(fd, 1) == 0);
        snprintf(bind_to, sizeof(bind_to), "fd:%d", fd);
        REQUIRE(open_one(&socks, bind_to) == YMO_OK);
        CHECK_INT(socks.items[0].fd, fd);
        snprintf(name, sizeof(name), "http://127.0.0.1:%d", port_of(fd));
        CHECK_STR(socks.items[0].name, name);
        CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
        CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC); /* the application's children do not get it */
        CHECK_INT(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len), 0);
        CHECK(on);
        ymo_sockets_close(&socks, false);
    }
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    snprintf(bind_to, sizeof(bind_to), "fd:%d", udp);
    CHECK_INT(open_one(&socks, bind_to), YMO_EIO);
    check_line(bind_to, "no stream socket");
    CHECK(fcntl(udp, F_GETFD) >= 0); /* not ours to close */
    close(udp);
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

YMO_SUITE(sockets, tmp_begin, any_free_port, several_at_once, port_in_use, refusals, unix_path,
          stale_file_is_replaced, other_file_is_left_alone, living_server_is_left_alone,
          abstract_name, inherited_descriptor, tmp_end);
