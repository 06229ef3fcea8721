/* SPDX-License-Identifier: MIT */
#include "pyworker/stacks.h"

#include "base/log.h"
#include "pyworker/call.h"

#include <frameobject.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEPTH_MAX = 200 }; /* of runaway recursion, the end tells enough */

/* One stack. */
struct entry {
    char head[YMO_REPORT_HEAD];
    bool unnamed;         /* the head is to be found by the thread's number */
    unsigned long thread; /* whose own stack it is; 0: a greenlet's that does not run now */
    PyObject *frames;     /* list of (file, line, function, None), the outermost first; or NULL */
    unsigned left_out;
};

int
ymo_stacks_init(struct ymo_stacks *s)
{
    /* tokenize: the source lines are read with it, and some versions import it only then. */
    static const char *const used[] = {"linecache", "tokenize"};
    *s = (struct ymo_stacks){NULL, NULL, NULL};
    for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
        PyObject *module = PyImport_ImportModule(used[i]);
        if (!module)
            return -1;
        Py_DECREF(module);
    }
    PyObject *traceback = PyImport_ImportModule("traceback");
    PyObject *summary = traceback ? PyObject_GetAttrString(traceback, "StackSummary") : NULL;
    if (summary)
        s->from_list = PyObject_GetAttrString(summary, "from_list");
    Py_XDECREF(summary);
    Py_XDECREF(traceback);
    s->current_frames = PySys_GetObject("_current_frames");
    Py_XINCREF(s->current_frames);
    s->threading = PyImport_ImportModule("threading");
    if (!s->current_frames && !PyErr_Occurred())
        PyErr_SetString(PyExc_RuntimeError, "this interpreter has no sys._current_frames");
    return s->from_list && s->threading && s->current_frames ? 0 : -1;
}

void
ymo_stacks_clear(struct ymo_stacks *s)
{
    Py_CLEAR(s->current_frames);
    Py_CLEAR(s->from_list);
    Py_CLEAR(s->threading);
}

/* ---- taking: nothing here runs Python code, so no other thread moves meanwhile ---- */

static PyObject *
describe(PyFrameObject *frame)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    PyObject *tuple = Py_BuildValue("(OiOO)", code->co_filename, PyFrame_GetLineNumber(frame),
                                    code->co_name, Py_None);
    Py_DECREF(code);
    return tuple;
}

