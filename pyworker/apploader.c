/* SPDX-License-Identifier: MIT */
#include "pyworker/apploader.h"

#include "base/log.h"
#include "pyworker/pylog.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATHS_SHOWN = 4 };

/* ---- words for the log ---- */

/* UTF-8 of a str object, or "?"; valid while the object lives. */
static const char *
text_of(PyObject *str)
{
    const char *s = str && PyUnicode_Check(str) ? PyUnicode_AsUTF8(str) : NULL;
    if (!s)
        PyErr_Clear();
    return s ? s : "?";
}

/* "/srv/app, /opt/lib, … (7 more)": where imports look. */
static void
describe_path(char *dst, size_t len)
{
    size_t n = 0;
    PyObject *list = PySys_GetObject("path");
    Py_ssize_t size = list && PyList_Check(list) ? PyList_GET_SIZE(list) : 0;
    dst[0] = '\0';
    for (Py_ssize_t i = 0; i < size && i < PATHS_SHOWN && n < len; i++)
        n += (size_t)snprintf(dst + n, len - n, "%s%s", i > 0 ? ", " : "",
                              text_of(PyList_GET_ITEM(list, i)));
    if (size > PATHS_SHOWN && n < len)
        snprintf(dst + n, len - n, " and %d more", (int)(size - PATHS_SHOWN));
}

/* The entry of `names` (a list of str) most like `name`: new reference, or NULL. */
static PyObject *
closest(const char *name, PyObject *names)
{
    PyObject *best = NULL, *found = NULL;
    PyObject *difflib = PyImport_ImportModule("difflib");
    if (difflib)
        found = PyObject_CallMethod(difflib, "get_close_matches", "sOi", name, names, 1);
    if (found && PyList_Check(found) && PyList_GET_SIZE(found) > 0) {
        best = PyList_GET_ITEM(found, 0);
        Py_INCREF(best);
    }
    Py_XDECREF(found);
    Py_XDECREF(difflib);
    PyErr_Clear();
    return best;
}

/* Names of the callables that the namespace has, without _private ones. New list, or NULL. */
static PyObject *
callables(PyObject *namespace)
{
    PyObject *list = PyList_New(0), *key, *value;
    Py_ssize_t pos = 0;
    while (list && PyDict_Next(namespace, &pos, &key, &value)) {
        if (PyUnicode_Check(key) && PyCallable_Check(value) && text_of(key)[0] != '_' &&
            PyList_Append(list, key) < 0)
            Py_CLEAR(list);
    }
    PyErr_Clear();
    return list;
}

/* What there is to choose from: "; it has create_app, main". Empty when that is nothing. */
static void
describe_callables(PyObject *namespace, char *dst, size_t len)
{
    size_t n = 0;
    PyObject *names = namespace ? callables(namespace) : NULL;
    Py_ssize_t size = names ? PyList_GET_SIZE(names) : 0;
    dst[0] = '\0';
    for (Py_ssize_t i = 0; i < size && i < 8 && n < len; i++)
        n += (size_t)snprintf(dst + n, len - n, "%s%s", i > 0 ? ", " : "; it has ",
                              text_of(PyList_GET_ITEM(names, i)));
    Py_XDECREF(names);
}

/* ---- import ---- */

/* Is it ModuleNotFoundError about the module itself or a package that it lies in? */
static bool
is_module_missing(PyObject *exc, const char *module, char *missing, size_t len)
{
    missing[0] = '\0';
    if (!PyErr_GivenExceptionMatches(exc, PyExc_ModuleNotFoundError))
        return false;
    PyObject *name = PyObject_GetAttrString(exc, "name");
    snprintf(missing, len, "%s", text_of(name));
    Py_XDECREF(name);
    PyErr_Clear();
    size_t n = strlen(missing);
    return strncmp(missing, module, n) == 0 && (module[n] == '\0' || module[n] == '.');
}

/* Names of what could be imported from a directory. New list, or NULL. */
static PyObject *
modules_in(const char *dir)
{
    PyObject *list = PyList_New(0);
    PyObject *os = PyImport_ImportModule("os");
    PyObject *names = os ? PyObject_CallMethod(os, "listdir", "s", dir) : NULL;
    Py_ssize_t n = names && PyList_Check(names) ? PyList_GET_SIZE(names) : 0;
    for (Py_ssize_t i = 0; list && i < n; i++) {
        char name[NAME_MAX + 1];
        snprintf(name, sizeof(name), "%s", text_of(PyList_GET_ITEM(names, i)));
        char *dot = strrchr(name, '.');
        if (dot && strcmp(dot, ".py") == 0)
            *dot = '\0';
        PyObject *str = PyUnicode_FromString(name);
        if (str && PyList_Append(list, str) < 0)
            Py_CLEAR(list);
        Py_XDECREF(str);
    }
    Py_XDECREF(names);
    Py_XDECREF(os);
    PyErr_Clear();
    return list;
}

/* What may have been meant, or nothing: " (…)". */
static void
hint_module(const char *module, const char *cwd, char *dst, size_t len)
{
    size_t n = strlen(module);
    dst[0] = '\0';
    if (strchr(module, '/')) {
        snprintf(dst, len, "; a module is named with dots, not as a path");
    } else if (n > 3 && strcmp(module + n - 3, ".py") == 0) {
        snprintf(dst, len, "; did you mean '%.*s'?", (int)(n - 3), module);
    } else {
        PyObject *names = modules_in(cwd);
        PyObject *best = names ? closest(module, names) : NULL;
        if (best)
            snprintf(dst, len, "; did you mean '%s'?", text_of(best));
        Py_XDECREF(best);
        Py_XDECREF(names);
    }
}

