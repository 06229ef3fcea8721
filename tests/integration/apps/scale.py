# SPDX-License-Identifier: MIT
"""Large things in bounded memory: uploads counted, downloads made up as they go."""

BLOCK = b"x" * 65536


def app(environ, start_response):
    path = environ["PATH_INFO"]
    n = int(environ["QUERY_STRING"] or 0)
    headers = [("Content-Type", "text/plain")]
    if path == "/count":
        stream, total = environ["wsgi.input"], 0
        while data := stream.read(262144):
            total += len(data)
        start_response("200 OK", headers)
        return [str(total).encode()]
    if path == "/lines":
        total = sum(1 for _ in environ["wsgi.input"])
        start_response("200 OK", headers)
        return [str(total).encode()]
    if path == "/bytes":
        start_response("200 OK", headers + [("Content-Length", str(n))])
        return (BLOCK[: min(65536, n - at)] for at in range(0, n, 65536))
    if path == "/object":
        start_response("200 OK", headers)
        return [bytes(n)]
    if path == "/chunks":
        start_response("200 OK", headers)
        return (b"chunk\n" for _ in range(n))
    if path == "/writes":
        write = start_response("200 OK", headers)
        for _ in range(n):
            write(b"chunk\n")
        return []
    start_response("200 OK", headers)
    return [b"ok"]
