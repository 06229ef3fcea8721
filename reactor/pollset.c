/* SPDX-License-Identifier: MIT */
#include "reactor/pollset.h"

#include <stdbool.h>

#ifdef __linux__
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#endif

void
ymo_pollset_init(struct ymo_pollset *p)
{
    p->fd = -1;
}

#ifdef __linux__

static bool
is_epoll(int dir, const char *name)
{
    static const char want[] = "anon_inode:[eventpoll]";
    char target[sizeof(want)];
    ssize_t n = readlinkat(dir, name, target, sizeof(target));
    return n == (ssize_t)sizeof(want) - 1 && memcmp(target, want, (size_t)n) == 0;
}

/* Only the set that holds `fd` can let go of it: the application may have sets of its own. */
static int
find_and_remove(int fd)
{
    DIR *d = opendir("/proc/self/fd");
    int found = -1;
    if (!d)
        return -1;
    for (struct dirent *e; found < 0 && (e = readdir(d)) != NULL;) {
        if (!is_epoll(dirfd(d), e->d_name))
            continue;
        int set = atoi(e->d_name);
        struct epoll_event unused = {0};
        if (epoll_ctl(set, EPOLL_CTL_DEL, fd, &unused) == 0)
            found = set;
    }
    closedir(d);
    return found;
}

int
ymo_pollset_remove(struct ymo_pollset *p, struct ev_loop *loop, int fd)
{
    struct epoll_event unused = {0};
    if (ev_backend(loop) != EVBACKEND_EPOLL)
        return YMO_OK;
    if (p->fd >= 0) {
        if (epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, &unused) == 0)
            return YMO_OK;
        /* libev has done it itself, or has made its set anew. */
    }
    int found = find_and_remove(fd);
    if (found >= 0)
        p->fd = found;
    return found >= 0 || p->fd >= 0 ? YMO_OK : YMO_EIO;
}

#else

int
ymo_pollset_remove(struct ymo_pollset *p, struct ev_loop *loop, int fd)
{
    (void)p, (void)loop, (void)fd;
    return YMO_OK;
}

#endif
