# SPDX-License-Identifier: MIT
"""What application code sees of its interpreter, and the processes it may start."""

import atexit
import json
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import gatelib

if os.environ.get("YMO_TEST_ATEXIT"):

    @atexit.register
    def _at_exit():
        with open(os.environ["YMO_TEST_ATEXIT"], "a", encoding="ascii") as file:
            file.write("atexit ran\n")
        print("printed at exit")


def square(x):
    return x * x


def _pool(method):
    with multiprocessing.get_context(method).Pool(2) as pool:
        return pool.map(square, [1, 2, 3])


def facts():
    return {
        "argv": sys.argv,
        "executable": sys.executable,
        "main": sys.modules["__main__"].__name__,
        "main_file": getattr(sys.modules["__main__"], "__file__", None),
        "path": sys.path,
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "version": list(sys.version_info[:2]),
        "cwd": os.getcwd(),
        "levels": [logging.getLogger().level, logging.getLogger("x").getEffectiveLevel()],
        "flags": sys.flags.isolated,
        "stdin_tty": sys.stdin is not None,
    }


def run(what):
    if what == "facts":
        return facts()
    if what == "subprocess":
        code = "import sys; print(sys.version_info[:2] == %r)" % (tuple(sys.version_info[:2]),)
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        ).stdout.strip()
    if what == "shell":
        return subprocess.getoutput("echo $((40 + 2))")
    if what == "fork":
        pid = os.fork()
        if pid == 0:
            os._exit(7)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if what == "fork-and-stay":
        pid = os.fork()
        if pid == 0:
            for fd in (0, 1, 2):
                os.dup2(os.open("/dev/null", os.O_RDWR), fd)
            time.sleep(60)
            os._exit(0)
        return str(pid)
    if what == "fork-and-terminate":
        # At once, so that the signal comes before the child has run: it must not be lost there.
        ends = set()
        for _ in range(100):
            pid = os.fork()
            if pid == 0:
                time.sleep(60)
                os._exit(0)
            os.kill(pid, signal.SIGTERM)
            ends.add(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        return sorted(ends)
    if what in ("pool-fork", "pool-spawn"):
        return _pool(what[5:])
    if what == "child-keeps-nothing":
        # A child that lives on must not hold the server's listening socket (it is close-on-exec).
        listing = [sys.executable, "-c", "import os; print(len(os.listdir('/proc/self/fd')))"]
        return subprocess.run(
            listing, close_fds=False, capture_output=True, text=True, check=False
        ).stdout.strip()
    if what == "print":
        print("printed by the application")
        return "ok"
    if what == "gate":
        return gatelib.wait("interpreter")
    raise KeyError(what)


def app(environ, start_response):
    result = run(environ["PATH_INFO"][1:])
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(result).encode()]
