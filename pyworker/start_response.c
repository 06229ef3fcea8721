/* SPDX-License-Identifier: MIT */
#include "pyworker/start_response.h"

#include "pyworker/greens.h"
#include "pyworker/output.h"
#include "pyworker/wsgi_headers.h"

#include <stddef.h>
#include <structmember.h>

/* Both callables. */
struct callable {
    PyObject_HEAD struct ymo_call *call;
    vectorcallfunc vectorcall;
};

static struct ymo_call *
running(PyObject *self, const char *name)
{
    struct ymo_call *c = ((struct callable *)self)->call;
    if (!c)
        PyErr_Format(PyExc_ValueError, "%s was called after the end of its request", name);
    return c;
}

/* exc_info with the head already sent: all that is left is to raise it (PEP 3333). */
static void
raise_again(PyObject *exc_info)
{
    PyObject *value = PyTuple_GET_ITEM(exc_info, 1), *tb = PyTuple_GET_ITEM(exc_info, 2);
    if (!PyExceptionInstance_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "exc_info has no exception as its second item");
        return;
    }
    if (tb != Py_None && PyException_SetTraceback(value, tb) < 0)
        return;
    Py_INCREF(value);
    ymo_pycompat_set_raised(value);
}

static int
check_args(PyObject *const *args, Py_ssize_t n, PyObject *kwnames, PyObject **exc_info_r)
{
    PyObject *exc_info = n > 2 ? args[2] : Py_None;
    Py_ssize_t n_kw = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    if (n_kw == 1 && n == 2 &&
        PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "exc_info") == 0)
        exc_info = args[2];
    else if (n_kw > 0 || n < 2 || n > 3) {
        PyErr_SetString(PyExc_TypeError,
                        "start_response takes (status, headers, exc_info=None), all by position");
        return -1;
    }
    if (exc_info != Py_None && (!PyTuple_Check(exc_info) || PyTuple_GET_SIZE(exc_info) != 3)) {
        PyErr_SetString(PyExc_TypeError, "exc_info must be a tuple as sys.exc_info() returns");
        return -1;
    }
    *exc_info_r = exc_info != Py_None ? exc_info : NULL;
    return 0;
}

static PyObject *
call_start_response(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    PyObject *exc_info;
    struct ymo_call *c = running(self, "start_response");
    if (!c || check_args(args, PyVectorcall_NARGS(nargsf), kwnames, &exc_info) < 0)
        return NULL;
    if (exc_info && c->head_sent) {
        raise_again(exc_info);
        return NULL;
    }
    if (!exc_info && c->started) {
        PyErr_SetString(PyExc_AssertionError,
                        "start_response was called a second time without exc_info");
        return NULL;
    }
    struct ymo_response *r = &c->ex->resp;
    ymo_response_init(r);
    c->started = false; /* a refused call leaves nothing behind that could be sent */
    if (ymo_wsgi_headers_parse(r, &c->ex->arena, args[0], args[1]) < 0)
        return NULL;
    r->no_body = c->ex->req.head_only || r->status == 204 || r->status == 304;
    c->started = true;
    Py_INCREF(c->write);
    return c->write;
}

static void
raise_output(int rc)
{
    if (rc == YMO_ECLOSED)
        PyErr_SetString(PyExc_ConnectionResetError,
                        "the client disconnected before the response was complete");
    else if (rc == YMO_ENOMEM)
        PyErr_NoMemory();
    /* YMO_EINTR has its own exception. */
}

static PyObject *
call_write(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames)
{
    struct ymo_call *c = running(self, "write");
    if (!c)
        return NULL;
    if (PyVectorcall_NARGS(nargsf) != 1 || kwnames) {
        PyErr_SetString(PyExc_TypeError, "write takes one argument");
        return NULL;
    }
    if (!PyBytes_Check(args[0])) {
        PyErr_Format(PyExc_TypeError, "write takes bytes, not %.100s", Py_TYPE(args[0])->tp_name);
        return NULL;
    }
    /* It may have to wait for the client, on the worker's own parker. */
    if (PyThread_get_thread_ident() != c->thread || !ymo_greens_is_current(c)) {
        PyErr_Format(PyExc_RuntimeError, "write was called by a %s that does not run the request",
                     c->greens ? "greenlet" : "thread");
        return NULL;
    }
    if (!c->started) {
        PyErr_SetString(PyExc_AssertionError, "write was called before start_response");
        return NULL;
    }
    if (PyBytes_GET_SIZE(args[0]) > 0) {
        int rc = ymo_output_send(c, PyBytes_AS_STRING(args[0]), (size_t)PyBytes_GET_SIZE(args[0]));
        if (rc < 0) {
            raise_output(rc);
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

static void
dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(struct callable, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject *
make_type(const char *name, const char *doc)
{
    PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)dealloc},
        {Py_tp_call, (void *)PyVectorcall_Call},
        {Py_tp_members, members},
        {Py_tp_doc, (void *)(uintptr_t)doc},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = name,
        .basicsize = (int)sizeof(struct callable),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
        .slots = slots,
    };
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&spec);
    if (type)
        type->tp_new = NULL; /* only the server makes these */
    return type;
}

PyTypeObject *
ymo_start_response_make_type(void)
{
    return make_type("yimmo_wsgi.start_response",
                     "start_response(status, headers, exc_info=None): see PEP 3333.");
}

PyTypeObject *
ymo_start_response_make_write_type(void)
{
    return make_type("yimmo_wsgi.write", "write(data): sends data at once; see PEP 3333.");
}

void
ymo_start_response_attach(PyObject *self, struct ymo_call *call)
{
    struct callable *o = (struct callable *)self;
    o->call = call;
    if (call)
        o->vectorcall = Py_TYPE(self) == call->st->write_type ? call_write : call_start_response;
}
