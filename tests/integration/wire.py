# SPDX-License-Identifier: MIT
"""
A client that sees every byte: what is sent is what the test says, and responses are framed by the
rules of RFC 9112 section 6.3 here, independently of the server's code and of Python's http.client.
"""

import contextlib
import select
import socket
import time

from harness import PATIENCE


class Broken(AssertionError):
    """The server's bytes are not a response, or end too early."""


class Response:
    def __init__(self, version, status, reason, headers):
        self.version = version
        self.status = status
        self.reason = reason
        self.headers = headers  # list of (name, value), as sent
        self.body = b""
        self.chunks = None  # the pieces of a chunked body
        self.framing = None  # "none", "length", "chunked" or "close"
        self.interim = []  # 1xx responses before this one

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        assert len(values) <= 1, f"{name} was sent {len(values)} times"
        return values[0] if values else default

    def has_token(self, name, token):
        tokens = [t.strip().lower() for v in self.all(name) for t in v.split(",")]
        return token in tokens

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<Response {self.status} {self.headers} {self.body[:60]!r}>"


class Client:
    def __init__(self, address, timeout=PATIENCE, rcvbuf=None):
        """`address`: a port of 127.0.0.1, (host, port), or a unix socket's path (NUL: abstract)."""
        self.timeout = timeout
        self.buffer = bytearray()  # deleting its front is cheap
        self.eof = False
        if isinstance(address, int):
            address = ("127.0.0.1", address)
        family = socket.AF_UNIX
        if isinstance(address, tuple):
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(timeout)
        self.sock.connect(address)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Close with RST, as a crashed client does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def send(self, data):
        if isinstance(data, str):
            data = data.encode("latin-1")
        self.sock.sendall(data)
        return self

    def send_pieces(self, pieces):
        """Send each piece in a segment of its own."""
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            self.sock.sendall(piece)
        return self

    def get(self, target="/", headers="", method="GET", version="HTTP/1.1"):
        return self.send(f"{method} {target} {version}\r\nHost: test\r\n{headers}\r\n")

    # ---- reading ----

    def fill(self):
        """Receive something more; False at the end."""
        if self.eof:
            return False
        try:
            data = self.sock.recv(262144)
        except socket.timeout:
            before = bytes(self.buffer[:200])
            raise Broken(f"nothing for {self.timeout:g} s after {before!r}") from None
        if not data:
            self.eof = True
            return False
        self.buffer += data
        return True

    def take(self, n):
        parts, have = [], 0
        while have < n:
            if not self.buffer and not self.fill():
                got = b"".join(parts)
                raise Broken(f"the body ended after {have} of {n} bytes: {got[:200]!r}")
            piece = bytes(self.buffer[: n - have])
            del self.buffer[: len(piece)]
            parts.append(piece)
            have += len(piece)
        return b"".join(parts)

    def line(self):
        while (end := self.buffer.find(b"\n")) < 0:
            if not self.fill():
                raise Broken(f"the connection ended in a line: {bytes(self.buffer[:200])!r}")
        line = bytes(self.buffer[:end])
        del self.buffer[: end + 1]
        if not line.endswith(b"\r"):
            raise Broken(f"a line ends in a bare LF: {line[:200]!r}")
        return line[:-1]

    def head(self):
        line = self.line()
        try:
            version, code, reason = line.split(b" ", 2)
            assert version in (b"HTTP/1.1", b"HTTP/1.0") and len(code) == 3
            status = int(code)
        except (ValueError, AssertionError):
            raise Broken(f"not a status line: {line[:200]!r}") from None
        headers = []
        while True:
            line = self.line()
            if not line:
                break
            name, colon, value = line.partition(b":")
            if not colon or not name or name != name.strip() or b"\r" in line or b"\0" in line:
                raise Broken(f"not a header: {line[:200]!r}")
            headers.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        return Response(version.decode(), status, reason.decode("latin-1"), headers)

    def body(self, response, method="GET"):
        """Read the body after its head (RFC 9112, 6.3) and check that the framing is sound."""
        status = response.status
        lengths = response.all("Content-Length")
        codings = response.all("Transfer-Encoding")
        if codings and (lengths or codings != ["chunked"]):
            raise Broken(f"ambiguous framing: {response.headers}")
        if codings and (status == 204 or status < 200):
            raise Broken(f"Transfer-Encoding with {status}")
        if lengths and (status == 204 or status < 200):
            raise Broken(f"Content-Length with {status}")
        if len(lengths) > 1 or (lengths and not lengths[0].isdigit()):
            raise Broken(f"bad Content-Length: {lengths}")
        if method == "HEAD" or status in (204, 304) or status < 200:
            response.framing = "none"
        elif codings:
            response.framing = "chunked"
            response.chunks = list(self.chunks())
            response.body = b"".join(response.chunks)
        elif lengths:
            response.framing = "length"
            response.body = self.take(int(lengths[0]))
        else:
            response.framing = "close"
            response.body = self.rest()
        return response

    def chunk(self):
        """The next chunk's data; b"" is the last (its trailer section is read too)."""
        size = self.line().split(b";")[0]
        if not size or size.strip(b"0123456789abcdefABCDEF"):
            raise Broken(f"not a chunk size: {size[:100]!r}")
        n = int(size, 16)
        data = self.take(n)
        if n == 0:
            while self.line():
                pass
        elif self.line() != b"":
            raise Broken("a chunk's data is not followed by CRLF")
        return data

    def chunks(self):
        while True:
            data = self.chunk()
            if not data:
                return
            yield data

    def response(self, method="GET", interim=False):
        """One whole response. 1xx ones before it are collected (or returned, with `interim`)."""
        before = []
        while True:
            response = self.head()
            if response.status < 200 and not interim:
                before.append(response)
                continue
            response.interim = before
            return self.body(response, method)

    def request(self, target="/", headers="", method="GET"):
        return self.get(target, headers, method).response(method)

    def rest(self):
        """Everything until the connection ends; an RST counts as its end."""
        with contextlib.suppress(ConnectionResetError):
            while self.fill():
                pass
        self.eof = True
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def closed(self):
        """The server closes, without a further byte."""
        rest = self.rest()
        assert rest == b"", f"bytes before the end: {rest[:200]!r}"
        return True

    def quiet(self):
        """Nothing is readable at this moment: no bytes, no end."""
        return not self.buffer and not select.select([self.sock], [], [], 0)[0]


def same(got, expected):
    """Are these (large) bodies equal? Says where they differ instead of printing them."""
    if got == expected:
        return True
    both = min(len(got), len(expected))
    at = next((i for i in range(both) if got[i] != expected[i]), both)
    raise AssertionError(
        f"bodies of {len(got)} and {len(expected)} bytes differ at {at}:"
        f" {got[at : at + 40]!r} for {expected[at : at + 40]!r}"
    )


def post(target, body, headers=""):
    if isinstance(body, str):
        body = body.encode()
    head = f"POST {target} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode("latin-1") + body


def chunked(target, pieces, headers="", trailers=""):
    head = f"POST {target} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n{headers}\r\n"
    body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces)
    return head.encode("latin-1") + body + b"0\r\n" + trailers.encode("latin-1") + b"\r\n"


def exchange(address, data, method="GET"):
    """Send bytes on a new connection and read one response."""
    with Client(address) as client:
        client.send(data)
        return client.response(method)


def connect_when_ready(address, timeout=PATIENCE):
    """For servers started without waiting for their log line."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return Client(address)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
