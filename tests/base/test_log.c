/* SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What `fn` writes to stderr, in a pipe, which has room for it. */
static struct ymo_slice
captured(void (*fn)(void), char *dst, size_t cap)
{
    int fds[2], saved = dup(2);
    ssize_t n;
    size_t len = 0;
    if (saved < 0 || pipe(fds) != 0)
        abort();
    fflush(stderr);
    dup2(fds[1], 2);
    close(fds[1]);
    fn();
    dup2(saved, 2);
    close(saved);
    while ((n = read(fds[0], dst + len, cap - len)) > 0)
        len += (size_t)n;
    close(fds[0]);
    return ymo_slice_of(dst, len);
}

/* The line behind "DATE LEVEL [PID] "; checks the form of that on the way. */
static struct ymo_slice
text_of(struct ymo_slice line, const char *level)
{
    char prefix[64];
    static const char form[] = "0000-00-00T00:00:00.000+00:00 ";
    CHECK(line.len > sizeof(form));
    for (size_t i = 0; i < sizeof(form) - 1 && i < line.len; i++) {
        if (form[i] == '0')
            CHECK(line.data[i] >= '0' && line.data[i] <= '9');
        else if (form[i] == '+')
            CHECK(line.data[i] == '+' || line.data[i] == '-');
        else
            CHECK(line.data[i] == form[i]);
    }
    int n = snprintf(prefix, sizeof(prefix), "%-7s [%ld] ", level, (long)getpid());
    size_t skip = sizeof(form) - 1 + (size_t)n;
    if (line.len < skip || line.data[line.len - 1] != '\n') {
        CHECK_SLICE(line, "DATE LEVEL [PID] …\n");
        return ymo_slice_of("", 0);
    }
    CHECK_SLICE(ymo_slice_of(line.data + sizeof(form) - 1, (size_t)n), prefix);
    return ymo_slice_of(line.data + skip, line.len - skip - 1);
}

static void
all_levels(void)
{
    ymo_fatal("0");
    ymo_error("1");
    ymo_warn("2");
    ymo_notice("3");
    ymo_info("4");
    ymo_debug("5");
    ymo_trace("6");
}

static void
levels_filter(void)
{
    char buf[4096];
    int before = ymo_log_level;
    for (int level = YMO_LOG_FATAL; level <= YMO_LOG_TRACE; level++) {
        ymo_test_context("level %d", level);
        ymo_log_init((enum ymo_log_level)level);
        struct ymo_slice out = captured(all_levels, buf, sizeof(buf));
        int next = YMO_LOG_LEVEL_MIN, end = level; /* what was compiled in, up to the level */
        if (end < YMO_LOG_LEVEL_MIN)
            end = YMO_LOG_LEVEL_MIN;
        if (end > YMO_LOG_LEVEL_MAX)
            end = YMO_LOG_LEVEL_MAX;
        while (out.len > 0) {
            const char *nl = memchr(out.data, '\n', out.len);
            REQUIRE(nl != NULL);
            size_t n = (size_t)(nl - out.data) + 1;
            char want[2] = {(char)('0' + next), 0};
            CHECK_SLICE(
                text_of(ymo_slice_of(out.data, n), ymo_log_level_name((enum ymo_log_level)next)),
                want);
            out = ymo_slice_of(out.data + n, out.len - n);
            next++;
        }
        CHECK_INT(next, end + 1);
    }
    ymo_test_context(NULL);
    ymo_log_init((enum ymo_log_level)99); /* clamped */
    CHECK_INT(ymo_log_level, YMO_LOG_LEVEL_MAX);
    ymo_log_init((enum ymo_log_level)before);
}

static void
level_names(void)
{
    static const char *const names[] = {"FATAL", "ERROR", "WARNING", "NOTICE",
                                        "INFO",  "DEBUG", "TRACE"};
    for (int i = 0; i < 7; i++) {
        CHECK_STR(ymo_log_level_name((enum ymo_log_level)i), names[i]);
        CHECK_INT(ymo_log_level_parse(names[i]), i);
    }
    CHECK_INT(ymo_log_level_parse("warning"), YMO_LOG_WARNING);
    CHECK_INT(ymo_log_level_parse("tRaCe"), YMO_LOG_TRACE);
    CHECK_INT(ymo_log_level_parse("WARN"), YMO_EINVAL);
    CHECK_INT(ymo_log_level_parse("INFOS"), YMO_EINVAL);
    CHECK_INT(ymo_log_level_parse(""), YMO_EINVAL);
    CHECK_STR(ymo_log_level_name((enum ymo_log_level)7), "?");
}

static const char *given;

static void
write_given(void)
{
    ymo_log_write(YMO_LOG_NOTICE, "%s", given);
}

static void
text_given(void)
{
    ymo_log_text(YMO_LOG_ERROR, given);
}

