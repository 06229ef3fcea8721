/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "pyworker/interp.h"

#include "base/log.h"
#include "pyworker/pylog.h"
#include "pyworker/pysignal.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The interpreter that the build was configured with; sys.executable when no virtual environment is
 * active. Without it Python looks for python3 on PATH. */
#ifndef YMO_PYTHON_EXECUTABLE
#define YMO_PYTHON_EXECUTABLE "python3"
#endif

/* ---- virtual environment ---- */

/* "3.11" from a line "version = 3.11.2" or "version_info = 3.11.2.final.0". */
static bool
parse_version(const char *line, int *major_r, int *minor_r)
{
    if (strncmp(line, "version", 7) != 0)
        return false;
    const char *p = strchr(line, '=');
    return p && sscanf(p + 1, " %d.%d", major_r, minor_r) == 2;
}

/*
 * A virtual environment belongs to one version of Python: its packages are in a directory named for
 * it, and compiled ones load into no other.
 */
static int
check_virtualenv(const char *dir, const char *origin)
{
    char path[PATH_MAX], line[512];
    int major = 0, minor = 0;
    snprintf(path, sizeof(path), "%s/pyvenv.cfg", dir);
    FILE *f = fopen(path, "re");
    if (!f) {
        ymo_error("%s names '%s', which is not a virtual environment: it has no pyvenv.cfg", origin,
                  dir);
        return YMO_EINVAL;
    }
    while (fgets(line, sizeof(line), f) && !parse_version(line, &major, &minor))
        ;
    fclose(f);
    if (major != 0 && (major != PY_MAJOR_VERSION || minor != PY_MINOR_VERSION)) {
        ymo_error("%s names '%s', a virtual environment for Python %d.%d, but this is Python "
                  "%d.%d: make one with " YMO_PYTHON_EXECUTABLE " -m venv, or build yimmo-wsgi "
                  "for that Python",
                  origin, dir, major, minor, PY_MAJOR_VERSION, PY_MINOR_VERSION);
        return YMO_EINVAL;
    }
    return YMO_OK;
}

/*
 * The program that Python takes itself for: it finds its library and, through pyvenv.cfg beside
 * it, the virtual environment from there.
 */
static int
find_program(const struct ymo_pyworker_config *cfg, char *dst, size_t len)
{
    static const char *const names[] = {"python3", "python"};
    const char *dir = cfg->virtualenv, *origin = "--virtualenv";
    if (!dir || !*dir) {
        dir = getenv("VIRTUAL_ENV");
        origin = "VIRTUAL_ENV";
    }
    if (!dir || !*dir) {
        snprintf(dst, len, "%s", YMO_PYTHON_EXECUTABLE);
        return YMO_OK;
    }
    if (check_virtualenv(dir, origin) < 0)
        return YMO_EINVAL;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int n = snprintf(dst, len, "%s/bin/%s", dir, names[i]);
        if (n > 0 && (size_t)n < len && access(dst, X_OK) == 0)
            return YMO_OK;
    }
    ymo_error("%s names '%s', which has no bin/python3", origin, dir);
    return YMO_EINVAL;
}

/* ---- start ---- */

static int
check_status(PyStatus status)
{
    if (!PyStatus_Exception(status))
        return YMO_OK;
    ymo_error("the Python interpreter does not start: %s%s%s", status.func ? status.func : "",
              status.func ? ": " : "", status.err_msg ? status.err_msg : "it exits");
    return YMO_EINVAL;
}

static int
initialize(const struct ymo_pyworker_config *cfg, const char *program)
{
    PyPreConfig pre;
    PyPreConfig_InitPythonConfig(&pre);
    pre.parse_argv = 0; /* the command line is ours */
    int rc = check_status(Py_PreInitialize(&pre));
    if (rc < 0)
        return rc;
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.parse_argv = 0;
    config.install_signal_handlers = 1;
    rc = check_status(PyConfig_SetBytesString(&config, &config.program_name, program));
    if (rc == YMO_OK && cfg->argc > 0)
        rc = check_status(PyConfig_SetBytesArgv(&config, cfg->argc, cfg->argv));
    if (rc == YMO_OK)
        rc = check_status(Py_InitializeFromConfig(&config));
    PyConfig_Clear(&config);
    return rc;
}

