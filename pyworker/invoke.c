/* SPDX-License-Identifier: MIT */
#include "pyworker/invoke.h"

#include "base/log.h"
#include "pyworker/file_wrapper.h"
#include "pyworker/notes.h"
#include "pyworker/output.h"
#include "pyworker/pylog.h"
#include "pyworker/pysignal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How far the response got. */
enum outcome {
    COMPLETE, /* all of it was sent, END may follow */
    ENDED,    /* END was sent with it */
    RAISED,   /* an exception is set */
    REFUSED,  /* not acceptable, and the reason was logged */
    GONE,     /* the client is */
};

/* Up to this many bytes of several pieces are put together on the stack. */
enum { STACK_MAX = 8 * 1024 };

/* ---- the log ---- */

static void
log_request(enum ymo_log_level level, const struct ymo_exchange *ex, const char *what)
{
    if (!ymo_log_enabled(level))
        return;
    struct ymo_slice uri = ymo_request_get(&ex->req, YMO_VAR_REQUEST_URI);
    struct ymo_slice addr = ymo_request_get(&ex->req, YMO_VAR_REMOTE_ADDR);
    if (uri.len == 0)
        uri = ymo_request_get(&ex->req, YMO_VAR_PATH_INFO);
    if (addr.len == 0)
        addr = YMO_SLICE("a local socket");
    ymo_log_write(level, "%.*s %.*s from %.*s: %s", (int)ex->req.method.len, ex->req.method.data,
                  (int)(uri.len < 1024 ? uri.len : 1024), uri.data, (int)addr.len, addr.data, what);
}

/* Log and clear the exception that is set, with the request; end the process if it asks to. */
static void
handle_raised(struct ymo_call *c, const char *what)
{
    PyObject *exc = ymo_pycompat_take_raised();
    if (!exc)
        return;
    if (c->main && ymo_pysignal_asks_to_end(exc)) {
        log_request(YMO_LOG_NOTICE, c->ex, "a signal handler asked to end the process");
        c->st->stop(c->st->stop_arg);
    } else if (ymo_exchange_cancelled(c->ex) &&
               PyErr_GivenExceptionMatches(exc, PyExc_ConnectionResetError)) {
        /* The application only passes on what read() or write() told it. */
        log_request(YMO_LOG_INFO, c->ex, "the client disconnected");
    } else if (c->greens && PyErr_GivenExceptionMatches(exc, c->st->greenlet_exit)) {
        log_request(YMO_LOG_WARNING, c->ex, "the application killed the greenlet that runs it");
    } else {
        ymo_notes_raised(c, what, exc);
        if (ymo_log_enabled(YMO_LOG_ERROR)) {
            log_request(YMO_LOG_ERROR, c->ex, what);
            ymo_pylog_traceback(YMO_LOG_ERROR, exc);
        }
    }
    Py_DECREF(exc);
}

void
ymo_invoke_signals(struct ymo_pystate *st)
{
    if (PyErr_CheckSignals() == 0)
        return;
    PyObject *exc = ymo_pycompat_take_raised();
    if (ymo_pysignal_is_exit(exc)) {
        ymo_notice("a signal handler asked to end the process");
        st->stop(st->stop_arg);
    } else {
        ymo_error("a signal handler raised an exception");
        ymo_pylog_traceback(YMO_LOG_ERROR, exc);
    }
    Py_DECREF(exc);
}

static enum outcome
refuse(struct ymo_call *c, const char *what)
{
    log_request(YMO_LOG_ERROR, c->ex, what);
    ymo_notes_line(c, what);
    return REFUSED;
}

static enum outcome
raised_by_output(int rc)
{
    if (rc == YMO_ECLOSED)
        return GONE;
    if (rc == YMO_ENOMEM)
        PyErr_NoMemory();
    return RAISED;
}

static void
log_excess(struct ymo_call *c)
{
    static const char what[] = "the body is longer than its Content-Length: it was cut";
    log_request(YMO_LOG_ERROR, c->ex, what);
    ymo_notes_line(c, what);
}

/* ---- what both kinds of result share ---- */

static bool
check_started(struct ymo_call *c)
{
    if (!c->started)
        PyErr_SetString(PyExc_AssertionError,
                        "the application did not call start_response before its first data");
    return c->started;
}

static bool
check_bytes(PyObject *item)
{
    if (PyBytes_Check(item))
        return true;
    PyErr_Format(PyExc_TypeError, "the application's result must yield bytes, not %.100s",
                 Py_TYPE(item)->tp_name);
    return false;
}

