# SPDX-License-Identifier: MIT
"""HTTP/1.1 on the wire: framing, persistence, pipelining, and other addresses than IPv4."""

import re
import socket

import pytest

from wire import Client, chunked, exchange, post, same


@pytest.fixture
def echo(serve):
    return serve("echo:app")


# ---- persistence ----


def test_keep_alive_is_the_default_of_1_1(serve, connect):
    client = connect(serve())
    for _ in range(3):
        response = client.request()
        assert response.version == "HTTP/1.1"
        assert response.body == b"Hello, world!"
        assert not response.has_token("Connection", "close")


@pytest.mark.parametrize(
    "version, connection, kept",
    [
        ("HTTP/1.1", "", True),
        ("HTTP/1.1", "close", False),
        ("HTTP/1.1", "Close", False),
        ("HTTP/1.1", "keep-alive", True),
        ("HTTP/1.1", "keep-alive, close", False),
        ("HTTP/1.1", "close\t", False),
        ("HTTP/1.1", "te, close", False),
        ("HTTP/1.1", "closed", True),
        ("HTTP/1.0", "", False),
        ("HTTP/1.0", "keep-alive", True),
        ("HTTP/1.0", "Keep-Alive", True),
        ("HTTP/1.0", "keep-alive, close", False),
        ("HTTP/1.0", "close", False),
    ],
)
def test_connection_header(serve, connect, version, connection, kept):
    client = connect(serve())
    header = f"Connection: {connection}\r\n" if connection else ""
    response = client.get("/", header, version=version).response()
    assert response.body == b"Hello, world!"
    if kept:
        if version == "HTTP/1.0":
            assert response.has_token("Connection", "keep-alive")
        assert client.get("/", header, version=version).response().status == 200
    else:
        assert response.has_token("Connection", "close") or version == "HTTP/1.0"
        assert client.closed()


def test_proxy_connection_is_ignored(serve, connect):
    client = connect(serve())
    assert client.request(headers="Proxy-Connection: close\r\n").status == 200
    assert client.request().status == 200


def test_nothing_after_close_is_looked_at(echo, connect):
    client = connect(echo)
    client.send(b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    client.send(b"GET /b HTTP/1.1\r\nHost: h\r\n\r\n")
    assert client.response().get("X-Path") == "/a"
    assert client.closed()


def test_unknown_length_to_1_0_is_ended_by_close(serve, connect):
    client = connect(serve("responses:app"))
    response = client.get("/generator", "Connection: keep-alive\r\n", version="HTTP/1.0").response()
    assert response.framing == "close"
    assert response.body == b"012"


# ---- pipelining ----


def test_pipelined_answers_keep_their_order(echo, connect):
    client = connect(echo)
    client.send(
        b"".join(
            [
                b"GET /0 HTTP/1.1\r\nHost: h\r\n\r\n",
                post("/1", b"one"),
                chunked("/2", [b"t", b"wo"]),
                b"HEAD /3 HTTP/1.1\r\nHost: h\r\n\r\n",
                post("/4", b""),
                b"GET /5 HTTP/1.1\r\nHost: h\r\n\r\n",
            ]
        )
    )
    for n, body in enumerate([b"", b"one", b"two", b"", b"", b""]):
        response = client.response("HEAD" if n == 3 else "GET")
        assert response.get("X-Path") == f"/{n}"
        assert response.body == body


@pytest.mark.parametrize("threads", ["1", "4"])
def test_10000_pipelined_requests(serve, connect, threads):
    """More than any buffer holds: we stop reading, the client's writes wait, nothing is lost."""
    import threading

    server = serve("echo:app", "--no-threads", threads)
    client = connect(server)
    requests = b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % n for n in range(10_000))
    sender = threading.Thread(target=client.send, args=(requests,))
    sender.start()
    for n in range(10_000):
        assert client.response().get("X-Path") == f"/{n}"
    sender.join()
    assert client.request("/last").get("X-Path") == "/last"


