/* SPDX-License-Identifier: MIT */
/*
 * What differs between CPython 3.9 and 3.13, in one place. Python.h comes first everywhere in this
 * folder, as its documentation asks; include this header instead of it.
 */
#ifndef YMO_PYWORKER_PYCOMPAT_H
#define YMO_PYWORKER_PYCOMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifdef Py_GIL_DISABLED
#error "a free-threaded interpreter is not supported: the worker's state is guarded by the GIL"
#endif

/* The raised exception as one object with its traceback attached, and no exception is set then;
 * NULL when there was none. New reference. */
static inline PyObject *
ymo_pycompat_take_raised(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    if (!type)
        return NULL;
    PyErr_NormalizeException(&type, &value, &tb);
    if (tb && value)
        (void)PyException_SetTraceback(value, tb);
    Py_XDECREF(type);
    Py_XDECREF(tb);
    return value;
#endif
}

/* Raise `exc` again. Steals the reference. */
static inline void
ymo_pycompat_set_raised(PyObject *exc)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(exc);
#else
    PyObject *type = (PyObject *)Py_TYPE(exc);
    Py_INCREF(type);
    PyErr_Restore(type, exc, PyException_GetTraceback(exc));
#endif
}

/* Until 3.12 a string could exist without its compact form. 0, or -1 with an exception. */
static inline int
ymo_pycompat_ready(PyObject *str)
{
#if PY_VERSION_HEX < 0x030C0000
    return PyUnicode_READY(str);
#else
    (void)str;
    return 0;
#endif
}

#endif
