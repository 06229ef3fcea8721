/* SPDX-License-Identifier: MIT */
#include "supervisor/fate.h"

#include "tests/support/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The wait status of a child that exits with `code`, or dies of `signo`. */
static int
status_of(int code, int signo)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        if (signo) {
            (void)signal(signo, SIG_DFL);
            (void)raise(signo);
        }
        _exit(code);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        abort();
    return status;
}

static void
ends_are_put_in_words(void)
{
    char text[YMO_FATE_MAX];
    ymo_fate_text(status_of(3, 0), text, sizeof(text));
    CHECK_STR(text, "exited with status 3");
    ymo_fate_text(status_of(0, SIGTERM), text, sizeof(text));
    CHECK_STR(text, "was killed by SIGTERM");
    ymo_fate_text(status_of(0, SIGKILL), text, sizeof(text));
    CHECK(strstr(text, "was killed by SIGKILL (") == text);
    CHECK(strstr(text, "memory") != NULL);
    ymo_fate_text(status_of(0, SIGUSR1), text, sizeof(text));
    CHECK(strstr(text, "was killed by signal ") == text);
}

static void
a_small_buffer_cuts_the_text(void)
{
    char text[12];
    memset(text, 'x', sizeof(text));
    ymo_fate_text(status_of(3, 0), text, sizeof(text));
    CHECK_STR(text, "exited with");
}

YMO_SUITE(fate, ends_are_put_in_words, a_small_buffer_cuts_the_text);
