/* SPDX-License-Identifier: MIT */
#include "pyworker/greens.h"

#include "base/bell.h"
#include "base/list.h"
#include "base/log.h"
#include "pyworker/invoke.h"
#include "pyworker/monkey.h"
#include "pyworker/pyarena.h"
#include "pyworker/pylog.h"
#include "pyworker/pysignal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TURN = 16,         /* requests begun before timers and sockets of others get their turn */
    EXCEPTIONS_MAX = 8 /* out of the hub, in a row */
};

/*
 * Where one greenlet waits for the reactor. On the heap, and so is all else that others refer to:
 * the C stack of a greenlet that waits is not where it was.
 */
struct place {
    struct ymo_parker parker;
    PyObject *sleeper; /* the greenlet, or NULL */
};

/* One request at a time; used again and again. */
struct green {
    struct ymo_greens *gs;
    struct green *next;      /* in gs->all */
    struct green *next_free; /* in gs->free */
    struct ymo_call call;
    struct place writer, reader;
    PyObject *run;           /* what its greenlets run */
    PyObject *greenlet;      /* that runs now */
    struct ymo_exchange *ex; /* given to a greenlet that has not begun */
};

struct ymo_greens {
    struct ymo_pystate *st;
    struct ymo_queue *q;
    struct ymo_queue_worker *w;
    int worker, limit; /* limit 0: requests run on `main`, one at a time */
    struct ymo_bell bell;
    struct place own;    /* for the worker's parker, in place of this one's; see place_of() */
    struct place reader; /* of the one request at a time that runs without a limit */

    PyThreadState *ts;
    PyObject *main; /* the greenlet that the thread began with */
    PyObject *hub, *loop, *watcher, *pump;
    PyObject *greenlet_type, *getcurrent, *main_switch, *str_switch;

    struct green *all, *free;
    struct ymo_mailbox *mailbox; /* may hold messages that nobody has told the reactor of */
    int n_running;
    bool in_pump, scheduled, closed, done;
    int exceptions; /* since the last pump */
};

/* ---- starting up ---- */

int
ymo_greens_check(struct ymo_pystate *st, int limit)
{
    PyObject *gevent = PyImport_ImportModule("gevent");
    if (!gevent) {
        ymo_pylog_raised(YMO_LOG_ERROR, "gevent cannot be imported");
        ymo_error("greenlets is %d, which needs the package gevent in the application's "
                  "environment: install it, or set greenlets to 0",
                  limit);
        return YMO_EINVAL;
    }
    st->greenlet_exit = PyObject_GetAttrString(gevent, "GreenletExit");
    Py_DECREF(gevent);
    if (!st->greenlet_exit) {
        ymo_pylog_raised(YMO_LOG_ERROR, "this version of gevent is not supported");
        return YMO_EINVAL;
    }
    if (!ymo_monkey_is_patched("socket") || !ymo_monkey_is_patched("time"))
        ymo_warn("greenlets is %d, but the application is not monkey-patched: while one request "
                 "waits in a socket or in time.sleep, all of its thread's wait. Begin its first "
                 "module with `from gevent import monkey; monkey.patch_all()`",
                 limit);
    ymo_pyarena_keep();
    return YMO_OK;
}

static int park(struct ymo_parker *p);

struct ymo_greens *
ymo_greens_create(struct ymo_pystate *st, struct ymo_queue *q, struct ymo_queue_worker *w,
                  int worker, int limit)
{
    struct ymo_greens *gs = calloc(1, sizeof(*gs));
    YMO_ASSERT(gs);
    ymo_parker_init(&gs->reader.parker);
    gs->st = st;
    gs->q = q;
    gs->w = w;
    gs->worker = worker;
    gs->limit = limit;
    if (ymo_bell_init(&gs->bell, park) < 0) {
        ymo_error("worker %d runs one request at a time: no descriptor to wake gevent's loop: %s",
                  worker, strerror(errno));
        ymo_parker_destroy(&gs->reader.parker);
        free(gs);
        return NULL;
    }
    return gs;
}

void
ymo_greens_free(struct ymo_greens *gs)
{
    for (struct green *g = gs->all, *next; g; g = next) {
        next = g->next;
        ymo_parker_destroy(&g->writer.parker);
        ymo_parker_destroy(&g->reader.parker);
        free(g);
    }
    ymo_parker_destroy(&gs->reader.parker);
    ymo_bell_destroy(&gs->bell);
    free(gs);
}

/* ---- waiting for the client, inside of a request ---- */

