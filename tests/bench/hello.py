# SPDX-License-Identifier: MIT
"""The application that all Python servers serve in a comparison."""

HEADERS = [("Content-Type", "text/plain"), ("Content-Length", "13")]


def app(environ, start_response):
    start_response("200 OK", HEADERS)
    return [b"Hello, world!"]
