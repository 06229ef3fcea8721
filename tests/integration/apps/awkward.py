# SPDX-License-Identifier: MIT
"""Applications that do what is allowed and nobody expects."""

import os
import sys
import threading

import gatelib

TEXT = [("Content-Type", "text/plain")]


class StartsInClose:
    """Empty, and its close() starts a response that it does not complete."""

    def __init__(self, start_response):
        start_response("200 OK", TEXT)
        self.start_response = start_response

    def __iter__(self):
        return iter(())

    def close(self):
        try:
            raise ValueError("too late")
        except ValueError:
            self.start_response("200 OK", TEXT + [("Content-Length", "5")], sys.exc_info())


def list_emptied_by_a_thread(environ, start_response):
    """Another thread sits in read() and empties the list when the end of the call sends it out."""
    body = [os.urandom(16).hex().encode() * 1000]

    def read():
        gatelib.tell("reading")
        try:
            environ["wsgi.input"].read()
        except ValueError:
            body.clear()

    threading.Thread(target=read).start()
    gatelib.wait("go")
    start_response("200 OK", TEXT)
    return body


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/close":
        return StartsInClose(start_response)
    if path == "/list":
        return list_emptied_by_a_thread(environ, start_response)
    if path == "/proc":
        start_response("200 OK", TEXT)
        return environ["wsgi.file_wrapper"](open("/proc/self/status", "rb"))
    if path == "/writeonly":
        start_response("200 OK", TEXT + [("Content-Length", "7")])
        file = os.fdopen(os.open(environ["QUERY_STRING"], os.O_WRONLY), "wb", 0)
        return environ["wsgi.file_wrapper"](file)
    start_response("200 OK", TEXT)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"body"]
