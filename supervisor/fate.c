/* SPDX-License-Identifier: MIT */
#include "supervisor/fate.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static const struct {
    int signo;
    const char *name, *hint;
} known[] = {
    {SIGKILL, "SIGKILL", "by hand, or by the kernel when memory ran out: see dmesg"},
    {SIGSEGV, "SIGSEGV", "a crash in C code: an extension module's or the server's"},
    {SIGABRT, "SIGABRT", "C code gave up: the reason is usually on stderr"},
    {SIGBUS, "SIGBUS", "a crash in C code, or a mapped file became shorter"},
    {SIGFPE, "SIGFPE", "a crash in C code: a division by zero"},
    {SIGILL, "SIGILL", "a crash in C code: built for another processor?"},
    {SIGXCPU, "SIGXCPU", "over its limit of processor time: see ulimit -t"},
    {SIGSYS, "SIGSYS", "a system call that the sandbox forbids"},
    {SIGTERM, "SIGTERM", NULL},
    {SIGINT, "SIGINT", NULL},
    {SIGQUIT, "SIGQUIT", NULL},
    {SIGHUP, "SIGHUP", NULL},
    {SIGPIPE, "SIGPIPE", NULL},
    {SIGALRM, "SIGALRM", "a timer that the application set"},
};

void
ymo_fate_text(int status, char *dst, size_t len)
{
    if (WIFEXITED(status)) {
        (void)snprintf(dst, len, "exited with status %d", WEXITSTATUS(status));
        return;
    }
    if (!WIFSIGNALED(status)) {
        (void)snprintf(dst, len, "ended (wait status 0x%x)", (unsigned)status);
        return;
    }
    int signo = WTERMSIG(status);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].signo != signo)
            continue;
        if (known[i].hint)
            (void)snprintf(dst, len, "was killed by %s (%s)", known[i].name, known[i].hint);
        else
            (void)snprintf(dst, len, "was killed by %s", known[i].name);
        return;
    }
    const char *text = strsignal(signo);
    (void)snprintf(dst, len, "was killed by signal %d (%s)", signo, text ? text : "unknown");
}
