/* SPDX-License-Identifier: MIT */
#include "tests/support/capture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char text[4096];
static int saved, end;

void
ymo_capture_begin(void)
{
    int fds[2];
    saved = fcntl(2, F_DUPFD_CLOEXEC, 0);
    if (saved < 0 || pipe2(fds, O_CLOEXEC) != 0)
        abort();
    dup2(fds[1], 2);
    close(fds[1]);
    end = fds[0];
}

const char *
ymo_capture_end(void)
{
    dup2(saved, 2);
    close(saved);
    ssize_t n = read(end, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    close(end);
    return text;
}

int
ymo_capture_n_open(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}
