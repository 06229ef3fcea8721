# SPDX-License-Identifier: MIT
"""One route for every shape a response can have. Each result's close() is counted."""

import itertools

PLAIN = [("Content-Type", "text/plain")]
closed = {}


class Result:
    """An iterable that is none of the built-in ones and counts its close()."""

    def __init__(self, name, items):
        self.name = name
        self.items = iter(items)
        closed.setdefault(name, 0)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.items)

    def close(self):
        closed[self.name] += 1


class OldStyle:
    """Iterable by __getitem__ only."""

    def __getitem__(self, index):
        if index == 3:
            raise IndexError
        return b"%d" % index


class ListWithClose(list):
    def close(self):
        closed["listsub"] = closed.get("listsub", 0) + 1


def raising(*before):
    yield from before
    raise RuntimeError("raised in the iteration")


def length(n):
    return PLAIN + [("Content-Length", str(n))]


def status(code, headers=PLAIN):
    return lambda start: (start(f"{code} Word", headers), [b"body"])[1]


def written(start):
    write = start("200 OK", PLAIN)
    write(b"one ")
    write(b"")
    write(b"two ")
    return [b"three"]


def lazy_start(start):
    """A generator calls start_response only when its first item is asked for."""
    start("200 OK", PLAIN)
    yield b"lazy"


def exc_info_before(start):
    import sys

    start("200 OK", PLAIN + [("X-First", "1")])
    try:
        raise ValueError("replaced")
    except ValueError:
        start("503 Replaced", PLAIN, sys.exc_info())
    return [b"error page"]


def exc_info_after(start):
    import sys

    write = start("200 OK", PLAIN)
    write(b"sent")
    try:
        raise ValueError("too late for this")
    except ValueError:
        start("500 Late", PLAIN, sys.exc_info())
    return [b"never sent"]


def close_raises(start):
    class Bad(Result):
        def close(self):
            super().close()
            raise RuntimeError("raised in close")

    start("200 OK", PLAIN)
    return Bad("closeraises", [b"whole"])


def no_start(start):
    return [b"never"]


def raise_now(start):
    raise RuntimeError("raised before start_response")


def raise_after_start(start):
    start("200 OK", PLAIN)
    raise RuntimeError("raised after start_response")


def raise_exit(start):
    raise SystemExit(3)


def raise_base(start):
    raise KeyboardInterrupt


def with_start(headers, result):
    def run(start):
        start("200 OK", headers)
        return result()

    return run


ROUTES = {
    "/list1": with_start(PLAIN, lambda: [b"one"]),
    "/tuple1": with_start(PLAIN, lambda: (b"one",)),
    "/list3": with_start(PLAIN, lambda: [b"one", b"", b"three"]),
    "/empty_list": with_start(PLAIN, lambda: []),
    "/empty_tuple": with_start(PLAIN, lambda: ()),
    "/list_empty_item": with_start(PLAIN, lambda: [b""]),
    "/generator": with_start(PLAIN, lambda: (b"%d" % i for i in range(3))),
    "/empty_generator": with_start(PLAIN, lambda: (b"" for i in range(3))),
    "/no_items": with_start(PLAIN, lambda: iter(())),
    "/sparse": with_start(PLAIN, lambda: iter([b"", b"a", b"", b"", b"b", b""])),
    "/custom": with_start(PLAIN, lambda: Result("custom", [b"x", b"y"])),
    "/oldstyle": with_start(PLAIN, OldStyle),
    "/listsub": with_start(PLAIN, lambda: ListWithClose([b"sub", b"class"])),
    "/islice": with_start(PLAIN, lambda: itertools.islice(itertools.repeat(b"ab"), 4)),
    "/length_exact": with_start(length(6), lambda: Result("exact", [b"abc", b"def"])),
    "/length_more": with_start(length(4), lambda: Result("more", [b"abc", b"def", b"ghi"])),
    "/length_more_list": with_start(length(2), lambda: [b"abcdef"]),
    "/length_fewer": with_start(length(10), lambda: Result("fewer", [b"abc"])),
    "/length_fewer_list": with_start(length(10), lambda: [b"abc"]),
    "/length_zero": with_start(length(0), lambda: []),
    "/raise_iter": with_start(PLAIN, lambda: Result("raiseiter", raising(b"some"))),
    "/raise_iter_first": with_start(PLAIN, lambda: Result("raisefirst", raising())),
    "/str_item": with_start(PLAIN, lambda: Result("stritem", ["text"])),
    "/str_item_later": with_start(PLAIN, lambda: Result("strlater", [b"ok", "text"])),
    "/str_in_list": with_start(PLAIN, lambda: ["text"]),
    "/none_result": with_start(PLAIN, lambda: None),
    "/int_result": with_start(PLAIN, lambda: 5),
    "/str_result": with_start(PLAIN, lambda: "text"),
    "/bytes_result": with_start(PLAIN, lambda: b"text"),
    "/written": written,
    "/lazy": lazy_start,
    "/exc_info_before": exc_info_before,
    "/exc_info_after": exc_info_after,
    "/close_raises": close_raises,
    "/no_start": no_start,
    "/raise_now": raise_now,
    "/raise_after_start": raise_after_start,
    "/raise_exit": raise_exit,
    "/raise_base": raise_base,
    "/204": status(204, []),
    "/304": status(304, [("ETag", '"x"')]),
    "/304_length": status(304, [("Content-Length", "4")]),
    "/404": status(404),
    "/599": status(599),
    "/own_date": status(200, [("Date", "Thu, 01 Jan 1970 00:00:00 GMT"), ("Server", "mine")]),
    "/two_cookies": status(200, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]),
    "/latin1": status(200, [("X-Latin", "caf\xe9")]),
    "/no_headers": status(200, []),
    "/big": with_start(PLAIN, lambda: [b"b" * 300_000]),
    "/huge": with_start(PLAIN, lambda: [b"h" * 8_000_000]),
}


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/closed":
        start_response("200 OK", PLAIN)
        name = environ["QUERY_STRING"]
        return [b"%d" % closed.get(name, -1)]
    return ROUTES[path](start_response)
