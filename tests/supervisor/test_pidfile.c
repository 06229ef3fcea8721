/* SPDX-License-Identifier: MIT */
#include "supervisor/pidfile.h"
#include "tests/support/capture.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/yimmo-wsgi-pidfile.XXXXXX";
static char path[64], ours[24];

static const char *
contents(void)
{
    static char text[64];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n < 0 ? "(none)" : text;
}

static void
put(const char *text)
{
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        abort();
}

static void
written_and_removed(void)
{
    struct stat st;
    mode_t mask = umask(077);
    int before = ymo_capture_n_open();
    REQUIRE(ymo_pidfile_write(path) == YMO_OK);
    umask(mask);
    CHECK_STR(contents(), ours);
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0644); /* whatever the umask: others read it */
    CHECK_INT(ymo_capture_n_open(), before);
    ymo_pidfile_remove(path);
    CHECK_STR(contents(), "(none)");
    ymo_pidfile_remove(path);
}

static void
whatever_was_there_is_replaced(void)
{
    const char *const before[] = {"", "1\n", "999999\n", "no number at all", ours};
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        ymo_test_context("%s", before[i]);
        put(before[i]);
        CHECK_INT(ymo_pidfile_write(path), YMO_OK);
        CHECK_STR(contents(), ours);
    }
    ymo_test_context(NULL);
    ymo_pidfile_remove(path);
}

static void
other_servers_file_stays(void)
{
    char longer[32];
    snprintf(longer, sizeof(longer), "%s1\n", ours);
    const char *const theirs[] = {"1\n", "", longer};
    for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++) {
        put(theirs[i]);
        ymo_pidfile_remove(path);
        CHECK_STR(contents(), theirs[i]);
    }
    unlink(path);
}

static void
failures_say_what_to_do(void)
{
    char missing[96], directory[96], huge[5000];
    snprintf(missing, sizeof(missing), "%s/no/pid", dir);
    snprintf(directory, sizeof(directory), "%s/directory", dir);
    memset(huge, 'x', sizeof(huge) - 1);
    huge[0] = '/';
    huge[sizeof(huge) - 1] = '\0';
    REQUIRE(mkdir(directory, 0700) == 0);
    const char *const rows[] = {missing, directory, huge};
    int before = ymo_capture_n_open();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ymo_test_context("%.60s", rows[i]);
        ymo_capture_begin();
        CHECK_INT(ymo_pidfile_write(rows[i]), YMO_EIO);
        const char *line = ymo_capture_end();
        CHECK(strstr(line, "pidfile is /") && strstr(line, "choose a file"));
    }
    ymo_test_context(NULL);
    CHECK_INT(ymo_capture_n_open(), before);
    CHECK_INT(rmdir(directory), 0);
    CHECK_INT(ymo_pidfile_write(NULL), YMO_OK);
    ymo_pidfile_remove(NULL);
}

static void
tmp_begin(void)
{
    REQUIRE(mkdtemp(dir) != NULL);
    snprintf(path, sizeof(path), "%s/pid", dir);
    snprintf(ours, sizeof(ours), "%ld\n", (long)getpid());
}

static void
tmp_end(void)
{
    CHECK_INT(rmdir(dir), 0); /* no temporary file is left */
}

YMO_SUITE(pidfile, tmp_begin, written_and_removed, whatever_was_there_is_replaced,
          other_servers_file_stays, failures_say_what_to_do, tmp_end);