/* Own the frame and its callers as a list; NULL when memory runs out. */
static PyObject *
extract(PyObject *innermost, unsigned *left_out_r)
{
    PyFrameObject *frame = (PyFrameObject *)innermost;
    PyObject *list = PyList_New(0);
    bool good = list;
    *left_out_r = 0;
    Py_INCREF(frame);
    while (frame) {
        if (good && PyList_GET_SIZE(list) < DEPTH_MAX) {
            PyObject *tuple = describe(frame);
            good = tuple && PyList_Append(list, tuple) == 0;
            Py_XDECREF(tuple);
        } else {
            ++*left_out_r;
        }
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    if (!good || PyList_Reverse(list) < 0)
        Py_CLEAR(list);
    PyErr_Clear();
    return list;
}

static struct ymo_call *
find_call(const struct ymo_pystate *st, const struct ymo_report *rp)
{
    for (struct ymo_call *c = st->calls; c; c = c->next) {
        if (atomic_load(&c->running) == rp->ex && atomic_load(&c->serial) == rp->serial)
            return c;
    }
    return NULL;
}

/* The frame of a greenlet that waits; NULL when it runs, and its thread's frame is its own. */
static PyObject *
greenlet_frame(const struct ymo_call *c)
{
    PyObject *frame = c->greenlet ? PyObject_GetAttrString(c->greenlet, "gr_frame") : NULL;
    if (frame == Py_None)
        Py_CLEAR(frame);
    PyErr_Clear();
    return frame;
}

static void
take_call(struct entry *e, const struct ymo_call *c, const struct ymo_report *rp, PyObject *frames)
{
    PyObject *frame = greenlet_frame(c);
    ymo_report_head(rp->worker, rp->request, rp->started, e->head, sizeof(e->head));
    if (!frame) {
        PyObject *ident = PyLong_FromUnsignedLong(c->thread);
        frame = ident ? PyDict_GetItemWithError(frames, ident) : NULL;
        Py_XINCREF(frame);
        Py_XDECREF(ident);
        e->thread = c->thread;
    }
    if (frame)
        e->frames = extract(frame, &e->left_out);
    Py_XDECREF(frame);
    PyErr_Clear();
}

/* Another thread: a worker's, with what it runs, or one of the application's. */
static void
take_thread(struct entry *e, const struct ymo_pystate *st, unsigned long thread, PyObject *frame)
{
    char request[YMO_REPORT_REQUEST];
    e->thread = thread;
    e->unnamed = true;
    for (const struct ymo_call *c = st->calls; c; c = c->next) {
        if (c->thread != thread)
            continue;
        PyObject *waits = greenlet_frame(c);
        if (c->ex && !waits) {
            ymo_report_request(c->ex, request, sizeof(request));
            ymo_report_head(c->worker, request, atomic_load(&c->ex->started), e->head,
                            sizeof(e->head));
        } else if (e->unnamed) {
            snprintf(e->head, sizeof(e->head), "worker %d, between requests", c->worker);
        }
        e->unnamed = false;
        Py_XDECREF(waits);
    }
    e->frames = extract(frame, &e->left_out);
}

static bool
is_taken(const struct entry *entries, unsigned n, unsigned long thread)
{
    for (unsigned i = 0; i < n; i++) {
        if (entries[i].thread == thread)
            return true;
    }
    return false;
}

/* Fills entries[] (room for all); how many. */
static unsigned
take(const struct ymo_pystate *st, const struct ymo_report *reports, unsigned n_reports,
     PyObject *frames, struct entry *entries)
{
    unsigned n = 0;
    PyObject *key, *frame;
    Py_ssize_t pos = 0;
    for (unsigned i = 0; i < n_reports; i++) {
        const struct ymo_call *c = find_call(st, &reports[i]);
        if (c)
            take_call(&entries[n++], c, &reports[i], frames);
        else
            ymo_warn("%s has ended, just before its stack could be taken", reports[i].request);
    }
    if (n == 0)
        return 0;
    while (PyDict_Next(frames, &pos, &key, &frame)) {
        unsigned long thread = PyLong_AsUnsignedLong(key);
        if (!is_taken(entries, n, thread))
            take_thread(&entries[n++], st, thread, frame);
    }
    PyErr_Clear();
    return n;
}

/* ---- writing: runs Python code ---- */

/* The name that the threading module knows the thread by. */
static void
name_thread(const struct ymo_stacks *s, struct entry *e)
{
    PyObject *name = NULL, *bytes = NULL;
    PyObject *ident = PyLong_FromUnsignedLong(e->thread);
    PyObject *active = ident ? PyObject_GetAttrString(s->threading, "_active") : NULL;
    PyObject *thread = active ? PyObject_GetItem(active, ident) : NULL;
    if (thread)
        name = PyObject_GetAttrString(thread, "name");
    if (name)
        bytes = PyUnicode_AsEncodedString(name, "utf-8", "backslashreplace");
    if (bytes)
        snprintf(e->head, sizeof(e->head), "thread \"%.200s\"", PyBytes_AS_STRING(bytes));
    else
        snprintf(e->head, sizeof(e->head), "thread 0x%lx", e->thread);
    Py_XDECREF(bytes);
    Py_XDECREF(name);
    Py_XDECREF(thread);
    Py_XDECREF(active);
    Py_XDECREF(ident);
    PyErr_Clear();
}

static PyObject *
format(const struct ymo_stacks *s, PyObject *frames)
{
    PyObject *text = NULL, *bytes = NULL;
    PyObject *summary = PyObject_CallOneArg(s->from_list, frames);
    PyObject *lines = summary ? PyObject_CallMethod(summary, "format", NULL) : NULL;
    PyObject *empty = lines ? PyUnicode_FromString("") : NULL;
    if (empty)
        text = PyUnicode_Join(empty, lines);
    if (text)
        bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
    Py_XDECREF(text);
    Py_XDECREF(empty);
    Py_XDECREF(lines);
    Py_XDECREF(summary);
    PyErr_Clear();
    return bytes;
}

static void
write_entry(const struct ymo_stacks *s, struct entry *e)
{
    if (e->unnamed)
        name_thread(s, e);
    if (!e->frames) {
        ymo_warn("%s: in no Python code, but in the server or waiting for its client", e->head);
        return;
    }
    PyObject *text = format(s, e->frames);
    ymo_warn("%s (most recent call last):", e->head);
    if (e->left_out > 0)
        ymo_warn("  … %u calls further out", e->left_out);
    if (text)
        ymo_log_text(YMO_LOG_WARNING, PyBytes_AS_STRING(text));
    else
        ymo_warn("  cannot be shown");
    Py_XDECREF(text);
    Py_CLEAR(e->frames);
}

void
ymo_stacks_log(const struct ymo_stacks *s, const struct ymo_pystate *st,
               const struct ymo_report *reports, unsigned n)
{
    PyObject *frames = PyObject_CallNoArgs(s->current_frames);
    struct entry *entries = NULL;
    if (frames && PyDict_Check(frames))
        entries = calloc(n + (size_t)PyDict_Size(frames), sizeof(*entries));
    if (entries) {
        unsigned n_entries = take(st, reports, n, frames, entries);
        Py_CLEAR(frames); /* before Python code runs: frames keep what is local to them alive */
        for (unsigned i = 0; i < n_entries; i++)
            write_entry(s, &entries[i]);
    } else {
        ymo_warn("out of memory: the stacks cannot be shown");
    }
    free(entries);
    Py_XDECREF(frames);
    PyErr_Clear();
}
