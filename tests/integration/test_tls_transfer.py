# SPDX-License-Identifier: MIT
"""Bodies over TLS: large and small, in pieces, and cut off by either side."""

import hashlib
import os
import random
import signal
import socket
import ssl
import threading

import pytest

from certs import PASSPHRASE
from harness import Server, until
from tlsclient import BOTH, TlsClient, context, dial, drain, reset, second_flight
from wire import chunked, post, same

MIB = 1 << 20
FILE = bytes(i * 7 % 251 for i in range(300_000))  # that of apps/files.py


def site_of(app, pki, *options):
    return Server([app, "--host", "127.0.0.1", "--port", "0", *pki.local.options, *options])


@pytest.fixture(scope="module")
def echo(pki):
    server = site_of("echo:app", pki)
    yield server
    server.end()


@pytest.fixture(scope="module")
def shapes(pki):
    server = site_of("responses:app", pki)
    yield server
    server.end()


@pytest.fixture(scope="module")
def files(pki):
    server = site_of("files:app", pki)
    yield server
    server.end()


@pytest.fixture
def tls(pki):
    """tls(server) → TlsClient, closed at the end of the test."""
    clients = []

    def open_(server, version=None, **kwargs):
        address = getattr(server, "port", server)
        clients.append(TlsClient(address, context(pki, version), **kwargs))
        return clients[-1]

    yield open_
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def data():
    return random.Random(7).randbytes(20 * MIB)


def digest(body):
    return hashlib.sha256(body).hexdigest()


# ---- bodies ----


@BOTH
def test_20_mib_there_and_back(echo, tls, data, version):
    client = tls(echo, version)
    response = client.send(post("/", data)).response()
    assert digest(response.body) == digest(data)
    assert client.request().status == 200


@BOTH
def test_20_mib_chunked_both_ways(echo, tls, data, version):
    client = tls(echo, version)
    pieces = [data[i : i + 100_003] for i in range(0, len(data), 100_003)]
    response = client.send(chunked("/", pieces)).response()
    assert response.framing in ("chunked", "length") and digest(response.body) == digest(data)


@pytest.mark.parametrize("size", [1, 1369, 1370, 1371, 16383, 16384, 16385, 65537, 200_000])
def test_sizes_around_those_of_records(echo, tls, data, size):
    client = tls(echo)
    for n in range(3):
        assert same(client.send(post("/", data[n : n + size])).response().body, data[n : n + size])


@BOTH
def test_each_byte_in_a_record_of_its_own(echo, tls, version):
    client = tls(echo, version)
    request = post("/", b"0123456789" * 20)
    for i in range(len(request)):
        client.send(request[i : i + 1])
    assert client.response().body == b"0123456789" * 20


def test_many_requests_in_one_record(echo, tls):
    client = tls(echo)
    client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % n for n in range(200)))
    for n in range(200):
        assert client.response().get("X-Path") == f"/{n}"


def test_5000_pipelined_requests(echo, tls):
    """More than any buffer holds. The client sends and receives in turn: its TLS has one thread."""
    client = tls(echo)
    for start in range(0, 5000, 500):
        client.send(
            b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % n for n in range(start, start + 500))
        )
        for n in range(start, start + 500):
            assert client.response().get("X-Path") == f"/{n}"


def test_expect_100_continue(echo, tls):
    client = tls(echo)
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert client.head().status == 100
    assert client.send("abc").response().body == b"abc"


@pytest.mark.parametrize(
    "path, method, status, body",
    [
        ("/list1", "HEAD", 200, b""),
        ("/204", "GET", 204, b""),
        ("/304", "GET", 304, b""),
        ("/empty_list", "GET", 200, b""),
        ("/generator", "GET", 200, b"012"),
        ("/big", "GET", 200, b"b" * 300_000),
        ("/written", "GET", 200, b"one two three"),
        ("/raise_now", "GET", 500, None),
    ],
)
def test_shapes_of_responses(shapes, tls, path, method, status, body):
    client = tls(shapes)
    for _ in range(2):
        response = client.request(path, method=method)
        assert response.status == status and body in (None, response.body)


