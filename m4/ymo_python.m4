# SPDX-License-Identifier: MIT

# _YMO_PYTHON_PROGRAM
# -------------------
# An embedded interpreter that starts, and that can import extension modules: those linked in and
# those loaded from files (which need the interpreter's symbols exported from the executable). configure
# expands the shell variables in it.
m4_define([_YMO_PYTHON_PROGRAM], [AC_LANG_SOURCE([[
#include <Python.h>
int
main(void)
{
    PyConfig config;
    PyStatus status;
    int failed;
    PyConfig_InitPythonConfig(&config);
    status = PyConfig_SetBytesString(&config, &config.executable, "$ymo_py_executable");
    if (!PyStatus_Exception(status))
        status = PyConfig_SetBytesString(&config, &config.program_name, "$ymo_py_executable");
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status))
        return 2;
    failed = PyRun_SimpleString(
        "import sys, sysconfig\n"
        "import json, math, zlib, socket, select, _struct, _datetime\n"
        "import importlib.util\n"
        "for name in ('_ssl', '_ctypes', '_hashlib', '_sqlite3', '_decimal', '_bz2'):\n"
        "    if importlib.util.find_spec(name):\n"
        "        __import__(name)\n"
        "assert '%d.%d' % sys.version_info[:2] == '$ymo_py_xy'\n");
    return Py_FinalizeEx() < 0 || failed ? 3 : 0;
}
]])])

# _YMO_PYTHON_TRY(LDFLAGS, LIBS, IF-OK, [IF-NOT])
# -----------------------------------------------
m4_define([_YMO_PYTHON_TRY], [
  ymo_save_CPPFLAGS=$CPPFLAGS
  ymo_save_LDFLAGS=$LDFLAGS
  ymo_save_LIBS=$LIBS
  CPPFLAGS="$ymo_py_cppflags $CPPFLAGS"
  LDFLAGS="$LDFLAGS $1"
  LIBS="$2 $LIBS"
  AS_IF([test "x$cross_compiling" = xyes],
    [AC_LINK_IFELSE([_YMO_PYTHON_PROGRAM], [ymo_try=yes], [ymo_try=no])],
    [AC_RUN_IFELSE([_YMO_PYTHON_PROGRAM], [ymo_try=yes], [ymo_try=no], [ymo_try=no])])
  CPPFLAGS=$ymo_save_CPPFLAGS
  LDFLAGS=$ymo_save_LDFLAGS
  LIBS=$ymo_save_LIBS
  AS_IF([test "x$ymo_try" = xyes], [$3], [$4])
])

