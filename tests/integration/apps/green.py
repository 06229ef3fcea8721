# SPDX-License-Identifier: MIT
"""A monkey-patched application; what waits here, waits in gevent's loop."""

from gevent import monkey

monkey.patch_all()

import contextvars  # noqa: E402
import importlib  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import queue  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

import gevent  # noqa: E402
import gevent.event  # noqa: E402
import gevent.local  # noqa: E402
import gevent.threadpool  # noqa: E402
from gatelib import tell  # noqa: E402

TEXT = [("Content-Type", "text/plain")]
thread_local = threading.local()
context = contextvars.ContextVar("context", default=0)
inside = most_inside = 0
all_inside = gevent.event.Event()
held = {}  # greenlets of requests, by tag
ticks = 0
log = logging.getLogger("green")
logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)


def wait(tag):
    """gatelib.wait, in gevent's loop: there is no epoll in a patched program."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(os.environ["YMO_TEST_GATE"])
        sock.sendall(tag.encode() + b"\n")
        with sock.makefile("r") as file:
            return file.readline().strip()


def on_signal(number, frame):
    # At any point of the program, so neither by print nor by a logger.
    os.write(1, b"signal handler on the main thread: %r\n" % (native_thread() == MAIN))


def native_thread():
    return monkey.get_original("threading", "get_ident")()


MAIN = native_thread()
signal.signal(signal.SIGUSR1, on_signal)


def on_gevent_signal():
    log.info("signal in gevent's loop")


gevent.signal_handler(signal.SIGUSR2, on_gevent_signal)
if os.environ.get("YMO_TEST_TAKE_SIGTERM"):
    gevent.signal_handler(signal.SIGTERM, sys.exit, 0)


def tick():
    global ticks
    while True:
        gevent.sleep(0.01)
        ticks += 1


if os.environ.get("YMO_TEST_TICK"):
    gevent.spawn(tick)


# ---- views: environ → something to be shown, or (status, result) ----


def quick(environ):
    return os.getpid()


def meet(environ):
    """?n: all n requests are here at once, or none gets out."""
    global inside
    inside += 1
    if inside == int(environ["QUERY_STRING"]):
        all_inside.set()
    all_inside.wait()
    return inside


def most(environ):
    """?tag: waits for the test; how many were here at once so far, once at least two were."""
    global inside, most_inside
    inside += 1
    most_inside = max(most_inside, inside)
    if inside >= 2:
        all_inside.set()
    all_inside.wait()
    wait(environ["QUERY_STRING"])
    inside -= 1
    return most_inside


def nap(environ):
    time.sleep(0.05)
    return "slept"


def hold(environ):
    """?tag: waits for the test; the thread it runs on, and whether greenlets know each other."""
    tag = environ["QUERY_STRING"]
    held[tag] = gevent.getcurrent()
    word = wait(tag)
    return f"{word} {native_thread()}"


def hold_on(environ):
    """As hold, whatever is thrown in."""
    try:
        return hold(environ)
    except BaseException as exc:
        return repr(exc)


def kill(environ):
    """?tag: kills the request that is held with this tag."""
    held[environ["QUERY_STRING"]].kill()
    return "killed"


def suicide(environ):
    gevent.getcurrent().kill()


def leave(environ):
    raise SystemExit(3)


def fail(environ):
    raise ValueError("green with envy")


def timeout(environ):
    """Gives itself too little time: the timeout passes through the application."""
    with gevent.Timeout(0.01):
        gevent.event.Event().wait()


def inner_timeout(environ):
    with gevent.Timeout(0.01, False):
        gevent.event.Event().wait()
        return "not reached"
    return "in time"


def read_timeout(environ):
    """The body does not come in time, and then it does."""
    try:
        with gevent.Timeout(0.01):
            environ["wsgi.input"].read(1)
    except gevent.Timeout:
        tell("timed-out")
    return environ["wsgi.input"].read().decode()


def locals_(environ):
    thread_local.count = getattr(thread_local, "count", 0) + 1
    context.set(context.get() + 1)
    before = thread_local.count, context.get()
    gevent.sleep(0.001)
    return json.dumps([before, (thread_local.count, context.get())])


def kind(environ):
    me = gevent.getcurrent()
    return f"{isinstance(me, gevent.Greenlet)} {me.parent is gevent.get_hub()} {bool(me)}"


def everything(environ):
    """What a monkey-patched application does."""
    told = {}
    gevent.sleep(0.001)
    time.sleep(0.001)
    told["spawn"] = [g.value for g in gevent.joinall([gevent.spawn(int, i) for i in range(5)])]
    box = queue.Queue()
    thread = threading.Thread(target=box.put, args=("from a thread",))
    thread.start()
    told["thread"] = box.get(timeout=20)
    thread.join()
    if native_thread() == MAIN:  # gevent watches children in the main thread only
        told["process"] = subprocess.run(
            ["echo", "child"], stdout=subprocess.PIPE, check=True, timeout=20
        ).stdout.decode()
        pid = os.fork()
        if pid == 0:
            os._exit(5)
        told["fork"] = os.waitpid(pid, 0)[1] >> 8
    a, b = socket.socketpair()
    reader = gevent.spawn(b.recv, 10)
    a.sendall(b"through")
    told["socket"] = reader.get(timeout=20).decode()
    told["name"] = socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)[0][1]
    told["pool"] = gevent.get_hub().threadpool.apply(os.path.basename, ("/a/b",))
    lock = threading.Lock()
    with lock:
        told["lock"] = gevent.spawn(lock.acquire, False).get(timeout=20)
    log.info("everything was done")
    return json.dumps(told, sort_keys=True)


def foreign_reader(environ):
    """Ends while another of its greenlets reads."""

    def read():
        try:
            environ["wsgi.input"].read()
        except ValueError:
            tell("reader-sent-out")

    gevent.spawn(read)
    wait("reading")
    return "gone"


def delegated_reader(environ):
    return gevent.spawn(environ["wsgi.input"].read).get().decode()


def upload(environ):
    tell("upload-entered")
    n = 0
    try:
        while data := environ["wsgi.input"].read(65536):
            n += len(data)
    except OSError as exc:
        tell(f"upload-{type(exc).__name__}")
        raise
    return n


def lazy(environ):
    """?name: imports a module that nobody has imported, at the same time as others."""
    return importlib.import_module(environ["QUERY_STRING"]).word


def tick_count(environ):
    return ticks


def multithread(environ):
    return environ["wsgi.multithread"]


def exit_in_the_background(environ):
    gevent.spawn(sys.exit, 0)
    return "soon"


class Body:
    """Counts what is asked for, and tells when it is closed."""

    def __init__(self, items, tag):
        self.items = iter(items)
        self.tag = tag
        self.done = False

    def __iter__(self):
        return self

    def __next__(self):
        try:
            return next(self.items)
        except StopIteration:
            self.done = True
            raise

    def close(self):
        tell(f"{self.tag}-closed-{'whole' if self.done else 'early'}")


def flood(environ, start_response):
    """?n,tag: n pieces of 64 KiB."""
    n, tag = environ["QUERY_STRING"].split(",")
    held[tag] = gevent.getcurrent()
    start_response("200 OK", TEXT)
    return Body((b"f" * 65536 for _ in range(int(n))), tag)


def flood_write(environ, start_response):
    n, tag = environ["QUERY_STRING"].split(",")
    write = start_response("200 OK", TEXT)
    try:
        for _ in range(int(n)):
            write(b"f" * 65536)
    except OSError as exc:
        tell(f"{tag}-{type(exc).__name__}")
        raise
    return []


def steps(environ, start_response):
    """?tag: three pieces, each when the test says so."""
    tag = environ["QUERY_STRING"]
    start_response("200 OK", TEXT)
    return Body((wait(tag).encode() for _ in range(3)), tag)


def foreign_write(environ, start_response):
    write = start_response("200 OK", TEXT)
    greenlet = gevent.spawn(write, b"x")
    greenlet.join()
    return [repr(greenlet.exception).encode()]


def file(environ, start_response):
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](open(__file__, "rb"))


RAW = {f.__name__: f for f in (flood, flood_write, steps, foreign_write, file)}
VIEWS = {
    f.__name__.strip("_"): f
    for f in (
        quick, meet, most, nap, hold, hold_on, kill, suicide, leave, fail, timeout, inner_timeout,
        read_timeout, locals_, kind, everything, foreign_reader, delegated_reader, upload,
        lazy, tick_count, multithread, exit_in_the_background,
    )
}  # fmt: skip


def app(environ, start_response):
    name = environ["PATH_INFO"].strip("/").replace("-", "_") or "quick"
    if name in RAW:
        return RAW[name](environ, start_response)
    body = str(VIEWS[name](environ)).encode()
    start_response("200 OK", TEXT + [("Content-Length", str(len(body)))])
    return [body]
