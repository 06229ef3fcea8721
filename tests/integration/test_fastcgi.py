# SPDX-License-Identifier: MIT
"""FastCGI as any front end could speak it, record by record."""

import contextlib
import json

import pytest

import fcgi
from fcgi import (
    ABORT, BEGIN, COMPLETE, DATA, GET_VALUES, OVERLOADED, PARAMS, STDIN, UNKNOWN, UNKNOWN_ROLE,
    Client, begin, head, pairs, record, request, stream, values, variables,
)  # fmt: skip
from harness import server_path
from wire import same

FASTCGI = ("--protocol", "fastcgi")
LARGE = bytes(range(251)) * 12_000  # 3 MB, and no two records alike


@pytest.fixture
def connect():
    with contextlib.ExitStack() as stack:
        yield lambda server, **kw: stack.enter_context(Client(server.port, **kw))


@pytest.fixture
def ask():
    """ask(server, target, …) → the response, over a connection of its own, which ends with it."""

    def ask(server, *args, **more):
        with Client(server.port) as client:
            response = client.request(*args, **more)
            assert client.closed()
            return response

    return ask


def still_serves(client, number=1):
    """The connection does, and no record of an earlier request comes before the answer."""
    client.ask("/?after", number=number, keep=True)
    assert client.ended(number).response().status == 200
    return True


def test_library_is_not_linked():
    """Its header has the constants; the library would serve one request at a time."""
    program = server_path().read_bytes()
    assert b"FCGI_MPXS_CONNS" in program  # the names of our own values are there as they are
    assert b"libfcgi" not in program and b"FCGX_" not in program


# ---- responses


def test_response(serve, ask):
    server = serve("hello:app", *FASTCGI)
    assert server.address.startswith("fastcgi://")
    response = ask(server)
    assert (response.status, response.reason, response.text) == (200, "OK", "Hello, world!")
    assert response.get("Content-Length") == "13"
    assert response.get("Date").endswith(" GMT")
    assert response.get("Server") is None  # the front end's to say
    assert response.err == b""


def test_first_bytes_are_the_status(serve, connect):
    """Apache, HAProxy, Caddy and h2o refuse a status line."""
    client = connect(serve("hello:app", *FASTCGI)).ask()
    assert client.record().content.startswith(b"Status: 200 OK\r\n")


@pytest.mark.parametrize("target", ["/generator", "/list3", "/empty_list", "/big", "/no_items"])
def test_head_has_no_body(serve, ask, target):
    response = ask(serve("responses:app", *FASTCGI), target, "HEAD")
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize("target, status", [("/204", 204), ("/304", 304), ("/404", 404)])
def test_statuses(serve, ask, target, status):
    assert ask(serve("responses:app", *FASTCGI), target).status == status


def test_unknown_length(serve, ask):
    response = ask(serve("responses:app", *FASTCGI), "/generator")
    assert (response.get("Content-Length"), response.text) == (None, "012")


def test_empty_body(serve, ask):
    assert ask(serve("responses:app", *FASTCGI), "/empty_generator").body == b""


def test_repeated_headers(serve, ask):
    response = ask(serve("responses:app", *FASTCGI), "/two_cookies")
    assert response.all("Set-Cookie") == ["a=1", "b=2"]


def test_raised_before_the_head(serve, ask):
    assert ask(serve("responses:app", *FASTCGI), "/raise_now").status == 500


@pytest.mark.parametrize("keep", [False, True])
def test_what_there_is_of_a_broken_response_arrives(serve, connect, keep):
    """All of it is written at once, and the reset comes after it."""
    client = connect(serve("responses:app", *FASTCGI)).ask("/length_fewer", keep=keep)
    client.record()
    while not client.answers[1].out.endswith(b"\r\n\r\nabc"):
        client.record()
    with pytest.raises(ConnectionResetError):
        client.record()


def test_broken_response_is_reset(serve, connect):
    """END_REQUEST would make it a whole one, and nobody looks at the application's status."""
    client = connect(serve("responses:app", *FASTCGI)).ask("/raise_iter", keep=True)
    with pytest.raises(ConnectionResetError):
        client.ended()
    assert b"some" in client.answers[1].out


def test_20_mib_there_and_back(serve, ask):
    body = bytes(range(256)) * 80_000
    assert same(ask(serve("echo:app", *FASTCGI), "/", "POST", body).body, body)


def test_large_answers_are_cut(serve, connect):
    client = connect(serve("responses:app", *FASTCGI)).ask("/huge")
    pieces = client.until().pieces
    assert max(pieces) == 32768 and sum(pieces) > 8_000_000