/* All data has been sent: is it as much as was announced? */
static enum outcome
check_complete(struct ymo_call *c)
{
    struct ymo_response *r = &c->ex->resp;
    char what[128];
    if (r->no_body)
        return COMPLETE;
    if (!c->head_sent && r->content_length < 0)
        r->content_length = 0;
    if (r->content_length < 0 || c->sent == (uint64_t)r->content_length)
        return COMPLETE;
    snprintf(what, sizeof(what), "the body has %" PRIu64 " bytes, its Content-Length says %" PRId64,
             c->sent, r->content_length);
    return refuse(c, what);
}

/* ---- list and tuple ---- */

/* The number of bytes in all items, or -1 with an exception. */
static Py_ssize_t
total_bytes(PyObject *seq)
{
    Py_ssize_t total = 0, n = PySequence_Fast_GET_SIZE(seq);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(seq, i);
        if (!check_bytes(item))
            return -1;
        if (PyBytes_GET_SIZE(item) > PY_SSIZE_T_MAX - total) {
            PyErr_NoMemory();
            return -1;
        }
        total += PyBytes_GET_SIZE(item);
    }
    return total;
}

/* Several pieces as one message. */
static enum outcome
send_joined(struct ymo_call *c, PyObject *seq, size_t total)
{
    char small[STACK_MAX], *joined = small;
    size_t len = 0;
    if (total > sizeof(small)) {
        joined = PyMem_Malloc(total);
        if (!joined)
            return raised_by_output(YMO_ENOMEM);
    }
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(seq); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(seq, i);
        memcpy(joined + len, PyBytes_AS_STRING(item), (size_t)PyBytes_GET_SIZE(item));
        len += (size_t)PyBytes_GET_SIZE(item);
    }
    ymo_output_whole(c, joined, len);
    if (joined != small)
        PyMem_Free(joined);
    return ENDED;
}

static enum outcome
send_items(struct ymo_call *c, PyObject *seq)
{
    /* The GIL is released on the way, and the application may hold the list. */
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(seq); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(seq, i);
        if (!check_bytes(item))
            return RAISED;
        Py_INCREF(item);
        int rc = ymo_output_send(c, PyBytes_AS_STRING(item), (size_t)PyBytes_GET_SIZE(item));
        Py_DECREF(item);
        if (rc < 0)
            return raised_by_output(rc);
    }
    if (c->excess)
        log_excess(c);
    return check_complete(c);
}

static enum outcome
send_sequence(struct ymo_call *c, PyObject *seq)
{
    if (!check_started(c))
        return RAISED;
    Py_ssize_t total = total_bytes(seq), n = PySequence_Fast_GET_SIZE(seq);
    if (total < 0)
        return RAISED;
    struct ymo_response *r = &c->ex->resp;
    if (c->head_sent)
        return send_items(c, seq);
    /*
     * No length is made up for 204 and 304: the body that they do not have is not its measure. Nor
     * from the empty result of an application that knows HEAD itself (RFC 9110 8.6).
     */
    if (r->content_length < 0 &&
        (!r->no_body || (total > 0 && r->status != 204 && r->status != 304)))
        r->content_length = total;
    if (!r->no_body && total < r->content_length) {
        c->sent = (uint64_t)total;
        return check_complete(c); /* before anything is sent: it can still become a 500 */
    }
    if (!r->no_body && total > r->content_length)
        log_excess(c);
    if (total > YMO_OUTPUT_SLICE && !r->no_body)
        return send_items(c, seq);
    if (n != 1 && !r->no_body)
        return send_joined(c, seq, (size_t)total);
    /* The application may hold the list, and its other threads run while the call is closed. */
    PyObject *item = n > 0 ? PySequence_Fast_GET_ITEM(seq, 0) : NULL;
    Py_XINCREF(item);
    ymo_output_whole(c, item ? PyBytes_AS_STRING(item) : NULL, item ? (size_t)total : 0);
    Py_XDECREF(item);
    return ENDED;
}

/* ---- iterables ---- */

static enum outcome
send_file(struct ymo_call *c, int fd, int64_t off, uint64_t len)
{
    struct ymo_response *r = &c->ex->resp;
    if (r->content_length < 0 && !c->head_sent)
        r->content_length = (int64_t)len;
    uint64_t room = r->content_length < 0 ? len : (uint64_t)r->content_length - c->sent;
    if (!r->no_body && len < room && !c->head_sent) {
        close(fd);
        c->sent += len;
        return check_complete(c);
    }
    int rc = ymo_output_file(c, fd, off, len < room ? len : room);
    return rc < 0 ? raised_by_output(rc) : check_complete(c);
}

