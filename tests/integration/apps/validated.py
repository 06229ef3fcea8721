# SPDX-License-Identifier: MIT
"""wsgiref.validate around an application that uses every part of the interface."""

import sys
from wsgiref.validate import validator

TEXT = [("Content-Type", "text/plain; charset=utf-8")]


def inner(environ, start_response):
    path = environ["PATH_INFO"]
    stream, errors = environ["wsgi.input"], environ["wsgi.errors"]
    if path == "/input":
        parts = [stream.readline(), stream.read(3), *stream.readlines(), stream.read(1)]
        start_response("200 OK", list(TEXT))
        return [b"|".join(parts)]
    if path == "/iterate":
        lines = list(stream)
        start_response("200 OK", list(TEXT))
        return [b"|".join(lines)]
    if path == "/errors":
        errors.write("a line of the application\n")
        errors.writelines(["two ", "pieces\n"])
        errors.flush()
        start_response("200 OK", list(TEXT))
        return [b"logged"]
    if path == "/write":
        write = start_response("200 OK", list(TEXT))
        write(b"written ")
        return [b"and returned"]
    if path == "/exc_info":
        start_response("200 OK", list(TEXT))
        try:
            raise ValueError("shown to nobody")
        except ValueError:
            start_response("500 Oops", list(TEXT), sys.exc_info())
        return [b"oops"]
    if path == "/nothing":
        start_response("204 No Content", [("X-Empty", "yes")])
        return []
    if path == "/generator":
        start_response("200 OK", list(TEXT))
        return (b"%d," % i for i in range(5))
    start_response("200 OK", list(TEXT) + [("Content-Length", "5")])
    return [b"plain"]


app = validator(inner)
