/* SPDX-License-Identifier: MIT */
#include "supervisor/pidfile.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 24 };

static void
text_of(char dst[TEXT_MAX])
{
    (void)snprintf(dst, TEXT_MAX, "%ld\n", (long)getpid());
}

/* 0, or errno. */
static int
write_temporary(int fd, const char *temporary, const char *path)
{
    char text[TEXT_MAX];
    text_of(text);
    ssize_t n = write(fd, text, strlen(text));
    int err = n < 0 ? errno : n != (ssize_t)strlen(text) ? ENOSPC : 0;
    if (err == 0 && fchmod(fd, 0644) != 0)
        err = errno;
    if (err == 0 && rename(temporary, path) != 0)
        err = errno;
    if (err != 0)
        (void)unlink(temporary);
    return err;
}

int
ymo_pidfile_write(const char *path)
{
    char temporary[PATH_MAX];
    int err = ENAMETOOLONG;
    if (!path)
        return YMO_OK;
    int n = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
    if (n > 0 && (size_t)n < sizeof(temporary)) {
        int fd = mkostemp(temporary, O_CLOEXEC);
        err = fd < 0 ? errno : write_temporary(fd, temporary, path);
        if (fd >= 0)
            close(fd);
    }
    if (err == 0)
        return YMO_OK;
    ymo_fatal("pidfile is %.300s, which cannot be written: %s; choose a file in a directory that "
              "exists and that this user may write to",
              path, strerror(err));
    errno = err;
    return YMO_EIO;
}

void
ymo_pidfile_remove(const char *path)
{
    char ours[TEXT_MAX], found[TEXT_MAX];
    if (!path)
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return;
    ssize_t n = read(fd, found, sizeof(found));
    close(fd);
    text_of(ours);
    if (n == (ssize_t)strlen(ours) && memcmp(found, ours, (size_t)n) == 0)
        (void)unlink(path);
}
