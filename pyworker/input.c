/* SPDX-License-Identifier: MIT */
#include "pyworker/input.h"

#include "pyworker/greens.h"

#include <errno.h>
#include <string.h>

/* Read-ahead of a body that is not in memory: as much as one pread is worth. */
enum { BUFFER = 64 * 1024 };

/* Who reads: the request itself, another greenlet of its thread, or another thread. */
enum reader { ITSELF, GREENLET, THREAD };

struct input {
    PyObject_HEAD struct ymo_call *call; /* NULL when no request is open */
    bool busy;                           /* a thread is inside a method that may release the GIL */
    bool closing;                        /* the worker waits for that thread to leave */
    struct ymo_parker *leaver;           /* on this parker */
    char *buf;                           /* read-ahead: allocated with the first use, kept */
    size_t off, len;
};

/* ---- the body as a source of bytes ---- */

static int
closed(void)
{
    PyErr_SetString(PyExc_ValueError, "wsgi.input was read after the end of its request");
    return -1;
}

static struct ymo_body *
body_of(struct input *in)
{
    return &in->call->ex->body;
}

/* Is all of the body in memory, so that a read needs neither a buffer nor a wait? */
static bool
in_memory(struct input *in, struct ymo_slice *rest_r)
{
    *rest_r = ymo_body_memory(body_of(in));
    return rest_r->data != NULL;
}

/* A foreign thread has no parker of its own. */
static int
wait_on_thread(struct ymo_body *b)
{
    struct ymo_parker own;
    int rc;
    ymo_parker_init(&own);
    do
        rc = ymo_body_wait(b, &own);
    while (rc == YMO_EINTR);
    ymo_parker_destroy(&own);
    return rc;
}

/* Sleep until something arrives. That is not the application's time, if nothing else of it runs. */
static int
wait_for_body(struct input *in, struct ymo_body *b, enum reader who)
{
    if (who == THREAD)
        return wait_on_thread(b);
    struct ymo_exchange *ex = in->call->ex;
    if (who == ITSELF)
        ymo_exchange_pause(ex);
    int rc = ymo_body_wait(b, in->call->reader ? in->call->reader : ex->parker);
    if (who == ITSELF)
        ymo_exchange_resume(ex);
    return rc;
}

static ssize_t
raise_fetch(struct input *in, ssize_t rc, int saved_errno)
{
    if (in->closing)
        return closed();
    if (rc == YMO_ECLOSED) {
        PyErr_SetString(PyExc_ConnectionResetError,
                        "the client disconnected before the request body was complete");
    } else {
        errno = saved_errno ? saved_errno : EIO;
        PyErr_SetFromErrno(PyExc_OSError);
    }
    return -1;
}

/* 1 to `n` bytes into `dst`; 0 at the end of the body; -1 with an exception. Releases the GIL. */
static ssize_t
fetch(struct input *in, char *dst, size_t n)
{
    struct ymo_body *b = body_of(in);
    enum reader who = PyThread_get_thread_ident() != in->call->thread ? THREAD
                      : ymo_greens_is_current(in->call)               ? ITSELF
                                                                      : GREENLET;
    for (;;) {
        int rc = YMO_OK;
        PyThreadState *saved = PyEval_SaveThread();
        errno = 0;
        ssize_t got = ymo_body_read(b, dst, n);
        int saved_errno = errno;
        if (got == YMO_EAGAIN)
            rc = wait_for_body(in, b, who);
        PyEval_RestoreThread(saved);
        if (rc == YMO_EINTR && ymo_call_interrupted() < 0)
            return -1;
        if (in->closing || (got < 0 && got != YMO_EAGAIN))
            return raise_fetch(in, got, saved_errno);
        if (got >= 0)
            return got;
    }
}

/* At least one byte in the buffer, unless the body is at its end. 0, or -1 with an exception. */
static int
fill(struct input *in)
{
    if (in->len > 0)
        return 0;
    if (!in->buf) {
        in->buf = PyMem_Malloc(BUFFER);
        if (!in->buf) {
            PyErr_NoMemory();
            return -1;
        }
    }
    ssize_t got = fetch(in, in->buf, BUFFER);
    if (got < 0)
        return -1;
    in->off = 0;
    in->len = (size_t)got;
    return 0;
}

static void
consume(struct input *in, size_t n)
{
    in->off += n;
    in->len -= n;
}

static int
enter(struct input *in)
{
    if (!in->call || in->closing)
        return closed();
    if (in->busy) {
        PyErr_SetString(PyExc_RuntimeError, "another thread is reading this wsgi.input");
        return -1;
    }
    in->busy = true;
    return 0;
}

static void
leave(struct input *in)
{
    in->busy = false;
    if (in->leaver)
        ymo_parker_unpark(in->leaver);
}

/* ---- reading ---- */

