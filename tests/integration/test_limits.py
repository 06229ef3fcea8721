# SPDX-License-Identifier: MIT
"""Limits: what is too much, too long or too late gets an answer that can be read."""

import resource
import select
import socket
import time

import pytest

from harness import until
from wire import Client, chunked, post

# ---- sizes ----


def status_of(server, data):
    with Client(server.port) as client:
        client.send(data)
        return client.response()


def test_request_line(serve):
    server = serve("echo:app", "--max-request-line", "300")
    # "GET " + target + " HTTP/1.1", without the line end
    fits = b"GET /" + b"a" * (300 - 14) + b" HTTP/1.1"
    assert len(fits) == 300
    rest = b"\r\nHost: h\r\n\r\n"
    assert status_of(server, fits + rest).status == 200
    assert status_of(server, fits.replace(b"/", b"/b", 1) + rest).status == 414
    server.wait_log("414")


def test_request_line_default(serve):
    server = serve("hello:app")
    line = b"GET /" + b"a" * 8000 + b" HTTP/1.1\r\nHost: h\r\n\r\n"
    assert status_of(server, line).status == 200
    assert status_of(server, b"GET /" + b"a" * 70_000).status == 414


def test_header_bytes(serve):
    server = serve("hello:app")
    start = b"GET / HTTP/1.1\r\nHost: h\r\n"
    assert status_of(server, start + b"X: " + b"y" * 60_000 + b"\r\n\r\n").status == 200
    assert status_of(server, start + b"X: " + b"y" * 70_000 + b"\r\n\r\n").status == 431
    # Nobody has to wait for the end of a head that is too long already.
    assert status_of(server, start + b"X: " + b"y" * 70_000).status == 431
    server.wait_log("431")


def test_header_count(serve):
    server = serve("hello:app")

    def request(n):
        return b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * (n - 1) + b"\r\n"

    assert status_of(server, request(100)).status == 200
    assert status_of(server, request(101)).status == 431


