/* SPDX-License-Identifier: MIT */
#include "pyworker/notes.h"

#include "pyworker/pylog.h"

#include <string.h>

static const char cut[] = "\n[more of this request is in the server's own log only]\n";

/* A child that the application forked has no reactor, and perhaps a mailbox locked for ever. */
static bool
takes(const struct ymo_call *c)
{
    return c->ex && c->ex->takes_notes && !c->st->forked;
}

/* How much of `len` bytes, at most `max`, can go without cutting a character in two. */
static size_t
whole(const char *text, size_t len, size_t max)
{
    if (len <= max)
        return len;
    size_t n = max;
    while (n > 0 && max - n < 3 && ((unsigned char)text[n] & 0xC0) == 0x80)
        n--;
    return n;
}

/* The first `len` bytes of what waits. */
static void
send(struct ymo_call *c, size_t len)
{
    while (len > 0) {
        const char *text = ymo_buf_data(&c->note);
        size_t n = whole(text, len, YMO_EXCHANGE_NOTE);
        const char *end = n < len ? memrchr(text, '\n', n) : NULL;
        if (end)
            n = (size_t)(end + 1 - text);
        if (ymo_exchange_note(c->ex, text, n) < 0)
            n = len; /* no memory: it is in our log */
        ymo_buf_consume(&c->note, n);
        len -= n;
    }
}

static void
add(struct ymo_call *c, const char *text, size_t len)
{
    if (c->noted > YMO_NOTES_MAX)
        return; /* that was said */
    size_t n = whole(text, len, YMO_NOTES_MAX - c->noted);
    int rc = ymo_buf_append(&c->note, text, n);
    c->noted += n;
    if (rc == YMO_OK && n < len) {
        c->noted = YMO_NOTES_MAX + 1;
        rc = ymo_buf_append(&c->note, cut, sizeof(cut) - 1);
    }
    if (rc < 0)
        return;
    text = ymo_buf_data(&c->note);
    const char *end = memrchr(text, '\n', c->note.len);
    if (end)
        send(c, (size_t)(end + 1 - text));
    else if (c->note.len >= YMO_EXCHANGE_NOTE)
        send(c, c->note.len);
}

void
ymo_notes_write(struct ymo_call *c, PyObject *text)
{
    if (!takes(c) || c->noted > YMO_NOTES_MAX)
        return;
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
    if (bytes)
        add(c, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    else
        PyErr_Clear();
    Py_XDECREF(bytes);
}

void
ymo_notes_line(struct ymo_call *c, const char *line)
{
    if (!takes(c))
        return;
    ymo_notes_flush(c); /* what the application left unfinished is not to run into it */
    add(c, line, strlen(line));
    add(c, "\n", 1);
}

void
ymo_notes_raised(struct ymo_call *c, const char *what, PyObject *exc)
{
    if (!takes(c))
        return;
    /* Formatting may run the application's code, and that may write, too. */
    PyObject *bytes = ymo_pylog_format(exc);
    ymo_notes_flush(c);
    add(c, what, strlen(what));
    add(c, ":\n", 2);
    if (bytes)
        add(c, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    else
        ymo_notes_line(c, Py_TYPE(exc)->tp_name);
    Py_XDECREF(bytes);
}

void
ymo_notes_flush(struct ymo_call *c)
{
    if (takes(c))
        send(c, c->note.len);
    ymo_buf_free(&c->note);
}
