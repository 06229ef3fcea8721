/* SPDX-License-Identifier: MIT */
#include "pyworker/file_wrapper.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 8192 };

struct wrapper {
    PyObject_HEAD PyObject *filelike;
    Py_ssize_t block;
};

static PyObject *
create(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"filelike", "blksize", NULL};
    PyObject *filelike;
    Py_ssize_t block = BLOCK;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|n:FileWrapper", names, &filelike, &block))
        return NULL;
    struct wrapper *w = (struct wrapper *)type->tp_alloc(type, 0);
    if (!w)
        return NULL;
    Py_INCREF(filelike);
    w->filelike = filelike;
    w->block = block > 0 ? block : BLOCK;
    return (PyObject *)w;
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
    struct wrapper *w = (struct wrapper *)self;
    PyObject *data = PyObject_CallMethod(w->filelike, "read", "n", w->block);
    if (!data)
        return NULL;
    int more = PyObject_IsTrue(data);
    if (more <= 0)
        Py_CLEAR(data);
    return data;
}

static PyObject *
method_close(PyObject *self, PyObject *none)
{
    (void)none;
    PyObject *close_file = PyObject_GetAttrString(((struct wrapper *)self)->filelike, "close");
    if (!close_file) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError))
            return NULL;
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    PyObject *rc = PyObject_CallNoArgs(close_file);
    Py_DECREF(close_file);
    return rc;
}

static int
traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct wrapper *)self)->filelike);
    return 0;
}

static int
clear(PyObject *self)
{
    Py_CLEAR(((struct wrapper *)self)->filelike);
    return 0;
}

static void
dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    (void)clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"close", method_close, METH_NOARGS, "close(): closes the file, if it can be closed."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject *
ymo_file_wrapper_make_type(void)
{
    PyType_Slot slots[] = {
        {Py_tp_new, (void *)create},
        {Py_tp_dealloc, (void *)dealloc},
        {Py_tp_traverse, (void *)traverse},
        {Py_tp_clear, (void *)clear},
        {Py_tp_iter, (void *)iterate},
        {Py_tp_iternext, (void *)iterate_next},
        {Py_tp_methods, methods},
        {Py_tp_doc, (void *)(uintptr_t) "FileWrapper(filelike, blksize=8192): see PEP 3333."},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = "yimmo_wsgi.FileWrapper",
        .basicsize = (int)sizeof(struct wrapper),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    return (PyTypeObject *)PyType_FromSpec(&spec);
}

/* ---- sendfile ---- */

/* What tempfile.NamedTemporaryFile returns delegates to a plain file. New reference. */
static PyObject *
unwrap_temporary(PyObject *file)
{
    PyObject *inner = NULL;
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *tempfile = PyDict_GetItemString(modules, "tempfile");
    PyObject *type = tempfile ? PyObject_GetAttrString(tempfile, "_TemporaryFileWrapper") : NULL;
    if (type && (PyObject *)Py_TYPE(file) == type)
        inner = PyObject_GetAttrString(file, "file");
    Py_XDECREF(type);
    PyErr_Clear();
    if (!inner) {
        Py_INCREF(file);
        inner = file;
    }
    return inner;
}

/*
 * Only what open() returns is taken: what other types return from read() need not be what is in
 * the file that fileno() names. gzip.GzipFile hands out the compressed file's descriptor, to
 * name one.
 */
static bool
is_plain(PyObject *file, struct ymo_pystate *st)
{
    PyObject *type = (PyObject *)Py_TYPE(file);
    if (type == st->file_io)
        return true;
    if (type != st->buffered_reader && type != st->buffered_random)
        return false;
    PyObject *raw = PyObject_GetAttrString(file, "raw");
    bool plain = raw && (PyObject *)Py_TYPE(raw) == st->file_io;
    Py_XDECREF(raw);
    return plain;
}

static long long
call_for_number(PyObject *file, const char *method)
{
    PyObject *o = PyObject_CallMethod(file, method, NULL);
    long long n = o ? PyLong_AsLongLong(o) : -1;
    Py_XDECREF(o);
    return PyErr_Occurred() ? -1 : n;
}

/* What was written to it and is still in its buffer belongs to the file. */
static bool
flushed(PyObject *file, struct ymo_pystate *st)
{
    if ((PyObject *)Py_TYPE(file) != st->buffered_random)
        return true;
    PyObject *rc = PyObject_CallMethod(file, "flush", NULL);
    Py_XDECREF(rc);
    return rc != NULL;
}

int
ymo_file_wrapper_fd(PyObject *self, struct ymo_pystate *st, int64_t *off_r, uint64_t *len_r)
{
    struct stat sb;
    int fd = -1;
    PyObject *file = unwrap_temporary(((struct wrapper *)self)->filelike);
    if (is_plain(file, st) && flushed(file, st)) {
        long long off = call_for_number(file, "tell");
        long long no = off >= 0 ? call_for_number(file, "fileno") : -1;
        /* The files of /proc and /sys have no blocks, and sizes that say nothing: they are read. */
        int flags = no >= 0 ? fcntl((int)no, F_GETFL) : -1;
        if (flags >= 0 && (flags & O_ACCMODE) != O_WRONLY && fstat((int)no, &sb) == 0 &&
            S_ISREG(sb.st_mode) && sb.st_size > 0 && sb.st_blocks > 0)
            fd = fcntl((int)no, F_DUPFD_CLOEXEC, 3);
        if (fd >= 0) {
            *off_r = off;
            *len_r = sb.st_size > off ? (uint64_t)(sb.st_size - off) : 0;
        }
    }
    Py_DECREF(file);
    PyErr_Clear();
    return fd;
}