def test_bad_request_behind_good_ones(echo, connect):
    client = connect(echo)
    client.send(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\nBAD\r\n\r\n")
    assert client.response().get("X-Path") == "/a"
    assert client.response().get("X-Path") == "/b"
    assert client.response().status == 400
    assert client.closed()


# ---- response framing ----


@pytest.mark.parametrize(
    "path, status",
    [("/list1", 200), ("/generator", 200), ("/204", 204), ("/304", 304), ("/big", 200)],
)
def test_head_has_the_headers_and_no_body(serve, connect, path, status):
    client = connect(serve("responses:app"))
    response = client.request(path, method="HEAD")
    assert response.status == status
    # A byte of body would be taken for the next response's head.
    assert client.request("/list1").body == b"one"


def test_head_tells_the_length_of_get(serve, connect):
    client = connect(serve("responses:app"))
    assert client.request("/list1", method="HEAD").get("Content-Length") == "3"


@pytest.mark.parametrize("path", ["/204", "/304", "/304_length"])
def test_no_body_statuses(serve, connect, path):
    client = connect(serve("responses:app"))
    response = client.request(path)
    assert response.body == b"" and not response.all("Transfer-Encoding")
    if path == "/204":
        assert not response.all("Content-Length")
    assert client.request("/list1").body == b"one"


def test_date_and_server(serve, connect):
    import email.utils
    import time

    response = connect(serve()).request()
    date = response.get("Date")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", date)
    assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) < 60
    assert response.get("Server").startswith("yimmo-wsgi")


def test_server_header_can_be_turned_off(serve, connect):
    server = serve("hello:app", "--server-header", "off")
    response = connect(server).request()
    assert not response.all("Server")
    assert not connect(server).send("BAD\r\n\r\n").response().all("Server")


def test_head_and_body_leave_together(serve):
    """One write: the first segment holds the whole response."""
    server = serve()
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.settimeout(20)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        first = sock.recv(65536)
    assert first.endswith(b"\r\n\r\nHello, world!")


# ---- targets ----


@pytest.mark.parametrize(
    "line, path, host",
    [
        ("GET /a%20b?q HTTP/1.1", "/a b", "wire"),
        ("GET http://other/x?y HTTP/1.1", "/x", "other"),
        ("GET http://other:81 HTTP/1.1", "/", "other:81"),
        ("GET HTTP://other/x HTTP/1.1", "/x", "other"),
        ("GET http://other?q HTTP/1.1", "/", "other"),
        ("GET //evil/x HTTP/1.1", "//evil/x", "wire"),
        ("OPTIONS * HTTP/1.1", "", "wire"),
        ("OPTIONS /x HTTP/1.1", "/x", "wire"),
        ("PATCH /x HTTP/1.1", "/x", "wire"),
        ("PURGE /x HTTP/1.1", "/x", "wire"),
        ("GET /x HTTP/1.2", "/x", "wire"),
    ],
)
def test_targets(echo, connect, line, path, host):
    response = connect(echo).send(f"{line}\r\nHost: wire\r\n\r\n").response()
    assert response.status == 200
    assert (response.get("X-Path"), response.get("X-Host")) == (path, host)
    assert response.get("X-Method") == line.split()[0]


# ---- bodies ----


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 262_144, 262_145, 3_000_000])
def test_bodies_of_all_sizes(echo, connect, size):
    data = bytes(i % 253 for i in range(size))
    client = connect(echo).send(post("/", data))
    assert same(client.response().body, data)
    client.send(chunked("/", [data[at : at + 70_001] for at in range(0, size, 70_001)]))
    response = client.response()
    assert same(response.body, data)
    assert response.get("X-Length") == str(size)


def test_trailers_are_dropped(serve, connect):
    client = connect(serve("environ_app:app"))
    trailers = "X-Trailer: t\r\nContent-Length: 5\r\nHost: evil\r\nTransfer-Encoding: x\r\n"
    client.send(chunked("/", [b"abc"], trailers=trailers))
    told = client.response().text
    assert "TRAILER" not in told and "evil" not in told
    assert client.request().status == 200


def test_chunk_extensions_are_ignored(echo, connect):
    client = connect(echo)
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send(b'3;a=b;c="d"\r\nabc\r\n0003\r\ndef\r\n0;x\r\n\r\n')
    assert client.response().body == b"abcdef"


