# SPDX-License-Identifier: MIT
"""Clients that are slow in their handshakes, or many, and do not keep others waiting."""

import contextlib
import select

from harness import PATIENCE, until
from tlsclient import Flights, TlsClient, client_hello, context, dial, drain, second_flight

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def test_half_open_handshakes_do_not_delay_others(serve, pki):
    """Two hundred that sent nothing, half a hello, or a hello and then nothing."""
    server = serve("hello:app", *pki.local.options, "--tls-handshake-timeout", "60")
    ctx = context(pki)
    hello = client_hello(ctx)
    socks = []
    for n in range(200):
        sock = dial(server)
        sock.sendall((b"", hello[:5], hello[:200], hello)[n % 4])
        socks.append(sock)
    for _ in range(20):
        with TlsClient(server.port, ctx) as client:
            assert client.request().status == 200
    for sock in socks:
        sock.close()


def test_handshake_timeout(serve, pki):
    """At whatever point it stopped; those that made it are not ended by it."""
    server = serve("hello:app", *pki.local.options, "--tls-handshake-timeout", "400ms")
    ctx = context(pki)
    with TlsClient(server.port, ctx) as client:
        client.request()
        hello = client_hello(ctx)
        stopped = []
        for n in (0, 1, 5, 100, len(hello)):
            stopped.append((n, dial(server)))
            stopped[-1][1].sendall(hello[:n])
        flights, sock, flight = second_flight(server, ctx)
        sock.sendall(flight[:-1])
        for n, early in stopped:
            with early:
                data = drain(early)
                assert data[:1] == b"\x16" if n == len(hello) else data[:1] in (b"", b"\x15")
        with sock:
            drain(sock)
        assert client.request().status == 200


def test_dripping_hello_ends_with_the_timeout(serve, pki):
    """Bytes that keep coming do not extend it."""
    server = serve("hello:app", *pki.local.options, "--tls-handshake-timeout", "400ms")
    hello = client_hello()
    with dial(server) as sock:
        sent = 0

        def over():
            nonlocal sent
            if sent < len(hello) - 1:
                with contextlib.suppress(OSError):
                    sock.sendall(hello[sent : sent + 1])
                sent += 1
            ready = select.select([sock], [], [], 0.01)[0]
            return bool(ready)

        until(over, "the server loses its patience")
        drain(sock)


def test_most_handshakes_at_once(serve, pki):
    """The third waits for one of the two to end, which only their timeout does."""
    server = serve(
        "hello:app",
        *pki.local.options,
        *("--tls-max-handshakes", "2", "--tls-handshake-timeout", "500ms"),
    )
    ctx = context(pki)
    stuck = [second_flight(server, ctx)[1] for _ in range(2)]
    with TlsClient(server.port, ctx) as client:
        assert select.select(stuck, [], [], 0)[0], "a place was free only after the end of one"
        assert client.request().status == 200
    for sock in stuck:
        with sock:
            drain(sock)


def test_waiting_for_a_place_counts_against_the_timeout(serve, pki):
    """Nobody holds a connection for ever by being kept waiting."""
    server = serve(
        "hello:app",
        *pki.local.options,
        *("--tls-max-handshakes", "1", "--tls-handshake-timeout", "500ms"),
    )
    ctx = context(pki)
    socks = []
    for _ in range(30):
        sock = dial(server)
        sock.sendall(client_hello(ctx))
        socks.append(sock)
    for sock in socks:
        with sock:
            drain(sock)
    with TlsClient(server.port, ctx) as client:
        assert client.request().status == 200


def test_many_handshakes_through_few_places(serve, pki):
    server = serve("hello:app", *pki.local.options, "--tls-max-handshakes", "1")
    ctx = context(pki)
    pending = {}
    for _ in range(40):
        flights, sock = Flights(ctx), dial(server)
        sock.sendall(flights.step())
        pending[sock] = flights
    while pending:
        ready = select.select(list(pending), [], [], PATIENCE)[0]
        assert ready, f"{len(pending)} wait for ever"
        for sock in ready:
            flights = pending[sock]
            sock.sendall(flights.step(sock.recv(65536)))
            if flights.done:
                sock.sendall(flights.seal(GET))
                with sock:
                    assert b"Hello, world!" in flights.open(drain(sock))
                del pending[sock]
