/* SPDX-License-Identifier: MIT */
#include "pyworker/pyfork.h"

#include "base/log.h"
#include "pyworker/pylog.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- before the first one ---- */

static int
freeze(void)
{
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *freed = gc ? PyObject_CallMethod(gc, "collect", NULL) : NULL;
    PyObject *none = freed ? PyObject_CallMethod(gc, "freeze", NULL) : NULL;
    Py_XDECREF(none);
    Py_XDECREF(freed);
    Py_XDECREF(gc);
    return none ? 0 : -1;
}

/* The names of all threads but the main one, as text; NULL when there are none, or an exception. */
static PyObject *
other_threads(void)
{
    PyObject *names = PyList_New(0), *text = NULL;
    PyObject *threading = PyImport_ImportModule("threading");
    PyObject *main = threading ? PyObject_CallMethod(threading, "main_thread", NULL) : NULL;
    PyObject *all = main ? PyObject_CallMethod(threading, "enumerate", NULL) : NULL;
    for (Py_ssize_t i = 0; names && all && PyList_Check(all) && i < PyList_GET_SIZE(all); i++) {
        PyObject *thread = PyList_GET_ITEM(all, i);
        PyObject *name = thread != main ? PyObject_GetAttrString(thread, "name") : NULL;
        if (name)
            (void)PyList_Append(names, name);
        Py_XDECREF(name);
    }
    if (names && !PyErr_Occurred() && PyList_GET_SIZE(names) > 0) {
        PyObject *comma = PyUnicode_FromString(", ");
        text = comma ? PyUnicode_Join(comma, names) : NULL;
        Py_XDECREF(comma);
    }
    Py_XDECREF(all);
    Py_XDECREF(main);
    Py_XDECREF(threading);
    Py_XDECREF(names);
    return text;
}

static void
warn_of_threads(void)
{
    PyObject *text = other_threads();
    PyObject *bytes = text ? PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace") : NULL;
    if (bytes)
        ymo_warn("the application has started threads while it was loaded, and with preload they "
                 "do not exist in the workers: %s",
                 PyBytes_AS_STRING(bytes));
    Py_XDECREF(bytes);
    Py_XDECREF(text);
    PyErr_Clear();
}

void
ymo_pyfork_prepare(void)
{
    warn_of_threads();
    if (freeze() < 0)
        ymo_pylog_raised(YMO_LOG_WARNING, "the garbage collector cannot be made ready for forks");
}

/* ---- the fork ---- */

/* In the new process. The other one is about to end; then this one's parent is who adopts it. */
static void
outlive(pid_t intermediate)
{
    while (getppid() == intermediate)
        (void)sched_yield();
}

/* The status of the intermediate process as a result; errno says why. */
static int
wait_for(pid_t pid)
{
    int status = 0;
    pid_t rc;
    do {
        rc = waitpid(pid, &status, 0);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) /* the application ignores SIGCHLD: it is gone, and no more is known */
        return YMO_OK;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return YMO_OK;
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
    return YMO_EIO;
}

int
ymo_pyfork_spawn(void)
{
    PyOS_BeforeFork();
    pid_t pid = fork();
    if (pid == 0) {
        pid_t intermediate = getpid();
        pid_t inner = fork();
        if (inner != 0) /* errors fit: they are below 256 */
            _exit(inner < 0 ? errno : 0);
        outlive(intermediate);
        PyOS_AfterFork_Child();
        return 0;
    }
    int saved = errno;
    PyOS_AfterFork_Parent();
    errno = saved;
    if (pid > 0 && wait_for(pid) == YMO_OK)
        return 1;
    ymo_error("no worker can be forked from the loaded application (fork): %s", strerror(errno));
    return YMO_EIO;
}
