# SPDX-License-Identifier: MIT
"""Requests that hang, in as many ways as we could think of."""

import ctypes
import os
import re
import sys
import threading

import gatelib

TEXT = [("Content-Type", "text/plain")]
# Unlike ctypes.CDLL it keeps the interpreter's lock during the call, as careless C extensions do.
libc = ctypes.PyDLL(None)
go_on = threading.Event()
if wish := os.environ.get("YMO_TEST_SWITCH_INTERVAL"):
    sys.setswitchinterval(float(wish))


def wait_at_gate(environ):
    return gatelib.wait(environ["QUERY_STRING"])


def spin_in_python(environ):
    gatelib.tell("spinning")
    n = 0
    while not go_on.is_set():
        n += 1
    return "spun"


def let_go(environ):
    go_on.set()
    return "set"


def hold_interpreter(environ):
    """Sleeps for as many tenths of a second as the query says, keeping the interpreter's lock."""
    libc.usleep(int(environ["QUERY_STRING"]) * 100000)
    return "held"


def spin_in_c(environ):
    """Backtracks for ages in one call of a C function; the query is the size of the problem."""
    re.match(r"(a|aa)+$", "a" * int(environ["QUERY_STRING"]) + "b")
    return "matched"


def read_body(environ):
    gatelib.tell("reading")
    return str(len(environ["wsgi.input"].read()))


def recurse(environ, depth=900):
    if depth > 0:
        return recurse(environ, depth - 1)
    return wait_at_gate(environ)


def start_thread(environ):
    def wait_in_background():
        gatelib.wait("background")

    threading.Thread(target=wait_in_background, name="the tidier-up \N{BROOM}").start()
    return "started"


ROUTES = {
    "/gate": wait_at_gate,
    "/spin": spin_in_python,
    "/let-go": let_go,
    "/hold": hold_interpreter,
    "/spin-c": spin_in_c,
    "/read": read_body,
    "/recurse": recurse,
    "/thread": start_thread,
    "/switch-interval": lambda environ: str(sys.getswitchinterval()),
    "/": lambda environ: "hello",
}


def flood(environ, start_response):
    """More than the server takes off the worker, as a list: no Python code runs while it waits."""
    start_response("200 OK", TEXT)
    return [b"f" * 65536] * 512


def app(environ, start_response):
    if environ["PATH_INFO"] == "/flood":
        return flood(environ, start_response)
    text = ROUTES[environ["PATH_INFO"]](environ)
    start_response("200 OK", TEXT)
    return [text.encode()]
