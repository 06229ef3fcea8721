/* SPDX-License-Identifier: MIT */
#include "pyworker/watch.h"

#include "base/log.h"
#include "pyworker/nogil.h"
#include "pyworker/pylog.h"
#include "pyworker/report.h"
#include "pyworker/stacks.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * How long one thread must have had the GIL: half a second. The reactor may end the process a
 * second after it gave a request up, and by then the stacks are to be in the log.
 */
enum { BATCH = 32, SAMPLE_MS = 10, SAMPLES = 500 / SAMPLE_MS };

enum phase {
    IDLE,  /* the batch is the watching thread's */
    ASKED, /* the Python thread is to show it, as soon as it has the GIL */
    TAKEN, /* it does */
};

struct batch {
    struct ymo_report reports[BATCH];
    unsigned n, lost;
};

struct ymo_watch {
    /* set up before the threads start */
    struct ymo_pystate *st;
    PyInterpreterState *interp;
    struct ymo_stacks stacks;
    struct ymo_nogil nogil;
    int n_workers;
    pthread_t watcher, python;
    bool has_watcher, has_python;

    atomic_ulong *idents;    /* of the workers' threads; 0 before they begin */
    atomic_long interval_us; /* the interpreter's switch interval when last looked at */

    pthread_mutex_t lock; /* leaf lock; may be taken with the GIL held, never the other way round */
    pthread_cond_t changed;
    /* under the lock */
    PyThreadState **states; /* of the workers; NULL before they begin and when they have ended */
    struct batch waiting;
    enum phase phase;
    bool running, stop;

    struct batch batch; /* belongs to one of the threads, see phase */
};

struct ymo_watch *
ymo_watch_create(struct ymo_pystate *st, int n_workers)
{
    pthread_condattr_t attr;
    struct ymo_watch *w = calloc(1, sizeof(*w));
    YMO_ASSERT(w);
    w->st = st;
    w->interp = PyInterpreterState_Get();
    w->nogil.fd = -1;
    w->n_workers = n_workers;
    w->idents = calloc((size_t)n_workers, sizeof(*w->idents));
    w->states = calloc((size_t)n_workers, sizeof(PyThreadState *));
    YMO_ASSERT(w->idents && w->states);
    YMO_ASSERT(pthread_mutex_init(&w->lock, NULL) == 0);
    YMO_ASSERT(pthread_condattr_init(&attr) == 0);
    YMO_ASSERT(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    YMO_ASSERT(pthread_cond_init(&w->changed, &attr) == 0);
    pthread_condattr_destroy(&attr);
    return w;
}

void
ymo_watch_free(struct ymo_watch *w)
{
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w->states);
    free(w->idents);
    free(w);
}

void
ymo_watch_enter(struct ymo_watch *w, int worker)
{
    atomic_store(&w->idents[worker], PyThread_get_thread_ident());
    pthread_mutex_lock(&w->lock);
    w->states[worker] = PyThreadState_Get();
    pthread_mutex_unlock(&w->lock);
}

void
ymo_watch_leave(struct ymo_watch *w, int worker)
{
    pthread_mutex_lock(&w->lock);
    w->states[worker] = NULL;
    pthread_mutex_unlock(&w->lock);
}

void
ymo_watch_report(struct ymo_watch *w, const struct ymo_exchange *ex)
{
    struct ymo_report rp;
    if (!ymo_report_fill(&rp, ex))
        return;
    pthread_mutex_lock(&w->lock);
    if (w->running && !w->stop) {
        if (w->waiting.n < BATCH)
            w->waiting.reports[w->waiting.n++] = rp;
        else
            w->waiting.lost++;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
}

/* ---- the thread that takes the GIL ---- */

static void
look_at_interval(struct ymo_watch *w)
{
    PyObject *get = PySys_GetObject("getswitchinterval"); /* borrowed */
    PyObject *value = get ? PyObject_CallNoArgs(get) : NULL;
    double seconds = value ? PyFloat_AsDouble(value) : -1;
    if (seconds >= 0 && seconds < 1e6)
        atomic_store(&w->interval_us, (long)(seconds * 1e6));
    Py_XDECREF(value);
    PyErr_Clear();
}

/* GIL held. By now the other thread may have lost patience. */
static void
show(struct ymo_watch *w)
{
    pthread_mutex_lock(&w->lock);
    bool mine = w->phase == ASKED;
    if (mine)
        w->phase = TAKEN;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    look_at_interval(w);
    if (!mine)
        return;
    ymo_stacks_log(&w->stacks, w->st, w->batch.reports, w->batch.n);
    pthread_mutex_lock(&w->lock);
    w->phase = IDLE;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static void *
python_main(void *arg)
{
    struct ymo_watch *w = arg;
    (void)pthread_setname_np(pthread_self(), "yimmo-stacks");
    PyThreadState *ts = PyThreadState_New(w->interp);
    YMO_ASSERT(ts);
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        if (w->phase != ASKED) {
            pthread_cond_wait(&w->changed, &w->lock);
            continue;
        }
        pthread_mutex_unlock(&w->lock);
        PyEval_RestoreThread(ts);
        show(w);
        (void)PyEval_SaveThread();
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    PyEval_RestoreThread(ts);
    PyThreadState_Clear(ts);
    PyThreadState_DeleteCurrent();
    return NULL;
}

/* ---- the thread that does not ---- */

#if PY_VERSION_HEX >= 0x030C0000
static long
count_threads(void)
{
    char line[128];
    long n = 1;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, "Threads:", 8) == 0)
            n = strtol(line + 8, NULL, 10);
    }
    if (f)
        fclose(f);
    return n;
}
#endif

