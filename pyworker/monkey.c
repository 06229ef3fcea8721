/* SPDX-License-Identifier: MIT */
#include "pyworker/monkey.h"

#include "pyworker/pylog.h"

#include <stddef.h>

/* A module that the application has imported, borrowed; or NULL. */
static PyObject *
imported(const char *name)
{
    return PyDict_GetItemString(PyImport_GetModuleDict(), name);
}

bool
ymo_monkey_is_patched(const char *module)
{
    PyObject *monkey = imported("gevent.monkey");
    PyObject *rc = monkey ? PyObject_CallMethod(monkey, "is_module_patched", "s", module) : NULL;
    bool yes = rc && PyObject_IsTrue(rc) > 0;
    Py_XDECREF(rc);
    PyErr_Clear();
    return yes;
}

/* A copy of the module _thread with the functions that it had before. */
static PyObject *
original_thread(void)
{
    static const char *const names[] = {"allocate_lock", "get_ident", "RLock"};
    PyObject *monkey = imported("gevent.monkey");
    PyObject *patched = PyImport_ImportModule("_thread");
    PyObject *copy = patched ? PyModule_New("_thread") : NULL;
    bool good = copy && PyDict_Update(PyModule_GetDict(copy), PyModule_GetDict(patched)) == 0;
    for (size_t i = 0; good && i < sizeof(names) / sizeof(names[0]); i++) {
        PyObject *f = PyObject_CallMethod(monkey, "get_original", "ss", "_thread", names[i]);
        good = f && PyObject_SetAttrString(copy, names[i], f) == 0;
        Py_XDECREF(f);
    }
    if (!good)
        Py_CLEAR(copy);
    Py_XDECREF(patched);
    return copy;
}

/*
 * The price: a greenlet may see a module half loaded when another one of its thread waits for
 * something while it imports it. That is what imports that go in circles see.
 */
void
ymo_monkey_mend_imports(void)
{
    if (!ymo_monkey_is_patched("thread") && !ymo_monkey_is_patched("_thread"))
        return;
    PyObject *thread = original_thread();
    PyObject *bootstrap = thread ? PyImport_ImportModule("importlib._bootstrap") : NULL;
    if (!bootstrap || PyObject_SetAttrString(bootstrap, "_thread", thread) < 0)
        ymo_pylog_raised(YMO_LOG_WARNING, "imports by several threads at once may hang, as gevent "
                                          "has patched their locks");
    Py_XDECREF(bootstrap);
    Py_XDECREF(thread);
}

void
ymo_monkey_forked(void)
{
    PyObject *gevent = imported("gevent");
    PyObject *rc = gevent ? PyObject_CallMethod(gevent, "reinit", NULL) : NULL;
    if (gevent && !rc)
        ymo_pylog_raised(YMO_LOG_WARNING, "gevent cannot be made ready for the new process");
    Py_XDECREF(rc);
}