static PyObject *
current(const struct ymo_greens *gs)
{
    return PyObject_CallNoArgs(gs->getcurrent);
}

bool
ymo_greens_is_current(const struct ymo_call *c)
{
    if (!c->greens)
        return true;
    PyObject *g = current(c->greens);
    bool yes = g && g == c->greenlet;
    Py_XDECREF(g);
    PyErr_Clear();
    return yes;
}

/* The worker's parker is the queue's, and in no place. */
static struct place *
place_of(struct ymo_greens *gs, struct ymo_parker *p)
{
    return p == &gs->w->parker ? &gs->own : YMO_CONTAINER_OF(p, struct place, parker);
}

/*
 * Instead of sleeping: let the hub run the others, until pump() switches back. Called without the
 * GIL, as those who wait do not know what for. YMO_EINTR: somebody has thrown an exception into
 * this greenlet, and it is set.
 */
static int
park(struct ymo_parker *p)
{
    struct ymo_greens *gs = YMO_CONTAINER_OF(p->bell, struct ymo_greens, bell);
    struct place *at = place_of(gs, p);
    PyEval_RestoreThread(gs->ts);
    YMO_ASSERT(!at->sleeper); /* who writes, and who reads, is one greenlet at a time */
    at->sleeper = current(gs);
    PyObject *rc = at->sleeper ? PyObject_CallMethodNoArgs(gs->hub, gs->str_switch) : NULL;
    Py_CLEAR(at->sleeper);
    int result = rc ? YMO_OK : YMO_EINTR;
    Py_XDECREF(rc);
    (void)PyEval_SaveThread();
    return result;
}

/* Hub. The greenlet runs until it waits for something or ends. */
static void
run_greenlet(const struct ymo_greens *gs, PyObject *greenlet)
{
    PyObject *rc = PyObject_CallMethodNoArgs(greenlet, gs->str_switch);
    if (!rc)
        ymo_pylog_raised(YMO_LOG_ERROR, "a greenlet of the application's ended by an exception");
    Py_XDECREF(rc);
}

static void
resume_rung(struct ymo_greens *gs)
{
    for (struct ymo_parker *p = ymo_bell_take(&gs->bell), *next; p; p = next) {
        next = ymo_bell_next(p);
        struct place *at = place_of(gs, p);
        PyObject *sleeper = at->sleeper;
        if (!sleeper)
            continue; /* the queue rang, for pump(); or nobody waits any more */
        at->sleeper = NULL;
        run_greenlet(gs, sleeper);
        Py_DECREF(sleeper);
    }
}

/* ---- requests ---- */

/* Have the hub call pump() soon. */
static void
schedule_pump(struct ymo_greens *gs)
{
    if (gs->scheduled || gs->in_pump)
        return;
    PyObject *rc = PyObject_CallMethod(gs->loop, "run_callback", "O", gs->pump);
    gs->scheduled = rc;
    if (!rc) { /* out of memory: the bell needs none */
        PyErr_Clear();
        ymo_parker_unpark(&gs->w->parker);
    }
    Py_XDECREF(rc);
}

static void
release(struct green *g)
{
    struct ymo_greens *gs = g->gs;
    g->call.greenlet = NULL;
    g->ex = NULL;
    g->next_free = gs->free;
    gs->free = g;
    gs->n_running--;
    Py_CLEAR(g->greenlet); /* the current one: the thread holds it until it ends */
}

/* What a greenlet runs. */
static PyObject *
run_request(PyObject *capsule, PyObject *none)
{
    struct green *g = PyCapsule_GetPointer(capsule, NULL);
    (void)none;
    if (!g || !g->ex) {
        PyErr_SetString(PyExc_RuntimeError, "only the server may call this");
        return NULL;
    }
    struct ymo_greens *gs = g->gs;
    struct ymo_exchange *ex = g->ex;
    g->ex = NULL;
    ymo_invoke_run(&g->call, ex, &g->writer.parker);
    release(g);
    schedule_pump(gs); /* for the reactor to hear of it, and for the next request */
    Py_RETURN_NONE;
}

static PyMethodDef run_def = {"run_request", run_request, METH_NOARGS, NULL};

static void
place_init(struct place *at, struct ymo_greens *gs)
{
    ymo_parker_init(&at->parker);
    ymo_bell_hang(&gs->bell, &at->parker);
}

