/* SPDX-License-Identifier: MIT */
#include "supervisor/stdsocket.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool
listens(int fd)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer), int_len = sizeof(int);
    int yes = 0;
    /* The first test is the specification's; an unconnected socket passes it, too. */
    return getpeername(fd, (struct sockaddr *)&peer, &len) != 0 && errno == ENOTCONN &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &int_len) == 0 && yes;
}

void
ymo_stdsocket_use(const struct ymo_settings *s, struct ymo_addr *addrs)
{
    if (ymo_settings_names_address(s) || !listens(STDIN_FILENO))
        return;
    if (s->protocol != YMO_PROTO_FASTCGI) {
        ymo_warn("descriptor 0 is a listening socket, and is not used: to serve FastCGI there give "
                 "--protocol fastcgi");
        return;
    }
    ymo_info("descriptor 0 is a listening socket: serving FastCGI there");
    addrs[0].kind = YMO_ADDR_FD;
    addrs[0].fd = STDIN_FILENO;
}

/* -1 with errno. */
static int
put_null(int fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int rc = null < 0 ? -1 : dup2(null, fd);
    if (null >= 0 && null != fd)
        close(null);
    return rc;
}

void
ymo_stdsocket_close(int fd)
{
    if (fd > STDERR_FILENO || put_null(fd) < 0)
        close(fd);
}

int
ymo_stdsocket_free(struct ymo_sockets *socks)
{
    for (size_t i = 0; i < socks->n; i++) {
        int fd = socks->items[i].fd;
        if (fd > STDERR_FILENO)
            continue;
        int other = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (other < 0)
            return YMO_EIO;
        if (put_null(fd) < 0) {
            int err = errno;
            close(other);
            errno = err;
            return YMO_EIO;
        }
        socks->items[i].fd = other;
    }
    return YMO_OK;
}
