# SPDX-License-Identifier: MIT
"""
Input that must be refused (or read in exactly one way), whole and byte by byte. Each vector is
followed by a complete second request: what is refused must not let it through.
"""

import pytest

from wire import Client

SECOND = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


def head(*lines, start=b"GET / HTTP/1.1", host=True):
    lines = (start, *((b"Host: h",) if host else ()), *lines)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def body(data, *lines):
    return head(*lines, start=b"POST / HTTP/1.1") + data


CHUNKED = b"Transfer-Encoding: chunked"

REFUSED = {
    # the request line (RFC 9112, 3)
    "word": (400, b"BAD\r\n\r\n"),
    "unknown-method": (501, head(start=b"FOO / HTTP/1.1")),
    "lower-case-method": (501, head(start=b"get / HTTP/1.1")),
    "tls-hello": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    "http2-preface": ((400, 501, 505), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "ice": (400, b"SOURCE /x ICE/1.0\r\n\r\n"),
    "extra-space": (400, head(start=b"GET  /  HTTP/1.1")),
    "tab-for-space": (400, head(start=b"GET\t/ HTTP/1.1")),
    "space-after-version": (400, head(start=b"GET / HTTP/1.1 ")),
    "tab-in-target": (400, head(start=b"GET /a\tb HTTP/1.1")),
    "high-byte-in-target": (400, head(start=b"GET /\xc3\xa4 HTTP/1.1")),
    "nul-in-target": (400, head(start=b"GET /a\0b HTTP/1.1")),
    "fragment": (400, head(start=b"GET /a#b HTTP/1.1")),
    "bad-percent": (400, head(start=b"GET /%zz HTTP/1.1")),
    "nul-percent": (400, head(start=b"GET /%00 HTTP/1.1")),
    "cut-percent": (400, head(start=b"GET /%2 HTTP/1.1")),
    "star-with-get": (400, head(start=b"GET * HTTP/1.1")),
    "star-foo": (400, head(start=b"OPTIONS *foo HTTP/1.1")),
    "relative": (400, head(start=b"GET foo HTTP/1.1")),
    "query-only": (400, head(start=b"GET ?x HTTP/1.1")),
    "ftp": (400, head(start=b"GET ftp://b/ HTTP/1.1")),
    "userinfo": (400, head(start=b"GET http://u:p@b/ HTTP/1.1")),
    "empty-authority": (400, head(start=b"GET http:///x HTTP/1.1")),
    "connect": ((501, 405), head(start=b"CONNECT a:443 HTTP/1.1")),
    "connect-path": ((501, 405, 400), head(start=b"CONNECT / HTTP/1.1")),
    "http-0.9": (400, b"GET /\r\n\r\n"),
    "version-0.9": ((400, 505), b"GET / HTTP/0.9\r\n\r\n"),
    "version-2.0": (505, head(start=b"GET / HTTP/2.0")),
    "version-9.9": (505, head(start=b"GET / HTTP/9.9")),
    "version-11": (400, head(start=b"GET / HTTP/11")),
    "version-garbled": (400, head(start=b"GET / HXXX?1.1")),
    "version-lower": (400, head(start=b"GET / http/1.1")),
    # line ends
    "bare-lf": (400, b"GET / HTTP/1.1\nHost: h\n\n"),
    "one-bare-lf": (400, b"GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"),
    "bare-cr-in-value": (400, head(b"X: a\rb")),
    "bare-cr-after-colon": (400, head(b"X:\rZFoo: y")),
    "bare-cr-hides-te": (400, head(b"X:\rZTransfer-Encoding: chunked")),
    "cr-ends-head": (400, b"GET / HTTP/1.1\r\nHost: h\r\n\rX"),
    "nul-in-value": (400, head(b"X: a\0b")),
    "del-in-value": (400, head(b"X: a\x7fb")),
    # Host (RFC 9112, 3.2)
    "no-host": (400, head(host=False)),
    "two-hosts": (400, head(b"Host: h")),
    "bad-host": (400, head(b"Host: a b", host=False)),
    "host-with-path": (400, head(b"Host: a/b", host=False)),
    # field names (RFC 9112, 5)
    "space-before-colon": (400, head(b"Foo : x")),
    "tab-before-colon": (400, head(b"Foo\t: x")),
    "length-space-colon": (400, body(b"abc", b"Content-Length : 3")),
    "te-space-colon": (400, body(b"0\r\n\r\n", b"Transfer-Encoding : chunked")),
    "space-in-name": (400, head(b"Fo o: x")),
    "empty-name": (400, head(b": x")),
    "no-colon": (400, head(b"Foo")),
    "leading-space": (400, b"GET / HTTP/1.1\r\n Host: h\r\n\r\n"),
    "leading-tab": (400, b"GET / HTTP/1.1\r\n\tHost: h\r\n\r\n"),
    "folded": (400, head(b"X: a\r\n b")),
    "folded-te": (400, body(b"0\r\n\r\n", b"Transfer-Encoding:\r\n chunked")),
    "folded-length": (400, body(b"abc", b"Content-Length:\r\n 3")),
    "high-byte-in-name": (400, head(b"F\xc3\xa4: x")),
    "delimiter-in-name": (400, head(b"F(o): x")),
    "underscore-length": (400, body(b"abc", b"Content_Length: 3")),
    "underscore-te": (400, body(b"0\r\n\r\n", b"Transfer_Encoding: chunked")),
    # Content-Length (RFC 9110, 8.6)
    **{
        f"length-{n}": (400, body(b"abc", b"Content-Length: " + value))
        for n, value in enumerate(
            [b"+3", b"-3", b"0x3", b"3,3", b"3 3", b"", b"3.0", b"3a", b"18446744073709551616"]
        )
    },
    "length-huge": ((400, 413), body(b"", b"Content-Length: 9223372036854775808")),
    "length-twice": (400, body(b"abc", b"Content-Length: 3", b"Content-Length: 3")),
    "length-differs": (400, body(b"abc", b"Content-Length: 3", b"Content-Length: 5")),
    "length-and-te": (400, body(b"0\r\n\r\n", b"Content-Length: 3", CHUNKED)),
    "te-and-length": (400, body(b"0\r\n\r\n", CHUNKED, b"Content-Length: 3")),
    # Transfer-Encoding (RFC 9112, 6.1 and 7)
    **{
        f"te-{n}": ((400, 501), body(b"0\r\n\r\n", b"Transfer-Encoding: " + value))
        for n, value in enumerate(
            [
                b"identity",
                b"xchunked",
                b"chunkedx",
                b"chunked, identity",
                b"chunked, chunked",
                b"gzip",
                b"",
                b"gzip, chunked",
                b"identity, chunked",
                b"chunked,,chunked",
                b'gzip;a="x, chunked',
                b"\x0bchunked",
            ]
        )
    },
    "te-twice": ((400, 501), body(b"0\r\n\r\n", CHUNKED, CHUNKED)),
    "te-split": ((400, 501), body(b"0\r\n\r\n", b"Transfer-Encoding: gzip", CHUNKED)),
    "te-on-1.0": (400, head(CHUNKED, start=b"POST / HTTP/1.0") + b"0\r\n\r\n"),
    # chunks (RFC 9112, 7.1)
    "chunk-huge": ((400, 413), body(b"10000000000000003\r\nabc\r\n0\r\n\r\n", CHUNKED)),
    **{
        f"chunk-{n}": (400, body(data, CHUNKED))
        for n, data in enumerate(
            [
                b"3\nabc\r\n0\r\n\r\n",
                b"3\r\nabc\n0\r\n\r\n",
                b"3\rXabc\r\n0\r\n\r\n",
                b"3\r\nabcXY0\r\n\r\n",
                b"3\r\nabc0\r\n\r\n",
                b"0x3\r\nabc\r\n0\r\n\r\n",
                b"+3\r\nabc\r\n0\r\n\r\n",
                b"-3\r\nabc\r\n0\r\n\r\n",
                b" 3\r\nabc\r\n0\r\n\r\n",
                b"3 foo\r\nabc\r\n0\r\n\r\n",
                b"g\r\nabc\r\n0\r\n\r\n",
                b"\r\n\r\n",
                b";x\r\n\r\n",
                b"0" * 17 + b"3\r\nabc\r\n0\r\n\r\n",
                b"3;" + b"e" * 2000 + b"\r\nabc\r\n0\r\n\r\n",
                b"3;a\nb\r\nabc\r\n0\r\n\r\n",
                b"3;a\0b\r\nabc\r\n0\r\n\r\n",
                b"0\r\nX: y\n\r\n",
                b"0\r\nX: y\r\n\rX",
                b"0\r\n\rX",
            ]
        )
    },
}


@pytest.fixture(scope="module")
def echo():
    from harness import Server

    server = Server(["echo:app", "--host", "127.0.0.1", "--port", "0"])
    yield server
    server.end()


def statuses(port, pieces):
    """All responses that come back until the server closes."""
    with Client(port) as client:
        try:
            client.send_pieces(pieces)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it had seen enough
        got = []
        while client.buffer or client.fill():
            response = client.response()
            got.append(response)
        return got


@pytest.mark.parametrize("name", REFUSED)
def test_refused(echo, name):
    expected, data = REFUSED[name]
    expected = expected if isinstance(expected, tuple) else (expected,)
    for pieces in ([data + SECOND], [data[i : i + 1] for i in range(len(data))] + [SECOND]):
        got = statuses(echo.port, pieces)
        assert len(got) == 1, f"{name}: {got}"
        assert got[0].status in expected
        assert got[0].has_token("Connection", "close")
        assert got[0].get("Content-Type", "text/plain").startswith("text/plain")


READ = {
    "crlf-first": (b"\r\n" + head(), b""),
    "length-leading-zeros": (body(b"abc", b"Content-Length: 003"), b"abc"),
    "te-upper-case": (body(b"3\r\nabc\r\n0\r\n\r\n", b"Transfer-Encoding: Chunked"), b"abc"),
    "te-extended-name": (head(b"X-Transfer-Encoding: gzip"), b""),
    "empty-host": (head(b"Host:", host=False), b""),
    "ipv6-host": (head(b"Host: [::1]:80", host=False), b""),
    "no-host-1.0": (
        head(b"Connection: keep-alive", start=b"GET / HTTP/1.0", host=False),
        b"",
    ),
    "high-byte-in-value": (head(b"X: caf\xe9"), b""),
    "odd-target": (head(start=b'GET /<>"{}|\\^` HTTP/1.1'), b""),
    "trailing-space": (head(b"X: y \t "), b""),
    "underscore": (head(b"X_Y: z"), b""),
    "chunk-extension": (body(b"3;a=b\r\nabc\r\n0\r\n\r\n", CHUNKED), b"abc"),
    "chunk-upper-case": (body(b"A\r\n0123456789\r\n0\r\n\r\n", CHUNKED), b"0123456789"),
    "trailers": (body(b"3\r\nabc\r\n0\r\nX: y\r\n\r\n", CHUNKED), b"abc"),
}


@pytest.mark.parametrize("name", READ)
def test_read_in_one_way(echo, name):
    data, expected = READ[name]
    last = SECOND.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    for pieces in ([data + last], [data[i : i + 1] for i in range(len(data))] + [last]):
        got = statuses(echo.port, pieces)
        assert got[0].status == 200
        assert got[0].body == expected
        assert [r.get("X-Path") for r in got[1:]] == ["/smuggled"]


@pytest.mark.parametrize(
    "data", [b"GET / HT", head()[:-2], body(b"ab", b"Content-Length: 3"), body(b"3\r\nab", CHUNKED)]
)
def test_cut_short_never_reaches_the_application(echo, data):
    import socket

    with Client(echo.port) as client:
        client.send(data)
        client.sock.shutdown(socket.SHUT_WR)
        rest = client.rest()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 4"), rest[:100]


def test_half_closed_client_gets_its_answer(echo):
    import socket

    with Client(echo.port) as client:
        client.send(body(b"abc", b"Content-Length: 3"))
        client.sock.shutdown(socket.SHUT_WR)
        assert client.response().body == b"abc"
        assert client.closed()
