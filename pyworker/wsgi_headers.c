/* SPDX-License-Identifier: MIT */
#include "pyworker/wsgi_headers.h"

#include <limits.h>
#include <string.h>

/* tchar of RFC 9110 5.6.2. */
static const unsigned char token_chars[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
    ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1,  ['~'] = 1, ['0'] = 1,
    ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1,  ['7'] = 1, ['8'] = 1,
    ['9'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1,  ['f'] = 1, ['g'] = 1,
    ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1,  ['n'] = 1, ['o'] = 1,
    ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1,  ['v'] = 1, ['w'] = 1,
    ['x'] = 1, ['y'] = 1, ['z'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1,  ['D'] = 1, ['E'] = 1,
    ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1,  ['L'] = 1, ['M'] = 1,
    ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1,  ['T'] = 1, ['U'] = 1,
    ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1, ['Z'] = 1,
};

/* The bytes of a latin-1 string, without a copy: valid while the object lives. */
static int
latin1_bytes(PyObject *str, const char *what, struct ymo_slice *s_r)
{
    if (!PyUnicode_Check(str)) {
        PyErr_Format(PyExc_TypeError, "%s must be a str, not %.100s", what, Py_TYPE(str)->tp_name);
        return -1;
    }
    if (ymo_pycompat_ready(str) < 0)
        return -1;
    if (PyUnicode_KIND(str) != PyUnicode_1BYTE_KIND) {
        PyErr_Format(PyExc_ValueError, "%s has characters outside latin-1: %A", what, str);
        return -1;
    }
    *s_r = ymo_slice_of((const char *)PyUnicode_1BYTE_DATA(str), (size_t)PyUnicode_GET_LENGTH(str));
    return 0;
}

/* field-content of RFC 9110 5.5: visible, space, tab, and bytes above 127. */
static bool
is_field_text(struct ymo_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char u = (unsigned char)s.data[i];
        if ((u < 0x20 && u != '\t') || u == 0x7f)
            return false;
    }
    return true;
}

static bool
is_token(struct ymo_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!token_chars[(unsigned char)s.data[i]])
            return false;
    }
    return s.len > 0;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int
parse_status(struct ymo_response *r, struct ymo_arena *arena, PyObject *status)
{
    struct ymo_slice s;
    if (latin1_bytes(status, "the status", &s) < 0)
        return -1;
    if (s.len < 3 || !is_digit(s.data[0]) || !is_digit(s.data[1]) || !is_digit(s.data[2]) ||
        (s.len > 3 && s.data[3] != ' ') || !is_field_text(s)) {
        PyErr_Format(PyExc_ValueError, "the status must look like '200 OK', not %A", status);
        return -1;
    }
    int code = (s.data[0] - '0') * 100 + (s.data[1] - '0') * 10 + (s.data[2] - '0');
    if (code < 200 || code > 599) {
        PyErr_Format(PyExc_ValueError,
                     "the status of a response is between 200 and 599, not %A: interim answers are "
                     "the server's",
                     status);
        return -1;
    }
    r->status = code;
    r->reason = ymo_slice_of("", 0);
    if (s.len > 4) {
        r->reason = ymo_arena_dup(arena, ymo_slice_of(s.data + 4, s.len - 4));
        if (!r->reason.data) {
            PyErr_NoMemory();
            return -1;
        }
    }
    return 0;
}

/* RFC 9110 8.6: digits only, once. */
static int
parse_length(struct ymo_response *r, struct ymo_slice value, PyObject *shown)
{
    if (r->content_length >= 0) {
        PyErr_SetString(PyExc_ValueError, "Content-Length is given twice");
        return -1;
    }
    int64_t n = 0;
    for (size_t i = 0; i < value.len; i++) {
        int digit = value.data[i] - '0';
        if (!is_digit(value.data[i]) || n > (INT64_MAX - digit) / 10)
            goto bad;
        n = n * 10 + digit;
    }
    if (value.len == 0)
        goto bad;
    r->content_length = n;
    return 0;
bad:
    PyErr_Format(PyExc_ValueError, "Content-Length must be a number of bytes, not %A", shown);
    return -1;
}