@pytest.mark.parametrize("announce", [True, False])
def test_body(serve, announce):
    server = serve("echo:app", "--max-body", "1000")

    def request(n):
        return post("/", b"x" * n) if announce else chunked("/", [b"x" * (n // 2)] * 2)

    assert len(status_of(server, request(1000)).body) == 1000
    response = status_of(server, request(1002))
    assert response.status == 413 and response.has_token("Connection", "close")
    server.wait_log("413")


def test_large_early_answer_can_be_read(serve):
    """The client sends everything before it reads: no RST may destroy the answer."""
    server = serve("echo:app", "--max-body", "1000")
    for _ in range(5):
        with Client(server.port) as client:
            client.send(post("/", b"x" * 5_000_000))
            assert client.response().status == 413
            assert client.closed()


def test_lingering_ends(serve, connect):
    server = serve("echo:app", "--max-body", "10", "--linger-timeout", "0.3")
    client = connect(server).send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\n")
    assert client.response().status == 413
    assert client.closed()
    # The client never closes its side; the server gives up on it.
    fds = server.fds()
    other = connect(server)
    assert other.request().status == 200
    until(lambda: server.fds() <= fds, "the lingering socket is closed")


# ---- times: short settings, no upper bound is asserted ----


def test_idle_timeout(serve, connect):
    client = connect(serve("hello:app", "--idle-timeout", "0.2"))
    assert client.request().status == 200
    assert client.closed(), "an idle connection is closed without a word"


def test_idle_timeout_of_a_connection_that_never_spoke(serve, connect):
    client = connect(serve("hello:app", "--idle-timeout", "0.2", "--head-timeout", "0.2"))
    assert client.closed()


def test_idle_timeout_does_not_count_work(serve, connect, gate):
    server = serve("gated:app", "--idle-timeout", "0.1", "--write-timeout", "0.1", env=gate.env)
    worker = connect(server).get("/hold?long")
    visit = gate.accept("long")
    idle = connect(server)
    idle.send("GET / HTTP/1.1\r\nHost: h")  # head timeout is another
    bystander = connect(server)
    assert bystander.closed(), "the idle timeout has passed"
    visit.release()
    assert worker.response().status == 200


def test_head_timeout_even_for_a_trickle(serve, connect):
    server = serve("hello:app", "--head-timeout", "0.4")
    client = connect(server).send("GET / HTTP/1.1\r\n")
    seen = []

    def fed():
        # One byte now and then must not put off the deadline of the whole head.
        try:
            client.send("X")
        except (BrokenPipeError, ConnectionResetError):
            seen.append("closed")
        if not client.quiet():
            seen.append("answer")
        return seen

    until(fed, "the server has lost its patience")
    assert client.response().status == 408
    server.wait_log("408")


def test_body_timeout(serve, connect):
    server = serve("echo:app", "--body-timeout", "0.3")
    client = connect(server).send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc")
    response = client.response()
    assert response.status == 408 and response.has_token("Connection", "close")
    server.wait_log("408")


def test_body_min_rate(serve, connect):
    """Bytes that keep coming, but far too slowly, do not hold a connection for ever."""
    server = serve("echo:app", "--body-timeout", "1", "--body-min-rate", "100000")
    client = connect(server)
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")

    def fed():
        try:
            client.send("x")
        except (BrokenPipeError, ConnectionResetError):
            return True
        return not client.quiet()

    until(fed, "the server has lost its patience")
    assert client.response().status == 408


def test_write_timeout(serve, connect, gate):
    """A client that stops reading loses its connection, and the application hears of it."""
    server = serve("gated:app", "--write-timeout", "0.4", env=gate.env)
    client = connect(server, rcvbuf=4096).get("/flood?2000")
    gate.heard("flood-closed-early")
    server.wait_log("(?i)write|timeout|timed out")
    assert connect(server).request().status == 200
    with pytest.raises(AssertionError):
        client.response()


def test_write_timeout_of_a_slow_reader(serve, connect):
    """A client that reads slowly, but reads, is waited for: its socket's buffer is large."""
    server = serve("responses:app", "--write-timeout", "1")
    client = connect(server, rcvbuf=4096).get("/huge")
    for _ in range(40):
        client.buffer += client.sock.recv(4000)
        time.sleep(0.1)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    assert len(client.response().body) == 8_000_000


# ---- numbers ----


def test_max_connections(serve, connect):
    server = serve("hello:app", "--max-connections", "3")
    clients = [connect(server) for _ in range(3)]
    for client in clients:
        assert client.request().status == 200
    waiting = connect(server)
    waiting.get()
    for client in clients:
        assert client.request().status == 200, "those that are in go on"
    clients[0].close()
    # Either it had to wait, or it was told so: never silence.
    assert waiting.response().status in (200, 503)


def limit_files(n):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))


def test_out_of_descriptors_waits_and_does_not_spin(serve, connect):
    server = serve("hello:app", preexec_fn=limit_files(40))
    clients = [connect(server).get() for _ in range(60)]
    server.wait_log("(?i)descriptor|open files")
    waiting = list(clients)
    while ready := select.select([client.sock for client in waiting], [], [], 1.0)[0]:
        waiting = [client for client in waiting if client.sock not in ready]
    served = [client for client in clients if client not in waiting]
    assert 10 < len(served) < 50
    # Waiting for a second beside a server that can do nothing: one that spins would use that
    # second, one that waits next to nothing.
    before = server.cpu()
    assert not select.select([client.sock for client in waiting], [], [], 1.0)[0]
    assert server.cpu() - before < 0.3
    assert server.log().count("\n") < 100, "nor does it flood the log"
    for client in served:
        assert client.response().status == 200
        client.close()
    # Room again: the next ones get in, and so on to the last.
    while waiting:
        ready = select.select([client.sock for client in waiting], [], [], 20)[0]
        assert ready, f"{len(waiting)} are never accepted"
        for client in [client for client in waiting if client.sock in ready]:
            assert client.response().status == 200
            client.close()
            waiting.remove(client)


@pytest.mark.scale
def test_10000_idle_connections(serve):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    n = 10_000
    if hard < n + 500:
        pytest.skip(f"the limit of open files is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def raise_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    options = ("--max-connections", str(n + 10), "--idle-timeout", "300")
    server = serve("hello:app", *options, preexec_fn=raise_files)
    socks = []
    try:
        for _ in range(n):
            sock = socket.create_connection(("127.0.0.1", server.port))
            socks.append(sock)
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
        for sock in socks[:: n // 20]:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert server.fds() >= n
    finally:
        for sock in socks:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    until(lambda: server.fds() < 100, "all connections are gone")
