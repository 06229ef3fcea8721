# SPDX-License-Identifier: MIT
"""The uwsgi protocol as any front end could speak it, byte by byte."""

import contextlib
import json
import re
import socket
import struct

import pytest

from uwsgi import Client, packet, variables
from wire import Client as HttpClient
from wire import same

UWSGI = ("--protocol", "uwsgi")


@pytest.fixture
def ask():
    """ask(server, target, …) → the response, over a connection of its own."""

    def ask(server, *args, **more):
        with Client(server.port) as client:
            return client.request(*args, **more)

    return ask


@pytest.fixture
def connect():
    with contextlib.ExitStack() as stack:
        yield lambda server, **kw: stack.enter_context(Client(server.port, **kw))


# ---- responses


def test_response(serve, ask):
    server = serve("hello:app", *UWSGI)
    assert server.address.startswith("uwsgi://")
    response = ask(server)
    assert (response.version, response.status, response.reason) == ("HTTP/1.1", 200, "OK")
    assert response.text == "Hello, world!"
    assert response.get("Content-Length") == "13"
    assert response.get("Date").endswith(" GMT")
    assert response.get("Server") is None  # the front end's to say


def test_head_has_no_body(serve, ask):
    response = ask(serve("hello:app", *UWSGI), "/", "HEAD")
    assert response.get("Content-Length") == "13"


@pytest.mark.parametrize("path, status", [("/204", 204), ("/304", 304), ("/404", 404)])
def test_statuses(serve, ask, path, status):
    assert ask(serve("responses:app", *UWSGI), path).status == status


def test_unknown_length_ends_with_the_connection(serve, ask):
    response = ask(serve("responses:app", *UWSGI), "/generator")
    assert response.get("Content-Length") is None
    assert response.body


def test_broken_response_is_reset(serve, connect):
    """With no length known, only a reset shows a front end that something is missing."""
    server = serve("responses:app", *UWSGI)
    client = connect(server).ask("/raise_iter")
    assert client.head().status == 200
    with pytest.raises(ConnectionResetError):
        while client.fill():
            pass


def test_20_mib_there_and_back(serve, ask):
    server = serve("echo:app", *UWSGI)
    body = bytes(range(256)) * 80_000
    assert same(ask(server, "/", "POST", body).body, body)


# ---- the environ

# What only a front end can say.
ADDED = {"DOCUMENT_ROOT", "REQUEST_SCHEME"}


@pytest.mark.parametrize(
    "method, target, body, headers",
    [
        ("GET", "/a%20b/%C3%A4?c=d&e=%20", b"", {"Accept": "*/*", "X-Some-Thing": "1"}),
        ("POST", "/p", b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}),
        ("PUT", "/p", b"x" * 100_000, {"Content-Type": "a/b", "Authorization": "Basic eDp5"}),
        ("HEAD", "/", b"", {"Cookie": "a=1; b=2", "If-None-Match": '"x"'}),
    ],
    ids=["GET", "POST", "PUT", "HEAD"],
)
def test_environ_is_that_of_http(serve, short_dir, method, target, body, headers):
    """Over unix sockets: the two then know equally little of each other."""
    paths = [f"{short_dir}/{name}" for name in ("http", "uwsgi")]
    binds = [f"http://unix:{paths[0]}", f"uwsgi://unix:{paths[1]}"]
    server = serve("environ_app:whole", "--bind", binds[0], "--bind", binds[1], bind=False)
    server.wait_log(r"listening on uwsgi://")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    head = f"{method} {target} HTTP/1.1\r\nHost: front.example\r\n{length}{lines}\r\n"
    with HttpClient(paths[0]) as client:
        client.send(head.encode() + body)
        direct = json.loads(client.head().get("X-Environ"))
    front = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in headers.items()}
    path = target.partition("?")[0].encode().decode("latin-1")
    path = re.sub("%(..)", lambda m: chr(int(m[1], 16)), path)
    more = {
        "PATH_INFO": path,
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "REMOTE_ADDR": "",
        "REMOTE_PORT": "",
        **front,
    }
    with Client(paths[1]) as client:
        client.ask(target, method, body, **more)
        behind = json.loads(client.head().get("X-Environ"))
    assert {key: behind.pop(key, None) for key in ADDED} == {
        "DOCUMENT_ROOT": "/var/www",
        "REQUEST_SCHEME": "http",
    }
    assert behind == direct


def test_environ_of_the_front_end(serve, ask):
    server = serve("environ_app:app", *UWSGI)
    more = {"SERVER_PORT": "443", "HTTPS": "on", "REMOTE_USER": "u", "SSL_PROTOCOL": "TLSv1.3"}
    environ = json.loads(ask(server, "/x", **more).body)
    assert environ["wsgi.url_scheme"] == "https"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("front.example", "443")
    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("192.0.2.7", "4711")
    assert (environ["REMOTE_USER"], environ["SSL_PROTOCOL"]) == ("u", "TLSv1.3")


