# SPDX-License-Identifier: MIT
"""Breaks a rule of start_response and says which exception it met, if any."""

GOOD = [("Content-Type", "text/plain")]

BREAKS = {
    "status-bytes": (b"200 OK", GOOD),
    "status-none": (None, GOOD),
    "status-int": (200, GOOD),
    "status-short": ("20", GOOD),
    "status-word": ("OK", GOOD),
    "status-no-digits": ("2x0 OK", GOOD),
    "status-1xx": ("101 Switching Protocols", GOOD),
    "status-cr": ("200 OK\rX", GOOD),
    "status-lf": ("200 OK\nX: y", GOOD),
    "status-nul": ("200 OK\0", GOOD),
    "status-wide": ("200 \u20ac", GOOD),
    "headers-none": ("200 OK", None),
    "headers-dict": ("200 OK", {"A": "b"}),
    "headers-str": ("200 OK", "A: b"),
    "header-str": ("200 OK", ["A: b"]),
    "header-one": ("200 OK", [("A",)]),
    "header-three": ("200 OK", [("A", "b", "c")]),
    "name-bytes": ("200 OK", [(b"A", "b")]),
    "name-empty": ("200 OK", [("", "b")]),
    "name-space": ("200 OK", [("A b", "c")]),
    "name-colon": ("200 OK", [("A:", "c")]),
    "name-cr": ("200 OK", [("A\r", "c")]),
    "name-lf": ("200 OK", [("A\nB", "c")]),
    "name-wide": ("200 OK", [("\u20ac", "c")]),
    "value-bytes": ("200 OK", [("A", b"b")]),
    "value-int": ("200 OK", [("A", 5)]),
    "value-none": ("200 OK", [("A", None)]),
    "value-cr": ("200 OK", [("A", "b\rc")]),
    "value-lf": ("200 OK", [("A", "b\nSet-Cookie: c")]),
    "value-crlf": ("200 OK", [("A", "b\r\nC: d")]),
    "value-nul": ("200 OK", [("A", "b\0")]),
    "value-wide": ("200 OK", [("A", "\u20ac")]),
    "hop-connection": ("200 OK", [("Connection", "close")]),
    "hop-keep-alive": ("200 OK", [("Keep-Alive", "5")]),
    "hop-te": ("200 OK", [("TE", "trailers")]),
    "hop-trailer": ("200 OK", [("Trailer", "A")]),
    "hop-transfer-encoding": ("200 OK", [("transfer-encoding", "chunked")]),
    "hop-upgrade": ("200 OK", [("Upgrade", "h2c")]),
    "hop-proxy-authenticate": ("200 OK", [("Proxy-Authenticate", "Basic")]),
    "length-word": ("200 OK", [("Content-Length", "abc")]),
    "length-negative": ("200 OK", [("Content-Length", "-1")]),
    "length-twice": ("200 OK", [("Content-Length", "4"), ("Content-Length", "5")]),
}


def outcome(call):
    try:
        call()
    except Exception as exc:
        return f"{type(exc).__name__}: {exc}"
    return "accepted"


def app(environ, start_response):
    name = environ["PATH_INFO"][1:]
    if name in BREAKS:
        told = outcome(lambda: start_response(*BREAKS[name]))
        if told == "accepted":
            return [b"accepted"]
    elif name == "twice":
        start_response("200 OK", GOOD)
        told = outcome(lambda: start_response("200 OK", GOOD))
        return [told.encode()]
    elif name == "no-arguments":
        told = outcome(lambda: start_response())
    elif name == "one-argument":
        told = outcome(lambda: start_response("200 OK"))
    elif name == "keywords":
        start_response(status="200 OK", headers=GOOD)
        return [b"accepted"]
    elif name == "exc_info-none":
        start_response("200 OK", GOOD, None)
        return [b"accepted"]
    elif name == "write-str":
        write = start_response("200 OK", GOOD)
        told = outcome(lambda: write("text"))
        return [told.encode()]
    else:
        raise KeyError(name)
    # A refused call leaves nothing behind: this one counts as the first.
    start_response("200 OK", GOOD)
    return [told.encode()]