static void
log_import_failure(PyObject *exc, const char *module, const char *target)
{
    char missing[256], path[4 * PATH_MAX], hint[256], cwd[PATH_MAX];
    if (!getcwd(cwd, sizeof(cwd)))
        snprintf(cwd, sizeof(cwd), "(removed)");
    if (is_module_missing(exc, module, missing, sizeof(missing))) {
        describe_path(path, sizeof(path));
        hint_module(module, cwd, hint, sizeof(hint));
        ymo_error("cannot load the application %s: there is no module '%s' (current directory %s; "
                  "looked in %s)%s",
                  target, missing, cwd, path, hint);
    } else if (*missing) {
        PyObject *program = PySys_GetObject("executable");
        ymo_error("cannot load the application %s: module '%s' was found, but it needs '%s', which "
                  "%s does not find: is it installed there, or in a virtual environment that is "
                  "not active?",
                  target, module, missing, text_of(program));
    } else if (PyErr_GivenExceptionMatches(exc, PyExc_SystemExit)) {
        ymo_error("cannot load the application %s: module '%s' asked to exit while it was imported "
                  "(current directory %s)",
                  target, module, cwd);
    } else {
        ymo_error("cannot load the application %s: importing module '%s' raised %s (current "
                  "directory %s)",
                  target, module, Py_TYPE(exc)->tp_name, cwd);
    }
}

static PyObject *
import_module(const char *module, const char *target)
{
    PyObject *m = PyImport_ImportModule(module);
    if (m)
        return m;
    PyObject *exc = ymo_pycompat_take_raised();
    ymo_pylog_traceback(YMO_LOG_ERROR, exc);
    log_import_failure(exc, module, target);
    Py_DECREF(exc);
    return NULL;
}

/* ---- the object ---- */

static void
log_eval_failure(PyObject *exc, PyObject *namespace, const char *module, const char *expression,
                 const char *target)
{
    PyObject *names = NULL, *best = NULL;
    char choice[1024] = "";
    if (PyErr_GivenExceptionMatches(exc, PyExc_NameError)) {
        names = callables(namespace);
        best = names ? closest(expression, names) : NULL;
        describe_callables(namespace, choice, sizeof(choice));
    }
    if (best)
        ymo_error("cannot load the application %s: in module '%s', the expression '%s' raised %s; "
                  "did you mean %s:%s?",
                  target, module, expression, Py_TYPE(exc)->tp_name, module, text_of(best));
    else
        ymo_error("cannot load the application %s: in module '%s', the expression '%s' raised %s%s",
                  target, module, expression, Py_TYPE(exc)->tp_name, choice);
    Py_XDECREF(best);
    Py_XDECREF(names);
}

static PyObject *
evaluate(PyObject *m, const char *module, const char *expression, const char *target)
{
    PyObject *namespace = PyModule_Check(m) ? PyModule_GetDict(m) : NULL; /* borrowed */
    PyObject *own = namespace ? NULL : PyObject_GetAttrString(m, "__dict__");
    PyObject *value = NULL;
    if (own && PyDict_Check(own))
    namespace = own;
    PyObject *code =
        namespace ? Py_CompileString(expression, "<MODULE:EXPRESSION>", Py_eval_input) : NULL;
    if (code)
        value = PyEval_EvalCode(code, namespace, namespace);
    Py_XDECREF(code);
    if (!value) {
        PyObject *exc = ymo_pycompat_take_raised();
        if (exc) {
            ymo_pylog_traceback(YMO_LOG_ERROR, exc);
            log_eval_failure(exc, namespace, module, expression, target);
            Py_DECREF(exc);
        } else {
            ymo_error("cannot load the application %s: module '%s' has no namespace", target,
                      module);
        }
    }
    Py_XDECREF(own);
    return value;
}

static PyObject *
by_default_name(PyObject *m, const char *module)
{
    static const char *const names[] = {"application", "app"};
    char choice[1024];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        PyObject *value = PyObject_GetAttrString(m, names[i]);
        if (value)
            return value;
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
            ymo_pylog_raised(YMO_LOG_ERROR, "looking up the application failed");
            return NULL;
        }
        PyErr_Clear();
    }
    describe_callables(PyModule_Check(m) ? PyModule_GetDict(m) : NULL, choice, sizeof(choice));
    PyObject *file = PyModule_Check(m) ? PyModule_GetFilenameObject(m) : NULL;
    PyErr_Clear();
    ymo_error("cannot load an application from module '%s' (%s): it has neither 'application' nor "
              "'app'%s; name one as %s:NAME",
              module, file ? text_of(file) : "no file", choice, module);
    Py_XDECREF(file);
    return NULL;
}

PyObject *
ymo_apploader_load(const char *module, const char *expression)
{
    char target[1024];
    bool named = expression && *expression;
    snprintf(target, sizeof(target), "'%s%s%s'", module, named ? ":" : "", named ? expression : "");
    PyObject *m = import_module(module, target);
    if (!m)
        return NULL;
    PyObject *app = named ? evaluate(m, module, expression, target) : by_default_name(m, module);
    if (app && !PyCallable_Check(app)) {
        ymo_error("cannot load the application %s: what it names is of type %s, which cannot be "
                  "called",
                  target, Py_TYPE(app)->tp_name);
        Py_CLEAR(app);
    }
    Py_DECREF(m);
    return app;
}