/* Fill `dst` as far as the body goes. Bytes read, or -1 with an exception. */
static Py_ssize_t
read_into(struct input *in, char *dst, size_t n)
{
    size_t have = in->len < n ? in->len : n;
    if (have > 0) {
        memcpy(dst, in->buf + in->off, have);
        consume(in, have);
    }
    while (have < n) {
        ssize_t got = fetch(in, dst + have, n - have);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (Py_ssize_t)have;
}

/*
 * Up to `limit` bytes. What is allocated follows what is there, not what was asked for: a file's
 * size is known, a stream's result grows.
 */
static PyObject *
read_outside_memory(struct input *in, size_t limit)
{
    struct ymo_body *b = body_of(in);
    size_t size = BUFFER;
    if (!b->streaming) {
        uint64_t rest = b->size - b->pos + in->len;
        if (rest < limit)
            limit = (size_t)rest;
        size = limit;
    }
    if (size > limit)
        size = limit;
    PyObject *out = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    size_t have = 0;
    while (out) {
        Py_ssize_t got = read_into(in, PyBytes_AS_STRING(out) + have, size - have);
        if (got < 0) {
            Py_CLEAR(out);
            break;
        }
        have += (size_t)got;
        if (have < size || size == limit) {
            if (have < size)
                _PyBytes_Resize(&out, (Py_ssize_t)have);
            break;
        }
        size = size > limit / 2 ? limit : size * 2;
        _PyBytes_Resize(&out, (Py_ssize_t)size);
    }
    return out;
}

static PyObject *
take_memory(struct input *in, struct ymo_slice rest, size_t n)
{
    PyObject *out = PyBytes_FromStringAndSize(rest.data, (Py_ssize_t)n);
    if (out)
        ymo_body_skip(body_of(in), n);
    return out;
}

/* Length of the first line in `s`, newline included, at most `limit`; *whole_r: it ends there. */
static size_t
line_length(struct ymo_slice s, size_t limit, bool *whole_r)
{
    size_t n = s.len < limit ? s.len : limit;
    const char *nl = n > 0 ? memchr(s.data, '\n', n) : NULL;
    *whole_r = nl || n == limit;
    return nl ? (size_t)(nl - s.data) + 1 : n;
}

static PyObject *
line_outside_memory(struct input *in, size_t limit)
{
    PyObject *out = NULL;
    size_t have = 0, cap = 0;
    bool whole = false;
    do {
        if (fill(in) < 0)
            goto fail;
        if (in->len == 0)
            break;
        struct ymo_slice window = ymo_slice_of(in->buf + in->off, in->len);
        size_t n = line_length(window, limit - have, &whole);
        if (!out) {
            /* Nearly always the line is whole, and this its only allocation. No data is given:
             * a byte alone would be a shared object, which must not be resized. */
            out = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)n);
            if (!out)
                goto fail;
            cap = n;
            memcpy(PyBytes_AS_STRING(out), window.data, n);
        } else {
            if (n > cap - have) {
                cap = (have + n) * 2;
                if (_PyBytes_Resize(&out, (Py_ssize_t)cap) < 0)
                    goto fail;
            }
            memcpy(PyBytes_AS_STRING(out) + have, window.data, n);
        }
        have += n;
        consume(in, n);
    } while (!whole);
    if (!out)
        return PyBytes_FromStringAndSize(NULL, 0);
    if (have < cap)
        _PyBytes_Resize(&out, (Py_ssize_t)have);
    return out;
fail:
    Py_XDECREF(out);
    return NULL;
}

static PyObject *
next_line(struct input *in, size_t limit)
{
    struct ymo_slice rest;
    bool whole;
    if (enter(in) < 0)
        return NULL;
    PyObject *out = limit == 0             ? PyBytes_FromStringAndSize(NULL, 0)
                    : in_memory(in, &rest) ? take_memory(in, rest, line_length(rest, limit, &whole))
                                           : line_outside_memory(in, limit);
    leave(in);
    return out;
}

/* ---- methods ---- */

/* The optional size argument: none, None and negative numbers mean no limit. */
static int
size_arg(PyObject *const *args, Py_ssize_t n, const char *name, size_t *limit_r)
{
    *limit_r = PY_SSIZE_T_MAX;
    if (n > 1) {
        PyErr_Format(PyExc_TypeError, "%s takes at most one argument", name);
        return -1;
    }
    if (n == 0 || args[0] == Py_None)
        return 0;
    /* A number beyond what fits is cut to the largest that does. */
    Py_ssize_t size = PyNumber_AsSsize_t(args[0], NULL);
    if (size == -1 && PyErr_Occurred())
        return -1;
    if (size >= 0)
        *limit_r = (size_t)size;
    return 0;
}

