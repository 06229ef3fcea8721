/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "pyworker/pyworker.h"

#include "pyworker/pycompat.h"

#include "base/log.h"
#include "pyworker/apploader.h"
#include "pyworker/greens.h"
#include "pyworker/interp.h"
#include "pyworker/invoke.h"
#include "pyworker/monkey.h"
#include "pyworker/pyfork.h"
#include "pyworker/pylog.h"
#include "pyworker/pysignal.h"
#include "pyworker/pystate.h"
#include "pyworker/watch.h"
#include "request/queue.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Python code nests deeply; some C libraries give threads as little as 128 KiB. */
enum { STACK_MIN = 8 * 1024 * 1024 };

struct worker {
    struct ymo_pyworker *pw;
    int index;
    pthread_t thread; /* not for worker 0 */
    struct ymo_queue_worker queue;
    struct ymo_call call;
    struct ymo_greens *greens; /* or NULL: one request at a time */
};

struct ymo_pyworker {
    struct ymo_executor executor; /* first: the reactor knows us by it */
    struct ymo_queue queue;
    struct ymo_pystate state;
    struct ymo_watch *watch; /* or NULL: no reports */
    PyInterpreterState *interp;
    bool prepared; /* for forks */
    int n_workers;
    int greenlets; /* for each of them; or 0 */
    bool gevent;   /* their waits run its loop */
    struct worker *workers;
};

/* ---- the executor, on the reactor's thread ---- */

static struct ymo_pyworker *
of_executor(struct ymo_executor *x)
{
    return (struct ymo_pyworker *)(void *)x;
}

static void
submit(struct ymo_executor *x, struct ymo_exchange *first, struct ymo_exchange *last)
{
    ymo_queue_push(&of_executor(x)->queue, first, last);
}

static bool
kick(struct ymo_executor *x)
{
    return ymo_queue_kick(&of_executor(x)->queue);
}

static bool
cancel(struct ymo_executor *x, struct ymo_exchange *ex)
{
    return ymo_queue_take_back(&of_executor(x)->queue, ex);
}

static void
drain(struct ymo_executor *x)
{
    ymo_queue_close(&of_executor(x)->queue);
}

static void
report(struct ymo_executor *x, const struct ymo_exchange *ex)
{
    struct ymo_watch *watch = of_executor(x)->watch;
    if (watch)
        ymo_watch_report(watch, ex);
}

static const struct ymo_executor_ops ops = {submit, kick, cancel, report, drain};

bool
ymo_pyworker_handles_signal(int signo)
{
    if (ymo_pysignal_is_handled(signo))
        return true;
    if (!ymo_pysignal_is_foreign(signo))
        return false;
    ymo_notice("signal %d (%s) is left to a handler that the application has installed from C, as "
               "gevent does",
               signo, strsignal(signo));
    return true;
}

struct ymo_executor *
ymo_pyworker_executor(struct ymo_pyworker *pw)
{
    return &pw->executor;
}

/* ---- workers ---- */

static void
sleep_until_work(struct worker *w)
{
    /* What came since its last Python code ran must not wait for the next request. */
    if (w->index == 0)
        ymo_invoke_signals(&w->pw->state);
    PyThreadState *saved = PyEval_SaveThread();
    int rc = ymo_parker_park(&w->queue.parker);
    /*
     * Signals are not blocked in any worker, because a subprocess would be born with them blocked.
     * The kernel gives them to the main thread if it can; if not, we pass them on, as Python runs
     * its handlers there only.
     */
    if (rc == YMO_EINTR && w->index != 0)
        ymo_parker_unpark(&w->pw->workers[0].queue.parker);
    PyEval_RestoreThread(saved);
    if (PyErr_Occurred())
        ymo_greens_handle_raised(w->greens);
    if (w->index == 0)
        ymo_invoke_signals(&w->pw->state);
}