# ---- connections


def test_kept_connection(serve, connect):
    server = serve("echo:app", *FASTCGI)
    client = connect(server)
    for i in range(50):
        body = b"%d" % i * (i * 100)
        response = client.request(f"/{i}", "POST", body, number=1 + i % 3, keep=True)
        assert (response.get("X-Path"), response.body) == (f"/{i}", body)
    assert client.request("/", keep=False).status == 200
    assert client.closed()


def test_not_kept_beside_kept_ones(serve, gate, connect):
    """It closes when the answers that are due have been given, and takes no new requests."""
    server = serve("gated:hold", *FASTCGI, "--no-threads", "2", env=gate.env)
    client = connect(server)
    client.ask("/?long", number=1, keep=True)
    visit = gate.accept("long")
    client.ask("/?short", number=2, keep=False)
    gate.accept("short").release()
    assert client.answer(2).text == "short go"
    visit.release()
    assert client.answer(1).text == "long go"
    assert client.closed()


def test_largest_number(serve, connect):
    assert connect(serve("hello:app", *FASTCGI)).request(number=65535).status == 200


# ---- management records


def test_values_before_the_first_request(serve, connect):
    client = connect(serve("hello:app", *FASTCGI, "--max-connections", "50"))
    found = client.values("FCGI_MPXS_CONNS", "FCGI_MAX_REQS", "FCGI_MAX_CONNS", "OTHER")
    assert sorted(found) == [
        ("FCGI_MAX_CONNS", "50"), ("FCGI_MAX_REQS", "50"), ("FCGI_MPXS_CONNS", "1"),
    ]  # fmt: skip
    assert client.values("FCGI_MPXS_CONNS") == [("FCGI_MPXS_CONNS", "1")]
    assert client.values("OTHER") == [] and client.values() == []
    assert still_serves(client)


@pytest.mark.parametrize("times", [2, 8, 60, 1000])
def test_values_asked_for_again_and_again(serve, connect, times):
    client = connect(serve("hello:app", *FASTCGI))
    assert client.values(*["FCGI_MPXS_CONNS"] * times) == [("FCGI_MPXS_CONNS", "1")]
    assert still_serves(client)


def test_values_with_the_request_behind(serve, connect):
    """HAProxy does not wait for the answer."""
    client = connect(serve("hello:app", *FASTCGI))
    client.send(values("FCGI_MAX_REQS", "FCGI_MPXS_CONNS") + request(keep=True))
    assert client.record().kind == fcgi.VALUES
    assert client.answer().text == "Hello, world!"


@pytest.mark.parametrize("content", [b"\x80", b"\xff" * 8, b"\x0f\x7fFCGI_MPXS_CONNS"])
def test_malformed_values(serve, connect, content):
    client = connect(serve("hello:app", *FASTCGI)).send(record(GET_VALUES, 0, content))
    assert (client.record().kind, client.quiet()) == (fcgi.VALUES, True)
    assert still_serves(client)


@pytest.mark.parametrize("content", [b"", b"x" * 65535])
def test_unknown_management_record(serve, connect, content):
    client = connect(serve("hello:app", *FASTCGI)).send(record(42, 0, content))
    found = client.record()
    assert (found.kind, found.content) == (UNKNOWN, b"\x2a" + bytes(7))
    assert still_serves(client)


# ---- what cannot be begun


@pytest.mark.parametrize("role", [fcgi.AUTHORIZER, fcgi.FILTER, 0, 4, 257])
def test_unknown_role(serve, connect, role):
    client = connect(serve("hello:app", *FASTCGI))
    client.send(begin(3, keep=True, role=role) + stream(PARAMS, 3, pairs(variables())))
    assert client.ended(3).status == (0, UNKNOWN_ROLE)
    assert still_serves(client, 3)
    client.send(begin(3, keep=False, role=role))
    assert client.ended(3).status == (0, UNKNOWN_ROLE) and client.closed()


def test_overloaded(serve, connect):
    client = connect(serve("hello:app", *FASTCGI))
    found = dict(client.values("FCGI_MAX_REQS"))
    limit = int(found["FCGI_MAX_REQS"])
    client.send(b"".join(begin(n, keep=True) for n in range(1, limit + 2)))
    assert client.ended(limit + 1).status == (0, OVERLOADED)
    rest = stream(PARAMS, 7, pairs(variables())) + record(STDIN, 7)
    assert client.send(rest).answer(7).text == "Hello, world!"
    assert still_serves(client, limit + 1)