/* A chunk leaves as soon as it is made; nothing is asked for that the client will not get. */
static enum outcome
send_iterator(struct ymo_call *c, PyObject *it)
{
    iternextfunc next = Py_TYPE(it)->tp_iternext;
    PyObject *item;
    while (!ymo_exchange_cancelled(c->ex) && (item = next(it)) != NULL) {
        int rc = YMO_OK;
        bool good = check_bytes(item);
        if (good && PyBytes_GET_SIZE(item) > 0) {
            good = check_started(c);
            if (good)
                rc = ymo_output_send(c, PyBytes_AS_STRING(item), (size_t)PyBytes_GET_SIZE(item));
        }
        bool more = good && (PyBytes_GET_SIZE(item) == 0 || !c->ex->resp.no_body);
        Py_DECREF(item);
        if (!good)
            return RAISED;
        if (rc < 0)
            return raised_by_output(rc);
        if (c->excess) {
            log_excess(c);
            more = false;
        }
        if (!more)
            break;
    }
    if (PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_StopIteration))
            return RAISED;
        PyErr_Clear();
    }
    if (ymo_exchange_cancelled(c->ex))
        return GONE;
    return check_started(c) ? check_complete(c) : RAISED;
}

static enum outcome
send_iterable(struct ymo_call *c, PyObject *result)
{
    int64_t off;
    uint64_t len;
    if (Py_TYPE(result) == c->st->file_wrapper_type && c->started) {
        int fd = ymo_file_wrapper_fd(result, c->st, &off, &len);
        if (fd >= 0)
            return send_file(c, fd, off, len);
    }
    if (result == Py_None || PyBytes_Check(result) || PyUnicode_Check(result)) {
        PyErr_Format(PyExc_TypeError,
                     "the application returned %.100s; it must return an iterable of bytes, such "
                     "as [b'data']",
                     result == Py_None ? "None" : Py_TYPE(result)->tp_name);
        return RAISED;
    }
    PyObject *it = PyObject_GetIter(result);
    if (!it)
        return RAISED;
    enum outcome o = send_iterator(c, it);
    /* Its end may run code, and what that raises is not to replace our exception. */
    PyObject *exc = ymo_pycompat_take_raised();
    Py_DECREF(it);
    if (exc)
        ymo_pycompat_set_raised(exc);
    return o;
}

/* PEP 3333: whatever happened, exactly once. */
static void
close_result(struct ymo_call *c, PyObject *result)
{
    PyObject *close_it = PyObject_GetAttr(result, c->st->str_close);
    if (!close_it) {
        if (PyErr_ExceptionMatches(PyExc_AttributeError))
            PyErr_Clear();
        else
            handle_raised(c, "looking up close() of the result failed");
        return;
    }
    PyObject *rc = PyObject_CallNoArgs(close_it);
    Py_DECREF(close_it);
    if (!rc)
        handle_raised(c, "close() of the result failed");
    Py_XDECREF(rc);
}

/* ---- the request ---- */

static PyObject *
call_application(struct ymo_call *c)
{
    PyObject *env =
        ymo_environ_build(&c->st->environ, c->ex, c->input, c->ex->takes_notes ? c->errors : NULL);
    if (!env)
        return NULL;
    PyObject *args[3] = {NULL, env, c->start_response};
    PyObject *result =
        PyObject_Vectorcall(c->st->app, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_DECREF(env);
    return result;
}

/*
 * A child that application code forked has come back out of the application. It has no reactor and
 * no business with the parent's clients.
 */
static void
leave_child(void)
{
    ymo_error("a process that the application forked returned from the request: it ends here");
    _exit(1);
}

static void
finish(struct ymo_call *c, enum outcome o)
{
    if (o == RAISED)
        handle_raised(c, "the application raised an exception");
    if (o == GONE)
        log_request(YMO_LOG_DEBUG, c->ex, "the client disconnected");
    ymo_output_end(c, o != COMPLETE);
}

void
ymo_invoke_run(struct ymo_call *c, struct ymo_exchange *ex, struct ymo_parker *parker)
{
    enum outcome o = RAISED;
    PyObject *result = NULL;
    ymo_call_announce(c, ex);
    ymo_exchange_begin(ex, parker);
    if (ymo_call_begin(c, ex) == 0)
        result = call_application(c);
    if (result && (PyList_CheckExact(result) || PyTuple_CheckExact(result))) {
        o = send_sequence(c, result);
    } else if (result) {
        o = send_iterable(c, result);
        if (o == RAISED)
            handle_raised(c, "the application raised an exception");
        close_result(c, result);
        if (o == COMPLETE)
            o = check_complete(c); /* close() may still have started or written something */
    }
    if (c->st->forked)
        leave_child();
    if (o != ENDED)
        finish(c, o);
    Py_XDECREF(result);
    if (PyErr_Occurred())
        ymo_pylog_raised(YMO_LOG_ERROR, "an exception was left behind by a request");
}
