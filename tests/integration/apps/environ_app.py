# SPDX-License-Identifier: MIT
"""Answers with the environ as JSON: strings, numbers and tuples as they are, types of the rest."""

import json


def describe(value):
    if isinstance(value, (str, int, bool, tuple)):
        return value
    return f"<{type(value).__name__}>"


def app(environ, start_response):
    assert type(environ) is dict
    assert all(type(key) is str for key in environ)
    body = json.dumps({k: describe(v) for k, v in environ.items()}).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]


def whole(environ, start_response):
    """The same as a header, so that HEAD has it, too; the body is read and counted."""
    length = len(environ["wsgi.input"].read())
    found = {k: describe(v) for k, v in environ.items()}
    start_response("200 OK", [("X-Environ", json.dumps(found)), ("X-Read", str(length))])
    return [b""]