def test_unread_body_does_not_become_a_request(serve, connect):
    client = connect(serve("hello:app"))
    client.send(post("/", b"GET /evil HTTP/1.1\r\nHost: h\r\n\r\n" * 3))
    assert client.response().status == 200
    assert client.request().status == 200
    assert client.quiet()


# ---- Expect ----


def test_100_continue(echo, connect):
    client = connect(echo)
    client.send("POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert client.head().status == 100
    client.send("abc")
    response = client.response()
    assert response.body == b"abc" and response.interim == []
    assert client.request().status == 200


def test_100_continue_is_not_said_when_the_body_is_there(echo, connect):
    client = connect(echo)
    client.send(post("/", b"abc", "Expect: 100-continue\r\n"))
    response = client.response()
    assert response.body == b"abc"
    assert len(response.interim) <= 1


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n",
        "POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
    ],
)
def test_100_continue_is_not_said_in_vain(echo, connect, head):
    response = connect(echo).send(head).response()
    assert response.status == 200 and response.interim == []


def test_other_expectations_fail(echo, connect):
    client = connect(echo)
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: tea\r\n\r\n")
    assert client.response().status == 417


def test_too_large_is_said_instead_of_100(serve, connect):
    client = connect(serve("echo:app", "--max-body", "10"))
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n")
    response = client.response()
    assert response.status == 413 and response.interim == []


# ---- Upgrade ----


def test_upgrade_is_ignored(echo, connect):
    client = connect(echo)
    upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    client.send(post("/1", b"abc", upgrade) + chunked("/2", [b"de"], upgrade))
    client.get("/3", upgrade)
    assert client.response().body == b"abc"
    assert client.response().body == b"de"
    assert client.response().get("X-Path") == "/3"


# ---- other addresses ----


def test_ipv6(serve, connect):
    server = serve("environ_app:app", "--bind", "[::1]:0", bind=False)
    assert server.address.startswith("http://[::1]:")
    client = connect(("::1", server.port))
    told = client.request().text
    assert '"REMOTE_ADDR": "::1"' in told
    assert f'"SERVER_PORT": "{server.port}"' in told


@pytest.mark.parametrize("abstract", [False, True])
def test_unix_socket(serve, connect, short_dir, abstract):
    name = f"@{short_dir.name}" if abstract else str(short_dir / "s")
    server = serve("environ_app:app", "--bind", f"unix:{name}", bind=False)
    assert name in server.address
    client = connect(name.replace("@", "\0") if abstract else name)
    for _ in range(2):
        response = client.send("GET / HTTP/1.1\r\nHost: example:8080\r\n\r\n").response()
        assert '"SERVER_NAME": "example"' in response.text
        assert '"SERVER_PORT": "8080"' in response.text


def test_stale_unix_socket_is_replaced_and_a_live_one_is_not(serve, connect, short_dir):
    from harness import run_cli

    path = str(short_dir / "s")
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(path)
    stale.close()
    server = serve("hello:app", "--bind", f"unix:{path}", bind=False)
    done = run_cli("hello:app", "--bind", f"unix:{path}")
    assert done.returncode == 1 and path in done.stderr
    assert connect(path).request().status == 200
    assert server.alive()


def test_split_anywhere_gives_the_same(echo):
    """A sample of what the codec's own tests do for all vectors, through real sockets."""
    data = post("/split?x=1", b"body", "X-One: 1\r\nCookie: a=b\r\n") + chunked("/c", [b"ab", b"c"])

    def answers(pieces):
        with Client(echo.port) as client:
            client.send_pieces(pieces)
            got = [client.response(), client.response()]
        return [(r.status, r.body, r.get("X-Path"), r.get("X-Length")) for r in got]

    whole = answers([data])
    assert whole[0][:2] == (200, b"body") and whole[1][1] == b"abc"
    assert answers([data[i : i + 1] for i in range(len(data))]) == whole
    for at in range(1, len(data)):
        assert answers([data[:at], data[at:]]) == whole


def test_each_reader_sees_only_its_own(echo):
    assert exchange(echo.port, post("/one", b"1" * 1000)).body == b"1" * 1000
    assert exchange(echo.port, b"GET /two HTTP/1.1\r\nHost: h\r\n\r\n").body == b""