static struct green *
new_green(struct ymo_greens *gs)
{
    struct green *g = calloc(1, sizeof(*g));
    if (!g) {
        PyErr_NoMemory();
        return NULL;
    }
    PyObject *capsule = PyCapsule_New(g, NULL, NULL);
    g->run = capsule ? PyCFunction_New(&run_def, capsule) : NULL;
    Py_XDECREF(capsule);
    if (!g->run) {
        free(g);
        return NULL;
    }
    g->gs = gs;
    place_init(&g->writer, gs);
    place_init(&g->reader, gs);
    ymo_call_init(&g->call, gs->st, gs->worker);
    g->call.greens = gs;
    g->call.reader = &g->reader.parker;
    g->next = gs->all;
    gs->all = g;
    return g;
}

/* No greenlet can run it. */
static void
refuse(struct ymo_greens *gs, struct ymo_exchange *ex)
{
    ymo_pylog_raised(YMO_LOG_ERROR, "no greenlet can be started for a request");
    ymo_exchange_begin(ex, &gs->w->parker);
    ymo_exchange_end(ex, true);
}

/* Hub. Returns when the request waits for something or has ended. */
static void
start(struct ymo_greens *gs, struct ymo_exchange *ex)
{
    struct green *g = gs->free;
    if (g)
        gs->free = g->next_free;
    else
        g = new_green(gs);
    if (!g) {
        refuse(gs, ex);
        return;
    }
    gs->n_running++;
    PyObject *greenlet = PyObject_CallOneArg(gs->greenlet_type, g->run);
    g->greenlet = g->call.greenlet = greenlet;
    g->ex = ex;
    if (greenlet) {
        /* Begun at once and not by start(): it could be killed before it had begun. */
        Py_INCREF(greenlet);
        run_greenlet(gs, greenlet);
        Py_DECREF(greenlet);
    }
    if (g->ex) {
        release(g);
        refuse(gs, ex);
    }
}

/* ---- the hub's side ---- */

static void
flush(struct ymo_greens *gs)
{
    if (gs->mailbox)
        ymo_mailbox_flush(gs->mailbox);
}

static void
take_requests(struct ymo_greens *gs)
{
    for (int n = 0; gs->n_running < gs->limit && !gs->closed; n++) {
        if (n == TURN) {
            gs->in_pump = false;
            schedule_pump(gs);
            break;
        }
        struct ymo_exchange *ex = ymo_queue_pop(gs->q, gs->w, &gs->closed);
        if (!ex)
            break;
        if (gs->mailbox != ex->mailbox)
            flush(gs);
        gs->mailbox = ex->mailbox;
        start(gs, ex);
    }
    flush(gs);
}

static int
call_watcher(const struct ymo_greens *gs, const char *method)
{
    PyObject *rc = PyObject_CallMethod(gs->watcher, method, NULL);
    Py_XDECREF(rc);
    return rc ? 0 : -1;
}

/* The last request has ended: back to the greenlet that the thread began with. */
static int
leave(struct ymo_greens *gs)
{
    gs->done = true;
    PyObject *rc = PyObject_CallMethod(gs->loop, "run_callback", "O", gs->main_switch);
    Py_XDECREF(rc);
    return rc ? 0 : -1;
}

