# SPDX-License-Identifier: MIT
"""Runs the calls named in the query on wsgi.input and answers with their results as JSON."""

import json
from urllib.parse import unquote


def show(value):
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list):
        return [show(v) for v in value]
    return value


def app(environ, start_response):
    stream = environ["wsgi.input"]
    results = []
    for call in unquote(environ["QUERY_STRING"]).split("&"):
        try:
            value = eval(call, {"i": stream, "next": next, "list": list, "len": len})
            results.append(show(value))
        except Exception as exc:
            results.append(f"{type(exc).__name__}")
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(results).encode()]
