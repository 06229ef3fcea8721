# SPDX-License-Identifier: MIT
"""Sends the request's body back, and what was left of it as a header."""


def app(environ, start_response):
    body = environ["wsgi.input"].read()
    headers = [
        ("Content-Type", "application/octet-stream"),
        ("X-Method", environ["REQUEST_METHOD"]),
        ("X-Path", environ["PATH_INFO"]),
        ("X-Length", environ.get("CONTENT_LENGTH", "none")),
        ("X-Host", environ.get("HTTP_HOST", "none")),
    ]
    start_response("200 OK", headers)
    return [body]
