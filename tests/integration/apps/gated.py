# SPDX-License-Identifier: MIT
"""Applications whose every step waits for the test (gatelib), so that no test needs to sleep."""

import os
import threading

import gatelib

TEXT = [("Content-Type", "text/plain")]


class Steps:
    """An iterable that asks the gate before each item and tells it when it is closed."""

    def __init__(self, tag, items):
        self.tag = tag
        self.items = iter(items)

    def __iter__(self):
        return self

    def __next__(self):
        item = next(self.items)
        gatelib.wait(f"{self.tag}-next")
        return item

    def close(self):
        gatelib.tell(f"{self.tag}-closed")


def hold(environ, start_response):
    """/hold?tag: waits before it answers."""
    tag = environ["QUERY_STRING"]
    word = gatelib.wait(tag)
    start_response("200 OK", TEXT)
    return [f"{tag} {word}".encode()]


def steps(environ, start_response):
    """/steps: three chunks, each when the test says so."""
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    return Steps("steps", [b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"])


def flood(environ, start_response):
    """/flood?n: n chunks of 64 KiB, with close() told to the gate."""
    chunk = b"f" * 65536

    class Flood:
        def __init__(self, left):
            self.left = left

        def __iter__(self):
            return self

        def __next__(self):
            if self.left == 0:
                raise StopIteration
            self.left -= 1
            return chunk

        def close(self):
            gatelib.tell(f"flood-closed-{'all' if self.left == 0 else 'early'}")

    start_response("200 OK", TEXT)
    return Flood(int(environ["QUERY_STRING"]))


def read_some(environ, start_response):
    """/read: reads the body at the gate's pace; each step is told what to read."""
    stream = environ["wsgi.input"]
    log = []
    while True:
        size = gatelib.wait("read")
        if size == "end":
            break
        try:
            data = stream.read(int(size))
            log.append(str(len(data)))
        except Exception as exc:
            gatelib.tell(f"read-failed-{isinstance(exc, OSError)}")
            raise
    start_response("200 OK", TEXT)
    return [" ".join(log).encode()]


def consume(environ, start_response):
    """/consume: reads all of the body, tells the gate how that went."""
    gatelib.tell("consume-entered")
    stream = environ["wsgi.input"]
    n = 0
    try:
        while data := stream.read(65536):
            n += len(data)
    except Exception as exc:
        gatelib.tell(f"consume-failed-{isinstance(exc, OSError)}")
        raise
    start_response("200 OK", TEXT)
    return [str(n).encode()]


def early(environ, start_response):
    """/early: answers without reading the body."""
    start_response("200 OK", TEXT)
    return [b"early"]


def quick(environ, start_response):
    start_response("200 OK", TEXT)
    return [f"{os.getpid()} {threading.get_ident()}".encode()]


ROUTES = {
    "/hold": hold,
    "/steps": steps,
    "/flood": flood,
    "/read": read_some,
    "/consume": consume,
    "/early": early,
    "/": quick,
}


def app(environ, start_response):
    return ROUTES[environ["PATH_INFO"]](environ, start_response)