# YMO_PYTHON
# ----------
# Find the interpreter (PYTHON, or the first python3 on PATH) and how to embed it. Sets
# PYTHON_CPPFLAGS, PYTHON_LDFLAGS and PYTHON_LIBS, and defines YMO_PYTHON_EXECUTABLE, _PREFIX and
# _LINK. Ends configure with a sentence where it cannot be embedded.
AC_DEFUN([YMO_PYTHON], [
  AC_REQUIRE([AC_PROG_CC])
  AC_ARG_WITH([libpython],
    [AS_HELP_STRING([--with-libpython=auto|static|shared],
      [how to link libpython; auto: static where the interpreter has an archive that works (its
       calls are cheaper), else shared])],
    [], [with_libpython=auto])
  AS_CASE([$with_libpython], [auto|static|shared], [],
    [AC_MSG_ERROR([--with-libpython takes auto, static or shared, not "$with_libpython"])])

  AC_CACHE_CHECK([for the Python interpreter to embed], [ymo_cv_python],
    [AS_IF([test -n "$PYTHON"],
      [AS_CASE([$PYTHON],
        [*/*], [ymo_cv_python=$PYTHON],
        [ymo_cv_python=`command -v "$PYTHON"`])],
      [ymo_cv_python=`command -v python3`])
     AS_IF([test -n "$ymo_cv_python"], [], [ymo_cv_python=none])])
  AS_IF([test "x$ymo_cv_python" = xnone],
    [AC_MSG_ERROR([no python3 found on PATH: install it (Debian: apt-get install python3-dev), or name one with PYTHON=/path/to/python3, or build without it (--disable-wsgi)])])
  PYTHON=$ymo_cv_python
  AS_IF([test -f "$PYTHON" && test -x "$PYTHON"], [],
    [AC_MSG_ERROR([there is no program $PYTHON: name a CPython 3.9 to 3.13 with PYTHON=/path/to/python3])])
  AS_IF([ymo_py=`"$PYTHON" "$srcdir/m4/ymo_python.py" 2>conftest.err`],
    [eval "$ymo_py"],
    [cat conftest.err >&AS_MESSAGE_LOG_FD
     ymo_err=`tail -n 1 conftest.err`
     AC_MSG_ERROR([$PYTHON does not run m4/ymo_python.py ($ymo_err): name a CPython 3.9 to 3.13 with PYTHON=/path/to/python3])])
  rm -f conftest.err

  AS_IF([test "x$ymo_py_implementation" != xcpython],
    [AC_MSG_ERROR([$PYTHON is $ymo_py_implementation, and only CPython can be embedded: name a CPython 3.9 to 3.13 with PYTHON=/path/to/python3])])
  AS_IF([test "$ymo_py_number" -lt 309],
    [AC_MSG_ERROR([$PYTHON is Python $ymo_py_version, too old: name a CPython 3.9 to 3.13 with PYTHON=/path/to/python3])])
  AS_IF([test "$ymo_py_number" -gt 313],
    [AC_MSG_WARN([$PYTHON is Python $ymo_py_version; yimmo-wsgi is tested with 3.9 to 3.13])])
  AS_IF([test -z "$ymo_py_python_h"],
    [AC_MSG_ERROR([the headers of $PYTHON (Python $ymo_py_version) are not installed, Python.h is not in $ymo_py_include_wanted: install them (Debian: apt-get install libpython$ymo_py_xy-dev), or name another interpreter with PYTHON=/path/to/python3])])

  dnl The archive is often not position-independent (Debian), and extension modules look for the
  dnl interpreter's symbols in the executable: all of them must be there and exported.
  ymo_py_link=
  AS_IF([test "x$with_libpython" != xshared && test -n "$ymo_py_static"],
    [AC_MSG_CHECKING([whether $ymo_py_static can be linked])
     ymo_static_ldflags="-no-pie -Wl,-export-dynamic"
     ymo_static_libs="-Wl,--whole-archive $ymo_py_static -Wl,--no-whole-archive $ymo_py_libs -lpthread -ldl -lutil -lm"
     dnl TSan can be told to overlook what a library does, not what a part of the program does. The
     dnl others tell more with an archive: its symbols name the functions that leak.
     AS_CASE([$with_libpython,$ymo_sanitize],
       [auto,*thread*], [AC_MSG_RESULT([not with the thread sanitizer])],
       [ymo_save_CFLAGS=$CFLAGS
        CFLAGS="$CFLAGS $ymo_sanitize_flags"
        ymo_save_ASAN_OPTIONS=$ASAN_OPTIONS
        ASAN_OPTIONS=detect_leaks=0
        export ASAN_OPTIONS
        _YMO_PYTHON_TRY([$ymo_static_ldflags], [$ymo_static_libs],
         [AC_MSG_RESULT([yes])
          ymo_py_link=static
          PYTHON_LDFLAGS=$ymo_static_ldflags
          PYTHON_LIBS=$ymo_static_libs],
         [AC_MSG_RESULT([no])])
        CFLAGS=$ymo_save_CFLAGS
        ASAN_OPTIONS=$ymo_save_ASAN_OPTIONS])])
  AS_IF([test -z "$ymo_py_link" && test "x$with_libpython" != xstatic && test -n "$ymo_py_shared"],
    [AC_MSG_CHECKING([whether $ymo_py_shared can be linked])
     ymo_shared_ldflags=
     _YMO_PYTHON_TRY([], [$ymo_py_shared], [],
       [dnl not where the dynamic linker looks by itself
        ymo_shared_ldflags="-Wl,-rpath,$ymo_py_shared_dir"
        _YMO_PYTHON_TRY([$ymo_shared_ldflags], [$ymo_py_shared], [], [ymo_shared_ldflags=no])])
     AS_IF([test "x$ymo_shared_ldflags" = xno],
       [AC_MSG_RESULT([no])],
       [AS_IF([test -n "$ymo_shared_ldflags"], [AC_MSG_RESULT([yes, with rpath])],
         [dnl It may be a library of the same name elsewhere that was found: pin a prefix of its own.
          AS_CASE([$ymo_py_shared_dir],
            [/usr/lib|/usr/lib/*|/lib|/lib/*|/lib64|/usr/lib64], [],
            [ymo_shared_ldflags="-Wl,-rpath,$ymo_py_shared_dir"])
          AC_MSG_RESULT([yes])])
        ymo_py_link=shared
        PYTHON_LDFLAGS=$ymo_shared_ldflags
        PYTHON_LIBS=$ymo_py_shared])])

  AS_IF([test -z "$ymo_py_link"],
    [AS_IF([test "x$with_libpython" = xstatic],
      [AC_MSG_ERROR([$PYTHON (Python $ymo_py_version) has no static libpython that can be linked (found: ${ymo_py_static:-none}; details in config.log): use --with-libpython=shared])],
      [AC_MSG_ERROR([$PYTHON (Python $ymo_py_version) has no libpython that can be linked (shared: ${ymo_py_shared:-none}, static: ${ymo_py_static:-none}; details in config.log): install it (Debian: apt-get install libpython$ymo_py_xy-dev; pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install), or name another interpreter with PYTHON=/path/to/python3])])])

  PYTHON_CPPFLAGS=$ymo_py_cppflags
  AC_SUBST([PYTHON_CPPFLAGS])
  AC_SUBST([PYTHON_LDFLAGS])
  AC_SUBST([PYTHON_LIBS])
  AC_DEFINE_UNQUOTED([YMO_PYTHON_EXECUTABLE], ["$ymo_py_executable"],
    [The interpreter that is embedded, as it calls itself (sys.executable).])
  AC_DEFINE_UNQUOTED([YMO_PYTHON_PREFIX], ["$ymo_py_prefix"], [Its sys.base_prefix.])
  AC_DEFINE_UNQUOTED([YMO_PYTHON_LINK], ["$ymo_py_link"], [How libpython is linked.])
])
