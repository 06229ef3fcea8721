/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlsfile.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 1024 * 1024 };

int
ymo_tlsfile_mistake(const char *setting, const char *path, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    ymo_error("%s: %s: %s", setting, path, text);
    return YMO_EINVAL;
}

static int
slurp(int fd, size_t size, struct ymo_buf *dst)
{
    if (ymo_buf_reserve(dst, size + 1) < 0)
        return YMO_ENOMEM;
    while (dst->len < size) {
        ssize_t n = read(fd, ymo_buf_room(dst), size - dst->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return YMO_EIO;
        if (n == 0)
            break;
        ymo_buf_commit(dst, (size_t)n);
    }
    *ymo_buf_room(dst) = '\0';
    return YMO_OK;
}

static int
read_all(const char *setting, const char *path, struct ymo_buf *dst)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;
    if (fd < 0) {
        (void)ymo_tlsfile_mistake(setting, path, "cannot be read: %s", strerror(errno));
        return YMO_EIO;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        rc = ymo_tlsfile_mistake(setting, path, "not a regular file");
    else if (st.st_size > MOST)
        rc = ymo_tlsfile_mistake(setting, path, "larger than 1 MiB: not what is meant");
    else if ((rc = slurp(fd, (size_t)st.st_size, dst)) == YMO_EIO)
        (void)ymo_tlsfile_mistake(setting, path, "cannot be read: %s", strerror(errno));
    close(fd);
    if (rc < 0)
        ymo_tlsfile_wipe(dst);
    return rc;
}

int
ymo_tlsfile_read(const char *setting, const char *path, struct ymo_buf *dst)
{
    int rc = read_all(setting, path, dst);
    if (rc < 0 || !memchr(ymo_buf_data(dst), 0, dst->len))
        return rc;
    ymo_tlsfile_wipe(dst);
    return ymo_tlsfile_mistake(setting, path,
                               "is no text; it has to be in PEM form (openssl x509, openssl pkey "
                               "convert DER)");
}

void
ymo_tlsfile_warn_if_open(const char *setting, const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && (st.st_mode & S_IROTH))
        ymo_warn("%s: %s: every user of this machine may read the private key; chmod o-r it",
                 setting, path);
}

void
ymo_tlsfile_wipe(struct ymo_buf *b)
{
    if (b->mem)
        explicit_bzero(b->mem, b->cap);
    ymo_buf_free(b);
}
