/* SPDX-License-Identifier: MIT */
#include "pyworker/pysignal.h"

#include <errno.h>
#include <frameobject.h>
#include <signal.h>

static PyObject *
call_signal(const char *name, const char *fmt, int signo, PyObject *arg)
{
    PyObject *module = PyImport_ImportModule("signal");
    PyObject *rc = module ? PyObject_CallMethod(module, name, fmt, signo, arg) : NULL;
    Py_XDECREF(module);
    return rc;
}

/* What Python believes the handler to be. New reference, or NULL without an exception. */
static PyObject *
get_handler(int signo)
{
    PyObject *handler = call_signal("getsignal", "i", signo, NULL);
    if (!handler)
        PyErr_Clear();
    return handler;
}

int
ymo_pysignal_init(void)
{
    PyObject *dfl = PyLong_FromLong((long)(intptr_t)SIG_DFL);
    PyObject *now = get_handler(SIGINT);
    PyObject *rc = NULL;
    /* SIG_IGN, as a shell's background jobs have it, is left alone. */
    if (dfl && now && PyCallable_Check(now) && !PyLong_Check(now))
        rc = call_signal("signal", "iO", SIGINT, dfl);
    Py_XDECREF(now);
    Py_XDECREF(dfl);
    Py_XDECREF(rc);
    return PyErr_Occurred() ? -1 : 0;
}

bool
ymo_pysignal_is_handled(int signo)
{
    PyObject *handler = get_handler(signo);
    /* SIG_DFL and SIG_IGN are numbers; None is a handler that was there before Python. The
     * interpreter's own default_int_handler is a C function. */
    bool handled = handler && PyCallable_Check(handler) && !PyLong_Check(handler) &&
                   !PyCFunction_Check(handler);
    Py_XDECREF(handler);
    return handled;
}

bool
ymo_pysignal_is_foreign(int signo)
{
    struct sigaction sa;
    PyObject *handler = get_handler(signo);
    bool pythons = handler && PyCallable_Check(handler) && !PyLong_Check(handler);
    Py_XDECREF(handler);
    if (pythons || sigaction(signo, NULL, &sa) != 0)
        return false;
    return (sa.sa_flags & SA_SIGINFO) || (sa.sa_handler != SIG_DFL && sa.sa_handler != SIG_IGN);
}

/*
 * Python's handler only takes a note, and the interpreter acts on it when the main thread next runs
 * Python. Worker 0 looks for notes before it sleeps, but one that comes between the look and the
 * sleep would wait for the next request: so its sleep is ended from the handler itself.
 */
static struct ymo_parker *sleeper;
static PyOS_sighandler_t noted_by[NSIG];

static void
note_and_wake(int signo)
{
    int saved = errno;
    noted_by[signo](signo);
    ymo_parker_unpark(sleeper); /* an atomic and sem_post: allowed in a handler */
    errno = saved;
}

void
ymo_pysignal_wake(struct ymo_parker *parker)
{
    sleeper = parker;
    for (int signo = 1; signo < NSIG; signo++) {
        struct sigaction sa;
        if (!ymo_pysignal_is_handled(signo) || sigaction(signo, NULL, &sa) != 0 ||
            (sa.sa_flags & SA_SIGINFO) || sa.sa_handler == note_and_wake)
            continue;
        noted_by[signo] = sa.sa_handler;
        sa.sa_handler = note_and_wake;
        (void)sigaction(signo, &sa, NULL);
    }
}

static PyObject *
after_fork(PyObject *capsule, PyObject *none)
{
    bool *forked = PyCapsule_GetPointer(capsule, NULL);
    (void)none;
    if (!forked)
        return NULL;
    *forked = true;
    Py_RETURN_NONE;
}

static PyMethodDef after_fork_def = {"after_fork", after_fork, METH_NOARGS, NULL};

int
ymo_pysignal_watch_forks(bool *forked_r)
{
    PyObject *hook = NULL, *os = NULL, *reg = NULL, *kwargs = NULL, *none = NULL, *rc = NULL;
    PyObject *capsule = PyCapsule_New(forked_r, NULL, NULL);
    if (capsule)
        hook = PyCFunction_New(&after_fork_def, capsule);
    if (hook)
        os = PyImport_ImportModule("os");
    if (os)
        reg = PyObject_GetAttrString(os, "register_at_fork");
    if (reg)
        kwargs = Py_BuildValue("{s:O}", "after_in_child", hook);
    if (kwargs)
        none = PyTuple_New(0);
    if (none)
        rc = PyObject_Call(reg, none, kwargs);
    Py_XDECREF(none);
    Py_XDECREF(kwargs);
    Py_XDECREF(reg);
    Py_XDECREF(os);
    Py_XDECREF(hook);
    Py_XDECREF(capsule);
    if (!rc)
        return -1;
    Py_DECREF(rc);
    return 0;
}

bool
ymo_pysignal_is_exit(PyObject *exc)
{
    return PyErr_GivenExceptionMatches(exc, PyExc_SystemExit) ||
           PyErr_GivenExceptionMatches(exc, PyExc_KeyboardInterrupt);
}

/* Does the traceback pass through this code? */
static bool
passes_through(PyObject *exc, PyObject *code)
{
    bool found = false;
    PyObject *tb = PyException_GetTraceback(exc);
    PyObject *first = tb;
    for (; tb && tb != Py_None && !found; tb = (PyObject *)((PyTracebackObject *)tb)->tb_next) {
        PyCodeObject *c = PyFrame_GetCode(((PyTracebackObject *)tb)->tb_frame);
        found = (PyObject *)c == code;
        Py_DECREF(c);
    }
    Py_XDECREF(first);
    return found;
}

bool
ymo_pysignal_asks_to_end(PyObject *exc)
{
    bool asks = false;
    if (!ymo_pysignal_is_exit(exc))
        return false;
    /*
     * Python runs a handler in the middle of whatever the main thread is doing, and the exception
     * passes through the application like one of its own: the handler's code in the traceback is
     * what tells them apart.
     */
    for (int signo = 1; signo < NSIG && !asks; signo++) {
        PyObject *handler = get_handler(signo);
        if (handler && handler != Py_None && PyCallable_Check(handler)) {
            PyObject *code = PyObject_GetAttrString(handler, "__code__");
            if (code)
                asks = passes_through(exc, code);
            else /* default_int_handler, which leaves no trace, raises KeyboardInterrupt */
                asks = PyErr_GivenExceptionMatches(exc, PyExc_KeyboardInterrupt) &&
                       PyCFunction_Check(handler);
            Py_XDECREF(code);
            PyErr_Clear();
        }
        Py_XDECREF(handler);
    }
    return asks;
}