/* ---- sys.path ---- */

/* Python 3.11 knows PYTHONSAFEPATH; we honour it in older ones too. */
static bool
is_safe_path(void)
{
#if PY_VERSION_HEX >= 0x030B0000
    PyObject *flags = PySys_GetObject("flags");
    PyObject *safe = flags ? PyObject_GetAttrString(flags, "safe_path") : NULL;
    int yes = safe ? PyObject_IsTrue(safe) : 0;
    Py_XDECREF(safe);
    PyErr_Clear();
    return yes > 0;
#else
    const char *value = getenv("PYTHONSAFEPATH");
    return value && *value;
#endif
}

/* Absolute, so that it still holds when the application changes directory. */
static int
insert_dir(PyObject *list, Py_ssize_t at, const char *cwd, const char *dir)
{
    char path[2 * PATH_MAX];
    if (dir[0] == '/' || !*cwd)
        snprintf(path, sizeof(path), "%s", dir);
    else
        snprintf(path, sizeof(path), "%s/%s", cwd, dir);
    PyObject *str = PyUnicode_DecodeFSDefault(path);
    int rc = str ? PyList_Insert(list, at, str) : -1;
    Py_XDECREF(str);
    return rc;
}

/* The current directory first, as `python -m` has it, then --pythonpath, then Python's own. */
static int
extend_path(const struct ymo_pyworker_config *cfg)
{
    char cwd[PATH_MAX];
    Py_ssize_t at = 0;
    PyObject *list = PySys_GetObject("path");
    if (!list || !PyList_Check(list)) {
        PyErr_SetString(PyExc_RuntimeError, "sys.path is no list");
        return -1;
    }
    if (!getcwd(cwd, sizeof(cwd)))
        cwd[0] = '\0'; /* it may have been removed */
    if (*cwd && !is_safe_path() && insert_dir(list, at++, cwd, cwd) < 0)
        return -1;
    for (size_t i = 0; i < cfg->n_pythonpath; i++) {
        if (insert_dir(list, at++, cwd, cfg->pythonpath[i]) < 0)
            return -1;
    }
    return 0;
}

/*
 * A line that the application prints is to appear when it is printed, in a container too, where
 * stdout is a pipe. A whole line in one write, unlike `python -u`, so that lines of several
 * processes do not mix.
 */
static int
line_buffer_stdout(void)
{
    PyObject *out = PySys_GetObject("stdout");
    if (!out || out == Py_None)
        return 0;
    PyObject *reconfigure = PyObject_GetAttrString(out, "reconfigure");
    PyObject *kwargs = reconfigure ? Py_BuildValue("{s:O}", "line_buffering", Py_True) : NULL;
    PyObject *none = kwargs ? PyTuple_New(0) : NULL;
    PyObject *rc = none ? PyObject_Call(reconfigure, none, kwargs) : NULL;
    Py_XDECREF(none);
    Py_XDECREF(kwargs);
    Py_XDECREF(reconfigure);
    Py_XDECREF(rc);
    return rc ? 0 : -1;
}

/* The thread that imports it first is the one that threading takes for the main thread. */
static int
import_threading(void)
{
    PyObject *module = PyImport_ImportModule("threading");
    Py_XDECREF(module);
    return module ? 0 : -1;
}

int
ymo_interp_start(const struct ymo_pyworker_config *cfg)
{
    char program[PATH_MAX];
    int rc = find_program(cfg, program, sizeof(program));
    if (rc == YMO_OK)
        rc = initialize(cfg, program);
    if (rc < 0)
        return rc;
    if (extend_path(cfg) < 0 || line_buffer_stdout() < 0 || import_threading() < 0 ||
        ymo_pysignal_init() < 0) {
        ymo_pylog_raised(YMO_LOG_ERROR, "the Python interpreter does not start");
        return YMO_EINVAL;
    }
    return YMO_OK;
}
