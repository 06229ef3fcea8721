# SPDX-License-Identifier: MIT
"""Answers with its environ, under two servers of WSGI alike."""

import json


def app(environ, start_response):
    body = environ["wsgi.input"].read()
    found = {k: v if isinstance(v, (str, bool, int)) else "" for k, v in environ.items()}
    found["body"] = f"{len(body)} {sum(body)}"
    if environ["PATH_INFO"] == "/redirect":
        status, more = "302 Found", [("Location", "/"), ("Set-Cookie", "a=b")]
    else:
        status, more = ("404 Not Found" if environ["PATH_INFO"] == "/missing" else "200 OK"), []
    start_response(status, [("Content-Type", "application/json"), *more])
    return [json.dumps(found).encode()]