@pytest.mark.parametrize(
    "data",
    [
        record(PARAMS, 9, b"\x01\x01AB"), record(PARAMS, 9), record(STDIN, 9, b"x"),
        record(STDIN, 9), record(ABORT, 9), record(DATA, 9, b"x" * 100), record(42, 9, b"x"),
    ],
    ids=["params", "end of params", "stdin", "end of stdin", "abort", "data", "unknown"],
)  # fmt: skip
def test_nobody_answers_for_inactive_numbers(serve, connect, data):
    client = connect(serve("hello:app", *FASTCGI)).send(data)
    assert still_serves(client)
    assert still_serves(client.send(data), 9)


@pytest.mark.parametrize(
    "data, why",
    [
        (b"GET / HTTP/1.1\r\n\r\n", "this is HTTP, and the listener's protocol is fastcgi"),
        (b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4", "TLS where plain FastCGI is spoken"),
        (b"\x00\x20\x00\x00\x0e\x00REQUEST_METHOD", "this may be uwsgi"),
        (b"\x02\x01\x00\x01\x00\x08\x00\x00" + bytes(8), "not version 1 of FastCGI"),
        (begin(0), "BEGIN_REQUEST with id 0"),
        (begin(1) + begin(1), "has begun"),
        (record(BEGIN, 1, b"\0\1"), "wrong length"),
        (begin(1) + record(PARAMS, 1) + record(PARAMS, 1), "PARAMS after their end"),
        (begin(1) + record(STDIN, 1), "STDIN before the end of PARAMS"),
    ],
    ids=["HTTP", "TLS", "uwsgi", "version", "0", "twice", "short", "params", "stdin"],
)
def test_what_is_not_understood(serve, connect, data, why):
    server = serve("hello:app", *FASTCGI, "--log-level", "info")
    assert connect(server).send(data).closed()
    server.wait_log(rf"conn \d+: 127\.0\.0\.1:\d+: .*{why}")


# ---- variables


def test_records_cut_anywhere(serve, connect):
    """Each of them in segments of its own; and one byte of variables a record."""
    server = serve("echo:app", *FASTCGI)
    data = begin(1, keep=True) + stream(PARAMS, 1, pairs(variables("/p", "POST", b"hello")), 40)
    data += stream(STDIN, 1, b"hello", 2, padding=True)
    client = connect(server)
    for at in [*range(1, 20), *range(20, len(data), 13)]:
        assert client.send_pieces([data[:at], data[at:]]).answer().text == "hello"
    assert client.send_pieces(data[i : i + 1] for i in range(len(data))).answer().text == "hello"
    for long in (False, True):
        found = pairs(variables("/p", "POST", b"hello"), long)
        client.send(begin(1, keep=True) + stream(PARAMS, 1, found, 1, padding=True))
        assert client.send(stream(STDIN, 1, b"hello", 1, padding=True)).answer().text == "hello"


def test_largest_padding(serve, connect):
    found = pairs(variables("/p", "POST", b"hello"))
    data = begin(1) + record(PARAMS, 1, found, 255) + record(PARAMS, 1, b"", 255)
    data += record(STDIN, 1, b"hello", 255) + record(STDIN, 1, b"", 255)
    assert connect(serve("echo:app", *FASTCGI)).send(data).answer().text == "hello"


@pytest.mark.parametrize("more, status", [(0, 200), (1, 431)])
def test_256_kib_of_variables(serve, connect, more, status):
    limits = ("--max-header-bytes", "4096", "--max-headers", "5", "--max-request-line", "512")
    server = serve("environ_app:app", *FASTCGI, *limits)
    found = pairs(variables())
    room = 256 * 1024 - len(found) - 5 - len("HTTP_COOKIE") + more
    found += pairs([("HTTP_COOKIE", "c" * room)])
    assert len(found) == 256 * 1024 + more
    client = connect(server)
    client.send(begin(1, keep=True) + stream(PARAMS, 1, found, 65535) + record(STDIN, 1))
    response = client.answer()
    assert response.status == status
    if status == 200:
        assert json.loads(response.body)["HTTP_COOKIE"] == "c" * room
    assert still_serves(client)


@pytest.mark.parametrize("more, status", [(0, 200), (1, 431)])
def test_1000_variables(serve, connect, more, status):
    n = 1000 - len(variables()) + more
    headers = {f"HTTP_X_{i}": str(i) for i in range(n)}
    client = connect(serve("environ_app:app", *FASTCGI))
    response = client.request("/", keep=True, **headers)
    assert response.status == status
    if status == 200:
        environ = json.loads(response.body)
        assert {key: environ[key] for key in headers} == headers
    assert still_serves(client)


@pytest.mark.parametrize("content", [b"\x80", b"\x01", b"\x05\x05ABCDE", b"\xff" * 8, b"\0\0"])
def test_malformed_variables(serve, connect, content):
    client = connect(serve("hello:app", *FASTCGI))
    client.send(begin(1, keep=True) + stream(PARAMS, 1, content) + record(STDIN, 1))
    assert client.answer().status == 400
    assert still_serves(client)


# ---- bodies


@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("given", ["length", "", None, "-1"])
@pytest.mark.parametrize("body", [b"", b"x", LARGE], ids=["none", "one byte", "large"])
def test_bodies(serve, ask, buffering, given, body):
    """Their end is the empty record, whatever CONTENT_LENGTH says or does not say."""
    server = serve("echo:app", *FASTCGI, "--request-buffering", buffering)
    coded = None if given == "length" else "chunked"
    given = str(len(body)) if given == "length" else given
    more = {"CONTENT_LENGTH": given, "HTTP_TRANSFER_ENCODING": coded}
    assert same(ask(server, "/", "POST", body, **more).body, body)


@pytest.mark.parametrize("given", ["", None, "-1", "0"])
def test_environ_of_bodies(serve, connect, given):
    client = connect(serve("environ_app:app", *FASTCGI))
    more = {"CONTENT_LENGTH": given, "HTTP_TRANSFER_ENCODING": "chunked"}
    environ = json.loads(client.request("/", "POST", keep=True, **more).body)
    assert environ.get("CONTENT_LENGTH") == ("0" if given == "0" else None)
    assert "HTTP_TRANSFER_ENCODING" not in environ
    if given != "0":
        more["CONTENT_LENGTH"] = given
        environ = json.loads(client.request("/", "POST", b"abc", **more).body)
        assert environ["CONTENT_LENGTH"] == "3"


@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("sent", [b"", b"1234", b"123456", b"1" * 100_000])
def test_wrong_length(serve, connect, buffering, sent):
    """Too few: the client has gone, and an update must not be made (6.2). Too many: confusion."""
    server = serve("gated:early", *FASTCGI, "--request-buffering", buffering, "--no-threads", "1")
    client = connect(server)
    for number in (1, 2):
        client.ask("/", "POST", sent, number, keep=True, CONTENT_LENGTH="5")
        answer = client.ended(number)
        assert answer.status == (0, COMPLETE)
        # One that streams may have been answered before the mistake was made.
        assert answer.response().status == 400 or (buffering == "off" and sent)


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("keep", [True, False])
def test_refusal_can_be_read(serve, connect, announced, keep):
    """Front ends send everything before they read: closing on them would destroy the answer."""
    server = serve("echo:app", *FASTCGI, "--max-body", "1000")
    body = b"x" * 5_000_000
    more = {} if announced else {"CONTENT_LENGTH": ""}
    client = connect(server).ask("/", "POST", body, keep=keep, **more)
    assert client.answer().status == 413
    assert still_serves(client) if keep else client.closed()


@pytest.mark.parametrize("keep", [True, False])
def test_early_answer_can_be_read(serve, connect, keep):
    server = serve("gated:early", *FASTCGI, "--request-buffering", "off")
    client = connect(server).ask("/", "POST", b"x" * 5_000_000, keep=keep)
    assert client.answer().text == "early"
    assert still_serves(client) if keep else client.closed()


def test_streamed_beside_collected(serve, gate, connect):
    """One body streams on a connection; others wait until they are there."""
    options = ("--request-buffering", "off", "--no-threads", "3")
    server = serve("gated:app", *FASTCGI, *options, env=gate.env)
    client = connect(server)
    client.send(head("/consume", "POST", b"x" * 9, number=1, keep=True))
    client.send(record(STDIN, 1, b"x" * 4))
    gate.heard("consume-entered")
    client.send(head("/consume", "POST", b"y" * 5, number=2, keep=True) + record(STDIN, 2, b"yy"))
    client.ask("/", number=3, keep=True)
    client.answer(3)  # what was sent before has been read
    client.send(stream(STDIN, 2, b"yyy"))
    gate.heard("consume-entered")
    assert client.answer(2).text == "5"
    assert client.send(stream(STDIN, 1, b"xxxxx")).answer(1).text == "9"
