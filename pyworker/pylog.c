/* SPDX-License-Identifier: MIT */
#include "pyworker/pylog.h"

/* "".join(traceback.format_exception(type, exc, tb)), or NULL with an exception set. */
static PyObject *
format(PyObject *exc)
{
    PyObject *lines = NULL, *empty = NULL, *text = NULL;
    PyObject *tb = PyException_GetTraceback(exc);
    PyObject *module = PyImport_ImportModule("traceback");
    if (module)
        lines = PyObject_CallMethod(module, "format_exception", "OOO", (PyObject *)Py_TYPE(exc),
                                    exc, tb ? tb : Py_None);
    if (lines)
        empty = PyUnicode_FromString("");
    if (empty)
        text = PyUnicode_Join(empty, lines);
    Py_XDECREF(empty);
    Py_XDECREF(lines);
    Py_XDECREF(module);
    Py_XDECREF(tb);
    return text;
}

PyObject *
ymo_pylog_format(PyObject *exc)
{
    PyObject *text = format(exc);
    /* A message may hold anything, lone surrogates too: nothing of it may fail here. */
    PyObject *bytes = text ? PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace") : NULL;
    if (!bytes)
        PyErr_Clear(); /* out of memory or stack, or a broken __str__ */
    Py_XDECREF(text);
    return bytes;
}

void
ymo_pylog_traceback(enum ymo_log_level level, PyObject *exc)
{
    PyObject *bytes = ymo_pylog_format(exc);
    if (bytes)
        ymo_log_text(level, PyBytes_AS_STRING(bytes));
    else /* its type says more than nothing */
        ymo_log_write(level, "%s (its traceback cannot be shown)", Py_TYPE(exc)->tp_name);
    Py_XDECREF(bytes);
}

void
ymo_pylog_raised(enum ymo_log_level level, const char *what)
{
    PyObject *exc = ymo_pycompat_take_raised();
    if (!exc)
        return;
    if (ymo_log_enabled(level)) {
        ymo_log_write(level, "%s", what);
        ymo_pylog_traceback(level, exc);
    }
    Py_DECREF(exc);
}
