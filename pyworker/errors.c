/* SPDX-License-Identifier: MIT */
#include "pyworker/errors.h"

#include "pyworker/notes.h"

#include <stdint.h>

struct errors {
    PyObject_HEAD struct ymo_call *call; /* NULL: nobody notes what is written */
};

/* New reference to sys.stderr, or NULL without an exception: there is none. */
static PyObject *
target(void)
{
    PyObject *err = PySys_GetObject("stderr");
    if (!err || err == Py_None)
        return NULL;
    Py_INCREF(err);
    return err;
}

static PyObject *
forward(const char *method, PyObject *arg)
{
    PyObject *err = target();
    if (!err)
        Py_RETURN_NONE;
    PyObject *rc = PyObject_CallMethod(err, method, arg ? "O" : NULL, arg);
    Py_DECREF(err);
    return rc;
}

/* To sys.stderr, and to the front end if it is to know. */
static PyObject *
write_both(PyObject *self, PyObject *text)
{
    PyObject *rc = forward("write", text);
    /* Only now: meanwhile others ran, and the request may have ended. */
    struct ymo_call *call = ((struct errors *)self)->call;
    if (call && rc)
        ymo_notes_write(call, text);
    return rc;
}

static PyObject *
method_write(PyObject *self, PyObject *text)
{
    if (!PyUnicode_Check(text))
        return PyErr_Format(PyExc_TypeError, "wsgi.errors.write takes a str, not %.100s",
                            Py_TYPE(text)->tp_name);
    PyObject *rc = write_both(self, text);
    if (rc == Py_None) {
        Py_DECREF(rc);
        return PyLong_FromSsize_t(PyUnicode_GET_LENGTH(text));
    }
    return rc;
}

static PyObject *
method_writelines(PyObject *self, PyObject *lines)
{
    PyObject *empty = PyUnicode_FromString("");
    /* One write, so that lines of several threads do not mix. */
    PyObject *text = empty ? PyUnicode_Join(empty, lines) : NULL;
    Py_XDECREF(empty);
    PyObject *rc = text ? write_both(self, text) : NULL;
    Py_XDECREF(text);
    if (!rc)
        return NULL;
    Py_DECREF(rc);
    Py_RETURN_NONE;
}

static PyObject *
method_flush(PyObject *self, PyObject *none)
{
    (void)none;
    PyObject *rc = forward("flush", NULL);
    struct ymo_call *call = ((struct errors *)self)->call;
    if (call && rc)
        ymo_notes_flush(call);
    return rc;
}

static void
dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"write", method_write, METH_O, "write(text)"},
    {"writelines", method_writelines, METH_O, "writelines(texts)"},
    {"flush", method_flush, METH_NOARGS, "flush()"},
    {NULL, NULL, 0, NULL},
};

PyTypeObject *
ymo_errors_make_type(void)
{
    PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)dealloc},
        {Py_tp_methods, methods},
        {Py_tp_doc, (void *)(uintptr_t) "wsgi.errors: writes to sys.stderr."},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = "yimmo_wsgi.Errors",
        .basicsize = (int)sizeof(struct errors),
        .flags = Py_TPFLAGS_DEFAULT,
        .slots = slots,
    };
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&spec);
    if (type)
        type->tp_new = NULL; /* only the server makes these */
    return type;
}

PyObject *
ymo_errors_new(PyTypeObject *type)
{
    return type->tp_alloc(type, 0);
}

void
ymo_errors_attach(PyObject *self, struct ymo_call *call)
{
    ((struct errors *)self)->call = call;
}
