/* SPDX-License-Identifier: MIT */
#include "pyworker/environ.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Longer values than this are not kept from request to request. */
enum { KEEP_MAX = 512 };

/*
 * A dictionary grows at fixed sizes. The template is brought to the size that a browser's request
 * needs by adding this many keys and deleting them again, which a copy inherits: no dictionary
 * of a normal request is ever rebuilt while it fills. (A copy keeps the table as it is only while
 * at least two thirds of the entries ever made are in use.)
 */
enum { TABLE_MIN = 22 };

/* Steals `value`, which may be NULL after a failure. */
static int
put(PyObject *dict, const char *name, PyObject *value)
{
    PyObject *key = value ? PyUnicode_InternFromString(name) : NULL;
    int rc = key ? PyDict_SetItem(dict, key, value) : -1;
    Py_XDECREF(key);
    Py_XDECREF(value);
    return rc;
}

static PyObject *
new_ref(PyObject *o)
{
    Py_INCREF(o);
    return o;
}

static PyObject *
latin1(const char *s)
{
    return PyUnicode_DecodeLatin1(s, (Py_ssize_t)strlen(s), NULL);
}

static int
widen(PyObject *dict)
{
    char name[16];
    int n = (int)PyDict_Size(dict);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = n; i < TABLE_MIN; i++) {
            snprintf(name, sizeof(name), "%d", i);
            int rc = pass == 0 ? PyDict_SetItemString(dict, name, Py_None)
                               : PyDict_DelItemString(dict, name);
            if (rc < 0)
                return -1;
        }
    }
    return 0;
}

static PyObject *
make_template(const struct ymo_pyworker_config *cfg, PyObject *errors, PyObject *file_wrapper)
{
    PyObject *d = PyDict_New();
    if (!d)
        return NULL;
    /* The first ones have a value in every request: here in case a front end leaves one out. */
    if (put(d, "REQUEST_METHOD", latin1("GET")) < 0 ||
        put(d, "SCRIPT_NAME", latin1(cfg->script_name ? cfg->script_name : "")) < 0 ||
        put(d, "PATH_INFO", latin1("")) < 0 || put(d, "QUERY_STRING", latin1("")) < 0 ||
        put(d, "SERVER_NAME", latin1("localhost")) < 0 || put(d, "SERVER_PORT", latin1("80")) < 0 ||
        put(d, "SERVER_PROTOCOL", latin1("HTTP/1.1")) < 0 ||
        put(d, "SERVER_SOFTWARE", latin1(cfg->software ? cfg->software : "yimmo-wsgi")) < 0 ||
        put(d, "wsgi.version", Py_BuildValue("(ii)", 1, 0)) < 0 ||
        put(d, "wsgi.url_scheme", latin1("http")) < 0 ||
        put(d, "wsgi.input", new_ref(Py_None)) < 0 || put(d, "wsgi.errors", new_ref(errors)) < 0 ||
        put(d, "wsgi.multithread", PyBool_FromLong(cfg->n_threads > 1 || cfg->greenlets > 0)) < 0 ||
        put(d, "wsgi.multiprocess", PyBool_FromLong(cfg->multiprocess)) < 0 ||
        put(d, "wsgi.run_once", PyBool_FromLong(0)) < 0 ||
        put(d, "wsgi.input_terminated", PyBool_FromLong(1)) < 0 ||
        put(d, "wsgi.file_wrapper", new_ref(file_wrapper)) < 0 || widen(d) < 0)
        Py_CLEAR(d);
    return d;
}

int
ymo_environ_init(struct ymo_environ *e, const struct ymo_pyworker_config *cfg, PyObject *errors,
                 PyObject *file_wrapper)
{
    memset(e, 0, sizeof(*e));
    for (int id = 1; id < YMO_VAR_COUNT; id++) {
        struct ymo_slice name = ymo_var_name((enum ymo_var)id);
        e->keys[id] = PyUnicode_FromStringAndSize(name.data, (Py_ssize_t)name.len);
        if (!e->keys[id])
            return -1;
        PyUnicode_InternInPlace(&e->keys[id]);
    }
    e->key_input = PyUnicode_InternFromString("wsgi.input");
    e->key_errors = PyUnicode_InternFromString("wsgi.errors");
    e->key_scheme = PyUnicode_InternFromString("wsgi.url_scheme");
    e->key_raw_uri = PyUnicode_InternFromString("RAW_URI");
    e->https = PyUnicode_InternFromString("https");
    if (!e->key_input || !e->key_errors || !e->key_scheme || !e->key_raw_uri || !e->https)
        return -1;
    e->template = make_template(cfg, errors, file_wrapper);
    return e->template ? 0 : -1;
}

