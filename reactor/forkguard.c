/* SPDX-License-Identifier: MIT */
#include "reactor/forkguard.h"

#include "base/err.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

atomic_bool ymo_forkguard_forked;

/* The only ones a loop takes: handlers are a property of the process, and so is this. */
static struct guarded {
    int signo;
    bool taken;
    struct sigaction before, ours;
} guarded[] = {{.signo = SIGTERM}, {.signo = SIGINT}, {.signo = SIGQUIT}, {.signo = SIGHUP}};

enum { N_GUARDED = sizeof(guarded) / sizeof(guarded[0]) };

/* A child has its copy of both as they are at the fork; it has closed none of them before. */
static _Atomic(const int *) hidden;
static atomic_size_t n_hidden;

/* The mask of the thread that forks, from before to after. */
static _Thread_local sigset_t mask;

static void
prepare(void)
{
    sigset_t set;
    atomic_store(&ymo_forkguard_forked, true);
    sigemptyset(&set);
    for (int i = 0; i < N_GUARDED; i++)
        if (guarded[i].taken)
            sigaddset(&set, guarded[i].signo);
    pthread_sigmask(SIG_BLOCK, &set, &mask);
}

static void
in_parent(void)
{
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

/*
 * In the child the loop's handler would write to the parent's wake-up descriptor and nothing else
 * would happen: a SIGTERM that came before this, or would come after, must end the child.
 */
static void
in_child(void)
{
    for (int i = 0; i < N_GUARDED; i++) {
        struct sigaction now;
        if (guarded[i].taken && sigaction(guarded[i].signo, NULL, &now) == 0 &&
            now.sa_handler == guarded[i].ours.sa_handler)
            (void)sigaction(guarded[i].signo, &guarded[i].before, NULL);
        guarded[i].taken = false;
    }
    const int *fds = atomic_load(&hidden);
    for (size_t i = 0; i < atomic_load(&n_hidden); i++)
        close(fds[i]);
    atomic_store(&n_hidden, 0);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

void
ymo_forkguard_hide(const int *fds, size_t n)
{
    /* The number last, and first to go: a fork in between must not see it without the array. */
    if (n == 0)
        atomic_store(&n_hidden, 0);
    atomic_store(&hidden, fds);
    atomic_store(&n_hidden, n);
}

static struct guarded *
find(int signo)
{
    for (int i = 0; i < N_GUARDED; i++)
        if (guarded[i].signo == signo)
            return &guarded[i];
    ymo_err_bug(__FILE__, __LINE__, "a signal that is not guarded");
}

enum ymo_forkguard_was
ymo_forkguard_before(int signo)
{
    static bool registered;
    struct guarded *g = find(signo);
    if (!registered)
        YMO_ASSERT(pthread_atfork(prepare, in_parent, in_child) == 0);
    registered = true;
    YMO_ASSERT(sigaction(signo, NULL, &g->before) == 0);
    if (g->before.sa_handler == SIG_DFL)
        return YMO_FORKGUARD_DEFAULT;
    return g->before.sa_handler == SIG_IGN ? YMO_FORKGUARD_IGNORED : YMO_FORKGUARD_HANDLED;
}

void
ymo_forkguard_after(int signo)
{
    struct guarded *g = find(signo);
    YMO_ASSERT(sigaction(signo, NULL, &g->ours) == 0);
    g->taken = true;
}

bool
ymo_forkguard_foreign(int signo)
{
    const struct guarded *g = find(signo);
    struct sigaction now;
    if (sigaction(signo, NULL, &now) != 0 || now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)
        return false;
    return !g->taken || now.sa_handler != g->ours.sa_handler;
}