/* One request at a time. GIL held on entry and on return, and while there is work. */
static void
work_alone(struct worker *w)
{
    struct ymo_mailbox *mailbox = NULL;
    bool closed = false;
    ymo_call_init(&w->call, &w->pw->state, w->index);
    bool entered =
        w->greens && w->pw->greenlets == 0 && ymo_greens_enter(w->greens, &w->call) == YMO_OK;
    while (!closed) {
        struct ymo_exchange *ex = ymo_queue_pop(&w->pw->queue, &w->queue, &closed);
        if (ex && mailbox && mailbox != ex->mailbox)
            ymo_mailbox_flush(mailbox);
        if (ex) {
            mailbox = ex->mailbox;
            ymo_invoke_run(&w->call, ex, &w->queue.parker);
            continue;
        }
        if (mailbox)
            ymo_mailbox_flush(mailbox);
        if (!closed)
            sleep_until_work(w);
    }
    if (entered)
        ymo_greens_leave(w->greens, &w->call);
    ymo_call_clear(&w->call);
}

static void
work(struct worker *w)
{
    if (w->pw->watch)
        ymo_watch_enter(w->pw->watch, w->index);
    if (w->pw->greenlets == 0 || !w->greens || ymo_greens_run(w->greens) < 0)
        work_alone(w);
    if (w->pw->watch)
        ymo_watch_leave(w->pw->watch, w->index);
}

/* Only for people who read thread dumps, so it may fail. */
static void
name_thread(int index)
{
    char name[32];
    snprintf(name, sizeof(name), index < 100 ? "yimmo-worker-%d" : "yimmo-wrk-%d", index);
    (void)pthread_setname_np(pthread_self(), name);
    PyObject *threading = PyImport_ImportModule("threading");
    PyObject *self = threading ? PyObject_CallMethod(threading, "current_thread", NULL) : NULL;
    PyObject *str = self ? PyUnicode_FromString(name) : NULL;
    if (str)
        (void)PyObject_SetAttrString(self, "name", str);
    Py_XDECREF(str);
    Py_XDECREF(self);
    Py_XDECREF(threading);
    PyErr_Clear();
}

/* The thread state is made once and kept: threading.local and what hangs on it live as long. */
static void *
worker_main(void *arg)
{
    struct worker *w = arg;
    PyThreadState *ts = PyThreadState_New(w->pw->interp);
    YMO_ASSERT(ts);
    PyEval_RestoreThread(ts);
    name_thread(w->index);
    work(w);
    PyThreadState_Clear(ts);
    PyThreadState_DeleteCurrent();
    return NULL;
}

/* How many there are then, worker 0 included. */
static int
start_threads(struct ymo_pyworker *pw)
{
    pthread_attr_t attr;
    size_t size;
    int n = 1;
    YMO_ASSERT(pthread_attr_init(&attr) == 0);
    if (pthread_attr_getstacksize(&attr, &size) == 0 && size < STACK_MIN)
        (void)pthread_attr_setstacksize(&attr, STACK_MIN);
    for (; n < pw->n_workers; n++) {
        int rc = pthread_create(&pw->workers[n].thread, &attr, worker_main, &pw->workers[n]);
        if (rc != 0) {
            ymo_error("only %d of %d worker threads start: %s", n, pw->n_workers, strerror(rc));
            break;
        }
    }
    pthread_attr_destroy(&attr);
    return n;
}

static void
start_greens(struct ymo_pyworker *pw)
{
    for (int i = 0; pw->gevent && i < pw->n_workers; i++) {
        struct worker *w = &pw->workers[i];
        w->greens = ymo_greens_create(&pw->state, &pw->queue, &w->queue, i, pw->greenlets);
    }
}

void
ymo_pyworker_run(struct ymo_pyworker *pw, void (*stop)(void *arg), void *arg)
{
    pw->state.stop = stop;
    pw->state.stop_arg = arg;
    start_greens(pw);
    ymo_pysignal_wake(&pw->workers[0].queue.parker);
    if (pw->watch)
        ymo_watch_start(pw->watch);
    int n = start_threads(pw);
    work(&pw->workers[0]);
    PyThreadState *saved = PyEval_SaveThread();
    for (int i = 1; i < n; i++)
        pthread_join(pw->workers[i].thread, NULL);
    PyEval_RestoreThread(saved);
    if (pw->watch)
        ymo_watch_stop(pw->watch);
}

/* ---- start and finish ---- */