void
ymo_environ_clear(struct ymo_environ *e)
{
    for (int id = 0; id < YMO_VAR_COUNT; id++) {
        Py_CLEAR(e->keys[id]);
        Py_CLEAR(e->values[id]);
    }
    Py_CLEAR(e->template);
    Py_CLEAR(e->key_input);
    Py_CLEAR(e->key_errors);
    Py_CLEAR(e->key_scheme);
    Py_CLEAR(e->key_raw_uri);
    Py_CLEAR(e->https);
}

/* Secrets are not kept beyond their request. */
static inline bool
may_keep(enum ymo_var id, size_t len)
{
    return len <= KEEP_MAX && id != YMO_VAR_HTTP_COOKIE && id != YMO_VAR_HTTP_AUTHORIZATION;
}

static inline bool
is_kept(PyObject *kept, struct ymo_slice v)
{
    /* Decoded from latin-1, so one byte a character, whatever the characters are. */
    return kept && (size_t)PyUnicode_GET_LENGTH(kept) == v.len &&
           memcmp(PyUnicode_1BYTE_DATA(kept), v.data, v.len) == 0;
}

/* New reference; PEP 3333 wants bytes as the code points of the same number. */
static PyObject *
known_value(struct ymo_environ *e, enum ymo_var id, struct ymo_slice v)
{
    if (v.len > 0 && is_kept(e->values[id], v))
        return new_ref(e->values[id]);
    PyObject *str = PyUnicode_DecodeLatin1(v.data, (Py_ssize_t)v.len, NULL);
    if (str && may_keep(id, v.len)) {
        PyObject *old = e->values[id];
        e->values[id] = new_ref(str);
        Py_XDECREF(old);
    }
    return str;
}

static int
put_known(struct ymo_environ *e, PyObject *dict, enum ymo_var id, struct ymo_slice v)
{
    PyObject *value = known_value(e, id, v);
    if (!value)
        return -1;
    int rc = PyDict_SetItem(dict, e->keys[id], value);
    if (rc == 0 && id == YMO_VAR_REQUEST_URI)
        rc = PyDict_SetItem(dict, e->key_raw_uri, value);
    Py_DECREF(value);
    return rc;
}

static int
put_other(PyObject *dict, const struct ymo_pair *p)
{
    /* A front end chooses names freely (uwsgi_param, fastcgi_param), but these are ours. */
    if (p->name.len >= 5 && memcmp(p->name.data, "wsgi.", 5) == 0)
        return 0;
    PyObject *key = PyUnicode_DecodeLatin1(p->name.data, (Py_ssize_t)p->name.len, NULL);
    PyObject *value =
        key ? PyUnicode_DecodeLatin1(p->value.data, (Py_ssize_t)p->value.len, NULL) : NULL;
    int rc = value ? PyDict_SetItem(dict, key, value) : -1;
    Py_XDECREF(key);
    Py_XDECREF(value);
    return rc;
}

/*
 * A body that came in chunks and has been collected has a known length, and saying so is what the
 * decoding of chunks ends with (RFC 9112 7.1.3). Applications that read only as much as
 * CONTENT_LENGTH says would see no body otherwise.
 */
static int
put_collected_length(struct ymo_environ *e, PyObject *dict, const struct ymo_exchange *ex)
{
    char digits[24];
    if (ex->req.content_length >= 0 || ex->body.streaming)
        return 0;
    int n = snprintf(digits, sizeof(digits), "%" PRIu64, ex->body.size);
    return put_known(e, dict, YMO_VAR_CONTENT_LENGTH, ymo_slice_of(digits, (size_t)n));
}

PyObject *
ymo_environ_build(struct ymo_environ *e, struct ymo_exchange *ex, PyObject *input, PyObject *errors)
{
    const struct ymo_request *req = &ex->req;
    PyObject *d = PyDict_Copy(e->template);
    if (!d)
        return NULL;
    for (uint32_t i = 0; i < req->n_vars; i++) {
        const struct ymo_pair *p = &req->vars[i];
        int rc = p->id != YMO_VAR_OTHER ? put_known(e, d, p->id, p->value) : put_other(d, p);
        if (rc < 0)
            goto fail;
    }
    if (put_collected_length(e, d, ex) < 0 || PyDict_SetItem(d, e->key_input, input) < 0 ||
        (errors && PyDict_SetItem(d, e->key_errors, errors) < 0) ||
        (req->https && PyDict_SetItem(d, e->key_scheme, e->https) < 0))
        goto fail;
    return d;
fail:
    Py_DECREF(d);
    return NULL;
}
