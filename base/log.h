/* SPDX-License-Identifier: MIT */
/*
 * Log lines on stderr: ISO time, level, pid, text. One write(2) a line, so lines of several
 * processes do not mix. Any thread may log. errno is preserved.
 */
#ifndef YMO_BASE_LOG_H
#define YMO_BASE_LOG_H

#include "base/err.h"

#include <stdbool.h>

/* Values are the order of severity; the names are the user's contract. */
enum ymo_log_level {
    YMO_LOG_FATAL = 0,
    YMO_LOG_ERROR,
    YMO_LOG_WARNING,
    YMO_LOG_NOTICE,
    YMO_LOG_INFO,
    YMO_LOG_DEBUG,
    YMO_LOG_TRACE,
};

/* Bounds at compile time: a call outside them costs nothing. MIN is the most severe one. */
#ifndef YMO_LOG_LEVEL_MIN
#define YMO_LOG_LEVEL_MIN 0
#endif
#ifndef YMO_LOG_LEVEL_MAX
#define YMO_LOG_LEVEL_MAX 6
#endif

extern int ymo_log_level; /* current level; written before threads start */

/* Set the level (clamped to the compile-time bounds). Colour is decided from isatty(2). */
void ymo_log_init(enum ymo_log_level level);

/* "INFO" and so on. */
const char *ymo_log_level_name(enum ymo_log_level level);

/* Level for a name (case-insensitive), or YMO_EINVAL. */
int ymo_log_level_parse(const char *name);

/*
 * Write one line. Control bytes in the text are escaped as \xNN: a peer may have chosen them.
 */
void ymo_log_write(enum ymo_log_level level, const char *fmt, ...) YMO_PRINTF(2, 3);

/* The same for a text of any length that may hold newlines (a traceback): each line is one log
 * line. */
void ymo_log_text(enum ymo_log_level level, const char *text);

#define ymo_log_enabled(level)                                                 \
    ((int)(level) >= YMO_LOG_LEVEL_MIN && (int)(level) <= YMO_LOG_LEVEL_MAX && \
     (int)(level) <= ymo_log_level)
#define YMO_LOG_AT(level, ...)                   \
    do {                                         \
        if (ymo_log_enabled(level))              \
            ymo_log_write((level), __VA_ARGS__); \
    } while (0)

#define ymo_fatal(...)  YMO_LOG_AT(YMO_LOG_FATAL, __VA_ARGS__)
#define ymo_error(...)  YMO_LOG_AT(YMO_LOG_ERROR, __VA_ARGS__)
#define ymo_warn(...)   YMO_LOG_AT(YMO_LOG_WARNING, __VA_ARGS__)
#define ymo_notice(...) YMO_LOG_AT(YMO_LOG_NOTICE, __VA_ARGS__)
#define ymo_info(...)   YMO_LOG_AT(YMO_LOG_INFO, __VA_ARGS__)
#define ymo_debug(...)  YMO_LOG_AT(YMO_LOG_DEBUG, __VA_ARGS__)
#define ymo_trace(...)  YMO_LOG_AT(YMO_LOG_TRACE, __VA_ARGS__)

#endif
