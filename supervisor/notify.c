/* SPDX-License-Identifier: MIT */
#include "supervisor/notify.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { N_VARS = 3, VAR_MAX = 120 };

static const char *const vars[N_VARS] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};
static char values[N_VARS][VAR_MAX]; /* "": not there */
static double interval;

/* A whole number, or 0. */
static uint64_t
number(const char *text)
{
    char *end;
    if (*text < '0' || *text > '9')
        return 0;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    return errno != 0 || *end ? 0 : v;
}

void
ymo_notify_init(void)
{
    for (size_t i = 0; i < N_VARS; i++) {
        const char *v = getenv(vars[i]);
        values[i][0] = '\0';
        if (v && strlen(v) < VAR_MAX)
            memcpy(values[i], v, strlen(v) + 1);
        (void)unsetenv(vars[i]);
    }
    /* Without WATCHDOG_PID it is for whoever reads it. */
    uint64_t usec = number(values[1]);
    bool ours = !values[2][0] || number(values[2]) == (uint64_t)getpid();
    interval = usec > 0 && ours ? (double)usec * 1e-6 : 0;
}

/* 0, or errno. */
static int
send_text(const char *text)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    const char *path = values[0];
    size_t len = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || len >= sizeof(un.sun_path))
        return EAFNOSUPPORT;
    memcpy(un.sun_path, path, len);
    if (path[0] == '@')
        un.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    /* The end of an abstract name is the address's length; a path may have its NUL. */
    socklen_t size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/' ? 1 : 0));
    ssize_t n = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&un, size);
    int err = n < 0 ? errno : 0;
    close(fd);
    return err;
}

static void tell(const char *fmt, ...) YMO_PRINTF(1, 2);

static void
tell(const char *fmt, ...)
{
    char text[512];
    va_list ap;
    if (!values[0][0])
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    int err = send_text(text);
    if (err != 0)
        ymo_debug("cannot tell the service manager at NOTIFY_SOCKET=%s: %s", values[0],
                  strerror(err));
}

void
ymo_notify_ready(pid_t pid, const char *status)
{
    for (size_t i = 0; i < N_VARS; i++)
        (void)unsetenv(vars[i]);
    tell("READY=1\nMAINPID=%ld\nSTATUS=%.200s\n", (long)pid, status);
}

void
ymo_notify_reloading(void)
{
    /* Type=notify-reload compares the time with that of its own request. */
    tell("RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reloading\n", ymo_clock_ns() / 1000);
}

void
ymo_notify_stopping(void)
{
    tell("STOPPING=1\nSTATUS=stopping: requests in flight are finished\n");
}

double
ymo_notify_watchdog_interval(void)
{
    return values[0][0] ? interval : 0;
}

void
ymo_notify_watchdog(void)
{
    tell("WATCHDOG=1\n");
}

void
ymo_notify_keep(void)
{
    for (size_t i = 0; i < N_VARS; i++) {
        if (values[i][0])
            (void)setenv(vars[i], values[i], 1);
    }
}