/*
 * Lock held. Who has the GIL now; 0: nobody, or a thread that we cannot look at. Read without
 * ordering: a sample, compared with the next.
 */
static uintptr_t
holder(const struct ymo_watch *w)
{
#if PY_VERSION_HEX < 0x030C0000
    (void)w;
    return (uintptr_t)_PyThreadState_UncheckedGet();
#else
    for (int i = 0; i < w->n_workers; i++) {
        if (w->states[i] && w->states[i]->_status.active)
            return (uintptr_t)w->states[i];
    }
    return 0;
#endif
}

/*
 * In how many samples in a row `who` must have had the GIL for it to be C code that does not let
 * go. Python code does, every switch interval, as long as somebody waits; and takes no second turn
 * before somebody else had one. A thread of the application's cannot be told from another in some
 * versions: then only the odds say that our own would have had its turn.
 */
static long
samples_needed(const struct ymo_watch *w, uintptr_t who)
{
    if (who)
        return SAMPLES;
#if PY_VERSION_HEX < 0x030C0000
    (void)w;
    return LONG_MAX;
#else
    long interval = atomic_load(&w->interval_us);
    if (interval > 60 * 1000 * 1000)
        interval = 60 * 1000 * 1000;
    return SAMPLES + 20 * count_threads() * interval / (1000 * SAMPLE_MS);
#endif
}

/* Lock held on entry and on return. True when the time passed in which nothing was heard. */
static bool
wait_sample(struct ymo_watch *w)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += SAMPLE_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    return pthread_cond_timedwait(&w->changed, &w->lock, &until) == ETIMEDOUT;
}

/*
 * Lock held on entry and on return. Wait for the Python thread to get the GIL. False when it does
 * not and C code holds it. Counted in samples, and not by the clock, so that time in which the
 * process was stopped does not count.
 */
static bool
wait_for_python(struct ymo_watch *w)
{
    uintptr_t last = 0;
    long same = 0, needed = samples_needed(w, last);
    while (w->phase == ASKED && !w->stop) {
        if (!wait_sample(w))
            continue;
        uintptr_t now = holder(w);
        if (now != last) {
            last = now;
            same = 0;
            needed = samples_needed(w, now);
        }
        if (++same >= needed)
            return false;
    }
    return true;
}

/* Lock held on entry and on return. */
static void
see_to_batch(struct ymo_watch *w)
{
    w->batch = w->waiting;
    w->waiting.n = w->waiting.lost = 0;
    w->phase = ASKED;
    pthread_cond_broadcast(&w->changed);
    bool python = wait_for_python(w);
    if (w->phase == ASKED)
        w->phase = IDLE;
    if (!python) {
        pthread_mutex_unlock(&w->lock);
        ymo_nogil_log(&w->nogil, w->batch.reports, w->batch.n, w->idents, w->n_workers);
        pthread_mutex_lock(&w->lock);
    }
    while (w->phase == TAKEN)
        pthread_cond_wait(&w->changed, &w->lock);
    if (w->batch.lost > 0)
        ymo_warn("%u more requests hang; not each of them was looked for", w->batch.lost);
}

static void *
watcher_main(void *arg)
{
    struct ymo_watch *w = arg;
    (void)pthread_setname_np(pthread_self(), "yimmo-watch");
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        if (w->waiting.n > 0)
            see_to_batch(w);
        else
            pthread_cond_wait(&w->changed, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- start and stop ---- */

/* Signals are for other threads, but for the one that a thread sends to itself. */
static int
start_thread(struct ymo_watch *w, pthread_t *thread_r, void *(*func)(void *))
{
    sigset_t all, before;
    sigfillset(&all);
    if (w->nogil.fd >= 0)
        sigdelset(&all, w->nogil.signo);
    YMO_ASSERT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    int rc = pthread_create(thread_r, NULL, func, w);
    YMO_ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (rc != 0)
        ymo_warn("the stacks of slow requests cannot be logged: no thread for it starts: %s",
                 strerror(rc));
    return rc;
}

void
ymo_watch_start(struct ymo_watch *w)
{
    if (ymo_stacks_init(&w->stacks) < 0) {
        ymo_pylog_raised(YMO_LOG_WARNING, "the stacks of slow requests cannot be logged");
        return;
    }
    look_at_interval(w);
    ymo_nogil_init(&w->nogil);
    w->has_python = start_thread(w, &w->python, python_main) == 0;
    w->has_watcher = w->has_python && start_thread(w, &w->watcher, watcher_main) == 0;
    pthread_mutex_lock(&w->lock);
    w->running = w->has_watcher;
    pthread_mutex_unlock(&w->lock);
}

void
ymo_watch_stop(struct ymo_watch *w)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    PyThreadState *saved = PyEval_SaveThread();
    if (w->has_watcher)
        pthread_join(w->watcher, NULL);
    if (w->has_python)
        pthread_join(w->python, NULL);
    PyEval_RestoreThread(saved);
    ymo_nogil_clear(&w->nogil);
    ymo_stacks_clear(&w->stacks);
}