def test_response_that_is_cut_off_by_its_application_is_not_ended_well(shapes, tls):
    """The body is shorter than was said: the client must be able to tell."""
    client = tls(shapes)
    with pytest.raises((AssertionError, OSError)):
        client.request("/length_fewer")
    client = tls(shapes)
    client.get("/raise_iter")
    assert client.head().status == 200
    with pytest.raises((AssertionError, OSError)):
        list(client.chunks())


@pytest.mark.parametrize(
    "path", ["whole", "watched", "buffered", "position", "length", "bytesio", "pipe"]
)
def test_file_wrapper(files, tls, path):
    expected = {
        "whole": FILE,
        "watched": FILE,
        "buffered": FILE[10:],
        "position": FILE[1000:],
        "length": FILE[100:5100],
        "bytesio": FILE,
        "pipe": b"through a pipe",
    }
    client = tls(files)
    for _ in range(2):
        assert same(client.request(f"/{path}").body, expected[path])


def test_file_to_a_slow_reader(files, tls):
    client = tls(files, rcvbuf=4096)
    assert same(client.request("/whole").body, FILE)


# ---- piece by piece ----


@BOTH
def test_streamed_response_arrives_piece_by_piece(serve, pki, tls, gate, version):
    server = serve("gated:app", *pki.local.options, env=gate.env)
    client = tls(server, version).get("/steps")
    for n in (1, 2, 3):
        gate.accept("steps-next").release()
        if n == 1:
            assert client.head().status == 200
        assert client.chunk() == b"data: %d\n\n" % n
    assert client.chunk() == b""
    gate.heard("steps-closed")


def test_upload_as_it_comes(serve, pki, tls, gate):
    """request_buffering off: each piece can be read before the next is sent."""
    options = ["--request-buffering", "off"]
    server = serve("gated:app", *pki.local.options, *options, env=gate.env)
    client = tls(server)
    client.send("POST /read HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n")
    for piece in (b"abc", b"defg", b"hi"):
        client.send(piece)
        gate.accept("read").release(str(len(piece)))
    gate.accept("read").release("end")
    assert client.response().text == "3 4 2"


# ---- who goes away ----


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def leave_by_reset(client):
    client.reset()


def leave_without_goodbye(client):
    client.sock.shutdown(socket.SHUT_RDWR)
    client.close()


def leave_with_goodbye(client):
    client.sock.settimeout(0.0)
    try:
        client.sock.unwrap()
    except OSError:
        pass  # not waiting for the answer
    client.close()


@pytest.mark.parametrize("leave", [leave_by_reset, leave_without_goodbye, leave_with_goodbye])
def test_client_goes_away_in_mid_response(serve, pki, tls, gate, leave):
    server = serve("gated:app", *pki.local.options, env=gate.env)
    (pid,) = server.workers(1)
    before = None
    for _ in range(5):
        client = tls(server, rcvbuf=4096).get("/flood?2000")
        assert client.head().status == 200
        client.chunk()
        leave(client)
        gate.heard("flood-closed-early")
        count = descriptors(pid)
        before = count if before is None else before
        until(lambda: descriptors(pid) <= before, "the descriptor is closed")
    assert tls(server).request().status == 200


def test_client_goes_away_while_it_waits(serve, pki, tls, gate):
    server = serve("gated:app", *pki.local.options, "--no-threads", "2", env=gate.env)
    (pid,) = server.workers(1)
    tls(server).request()
    before = descriptors(pid)
    client = tls(server).get("/hold?x")
    visit = gate.accept("x")
    client.reset()
    visit.release()
    until(lambda: descriptors(pid) <= before, "the descriptor is closed")
    assert tls(server).request().status == 200


