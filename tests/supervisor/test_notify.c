/* SPDX-License-Identifier: MIT */
#include "supervisor/notify.h"

#include "base/log.h"
#include "tests/support/capture.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The service manager's socket; "@…" is a name in the abstract namespace. */
static int
manager(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    memcpy(un.sun_path, path, len);
    if (path[0] == '@')
        un.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (fd < 0 || bind(fd, (struct sockaddr *)&un, size) != 0)
        abort();
    return fd;
}

static const char *
received(int fd)
{
    static char text[1024];
    ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void
set(const char *socket_name, const char *usec, const char *pid)
{
    const char *const rows[][2] = {
        {"NOTIFY_SOCKET", socket_name}, {"WATCHDOG_USEC", usec}, {"WATCHDOG_PID", pid}};
    for (size_t i = 0; i < 3; i++) {
        if (rows[i][1])
            setenv(rows[i][0], rows[i][1], 1);
        else
            unsetenv(rows[i][0]);
    }
    ymo_notify_init();
}

static void
all_messages(void)
{
    char paths[2][64], text[64];
    snprintf(paths[0], 64, "/tmp/yimmo-wsgi-notify.%ld", (long)getpid());
    snprintf(paths[1], 64, "@yimmo-wsgi-notify.%ld", (long)getpid());
    for (size_t i = 0; i < 2; i++) {
        int fd = manager(paths[i]);
        ymo_test_context("%s", paths[i]);
        set(paths[i], NULL, NULL);
        ymo_notify_ready(4711, "serving");
        CHECK_STR(received(fd), "READY=1\nMAINPID=4711\nSTATUS=serving\n");
        ymo_notify_reloading();
        const char *got = received(fd);
        CHECK(strncmp(got, "RELOADING=1\nMONOTONIC_USEC=", 27) == 0);
        CHECK(strtoull(got + 27, NULL, 10) > 0);
        ymo_notify_watchdog();
        CHECK_STR(received(fd), "WATCHDOG=1\n");
        ymo_notify_stopping();
        snprintf(text, sizeof(text), "%.11s", received(fd));
        CHECK_STR(text, "STOPPING=1\n");
        close(fd);
    }
    unlink(paths[0]);
    ymo_test_context(NULL);
}

static void
environment_is_ours_alone(void)
{
    char self[24];
    snprintf(self, sizeof(self), "%ld", (long)getpid());
    set("@yimmo-wsgi-nobody", "3000000", self);
    CHECK(!getenv("NOTIFY_SOCKET") && !getenv("WATCHDOG_USEC") && !getenv("WATCHDOG_PID"));
    ymo_notify_keep();
    CHECK_STR(getenv("NOTIFY_SOCKET"), "@yimmo-wsgi-nobody");
    CHECK_STR(getenv("WATCHDOG_USEC"), "3000000");
    CHECK_STR(getenv("WATCHDOG_PID"), self);
    ymo_notify_ready(getpid(), "the other program did not start");
    CHECK(!getenv("NOTIFY_SOCKET") && !getenv("WATCHDOG_USEC") && !getenv("WATCHDOG_PID"));
    /* The new program finds what the old one found. */
    ymo_notify_keep();
    ymo_notify_init();
    CHECK(ymo_notify_watchdog_interval() == 3.0);
    set(NULL, NULL, NULL);
    ymo_notify_keep();
    CHECK(!getenv("NOTIFY_SOCKET") && !getenv("WATCHDOG_USEC"));
}

static void
watchdog_interval(void)
{
    char self[24], other[24];
    snprintf(self, sizeof(self), "%ld", (long)getpid());
    snprintf(other, sizeof(other), "%ld", (long)getppid());
    const struct {
        const char *usec, *pid;
        double seconds;
    } rows[] = {
        {"2500000", self, 2.5}, {"2500000", NULL, 2.5},
        {"2500000", other, 0},  {NULL, self, 0},
        {"0", self, 0},         {"-1", self, 0},
        {"abc", self, 0},       {"1e6", self, 0},
        {"", self, 0},          {"9999999999999999999999", self, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ymo_test_context("row %zu", i);
        set("@yimmo-wsgi-nobody", rows[i].usec, rows[i].pid);
        CHECK(ymo_notify_watchdog_interval() == rows[i].seconds);
    }
    ymo_test_context(NULL);
    set(NULL, "2500000", self); /* nobody to ping */
    CHECK(ymo_notify_watchdog_interval() == 0);
}

/* Neither a descriptor nor a signal nor more than a line at DEBUG comes of it. */
static void
failures_are_harmless(void)
{
    char huge[400];
    memset(huge, 'x', sizeof(huge) - 1);
    huge[0] = '/';
    huge[sizeof(huge) - 1] = '\0';
    const char *const names[] = {
        "@yimmo-wsgi-nobody", "/tmp/no/such/socket", "vsock:2:1234", "", "relative", huge};
    int before = ymo_capture_n_open();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ymo_test_context("%.40s", names[i]);
        set(names[i], NULL, NULL);
        ymo_capture_begin();
        ymo_notify_ready(1, "serving");
        CHECK_STR(ymo_capture_end(), "");
        int level = ymo_log_level;
        ymo_log_level = YMO_LOG_DEBUG;
        ymo_capture_begin();
        ymo_notify_ready(1, "serving");
        const char *line = ymo_capture_end();
        ymo_log_level = level;
        /* What was never taken for a name is not mentioned. */
        CHECK((strstr(line, "NOTIFY_SOCKET") != NULL) == (i < 3 || i == 4));
    }
    ymo_test_context(NULL);
    CHECK_INT(ymo_capture_n_open(), before);
    set(NULL, NULL, NULL);
}

YMO_SUITE(notify, all_messages, environment_is_ours_alone, watchdog_interval,
          failures_are_harmless);