def test_orders_to_another_server_are_not_obeyed(serve, ask, tmp_path):
    evil = tmp_path / "evil.py"
    evil.write_text(f"open({str(tmp_path / 'was-here')!r}, 'w')\n")
    server = serve("environ_app:app", *UWSGI)
    orders = {
        "UWSGI_FILE": str(evil), "UWSGI_SCRIPT": str(evil), "UWSGI_MODULE": "evil",
        "UWSGI_CHDIR": str(tmp_path), "UWSGI_PYHOME": str(tmp_path), "UWSGI_SETENV": "A_B=c",
        "UWSGI_POSTFILE": str(evil), "UWSGI_TOUCH_RELOAD": str(evil), "UWSGI_APPID": "x",
        "UWSGI_CACHE_GET": "x", "UWSGI_CALLABLE": "x", "PATH": "/evil",
        "HTTP_PROXY": "http://evil",
    }  # fmt: skip
    environ = json.loads(ask(server, **orders).body)
    assert not [key for key in environ if key.startswith("UWSGI")]
    assert "PATH" not in environ and "HTTP_PROXY" not in environ and "A_B" not in environ
    assert not (tmp_path / "was-here").exists()


@pytest.mark.parametrize(
    "given, expected",
    [
        ({"PATH_INFO": "/app/x"}, ("/app", "/x")),
        ({"SCRIPT_NAME": "/app", "PATH_INFO": "/x"}, ("/app", "/x")),
        ({"SCRIPT_NAME": "/app", "PATH_INFO": "/app/x", "REQUEST_URI": "/app/x"}, ("/app", "/x")),
        ({"SCRIPT_NAME": "/app/x", "PATH_INFO": None}, ("/app", "/x")),
        ({"PATH_INFO": "/app"}, ("/app", "")),
        ({"PATH_INFO": "/application"}, 404),
        ({"SCRIPT_NAME": "/other", "PATH_INFO": "/app"}, 404),
    ],
    ids=["path", "split", "both", "script alone", "itself", "no segment", "elsewhere"],
)
def test_mount(serve, ask, given, expected):
    server = serve("environ_app:app", *UWSGI, "--script-name", "/app")
    response = ask(server, **{"REQUEST_URI": "/", **given})
    if expected == 404:
        assert response.status == 404
    else:
        environ = json.loads(response.body)
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == expected


# ---- bodies


