/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

int ymo_log_level = YMO_LOG_INFO;

static bool colour;

static const struct {
    const char *name, *on;
} levels[] = {
    [YMO_LOG_FATAL] = {"FATAL", "\033[1;31m"},   [YMO_LOG_ERROR] = {"ERROR", "\033[31m"},
    [YMO_LOG_WARNING] = {"WARNING", "\033[33m"}, [YMO_LOG_NOTICE] = {"NOTICE", "\033[36m"},
    [YMO_LOG_INFO] = {"INFO", "\033[32m"},       [YMO_LOG_DEBUG] = {"DEBUG", "\033[2m"},
    [YMO_LOG_TRACE] = {"TRACE", "\033[2m"},
};

enum { N_LEVELS = sizeof(levels) / sizeof(levels[0]), LINE = 2048 };

void
ymo_log_init(enum ymo_log_level level)
{
    int l = (int)level;
    if (l < YMO_LOG_LEVEL_MIN)
        l = YMO_LOG_LEVEL_MIN;
    if (l > YMO_LOG_LEVEL_MAX)
        l = YMO_LOG_LEVEL_MAX;
    ymo_log_level = l;
    colour = isatty(STDERR_FILENO) && !getenv("NO_COLOR");
}

const char *
ymo_log_level_name(enum ymo_log_level level)
{
    return (unsigned)level < N_LEVELS ? levels[level].name : "?";
}

int
ymo_log_level_parse(const char *name)
{
    for (int i = 0; i < N_LEVELS; i++) {
        if (strcasecmp(levels[i].name, name) == 0)
            return i;
    }
    return YMO_EINVAL;
}

/* "2026-11-22T21:40:01.123+00:00 INFO    [4711] " */
static size_t
prefix(char *dst, size_t cap, enum ymo_log_level level)
{
    struct timespec now;
    struct tm tm;
    char date[32], zone[8];
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &tm);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    strftime(zone, sizeof(zone), "%z", &tm); /* +0100 */
    int n = snprintf(dst, cap, "%s.%03ld%.3s:%.2s %s%-7s%s [%ld] ", date, now.tv_nsec / 1000000,
                     zone, zone + 3, colour ? levels[level].on : "", ymo_log_level_name(level),
                     colour ? "\033[0m" : "", (long)getpid());
    return n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1;
}

static void
put(const char *line, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, line, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nowhere to complain */
        line += n;
        len -= (size_t)n;
    }
}

static bool
is_control(char c)
{
    unsigned char u = (unsigned char)c;
    return u < 0x20 || u == 0x7f;
}

/* Prefix, text with control bytes escaped, newline; cut with "…" when it does not fit. */
static void
line_out(enum ymo_log_level level, const char *text, size_t len)
{
    char line[LINE + 8];
    size_t n = prefix(line, LINE, level);
    for (size_t i = 0; i < len; i++) {
        if (n + 4 >= LINE) {
            memcpy(line + n, "\xe2\x80\xa6", 3);
            n += 3;
            break;
        }
        if (is_control(text[i]) && text[i] != '\t')
            n += (size_t)snprintf(line + n, 5, "\\x%02x", (unsigned char)text[i]);
        else
            line[n++] = text[i];
    }
    line[n++] = '\n';
    put(line, n);
}

void
ymo_log_write(enum ymo_log_level level, const char *fmt, ...)
{
    int saved = errno;
    char text[LINE];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n >= 0)
        line_out(level, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
    errno = saved;
}

void
ymo_log_text(enum ymo_log_level level, const char *text)
{
    int saved = errno;
    while (*text) {
        size_t len = strcspn(text, "\n");
        line_out(level, text, len);
        text += len;
        if (*text == '\n')
            text++;
    }
    errno = saved;
}