def test_client_goes_away_in_mid_upload(echo, tls, pki):
    for leave in (leave_by_reset, leave_without_goodbye, leave_with_goodbye):
        client = tls(echo)
        client.send(post("/", b"x" * 100_000)[:50_000])
        leave(client)
    assert tls(echo).request().status == 200


def test_request_that_was_cut_off_is_not_run(serve, pki, tls, gate):
    """Its length is known, so the missing bytes show; over TLS as over TCP."""
    server = serve("gated:app", *pki.local.options, env=gate.env)
    client = tls(server)
    client.send("POST /consume HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")

    def leave():
        leave_without_goodbye(client)
        assert tls(server).request().status == 200

    gate.never("consume-entered", leave)


# ---- the end ----


@BOTH
def test_close_notify_is_sent(echo, tls, version):
    """A missing one raises, see TlsClient."""
    client = tls(echo, version)
    client.request(headers="Connection: close\r\n")
    assert client.closed()


@BOTH
def test_close_notify_is_answered(echo, tls, version):
    client = tls(echo, version)
    client.request()
    sock = client.goodbye()  # raises without the server's
    assert drain(sock) == b""


@BOTH
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "in two"])
def test_half_closed_client_is_answered(serve, pki, gate, version, at_once):
    """It has sent close_notify behind its request, and still reads (RFC 8446 section 6.1)."""
    server = serve("gated:app", *pki.local.options, env=gate.env)
    flights, sock, flight = second_flight(server, context(pki, version))
    with sock:
        sock.sendall(flight)
        while not flights.done:
            flights.step(sock.recv(65536))
        request = flights.seal(b"GET /hold?x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with pytest.raises(ssl.SSLWantReadError):
            flights.tls.unwrap()
        goodbye = flights.outgoing.read()
        for part in [request + goodbye] if at_once else [request, goodbye]:
            sock.sendall(part)
        visit = gate.accept("x")
        sock.shutdown(socket.SHUT_WR)
        visit.release("done")
        # After its own close_notify openssl hands out no data: what comes is seen by its size.
        data = drain(sock)
    assert data[:1] == b"\x17" and len(data) > 100, data


def test_response_that_ends_with_the_connection(shapes, tls):
    """To HTTP/1.0 the end is the framing: close_notify says it is no accident."""
    client = tls(shapes)
    response = client.get("/generator", version="HTTP/1.0").response()
    assert response.framing == "close" and response.body == b"012"


def test_idle_connection_is_closed_with_close_notify(serve, pki, tls):
    server = serve("hello:app", *pki.local.options, "--idle-timeout", "200ms")
    client = tls(server)
    client.request()
    assert client.closed()


def test_silent_connection_after_its_handshake_is_closed(serve, pki, tls):
    server = serve("hello:app", *pki.local.options, "--idle-timeout", "300ms")
    tls(server).rest()


def test_requests_in_flight_at_sigterm_finish(serve, pki, tls, gate):
    options = ["--no-proc", "2", "--no-threads", "2"]
    server = serve("gated:app", *pki.local.options, *options, env=gate.env)
    server.workers(2)
    idle, held, streamed = tls(server), tls(server), tls(server)
    idle.request()
    held.get("/hold?x")
    visit = gate.accept("x")
    streamed.get("/steps")
    gate.accept("steps-next").release()
    assert streamed.head().status == 200 and streamed.chunk() == b"data: 1\n\n"
    step = gate.accept("steps-next")
    server.send_signal(signal.SIGTERM)
    assert idle.closed()
    visit.release("done")
    assert held.response().text == "x done" and held.closed()
    step.release()
    gate.accept("steps-next").release()
    assert list(streamed.chunks()) == [b"data: 2\n\n", b"data: 3\n\n"] and streamed.closed()
    assert server.wait_exit() == 0


def test_handshake_at_sigterm_does_not_hold_up_the_end(serve, pki):
    server = serve("hello:app", *pki.local.options)
    with dial(server) as sock:
        sock.sendall(b"\x16\x03\x01")
        server.send_signal(signal.SIGTERM)
        assert server.wait_exit() == 0
        drain(sock)


# ---- many at once ----


def test_many_clients_at_once(echo, pki, data):
    """Sixteen threads with connections of their own; nothing is mixed up."""
    failures = []
    ctx = context(pki)

    def work(seed):
        rng = random.Random(seed)
        try:
            for _ in range(5):
                with TlsClient(echo.port, ctx) as client:
                    for _ in range(4):
                        at, size = rng.randrange(MIB), rng.choice([10, 5000, 70_000, 300_000])
                        body = data[at : at + size]
                        assert client.send(post("/", body)).response().body == body
        except Exception as exc:
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures, failures[:3]


def test_connections_that_come_and_go_leave_nothing(serve, pki, tls):
    server = serve("hello:app", *pki.local.options)
    (pid,) = server.workers(1)
    ctx = context(pki)
    before = None
    for round_ in range(3):
        for n in range(60):
            client = TlsClient(server.port, ctx)
            if n % 3:
                client.request()
            (client.close, client.reset, client.goodbye)[n % 3]()
            client.close()
        until(lambda: before is None or descriptors(pid) <= before, "the descriptors are closed")
        if before is None:
            reset(dial(server))
            with TlsClient(server.port, ctx) as client:
                client.request()
            before = descriptors(pid)


def test_requests_stay_with_the_process_of_their_connection(serve, pki, tls, gate):
    """A plain connection would be handed to a sibling that has nothing to do; this one cannot."""
    server = serve("gated:app", *pki.local.options, "--no-proc", "2", env=gate.env)
    server.workers(2)
    clients = {}
    while len(clients) < 2 or len(min(clients.values(), key=len)) < 2:
        client = tls(server)
        clients.setdefault(client.request().text.split()[0], []).append(client)
        assert sum(map(len, clients.values())) < 200
    (busy, (first, second, *_)), (free, others) = clients.items()
    first.get("/hold?x")
    visit = gate.accept("x")
    second.get("/")
    for client in others:
        assert client.request().text.split()[0] == free
    assert second.quiet()
    visit.release("done")
    assert first.response().text == "x done"
    assert second.response().text.split()[0] == busy


# ---- what the log does not say ----


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_secrets_are_not_logged(serve, pki, tmp_path, version):
    secret = "correct-horse-battery-staple"
    server = serve(
        "echo:app",
        *("--tls-cert", pki.local.chain, "--tls-key", pki.encrypted(pki.local)),
        *("--tls-key-password-file", pki.passphrase_file, "--log-level", "TRACE"),
    )
    ctx = context(pki, version)
    ctx.keylog_filename = str(tmp_path / "keys")
    session = None
    for _ in range(2):  # new, and resumed
        with TlsClient(server.port, ctx, session=session) as client:
            headers = f"Cookie: session={secret}\r\nAuthorization: Bearer {secret}\r\n"
            response = client.send(post("/", secret, headers)).response()
            assert response.text == secret
            session = client.sock.session
    with pytest.raises(ssl.SSLError):  # a failing one is logged as well
        TlsClient(server.port, context(pki.foreign.leaf, version))
    with dial(server) as sock:
        sock.sendall(f"GET /{secret} HTTP/1.1\r\n\r\n".encode())
        drain(sock)
    server.stop()
    log = server.log()
    assert "TRACE" in log, "or this test shows nothing"
    lines = (tmp_path / "keys").read_text().split("\n")
    secrets = {line.split()[2] for line in lines if line and line[0] != "#"}
    assert secrets
    key = pki.local.key.read_text().split("-----")[2].split()
    for text in [secret, PASSPHRASE, *secrets, *key]:
        assert text.lower() not in log.lower()
