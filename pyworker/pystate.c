/* SPDX-License-Identifier: MIT */
#include "pyworker/pystate.h"

#include "pyworker/errors.h"
#include "pyworker/file_wrapper.h"
#include "pyworker/input.h"
#include "pyworker/start_response.h"

#include <string.h>

static int
make_types(struct ymo_pystate *st)
{
    st->start_response_type = ymo_start_response_make_type();
    st->write_type = ymo_start_response_make_write_type();
    st->input_type = ymo_input_make_type();
    st->errors_type = ymo_errors_make_type();
    st->file_wrapper_type = ymo_file_wrapper_make_type();
    return st->start_response_type && st->write_type && st->input_type && st->errors_type &&
                   st->file_wrapper_type
               ? 0
               : -1;
}

static int
make_strings(struct ymo_pystate *st)
{
    st->str_close = PyUnicode_InternFromString("close");
    st->str_read = PyUnicode_InternFromString("read");
    st->str_write = PyUnicode_InternFromString("write");
    st->str_flush = PyUnicode_InternFromString("flush");
    return st->str_close && st->str_read && st->str_write && st->str_flush ? 0 : -1;
}

static int
find_io_types(struct ymo_pystate *st)
{
    PyObject *io = PyImport_ImportModule("io");
    if (!io)
        return -1;
    st->buffered_reader = PyObject_GetAttrString(io, "BufferedReader");
    st->buffered_random = PyObject_GetAttrString(io, "BufferedRandom");
    st->file_io = PyObject_GetAttrString(io, "FileIO");
    Py_DECREF(io);
    return st->buffered_reader && st->buffered_random && st->file_io ? 0 : -1;
}

int
ymo_pystate_init(struct ymo_pystate *st, const struct ymo_pyworker_config *cfg)
{
    memset(st, 0, sizeof(*st));
    if (make_types(st) < 0 || make_strings(st) < 0 || find_io_types(st) < 0)
        return -1;
    st->errors = ymo_errors_new(st->errors_type);
    if (!st->errors)
        return -1;
    return ymo_environ_init(&st->environ, cfg, st->errors, (PyObject *)st->file_wrapper_type);
}

void
ymo_pystate_clear(struct ymo_pystate *st)
{
    ymo_environ_clear(&st->environ);
    Py_CLEAR(st->app);
    Py_CLEAR(st->errors);
    Py_CLEAR(st->greenlet_exit);
    Py_CLEAR(st->start_response_type);
    Py_CLEAR(st->write_type);
    Py_CLEAR(st->input_type);
    Py_CLEAR(st->errors_type);
    Py_CLEAR(st->file_wrapper_type);
    Py_CLEAR(st->buffered_reader);
    Py_CLEAR(st->buffered_random);
    Py_CLEAR(st->file_io);
    Py_CLEAR(st->str_close);
    Py_CLEAR(st->str_read);
    Py_CLEAR(st->str_write);
    Py_CLEAR(st->str_flush);
}
