# SPDX-License-Identifier: MIT
"""Writes to wsgi.errors in every way, at every moment."""

import threading

LEFT = {}  # an errors object that outlives its request


def app(environ, start_response):
    errors, what = environ["wsgi.errors"], environ["PATH_INFO"]
    plain = [("Content-Type", "text/plain")]
    if what == "/quiet":
        start_response("200 OK", plain)
        return [b"quiet"]
    if what == "/print":
        print("one", "line \u00e9\u20ac \udc80", environ["QUERY_STRING"], file=errors)
        start_response("200 OK", plain)
        return [b"printed"]
    if what == "/unfinished":
        errors.write("no newline")
        start_response("200 OK", plain)
        return [b"unfinished"]
    if what == "/flush":
        errors.writelines(["flush", "ed"])
        errors.flush()
        return waits(environ, start_response)
    if what == "/raise":
        errors.write("cause: ")
        raise RuntimeError("deliberate \u20ac")
    if what == "/deep":
        return deep(40)
    if what == "/short":
        start_response("200 OK", [*plain, ("Content-Length", "10")])
        return [b"short"]
    if what == "/stream":
        return streams(errors, start_response)
    if what == "/flood":
        line = "\u20ac" * 33 + "\n"  # 100 bytes
        for _ in range(5000):
            errors.write(line)
        start_response("200 OK", plain)
        return [b"flooded"]
    if what == "/long":
        errors.write("\u20ac" * 10_000)
        start_response("200 OK", plain)
        return [b"long"]
    if what == "/leave":
        LEFT["errors"] = errors
        thread = threading.Thread(target=errors.write, args=("from another thread\n",))
        thread.start()
        thread.join()
        start_response("200 OK", plain)
        return [b"left"]
    LEFT["errors"].write("an old request's\n")
    errors.write("this request's\n")
    start_response("200 OK", plain)
    return [b"used"]


def deep(n):
    # Lines of different texts, as Python prints repeated ones once.
    exec(f"def f{n}(then): {'x' * 80} = then({n} - 1); return {'x' * 80}", globals())
    if n == 0:
        raise LookupError("at the end")
    return globals()[f"f{n}"](deep)


def waits(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"flushed"
    environ["wsgi.input"].read()  # until the client has seen it


def streams(errors, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    for i in range(3):
        errors.write(f"piece {i}\n")
        yield f"{i}".encode()
    errors.write("after the last piece\n")