static struct ymo_pyworker *
create(int n_workers)
{
    struct ymo_pyworker *pw = calloc(1, sizeof(*pw));
    YMO_ASSERT(pw);
    pw->executor.ops = &ops;
    pw->n_workers = n_workers > 0 ? n_workers : 1;
    pw->workers = calloc((size_t)pw->n_workers, sizeof(*pw->workers));
    YMO_ASSERT(pw->workers);
    ymo_queue_init(&pw->queue);
    for (int i = 0; i < pw->n_workers; i++) {
        pw->workers[i].pw = pw;
        pw->workers[i].index = i;
        ymo_queue_worker_init(&pw->workers[i].queue);
    }
    return pw;
}

/* Before the application is loaded: it may know better. */
static int
set_switch_interval(double seconds)
{
    PyObject *set = seconds > 0 ? PySys_GetObject("setswitchinterval") : NULL; /* borrowed */
    PyObject *rc = set ? PyObject_CallFunction(set, "d", seconds) : NULL;
    Py_XDECREF(rc);
    return rc || !set ? 0 : -1;
}

static int
load(struct ymo_pyworker *pw, const struct ymo_pyworker_config *cfg)
{
    pw->interp = PyInterpreterState_Get();
    if (ymo_pystate_init(&pw->state, cfg) < 0 || ymo_pysignal_watch_forks(&pw->state.forked) < 0) {
        ymo_pylog_raised(YMO_LOG_ERROR, "the Python worker does not start");
        return YMO_EINVAL;
    }
    if (set_switch_interval(cfg->switch_interval) < 0) {
        ymo_pylog_raised(YMO_LOG_ERROR, "switch_interval cannot be set");
        return YMO_EINVAL;
    }
    if (cfg->reports)
        pw->watch = ymo_watch_create(&pw->state, pw->n_workers);
    pw->state.app = ymo_apploader_load(cfg->module, cfg->app);
    if (!pw->state.app || (cfg->greenlets > 0 && ymo_greens_check(&pw->state, cfg->greenlets) < 0))
        return YMO_EINVAL;
    if (cfg->n_threads > 1)
        ymo_monkey_mend_imports();
    pw->greenlets = cfg->greenlets;
    pw->gevent = cfg->greenlets > 0 || ymo_monkey_is_patched("thread") ||
                 ymo_monkey_is_patched("socket") || ymo_monkey_is_patched("time");
    pw->queue.busy_idle = cfg->greenlets > 0;
    return YMO_OK;
}

int
ymo_pyworker_start(const struct ymo_pyworker_config *cfg, struct ymo_pyworker **pw_r)
{
    int rc = ymo_interp_start(cfg);
    if (rc < 0) {
        if (Py_IsInitialized())
            (void)Py_FinalizeEx();
        return rc;
    }
    struct ymo_pyworker *pw = create(cfg->n_threads);
    rc = load(pw, cfg);
    if (rc < 0) {
        ymo_pyworker_finish(pw);
        return rc;
    }
    *pw_r = pw;
    return YMO_OK;
}

void
ymo_pyworker_finish(struct ymo_pyworker *pw)
{
    ymo_pystate_clear(&pw->state);
    /* Joins the application's threads, runs its atexit handlers, flushes what it printed. */
    if (Py_FinalizeEx() < 0)
        ymo_warn("what the application printed last could not be written");
    ymo_queue_destroy(&pw->queue);
    for (int i = 0; i < pw->n_workers; i++) {
        ymo_queue_worker_destroy(&pw->workers[i].queue);
        if (pw->workers[i].greens)
            ymo_greens_free(pw->workers[i].greens);
    }
    if (pw->watch)
        ymo_watch_free(pw->watch);
    free(pw->workers);
    free(pw);
}

int
ymo_pyworker_fork(struct ymo_pyworker *pw)
{
    if (!pw->prepared)
        ymo_pyfork_prepare();
    pw->prepared = true;
    int rc = ymo_pyfork_spawn();
    if (rc == 0) { /* the hook of pysignal.c cannot tell our forks from the application's */
        pw->state.forked = false;
        ymo_monkey_forked();
    }
    return rc;
}

const char *
ymo_pyworker_python_version(void)
{
    static char text[256];
    const char *full = Py_GetVersion();
    snprintf(text, sizeof(text), "%.*s (%s)", (int)strcspn(full, " "), full, YMO_PYTHON_EXECUTABLE);
    return text;
}