/* A peer must not write lines of its own, nor to the terminal. */
static void
control_bytes_are_escaped(void)
{
    static const char *const rows[][2] = {
        {"plain", "plain"},
        {"a\nb", "a\\x0ab"},
        {"a\r\nb", "a\\x0d\\x0ab"},
        {"\x1b[31mred", "\\x1b[31mred"},
        {"tab\tstays", "tab\tstays"},
        {"\x7f", "\\x7f"},
        {"na\xc3\xafve", "na\xc3\xafve"},
        {"", ""},
    };
    char buf[4096];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        given = rows[i][0];
        ymo_test_context("row %zu", i);
        CHECK_SLICE(text_of(captured(write_given, buf, sizeof(buf)), "NOTICE"), rows[i][1]);
    }
    ymo_test_context(NULL);
}

static void
long_lines_are_cut(void)
{
    static char longest[10000];
    char buf[8192];
    for (int kind = 0; kind < 2; kind++) {
        memset(longest, kind ? '\x01' : 'x', sizeof(longest) - 1);
        given = longest;
        struct ymo_slice text = text_of(captured(write_given, buf, sizeof(buf)), "NOTICE");
        CHECK(text.len > 1900 && text.len < 2048);
        CHECK_SLICE(ymo_slice_of(text.data + text.len - 3, 3), "\xe2\x80\xa6");
        CHECK(memchr(text.data, '\n', text.len) == NULL);
    }
}

static void
texts_become_lines(void)
{
    char buf[4096];
    given = "Traceback:\n  File \"x\"\n\nError: \x02\n";
    static const char *const want[] = {"Traceback:", "  File \"x\"", "", "Error: \\x02"};
    struct ymo_slice out = captured(text_given, buf, sizeof(buf));
    for (int i = 0; i < 4; i++) {
        const char *nl = memchr(out.data, '\n', out.len);
        REQUIRE(nl != NULL);
        size_t n = (size_t)(nl - out.data) + 1;
        CHECK_SLICE(text_of(ymo_slice_of(out.data, n), "ERROR"), want[i]);
        out = ymo_slice_of(out.data + n, out.len - n);
    }
    CHECK_INT(out.len, 0);
}

static void
no_colour_on_a_pipe(void)
{
    char buf[4096];
    given = "x";
    struct ymo_slice out = captured(write_given, buf, sizeof(buf));
    CHECK(memchr(out.data, '\x1b', out.len) == NULL);
}

static void
init_and_write(void)
{
    ymo_log_init(YMO_LOG_INFO);
    ymo_log_write(YMO_LOG_INFO, "x");
}

/* Colour is on where stderr is a terminal, and off with NO_COLOR. */
static void
colour_on_a_terminal(void)
{
    int level = ymo_log_level;
    char buf[512];
    for (int off = 0; off < 2; off++) {
        int master = posix_openpt(O_RDWR | O_NOCTTY), saved = dup(2);
        REQUIRE(master >= 0 && saved >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
        int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
        REQUIRE(slave >= 0);
        if (off)
            setenv("NO_COLOR", "1", 1);
        else
            unsetenv("NO_COLOR");
        dup2(slave, 2);
        init_and_write();
        dup2(saved, 2);
        ssize_t n = read(master, buf, sizeof(buf));
        CHECK(n > 0);
        CHECK_INT(n > 0 && memchr(buf, '\x1b', (size_t)n) != NULL, !off);
        close(slave);
        close(master);
        close(saved);
    }
    unsetenv("NO_COLOR");
    ymo_log_init((enum ymo_log_level)level);
}

static void
write_nowhere(void)
{
    int saved = dup(2), full = open("/dev/full", O_WRONLY);
    dup2(full, 2);
    errno = ENOTTY;
    ymo_log_write(YMO_LOG_ERROR, "x");
    CHECK_INT(errno, ENOTTY);
    ymo_log_text(YMO_LOG_ERROR, "x\ny");
    CHECK_INT(errno, ENOTTY);
    dup2(saved, 2);
    close(full);
    close(saved);
}

static void
errno_is_kept(void)
{
    write_nowhere();
    ymo_log_level = YMO_LOG_FATAL;
    errno = EXDEV;
    ymo_info("not written");
    CHECK_INT(errno, EXDEV);
    ymo_log_level = YMO_LOG_INFO;
}

static void
error_texts(void)
{
    CHECK_STR(ymo_err_str(YMO_OK), "no error");
    CHECK_STR(ymo_err_str(5), "no error");
    for (int e = YMO_ELIMIT; e < 0; e++)
        CHECK(strcmp(ymo_err_str(e), "unknown error") != 0);
    CHECK_STR(ymo_err_str(-1000), "unknown error");
}

YMO_SUITE(log, levels_filter, level_names, control_bytes_are_escaped, long_lines_are_cut,
          texts_become_lines, no_colour_on_a_pipe, colour_on_a_terminal, errno_is_kept,
          error_texts);
