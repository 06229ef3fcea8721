# SPDX-License-Identifier: MIT
"""
Says what it is asked: /STATUS answers with it, X-Policy headers of the request come back as
Strict-Transport-Security; /raise and /stream do that.
"""

from http import HTTPStatus


def app(environ, start_response):
    path = environ["PATH_INFO"].strip("/")
    if path == "raise":
        raise RuntimeError("as it was asked to")
    headers = [("Content-Type", "text/plain")]
    name = environ.get("HTTP_X_NAME", "Strict-Transport-Security")
    if "HTTP_X_POLICY" in environ:
        headers.append((name, environ["HTTP_X_POLICY"]))
    if path == "stream":
        start_response("200 OK", headers)
        return (piece for piece in (b"a", b"b"))
    status = HTTPStatus(int(path or 200))
    start_response(f"{status.value} {status.phrase}", headers)
    return [] if status in (204, 304) else [environ["REQUEST_METHOD"].encode()]