@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("size", [1, 65_536, 3_000_000])
def test_bodies(serve, ask, buffering, size):
    server = serve("echo:app", *UWSGI, "--request-buffering", buffering)
    body = (bytes(range(251)) * (size // 251 + 1))[:size]
    response = ask(server, "/", "POST", body)
    assert same(response.body, body)
    assert response.get("X-Length") == str(size)


def test_chunks_of_a_router(serve, connect):
    """Without CONTENT_LENGTH the client's chunks are what follows."""
    client = connect(serve("echo:app", *UWSGI))
    client.ask("/", "POST", CONTENT_LENGTH=None, HTTP_TRANSFER_ENCODING="chunked")
    client.send("5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n")
    response = client.answer()
    assert (response.text, response.get("X-Length")) == ("hello world", "11")


def test_decoded_chunks_of_nginx(serve, ask):
    """nginx has decoded them, and passes on the client's header all the same."""
    server = serve("echo:app", *UWSGI)
    response = ask(server, "/", "POST", b"5\r\n", HTTP_TRANSFER_ENCODING="chunked")
    assert response.body == b"5\r\n"


@pytest.mark.parametrize("length, coding", [("-1", None), (None, "gzip"), ("", "gzip, chunked")])
def test_unknown_length(serve, ask, length, coding):
    server = serve("echo:app", *UWSGI)
    response = ask(server, "/", "POST", CONTENT_LENGTH=length, HTTP_TRANSFER_ENCODING=coding)
    assert response.status == 411


# ---- answers before the body was read


@pytest.mark.parametrize("order", ["all at once", "in pieces"])
def test_refusal_can_be_read(serve, connect, order):
    """Front ends send everything before they read: closing on them would destroy the answer."""
    server = serve("echo:app", *UWSGI, "--max-body", "1000")
    body = b"x" * 5_000_000
    client = connect(server)
    head = packet(variables("/", "POST", body))
    if order == "in pieces":
        client.send_pieces([head, body[:1000], body[1000:]])
    else:
        client.send(head + body)
    assert client.answer().status == 413


def test_early_answer_can_be_read(serve, connect):
    server = serve("gated:early", *UWSGI, "--request-buffering", "off")
    body = b"x" * 5_000_000
    response = connect(server).ask("/", "POST", body).answer()
    assert (response.status, response.text) == (200, "early")


def test_unexpected_bytes_do_not_destroy_the_answer(serve, connect):
    client = connect(serve("hello:app", *UWSGI))
    client.send(packet(variables()) + b"more" * 2_000_000)
    assert client.answer().text == "Hello, world!"


# ---- packets


def test_split_anywhere(serve):
    server = serve("echo:app", *UWSGI)
    data = packet(variables("/p", "POST", b"hello")) + b"hello"
    for at in [*range(1, 12), *range(12, len(data), 17)]:
        with Client(server.port) as client:
            assert client.send_pieces([data[:at], data[at:]]).answer().text == "hello"
    with Client(server.port) as client:
        client.send_pieces([data[i : i + 1] for i in range(len(data))])
        assert client.answer().text == "hello"


def test_largest_packet(serve, connect):
    """64 KiB of variables are always taken; limits are for heads that come from clients."""
    limits = ("--max-header-bytes", "4096", "--max-request-line", "512")
    server = serve("environ_app:app", *UWSGI, *limits)
    pairs = variables("/x")
    room = 65535 - (len(packet(pairs)) - 4) - 4 - len("HTTP_COOKIE")
    client = connect(server).send(packet([*pairs, ("HTTP_COOKIE", "c" * room)]))
    assert json.loads(client.answer().body)["HTTP_COOKIE"] == "c" * room


def test_ping(serve, connect):
    client = connect(serve("hello:app", *UWSGI)).send(packet([], 100))
    assert client.take(4) == bytes([100, 0, 0, 1])


@pytest.mark.parametrize(
    "data, why",
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP where uwsgi is spoken"),
        (b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03", "TLS where uwsgi is spoken"),
        (packet([], 22) + b"import os", r"modifier 22 \(code to be run\)"),
        (packet(variables(), 5), "modifier1 is none of"),
    ],
    ids=["HTTP", "TLS", "modifier 22", "modifier 5"],
)
def test_what_is_no_request(serve, connect, data, why):
    server = serve("hello:app", *UWSGI, "--log-level", "info")
    assert connect(server).send(data).closed()
    server.wait_log(rf"conn \d+: 127\.0\.0\.1:\d+: .*{why}")


@pytest.mark.parametrize(
    "data, status",
    [
        (packet([]), 400),
        (struct.pack("<BHB", 0, 4, 0) + b"\xff\xff\xff\xff", 400),
        (packet([("", "x")]), 400),
        (packet(variables(REQUEST_METHOD="GE T")), 400),
        (packet(variables(CONTENT_LENGTH="1x")), 400),
    ],
    ids=["empty", "lengths", "no name", "method", "length"],
)
def test_bad_packets(serve, connect, data, status):
    assert connect(serve("hello:app", *UWSGI)).send(data).answer().status == status


# ---- front ends that go away


def all_seen(server):
    """By now the server has read what was sent, and that was closed, before."""
    for _ in range(2):  # what was ready with the connection is seen no later than its first byte
        with Client(server.port) as client:
            assert client.send(packet([], 100)).take(4)


def test_connect_and_close_logs_nothing(serve, ask):
    """Apache connects before it looks whether it can send the request at all."""
    server = serve("hello:app", *UWSGI, "--log-level", "info")
    for _ in range(5):
        socket.create_connection(("127.0.0.1", server.port)).close()
    all_seen(server)
    assert ask(server).status == 200
    assert "conn " not in server.log()


def test_closing_takes_a_waiting_request_back(serve, gate):
    server = serve(
        "gated:hold", *UWSGI, "--no-threads", "1", "--log-level", "debug", env=gate.env
    )
    with Client(server.port) as running:
        running.ask("/?first")
        visit = gate.accept("first")
        with Client(server.port) as waiting, Client(server.port) as behind:
            waiting.ask("/?second")
            all_seen(server)
            waiting.close()
            server.wait_log("the front end is gone")
            server.wait_log("the front end is gone")  # it listens for that after a moment
            behind.ask("/?third")
            all_seen(server)
            visit.release()
            assert running.answer().text == "first go"
            third = gate.accept("third")
            gate.never("second", third.release)
            assert behind.answer().text == "third go"


def test_closing_stops_a_running_response(serve, gate):
    server = serve("gated:flood", *UWSGI, env=gate.env)
    with Client(server.port, rcvbuf=4096) as client:
        client.ask("/?1000")
        assert client.head().status == 200
    gate.heard("flood-closed-early")


def test_closing_in_a_streamed_body(serve, gate):
    server = serve("gated:consume", *UWSGI, "--request-buffering", "off", env=gate.env)
    with Client(server.port) as client:
        client.send(packet(variables("/", "POST", b"x" * 100)) + b"x" * 50)
        gate.heard("consume-entered")
    gate.heard("consume-failed-True")


# ---- more than one


def test_processes_and_threads(serve, ask):
    server = serve("echo:app", *UWSGI, "--no-proc", "2", "--no-threads", "2")
    server.workers(2)
    for i in range(200):
        body = b"%d" % i * (i * 50)
        response = ask(server, f"/{i}", "POST", body)
        assert (response.get("X-Path"), response.body) == (f"/{i}", body)


def test_beside_http(serve):
    binds = ("--bind", "uwsgi://127.0.0.1:0", "--bind", "http://127.0.0.1:0")
    server = serve("hello:app", *binds, bind=False)
    port = int(server.wait_log(r"listening on http://127\.0\.0\.1:(\d+)").group(1))
    with Client(server.port) as client:
        assert client.request().text == "Hello, world!"
    with HttpClient(port) as client:
        assert client.request("/").text == "Hello, world!"