static PyObject *
method_read(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    struct input *in = (struct input *)self;
    struct ymo_slice rest;
    size_t limit;
    if (size_arg(args, n, "read", &limit) < 0 || enter(in) < 0)
        return NULL;
    PyObject *out = in_memory(in, &rest)
                        ? take_memory(in, rest, rest.len < limit ? rest.len : limit)
                        : read_outside_memory(in, limit);
    leave(in);
    return out;
}

static PyObject *
method_readline(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    size_t limit;
    if (size_arg(args, n, "readline", &limit) < 0)
        return NULL;
    return next_line((struct input *)self, limit);
}

static PyObject *
method_readlines(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    size_t hint, total = 0;
    if (size_arg(args, n, "readlines", &hint) < 0)
        return NULL;
    if (hint == 0)
        hint = PY_SSIZE_T_MAX; /* as io.IOBase has it: 0 is no hint */
    PyObject *list = PyList_New(0);
    while (list && total < hint) {
        PyObject *line = next_line((struct input *)self, PY_SSIZE_T_MAX);
        if (!line || (PyBytes_GET_SIZE(line) > 0 && PyList_Append(list, line) < 0)) {
            Py_XDECREF(line);
            Py_CLEAR(list);
            break;
        }
        size_t len = (size_t)PyBytes_GET_SIZE(line);
        Py_DECREF(line);
        if (len == 0)
            break;
        total += len;
    }
    return list;
}

static PyObject *
method_readinto(PyObject *self, PyObject *target)
{
    struct input *in = (struct input *)self;
    struct ymo_slice rest;
    Py_buffer view;
    if (PyObject_GetBuffer(target, &view, PyBUF_WRITABLE) < 0)
        return NULL;
    Py_ssize_t got = -1;
    if (enter(in) == 0) {
        size_t n = (size_t)view.len;
        if (in_memory(in, &rest)) {
            n = rest.len < n ? rest.len : n;
            if (n > 0)
                memcpy(view.buf, rest.data, n);
            ymo_body_skip(body_of(in), n);
            got = (Py_ssize_t)n;
        } else {
            got = read_into(in, view.buf, n);
        }
        leave(in);
    }
    PyBuffer_Release(&view);
    return got < 0 ? NULL : PyLong_FromSsize_t(got);
}

static PyObject *
iterate(PyObject *self)
{
    Py_INCREF(self);
    return self;
}

static PyObject *
iterate_next(PyObject *self)
{
    PyObject *line = next_line((struct input *)self, PY_SSIZE_T_MAX);
    if (line && PyBytes_GET_SIZE(line) == 0)
        Py_CLEAR(line);
    return line;
}

static void
dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyMem_Free(((struct input *)self)->buf);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"read", (PyCFunction)(void (*)(void))method_read, METH_FASTCALL,
     "read(size=-1): at most size bytes, or all that is left."},
    {"readline", (PyCFunction)(void (*)(void))method_readline, METH_FASTCALL,
     "readline(size=-1): the next line, at most size bytes of it."},
    {"readlines", (PyCFunction)(void (*)(void))method_readlines, METH_FASTCALL,
     "readlines(hint=-1): a list of lines, of about hint bytes in total."},
    {"readinto", method_readinto, METH_O, "readinto(buffer): the number of bytes put there."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject *
ymo_input_make_type(void)
{
    PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)dealloc},
        {Py_tp_iter, (void *)iterate},
        {Py_tp_iternext, (void *)iterate_next},
        {Py_tp_methods, methods},
        {Py_tp_doc, (void *)(uintptr_t) "The body of a request: see PEP 3333."},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = "yimmo_wsgi.Input",
        .basicsize = (int)sizeof(struct input),
        .flags = Py_TPFLAGS_DEFAULT,
        .slots = slots,
    };
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&spec);
    if (type)
        type->tp_new = NULL; /* only the server makes these */
    return type;
}

void
ymo_input_attach(PyObject *self, struct ymo_call *call)
{
    struct input *in = (struct input *)self;
    in->call = call;
    in->busy = in->closing = false;
    in->leaver = NULL;
    in->off = in->len = 0;
}

void
ymo_input_detach(PyObject *self)
{
    struct input *in = (struct input *)self;
    struct ymo_exchange *ex = in->call ? in->call->ex : NULL;
    if (in->busy && ex) {
        in->closing = true;
        in->leaver = ex->parker;
        ymo_body_break(&ex->body); /* wakes whoever waits for more of it */
        while (in->busy) {
            PyThreadState *saved = PyEval_SaveThread();
            /* A signal is as good a reason to look again as any. */
            int rc = ymo_parker_park(in->leaver);
            (void)rc;
            PyEval_RestoreThread(saved);
            PyErr_Clear(); /* the request is over: too late to kill its greenlet */
        }
        in->leaver = NULL;
    }
    in->call = NULL;
    in->closing = false;
    in->len = 0;
}
