# SPDX-License-Identifier: MIT
"""Large bodies for memory.py: /count reads one, /bytes?N makes one."""

BLOCK = b"x" * 65536


def app(environ, start_response):
    if environ["PATH_INFO"] == "/count":
        stream, total = environ["wsgi.input"], 0
        while data := stream.read(262144):
            total += len(data)
        answer = b"%d" % total
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]
    n = int(environ["QUERY_STRING"] or 0)
    start_response("200 OK", [("Content-Length", str(n))])
    return (BLOCK[: min(65536, n - at)] for at in range(0, n, 65536))
