# SPDX-License-Identifier: MIT
"""A front end that speaks FastCGI byte by byte, written after the specification."""

import struct

import uwsgi
import wire

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA = range(1, 9)
GET_VALUES, VALUES, UNKNOWN = 9, 10, 11
COMPLETE, CANT_MPX, OVERLOADED, UNKNOWN_ROLE = range(4)
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3
VARIABLES = {"SCRIPT_NAME": "", "GATEWAY_INTERFACE": "CGI/1.1"}  # beside those of uwsgi


def record(kind, number=1, content=b"", padding=0):
    return struct.pack(">BBHHBx", 1, kind, number, len(content), padding) + content + b"p" * padding


def begin(number=1, keep=False, role=RESPONDER, flags=0):
    return record(BEGIN, number, struct.pack(">HB5x", role, flags | keep))


def length(n, long=False):
    return struct.pack(">I", n | 0x80000000) if long or n > 127 else bytes([n])


def pairs(items, long=False):
    """Name-value pairs (3.4); `long`: all lengths in four bytes."""
    out = b""
    for name, value in items:
        name, value = name.encode("latin-1"), value.encode("latin-1")
        out += length(len(name), long) + length(len(value), long) + name + value
    return out


def stream(kind, number, data, size=32768, padding=False):
    """The data in records of at most `size` bytes, and the empty one that ends it."""
    pieces = [data[i : i + size] for i in range(0, len(data), size)] + [b""]
    return b"".join(record(kind, number, p, -len(p) % 8 if padding else 0) for p in pieces)


def variables(target="/", method="GET", body=b"", **more):
    return uwsgi.variables(target, method, body, **{**VARIABLES, **more})


def head(target="/", method="GET", body=b"", number=1, keep=False, **more):
    """All of a request up to its body."""
    found = pairs(variables(target, method, body, **more))
    return begin(number, keep) + stream(PARAMS, number, found)


def request(target="/", method="GET", body=b"", number=1, keep=False, **more):
    return head(target, method, body, number, keep, **more) + stream(STDIN, number, body)


def values(*names):
    return record(GET_VALUES, 0, pairs((name, "") for name in names))


def parse_pairs(data):
    """As a list, since what is repeated must be seen."""
    found = []
    while data:
        sizes = []
        for _ in range(2):
            n = 1 if data[0] < 128 else 4
            sizes.append(int.from_bytes(data[:n], "big") & ((1 << (8 * n - 1)) - 1))
            data = data[n:]
        found.append((data[: sizes[0]].decode(), data[sizes[0] : sum(sizes)].decode()))
        data = data[sum(sizes) :]
    return found


class Record:
    def __init__(self, kind, number, content):
        self.kind = kind
        self.number = number
        self.content = content

    def __repr__(self):
        return f"<{self.kind} of {self.number}: {len(self.content)} {self.content[:40]!r}>"


class Answer:
    """What has come for one request so far."""

    def __init__(self):
        self.out = bytearray()
        self.err = bytearray()
        self.out_ended = False
        self.status = None  # of END_REQUEST: (application's, protocol's)
        self.pieces = []  # lengths of the STDOUT records

    def response(self, method="GET"):
        head, separator, body = bytes(self.out).partition(b"\r\n\r\n")
        assert separator, self.out[:200]
        headers = []
        for line in head.split(b"\r\n"):
            name, colon, value = line.partition(b":")
            assert colon and name == name.strip(), f"not a header: {line[:200]!r}"
            headers.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        assert headers[0][0] == "Status"
        code, _, reason = headers.pop(0)[1].partition(" ")
        response = wire.Response("HTTP/1.1", int(code), reason, headers)
        response.body = body
        assert not response.all("Transfer-Encoding") and not response.all("Connection")
        assert not response.all("Status")
        if method == "HEAD" or response.status in (204, 304):
            assert body == b""
        elif response.get("Content-Length") is not None:
            assert len(body) == int(response.get("Content-Length"))
        return response


class Client(wire.Client):
    """Every record is checked by the rules for what an application sends as it is read."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.answers = {}
        self.order = []  # of the STDOUT records: whose they were

    def ask(self, target="/", method="GET", body=b"", number=1, keep=False, **more):
        return self.send(request(target, method, body, number, keep, **more))

    def record(self):
        version, kind, number, size, padding = struct.unpack(">BBHHBx", self.take(8))
        assert version == 1 and kind in (END, STDOUT, STDERR, VALUES, UNKNOWN), (version, kind)
        assert size <= 32768 and (size + padding) % 8 == 0 and padding < 8
        content = self.take(size)
        self.take(padding)
        found = Record(kind, number, content)
        if kind in (VALUES, UNKNOWN):
            assert number == 0
        else:
            self.account(found)
        return found

    def account(self, found):
        answer = self.answers.setdefault(found.number, Answer())
        assert answer.status is None, f"{found} after the end"
        if found.kind == END:
            assert len(found.content) == 8
            answer.status = struct.unpack(">IB3x", found.content)
            return
        assert found.content or answer.out, "the end of STDOUT before its first byte"
        if found.kind == STDERR:
            answer.err += found.content
            return
        assert not answer.out_ended
        answer.out_ended = not found.content
        answer.out += found.content
        answer.pieces.append(len(found.content))
        self.order.append(found.number)

    def until(self, number=1, size=None):
        """Until the request has ended; or until `size` bytes of its STDOUT are here."""
        while True:
            answer = self.answers.get(number)
            if answer and (answer.status or size is not None and len(answer.out) >= size):
                return answer
            self.record()

    def ended(self, number=1):
        """The whole answer of a request, which is forgotten here: the number is free again."""
        answer = self.until(number)
        return self.answers.pop(number)

    def answer(self, number=1, method="GET"):
        answer = self.ended(number)
        assert answer.status == (0, COMPLETE) and answer.out_ended, answer.status
        response = answer.response(method)
        response.err = bytes(answer.err)
        return response

    def request(self, target="/", method="GET", body=b"", number=1, keep=False, **more):
        return self.ask(target, method, body, number, keep, **more).answer(number, method)

    def values(self, *names):
        found = self.send(values(*names)).record()
        assert found.kind == VALUES
        return parse_pairs(found.content)
