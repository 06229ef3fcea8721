/* SPDX-License-Identifier: MIT */
#include "pyworker/call.h"

#include "pyworker/errors.h"
#include "pyworker/input.h"
#include "pyworker/notes.h"
#include "pyworker/start_response.h"

/* Keep the object for this request when nothing else refers to it, else make a new one. */
static int
renew(PyObject **slot, PyTypeObject *type)
{
    if (*slot && Py_REFCNT(*slot) == 1)
        return 0;
    Py_XDECREF(*slot);
    *slot = type->tp_alloc(type, 0);
    return *slot ? 0 : -1;
}

void
ymo_call_init(struct ymo_call *c, struct ymo_pystate *st, int worker)
{
    c->st = st;
    c->worker = worker;
    c->thread = PyThread_get_thread_ident();
    c->main = worker == 0;
    c->next = st->calls;
    st->calls = c;
}

void
ymo_call_announce(struct ymo_call *c, struct ymo_exchange *ex)
{
    ex->executor_data = c;
    /* Released in this order: who has seen the new number cannot find the last exchange. */
    unsigned long serial = atomic_load_explicit(&c->serial, memory_order_relaxed);
    atomic_store_explicit(&c->serial, serial + 1, memory_order_release);
    atomic_store_explicit(&c->running, ex, memory_order_release);
}

int
ymo_call_begin(struct ymo_call *c, struct ymo_exchange *ex)
{
    c->ex = ex;
    c->started = c->head_sent = c->excess = false;
    c->sent = 0;
    c->noted = 0;
    if (renew(&c->start_response, c->st->start_response_type) < 0 ||
        renew(&c->write, c->st->write_type) < 0 || renew(&c->input, c->st->input_type) < 0)
        return -1;
    ymo_start_response_attach(c->start_response, c);
    ymo_start_response_attach(c->write, c);
    ymo_input_attach(c->input, c);
    if (ex->takes_notes) {
        if (renew(&c->errors, c->st->errors_type) < 0)
            return -1;
        ymo_errors_attach(c->errors, c);
    }
    return 0;
}

void
ymo_call_detach(struct ymo_call *c)
{
    /* First what changes the response: closing the input may let other threads run. */
    if (c->errors) {
        ymo_notes_flush(c);
        ymo_errors_attach(c->errors, NULL);
    }
    if (c->write)
        ymo_start_response_attach(c->write, NULL);
    if (c->start_response)
        ymo_start_response_attach(c->start_response, NULL);
    if (c->input)
        ymo_input_detach(c->input);
    c->ex = NULL;
    atomic_store_explicit(&c->running, NULL, memory_order_release);
}

void
ymo_call_clear(struct ymo_call *c)
{
    Py_CLEAR(c->start_response);
    Py_CLEAR(c->write);
    Py_CLEAR(c->input);
    Py_CLEAR(c->errors);
    ymo_buf_free(&c->note);
    for (struct ymo_call **p = &c->st->calls; *p; p = &(*p)->next) {
        if (*p == c) {
            *p = c->next;
            break;
        }
    }
}

int
ymo_call_interrupted(void)
{
    return PyErr_Occurred() ? -1 : PyErr_CheckSignals();
}
