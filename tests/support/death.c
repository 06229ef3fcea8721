/* SPDX-License-Identifier: MIT */
#include "tests/support/death.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int
ymo_death_status(void (*fn)(void *arg), void *arg)
{
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit no_core = {0, 0};
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, 2);
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        fn(arg);
        _exit(0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

bool
ymo_death_by_assert(void (*fn)(void *arg), void *arg)
{
    int status = ymo_death_status(fn, arg);
    return status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