enum kind { PLAIN, LENGTH, DATE, SERVER, HOP };

static enum kind
name_is(struct ymo_slice name, const char *header, enum kind kind)
{
    return strncasecmp(name.data, header, name.len) == 0 ? kind : PLAIN;
}

/* Most names are none of these, and their length or first letter says so. */
static enum kind
classify(struct ymo_slice name)
{
    switch (name.len) {
    case 2:
        return name_is(name, "TE", HOP);
    case 4:
        return name_is(name, "Date", DATE);
    case 6:
        return name_is(name, "Server", SERVER);
    case 7:
        return (name.data[0] | 32) == 'u' ? name_is(name, "Upgrade", HOP)
                                          : name_is(name, "Trailer", HOP);
    case 10:
        return (name.data[0] | 32) == 'k' ? name_is(name, "Keep-Alive", HOP)
                                          : name_is(name, "Connection", HOP);
    case 14:
        return name_is(name, "Content-Length", LENGTH);
    case 17:
        return name_is(name, "Transfer-Encoding", HOP);
    case 18:
        return name_is(name, "Proxy-Authenticate", HOP);
    case 19:
        return name_is(name, "Proxy-Authorization", HOP);
    default:
        return PLAIN;
    }
}

static int
add(struct ymo_response *r, struct ymo_arena *arena, struct ymo_slice name, struct ymo_slice value)
{
    char *p = ymo_arena_alloc(arena, name.len + value.len);
    if (!p)
        goto no_memory;
    memcpy(p, name.data, name.len);
    memcpy(p + name.len, value.data, value.len);
    if (ymo_response_add(r, arena, ymo_slice_of(p, name.len),
                         ymo_slice_of(p + name.len, value.len)) < 0)
        goto no_memory;
    return 0;
no_memory:
    PyErr_NoMemory();
    return -1;
}

static int
parse_header(struct ymo_response *r, struct ymo_arena *arena, PyObject *item)
{
    struct ymo_slice name, value;
    if (!PyTuple_Check(item) || PyTuple_GET_SIZE(item) != 2) {
        PyErr_Format(PyExc_TypeError, "a header must be a tuple (name, value), not %A", item);
        return -1;
    }
    if (latin1_bytes(PyTuple_GET_ITEM(item, 0), "the name of a header", &name) < 0 ||
        latin1_bytes(PyTuple_GET_ITEM(item, 1), "the value of a header", &value) < 0)
        return -1;
    if (!is_token(name)) {
        PyErr_Format(PyExc_ValueError, "%A is not a name for a header", PyTuple_GET_ITEM(item, 0));
        return -1;
    }
    if (!is_field_text(value)) {
        PyErr_Format(PyExc_ValueError, "the value of header %A has control characters: %A",
                     PyTuple_GET_ITEM(item, 0), PyTuple_GET_ITEM(item, 1));
        return -1;
    }
    switch (classify(name)) {
    case LENGTH:
        return parse_length(r, value, PyTuple_GET_ITEM(item, 1));
    case HOP:
        PyErr_Format(PyExc_ValueError,
                     "header %A belongs to the connection, which is the server's (PEP 3333)",
                     PyTuple_GET_ITEM(item, 0));
        return -1;
    case DATE:
        r->has_date = true;
        break;
    case SERVER:
        r->has_server = true;
        break;
    case PLAIN:
        break;
    }
    return add(r, arena, name, value);
}

int
ymo_wsgi_headers_parse(struct ymo_response *r, struct ymo_arena *arena, PyObject *status,
                       PyObject *headers)
{
    if (parse_status(r, arena, status) < 0)
        return -1;
    if (!PyList_Check(headers)) {
        PyErr_Format(PyExc_TypeError, "the headers must be a list of tuples, not %.100s",
                     Py_TYPE(headers)->tp_name);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(headers); i++) {
        if (parse_header(r, arena, PyList_GET_ITEM(headers, i)) < 0)
            return -1;
    }
    return 0;
}
