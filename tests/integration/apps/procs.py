# SPDX-License-Identifier: MIT
"""An application that tells which process it runs in, and that misbehaves when it is asked to."""

import ctypes
import os
import random
import resource
import signal
import threading
import time

import gatelib

TEXT = [("Content-Type", "text/plain")]
PID_AT_IMPORT = os.getpid()
hoard = []


def note(variable):
    """Append our process id to the file that the variable names."""
    if os.environ.get(variable):
        with open(os.environ[variable], "a") as file:
            file.write(f"{os.getpid()}\n")


def mood():
    """What the test wrote for the time of loading; "" when there is no such file."""
    try:
        with open(os.environ["YMO_TEST_MOOD"]) as file:
            return file.read()
    except (KeyError, OSError):
        return ""


def load():
    note("YMO_TEST_IMPORTS")
    word = mood()
    if word == "raise":
        raise RuntimeError("not in the mood")
    elif word == "exit":
        os._exit(7)
    elif word == "segv":
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), signal.SIGSEGV)
    elif word == "wait":
        gatelib.wait("loading")
    elif word == "threads":
        threading.Thread(target=threading.Event().wait, name="beside", daemon=True).start()
    return word


MOOD = load()


def loading(environ):
    """What was in the mood file when this process loaded the application."""
    return MOOD


def pid(environ):
    return os.getpid()


def import_pid(environ):
    return PID_AT_IMPORT


def hold(environ):
    """?tag: waits for the test."""
    gatelib.wait(environ["QUERY_STRING"])
    return os.getpid()


def sleep_for_ever(environ):
    gatelib.tell("stuck")
    time.sleep(10000)


def spin_for_ever(environ):
    gatelib.tell("stuck")
    while True:
        pass


def hold_the_gil(environ):
    gatelib.tell("stuck")
    ctypes.PyDLL(None).sleep(10000)


def grow(environ):
    """?MIB: from now on this process is so much larger."""
    hoard.append(b"x" * (int(environ["QUERY_STRING"]) << 20))
    return os.getpid()


def die(environ):
    """?N: of signal N, in the middle of a request."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.kill(os.getpid(), int(environ["QUERY_STRING"]))
    time.sleep(10000)


def leave(environ):
    os._exit(3)


def chance(environ):
    return random.random()


def flags(environ):
    names = ("wsgi.multiprocess", "wsgi.multithread", "wsgi.run_once")
    return " ".join(str(environ[name]) for name in names)


def names_of_threads(environ):
    return " ".join(t.name for t in threading.enumerate())


ROUTES = {
    "/": pid,
    "/loading": loading,
    "/import-pid": import_pid,
    "/hold": hold,
    "/sleep": sleep_for_ever,
    "/spin": spin_for_ever,
    "/c": hold_the_gil,
    "/grow": grow,
    "/die": die,
    "/leave": leave,
    "/chance": chance,
    "/flags": flags,
    "/threads": names_of_threads,
}


def stream(tag):
    yield b"first"
    gatelib.wait(tag)
    yield b"second"


def app(environ, start_response):
    if environ["PATH_INFO"] == "/stream":
        start_response("200 OK", TEXT)
        return stream(environ["QUERY_STRING"])
    body = str(ROUTES[environ["PATH_INFO"]](environ)).encode()
    start_response("200 OK", TEXT + [("Content-Length", str(len(body)))])
    return [body]