/* Hub: something has rung, or a request has ended. */
static PyObject *
pump(PyObject *capsule, PyObject *none)
{
    struct ymo_greens *gs = PyCapsule_GetPointer(capsule, NULL);
    (void)none;
    if (!gs)
        return NULL;
    if (gs->st->forked) {
        /* A child of the application's runs the hub too. The bell and the requests are not its. */
        if (call_watcher(gs, "stop") < 0)
            return NULL;
        Py_RETURN_NONE;
    }
    if (gs->done || gs->in_pump)
        Py_RETURN_NONE;
    gs->exceptions = 0;
    gs->scheduled = false;
    gs->in_pump = true;
    resume_rung(gs);
    if (gs->limit == 0) {
        gs->in_pump = false;
        Py_RETURN_NONE;
    }
    if (gs->worker == 0)
        ymo_invoke_signals(gs->st);
    take_requests(gs);
    gs->in_pump = false;
    if (gs->closed && gs->n_running == 0 && !gs->st->forked && leave(gs) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef pump_def = {"yimmo_wsgi", pump, METH_NOARGS, NULL};

static int
open_hub(struct ymo_greens *gs)
{
    PyObject *gevent = PyImport_ImportModule("gevent"), *rc = NULL;
    gs->ts = PyThreadState_Get();
    if (!gevent)
        return -1;
    gs->hub = PyObject_CallMethod(gevent, "get_hub", NULL);
    gs->greenlet_type = PyObject_GetAttrString(gevent, "Greenlet");
    gs->getcurrent = PyObject_GetAttrString(gevent, "getcurrent");
    Py_DECREF(gevent);
    gs->str_switch = PyUnicode_InternFromString("switch");
    if (!gs->hub || !gs->greenlet_type || !gs->getcurrent || !gs->str_switch)
        return -1;
    gs->loop = PyObject_GetAttrString(gs->hub, "loop");
    gs->main = current(gs);
    if (gs->main)
        gs->main_switch = PyObject_GetAttrString(gs->main, "switch");
    PyObject *capsule = PyCapsule_New(gs, NULL, NULL);
    if (capsule)
        gs->pump = PyCFunction_New(&pump_def, capsule);
    Py_XDECREF(capsule);
    if (!gs->loop || !gs->main_switch || !gs->pump)
        return -1;
    gs->watcher = PyObject_CallMethod(gs->loop, "io", "ii", gs->bell.fd, 1); /* 1: to be read */
    if (gs->watcher)
        rc = PyObject_CallMethod(gs->watcher, "start", "O", gs->pump);
    Py_XDECREF(rc);
    return rc ? 0 : -1;
}

/* `used`: the hub has run. */
static void
close_hub(struct ymo_greens *gs, bool used)
{
    if (gs->watcher && (call_watcher(gs, "stop") < 0 || call_watcher(gs, "close") < 0))
        ymo_pylog_raised(YMO_LOG_WARNING, "gevent's loop cannot be left");
    for (struct green *g = gs->all; g; g = g->next) {
        ymo_call_clear(&g->call);
        Py_CLEAR(g->run);
    }
    /* The main thread's goes on: exit handlers may need it. The others' die with their threads. */
    if (used && gs->worker != 0) {
        PyObject *rc = PyObject_CallMethod(gs->hub, "destroy", NULL);
        if (!rc)
            ymo_pylog_raised(YMO_LOG_WARNING, "gevent's loop cannot be closed");
        Py_XDECREF(rc);
    }
    Py_CLEAR(gs->watcher);
    Py_CLEAR(gs->pump);
    Py_CLEAR(gs->main_switch);
    Py_CLEAR(gs->str_switch);
    Py_CLEAR(gs->main);
    Py_CLEAR(gs->loop);
    Py_CLEAR(gs->hub);
    Py_CLEAR(gs->getcurrent);
    Py_CLEAR(gs->greenlet_type);
}

void
ymo_greens_handle_raised(struct ymo_greens *gs)
{
    PyObject *exc = ymo_pycompat_take_raised();
    if (gs->worker == 0 && ymo_pysignal_is_exit(exc)) {
        ymo_notice("a signal handler or a greenlet asked to end the process");
        gs->st->stop(gs->st->stop_arg);
    } else {
        ymo_error("gevent's loop was left by an exception; it goes on");
        ymo_pylog_traceback(YMO_LOG_ERROR, exc);
    }
    Py_DECREF(exc);
    if (++gs->exceptions > EXCEPTIONS_MAX) {
        /* Nobody calls pump() any more, as if the application had destroyed the loop. */
        ymo_fatal("gevent's loop does not go on: the process ends");
        _exit(1);
    }
}

int
ymo_greens_run(struct ymo_greens *gs)
{
    if (open_hub(gs) < 0) {
        ymo_pylog_raised(YMO_LOG_ERROR, "gevent's loop cannot be used: this worker runs one "
                                        "request at a time");
        close_hub(gs, false);
        return YMO_EIO;
    }
    ymo_bell_hang(&gs->bell, &gs->w->parker);
    schedule_pump(gs);
    while (!gs->done) {
        PyObject *rc = PyObject_CallMethodNoArgs(gs->hub, gs->str_switch);
        if (!rc)
            ymo_greens_handle_raised(gs);
        Py_XDECREF(rc);
    }
    close_hub(gs, true);
    return YMO_OK;
}

int
ymo_greens_enter(struct ymo_greens *gs, struct ymo_call *c)
{
    if (open_hub(gs) < 0) {
        ymo_pylog_raised(YMO_LOG_WARNING, "gevent's loop cannot be used between requests");
        close_hub(gs, false);
        return YMO_EIO;
    }
    ymo_bell_hang(&gs->bell, &gs->reader.parker);
    ymo_bell_hang(&gs->bell, &gs->w->parker);
    c->greens = gs;
    c->greenlet = gs->main;
    c->reader = &gs->reader.parker;
    return YMO_OK;
}

void
ymo_greens_leave(struct ymo_greens *gs, struct ymo_call *c)
{
    c->greens = NULL;
    c->greenlet = NULL;
    c->reader = NULL;
    close_hub(gs, true);
}
