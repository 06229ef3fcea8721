/* SPDX-License-Identifier: MIT */
#include "request/body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Smaller pieces of a body in a file are put together. */
enum { FILE_PIECE = 64 * 1024 };

void
ymo_body_init(struct ymo_body *b)
{
    *b = (struct ymo_body){.fd = -1};
    YMO_ASSERT(pthread_mutex_init(&b->lock, NULL) == 0);
}

void
ymo_body_fini(struct ymo_body *b)
{
    ymo_body_reset(b);
    pthread_mutex_destroy(&b->lock);
}

void
ymo_body_begin(struct ymo_body *b, bool streaming, size_t memory_max, const char *tmp_dir,
               void (*wanted)(void *), void *arg)
{
    YMO_ASSERT(b->fd < 0 && b->mem.cap == 0);
    b->streaming = streaming;
    b->memory_max = memory_max;
    b->tmp_dir = tmp_dir;
    b->wanted = wanted;
    b->wanted_arg = arg;
    b->size = b->pos = 0;
    b->complete = b->broken = b->armed = false;
    b->reader = NULL;
}

void
ymo_body_reset(struct ymo_body *b)
{
    if (b->fd >= 0)
        close(b->fd);
    b->fd = -1;
    ymo_buf_free(&b->mem);
}

/* A file without a name: gone with the process, however it ends. */
static int
open_tmp(const char *dir)
{
    char path[4096];
#ifdef O_TMPFILE
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
#endif
    int n = snprintf(path, sizeof(path), "%s/yimmo-wsgi.XXXXXX", dir);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int named = mkostemp(path, O_CLOEXEC);
    if (named >= 0)
        unlink(path);
    return named;
}

static int
write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t w = write(fd, data, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return YMO_EIO;
        data += w;
        n -= (size_t)w;
    }
    return YMO_OK;
}

/* What is still in memory goes to the file. */
static int
flush(struct ymo_body *b)
{
    int rc = write_all(b->fd, ymo_buf_slice(&b->mem).data, b->mem.len);
    ymo_buf_consume(&b->mem, b->mem.len);
    return rc;
}

/* In pieces worth a system call, however small the chunks are in which the body arrives. */
static int
append_file(struct ymo_body *b, const char *data, size_t n)
{
    int rc = n < FILE_PIECE ? ymo_buf_append(&b->mem, data, n) : YMO_OK;
    if (rc == YMO_OK && (n >= FILE_PIECE || b->mem.len >= FILE_PIECE))
        rc = flush(b);
    if (rc == YMO_OK && n >= FILE_PIECE)
        rc = write_all(b->fd, data, n);
    return rc;
}

static ssize_t
append_streaming(struct ymo_body *b, const char *data, size_t n)
{
    pthread_mutex_lock(&b->lock);
    size_t room = b->mem.len < b->memory_max ? b->memory_max - b->mem.len : 0;
    size_t take = n < room ? n : room;
    int rc = ymo_buf_append(&b->mem, data, take);
    if (rc == YMO_OK) {
        b->size += take;
        if (b->reader)
            ymo_parker_unpark(b->reader);
    }
    pthread_mutex_unlock(&b->lock);
    return rc < 0 ? rc : (ssize_t)take;
}

size_t
ymo_body_room(struct ymo_body *b, size_t want)
{
    pthread_mutex_lock(&b->lock);
    size_t room = b->mem.len < b->memory_max ? b->memory_max - b->mem.len : 0;
    if (room < want)
        b->armed = true;
    pthread_mutex_unlock(&b->lock);
    return room;
}

ssize_t
ymo_body_append(struct ymo_body *b, const char *data, size_t n)
{
    int rc;
    YMO_ASSERT(!b->complete);
    if (b->streaming)
        return append_streaming(b, data, n);
    if (b->fd < 0 && n > b->memory_max - b->mem.len) {
        b->fd = open_tmp(b->tmp_dir);
        if (b->fd < 0)
            return YMO_EIO;
    }
    rc = b->fd < 0 ? ymo_buf_append(&b->mem, data, n) : append_file(b, data, n);
    if (rc < 0)
        return rc;
    b->size += n;
    return (ssize_t)n;
}

static void
set_end(struct ymo_body *b, bool *flag)
{
    if (!b->streaming) {
        *flag = true; /* the reader comes later, or never looks */
        return;
    }
    pthread_mutex_lock(&b->lock);
    *flag = true;
    if (b->reader)
        ymo_parker_unpark(b->reader);
    pthread_mutex_unlock(&b->lock);
}

int
ymo_body_finish(struct ymo_body *b)
{
    if (b->fd >= 0) {
        int rc = flush(b);
        ymo_buf_free(&b->mem);
        if (rc < 0)
            return rc;
    }
    set_end(b, &b->complete);
    return YMO_OK;
}

void
ymo_body_break(struct ymo_body *b)
{
    set_end(b, &b->broken);
}

void
ymo_body_rearm(struct ymo_body *b)
{
    pthread_mutex_lock(&b->lock);
    b->armed = true;
    pthread_mutex_unlock(&b->lock);
}

static ssize_t
take_memory(struct ymo_body *b, char *dst, size_t n)
{
    size_t take = n < b->mem.len ? n : b->mem.len;
    if (take == 0)
        return 0;
    memcpy(dst, ymo_buf_data(&b->mem), take);
    ymo_buf_consume(&b->mem, take);
    b->pos += take;
    return (ssize_t)take;
}

static ssize_t
read_streaming(struct ymo_body *b, char *dst, size_t n)
{
    pthread_mutex_lock(&b->lock);
    ssize_t got = take_memory(b, dst, n);
    if (got == 0)
        got = b->complete ? 0 : b->broken ? YMO_ECLOSED : YMO_EAGAIN;
    bool tell = b->armed && !b->complete && !b->broken && b->mem.len < b->memory_max / 2;
    if (tell)
        b->armed = false;
    pthread_mutex_unlock(&b->lock);
    if (tell)
        b->wanted(b->wanted_arg);
    return got;
}

ssize_t
ymo_body_read(struct ymo_body *b, char *dst, size_t n)
{
    if (n == 0)
        return 0;
    if (b->streaming)
        return read_streaming(b, dst, n);
    if (b->fd < 0)
        return take_memory(b, dst, n);
    ssize_t got;
    do
        got = pread(b->fd, dst, n, (off_t)b->pos);
    while (got < 0 && errno == EINTR);
    if (got < 0 || (got == 0 && b->pos < b->size))
        return YMO_EIO;
    b->pos += (uint64_t)got;
    return got;
}

int
ymo_body_wait(struct ymo_body *b, struct ymo_parker *parker)
{
    int rc = YMO_OK;
    pthread_mutex_lock(&b->lock);
    b->reader = parker;
    while (rc == YMO_OK && b->mem.len == 0 && !b->complete && !b->broken) {
        pthread_mutex_unlock(&b->lock);
        rc = ymo_parker_park(parker);
        pthread_mutex_lock(&b->lock);
    }
    b->reader = NULL;
    pthread_mutex_unlock(&b->lock);
    return rc;
}

struct ymo_slice
ymo_body_memory(struct ymo_body *b)
{
    if (b->streaming || b->fd >= 0)
        return (struct ymo_slice){NULL, 0};
    return ymo_buf_slice(&b->mem);
}

void
ymo_body_skip(struct ymo_body *b, size_t n)
{
    ymo_buf_consume(&b->mem, n);
    b->pos += n;
}
