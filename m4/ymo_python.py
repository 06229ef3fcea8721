# SPDX-License-Identifier: MIT
"""Print, as shell assignments, what configure must know of the interpreter that runs this.

Asked of the interpreter itself, because its pkg-config file and python3-config script may belong
to another version or be missing.
"""
import os
import platform
import re
import sys
import sysconfig


def quote(text):
    """For the shell; shlex.quote is missing in the old interpreters that are only to be refused."""
    if re.match(r"^[A-Za-z0-9_./+-]*$", text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def main():
    var = sysconfig.get_config_var
    base = getattr(sys, "base_prefix", sys.prefix)
    out = {}
    out["version"] = "%d.%d.%d" % sys.version_info[:3]
    out["xy"] = "%d.%d" % sys.version_info[:2]
    out["number"] = "%d" % (sys.version_info[0] * 100 + sys.version_info[1])
    out["implementation"] = platform.python_implementation().lower()
    out["executable"] = sys.executable
    out["prefix"] = base
    ldversion = var("LDVERSION") or out["xy"]
    out["ldversion"] = ldversion

    # Inside a virtual environment the scheme's paths still name the base installation's headers.
    includes = []
    for key in ("include", "platinclude"):
        path = sysconfig.get_path(key)
        if path and path not in includes and os.path.isdir(path):
            includes.append(path)
    have = [p for p in includes if os.path.exists(os.path.join(p, "Python.h"))]
    out["python_h"] = os.path.join(have[0], "Python.h") if have else ""
    out["include_wanted"] = sysconfig.get_path("include") or ""
    # -isystem: the warnings of our own set are not for the interpreter's macros.
    out["cppflags"] = " ".join("-isystem " + p for p in includes)

    libdirs = [d for d in (var("LIBDIR"), os.path.join(base, "lib")) if d]
    names = [n for n in ("libpython%s.so" % ldversion, var("LDLIBRARY")) if n and ".so" in n]
    out["shared"] = out["shared_dir"] = ""
    for directory in libdirs:
        for name in names:
            if not out["shared"] and os.path.exists(os.path.join(directory, name)):
                out["shared"] = os.path.join(directory, name)
                out["shared_dir"] = directory

    out["static"] = ""
    archive = os.path.join(var("LIBPL") or "", var("LIBRARY") or "")
    if archive.endswith(".a") and os.path.exists(archive):
        out["static"] = archive

    # What the interpreter's own binary was linked with; -L and rpath of its own prefix included.
    libs, seen = [], set()
    words = " ".join(str(var(k) or "") for k in ("LIBS", "MODLIBS", "SYSLIBS")).split()
    for word in words:
        # MODLIBS may name archives of the interpreter's build tree, which are not installed.
        if word.endswith(".a") and not os.path.exists(word):
            continue
        if word not in seen:
            seen.add(word)
            libs.append(word)
    out["libs"] = " ".join(libs)

    for key, value in out.items():
        print("ymo_py_%s=%s" % (key, quote(value)))


if __name__ == "__main__":
    main()
