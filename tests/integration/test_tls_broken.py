# SPDX-License-Identifier: MIT
"""Clients that break off, send garbage, or send nothing, at every byte of a handshake."""

import contextlib
import os
import random
import socket

import pytest

from harness import PATIENCE, Server, until
from tlsclient import (
    BOTH,
    Flights,
    Talk,
    TlsClient,
    alert,
    client_hello,
    context,
    dial,
    drain,
    reset,
    second_flight,
)

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def site(pki):
    """With a watch: every test's connections are gone from it afterwards."""
    server = Server(
        ["hello:app", "--host", "127.0.0.1", "--port", "0", *pki.local.options, "-t", "1"]
    )
    yield server
    server.end()


@pytest.fixture
def ctx(pki):
    return context(pki)


@pytest.fixture(autouse=True)
def nothing_is_left(request):
    """The one worker holds no more descriptors than before, is the same, and serves."""
    if "site" not in request.fixturenames:
        yield
        return
    site, pki = request.getfixturevalue("site"), request.getfixturevalue("pki")
    (pid,) = site.workers(1)

    def serves():
        with TlsClient(site.port, context(pki)) as client:
            assert client.request(headers="Connection: close\r\n").status == 200

    def count():
        return len(os.listdir(f"/proc/{pid}/fd"))

    serves()
    before = count()
    yield
    serves()
    until(lambda: count() <= before, "all descriptors are closed")
    assert site.workers(1) == (pid,) or site.workers(1) == [pid], "no worker died of it"


def ends(sock):
    """Say that no more comes, and wait for the server to end it as well; what it said."""
    with sock:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
        sock.settimeout(PATIENCE)
        return drain(sock)


def no_response(flights, data):
    """Nothing in what the server sent is an answer of the application."""
    try:
        text = flights.open(data)
    except Exception:
        return  # an alert, or nothing that can be opened
    assert b"HTTP/1.1 200" not in text


# ---- the first flight ----


def test_hello_cut_off_at_every_byte(site):
    hello = client_hello()
    for n in range(len(hello)):
        sock = dial(site)
        sock.sendall(hello[:n])
        data = ends(sock)
        assert data == b"" or data[:1] == b"\x15", (n, data)


def test_hello_reset_at_every_byte(site):
    hello = client_hello()
    for n in range(len(hello) + 1):
        sock = dial(site)
        sock.sendall(hello[:n])
        reset(sock)


@BOTH
def test_hello_in_two_pieces_at_every_byte(site, pki, version):
    """All of them wait halfway while another is served: the first piece has been read by then."""
    ctx = context(pki, version)
    waiting = []
    for n in range(1, len(client_hello(ctx)), 3):
        flights, sock = Flights(ctx), dial(site)
        hello = flights.step()
        sock.sendall(hello[:n])
        waiting.append((flights, sock, hello[n:]))
    with TlsClient(site.port, ctx) as client:
        client.request()
    for flights, sock, rest in waiting:
        with sock:
            assert flights.second(sock, rest)


@BOTH
def test_handshake_byte_by_byte(site, pki, version):
    flights = Flights(context(pki, version))
    with dial(site) as sock:
        hello = flights.step()
        for n in range(len(hello) - 1):
            sock.sendall(hello[n : n + 1])
        flight = flights.second(sock, hello[-1:])
        for n in range(len(flight)):
            sock.sendall(flight[n : n + 1])
        while not flights.done:
            flights.step(sock.recv(65536))
        request = flights.seal(GET)
        for n in range(len(request)):
            sock.sendall(request[n : n + 1])
        assert b"Hello, world!" in flights.open(drain(sock))


@BOTH
def test_hello_in_many_records(site, pki, version):
    """A handshake message may be spread over several (RFC 8446 section 5.1)."""
    flights = Flights(context(pki, version))
    hello = flights.step()
    body, pieces = hello[5:], b""
    for at in range(0, len(body), 50):
        piece = body[at : at + 50]
        pieces += hello[:3] + len(piece).to_bytes(2, "big") + piece
    with dial(site) as sock:
        sock.sendall(flights.second(sock, pieces))
        while not flights.done:
            flights.step(sock.recv(65536))
        sock.sendall(flights.seal(GET))
        assert b"Hello, world!" in flights.open(drain(sock))


def test_request_with_the_last_flight(site, pki):
    """In one segment. Not in 1.2, where the server has the last word."""
    flights = Flights(context(pki, "1.3"))
    with dial(site) as sock:
        flight = flights.second(sock, flights.step())
        assert flights.done
        sock.sendall(flight + flights.seal(GET))
        assert b"Hello, world!" in flights.open(drain(sock))


@BOTH
def test_hello_with_a_wrong_byte_everywhere(site, pki, version):
    ctx = context(pki, version)
    for n in range(len(client_hello(ctx))):
        for flip in (0x01, 0xFF):
            flights = Flights(ctx)
            hello = bytearray(flights.step())
            hello[n] ^= flip
            sock = dial(site)
            sock.sendall(hello)
            data = ends(sock)
            assert data == b"" or data[0] in (0x15, 0x16) or data.startswith(b"HTTP/1.1 400"), (
                n,
                data[:20],
            )


GARBAGE = {
    "zeros": b"\0" * 300,
    "ones": b"\xff" * 300,
    "record of no kind": b"\x13\x03\x01\x00\x05hello",
    "application data first": b"\x17\x03\x03\x00\x05hello",
    "an alert first": b"\x15\x03\x01\x00\x02\x01\x00",
    "a fatal alert first": b"\x15\x03\x01\x00\x02\x02\x28",
    "finished first": b"\x16\x03\x01\x00\x10\x14\x00\x00\x0c" + b"x" * 12,
    "empty record": b"\x16\x03\x01\x00\x00" * 20,
    "record too large": b"\x16\x03\x01\xff\xff\x01" + b"x" * 70_000,
    "hello too large": b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + b"x" * 40_000,
    "hello of no length": b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
    "heartbeat": b"\x18\x03\x02\x00\x03\x01\x40\x00",
    "ssl 2": b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10" + b"x" * 40,
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "smtp": b"EHLO here\r\n",
    "http 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "proxy protocol": b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
    "fastcgi": b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00",
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage(site, what):
    sock = dial(site)
    with contextlib.suppress(ConnectionError):
        sock.sendall(GARBAGE[what])
    data = ends(sock)
    assert data == b"" or data[0] == 0x15 or data.startswith(b"HTTP/1.1 400 "), data[:100]


def test_garbage_is_answered_without_waiting_for_more(site):
    """What can no longer become a hello is not waited for."""
    for what in ("zeros", "ones", "application data first", "finished first", "ssh"):
        with dial(site) as sock:
            sock.sendall(GARBAGE[what])
            drain(sock)


def test_random_bytes(site):
    rng = random.Random(4)
    for _ in range(300):
        sock = dial(site)
        with contextlib.suppress(ConnectionError):
            sock.sendall(rng.choice([b"", b"\x16\x03\x01"]) + rng.randbytes(rng.randrange(600)))
        data = ends(sock)
        assert data == b"" or data[0] in (0x15, 0x16) or data.startswith(b"HTTP/1.1 400 ")


# ---- the second flight ----


@BOTH
def test_second_flight_cut_off_at_every_byte(site, pki, version):
    ctx = context(pki, version)
    n = 0
    while True:
        flights, sock, flight = second_flight(site, ctx)
        if n >= len(flight):
            sock.close()
            break
        sock.sendall(flight[:n])
        ends(sock) if n % 2 else reset(sock)
        n += 1
    assert n > 50


@BOTH
def test_second_flight_with_a_wrong_byte_everywhere(site, pki, version):
    ctx = context(pki, version)
    n = 0
    while True:
        flights, sock, flight = second_flight(site, ctx)
        if n >= len(flight):
            sock.close()
            break
        spoiled = bytearray(flight)
        spoiled[n] ^= 0xFF
        sock.sendall(spoiled)
        if flights.done:  # 1.3: it may speak at once
            with contextlib.suppress(ConnectionError):
                sock.sendall(flights.seal(GET))
        data = ends(sock)
        header = n < 11 and version == "1.3"  # some of that a server must not look at
        if not header:
            no_response(flights, data)
        n += 1


# ---- application data ----


def opened(site, ctx):
    """A connection after its handshake, with the server's last words read."""
    flights, sock, flight = second_flight(site, ctx)
    sock.sendall(flight)
    while not flights.done:
        flights.step(sock.recv(65536))
    return flights, sock


@BOTH
def test_record_with_a_wrong_byte_everywhere(site, pki, version):
    """Nothing of it reaches the application, and the client is told."""
    ctx = context(pki, version)
    n, told = 0, 0
    while True:
        flights, sock = opened(site, ctx)
        record = bytearray(flights.seal(GET))
        if n >= len(record):
            sock.close()
            break
        record[n] ^= 0xFF
        sock.sendall(record)
        data = ends(sock)
        no_response(flights, data)
        told += bool(data)
        n += 1
    assert told > n // 2


@BOTH
def test_record_cut_off_everywhere(site, pki, version):
    ctx = context(pki, version)
    n = 0
    while True:
        flights, sock = opened(site, ctx)
        record = flights.seal(GET)
        if n >= len(record):
            sock.close()
            break
        sock.sendall(record[:n])
        no_response(flights, ends(sock))
        n += 1
    assert n > len(GET)


@BOTH
def test_replayed_record_is_refused(site, pki, version):
    flights, sock = opened(site, context(pki, version))
    record = flights.seal(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    sock.sendall(record + record)
    data = ends(sock)
    try:
        text = flights.open(data)
    except Exception:
        return
    assert text.count(b"HTTP/1.1 200") <= 1


def test_plaintext_after_the_handshake_is_refused(site, ctx):
    flights, sock = opened(site, ctx)
    sock.sendall(GET)
    no_response(flights, ends(sock))


def test_empty_records_do_not_go_on_for_ever(site, pki):
    """Many of nothing: either they are swallowed or refused, and then the server serves."""
    flights, sock = opened(site, context(pki, "1.2"))
    with contextlib.suppress(ConnectionError):
        for _ in range(1000):
            sock.sendall(b"\x17\x03\x03\x00\x00")
    ends(sock)


def test_key_updates(site):
    """RFC 8446 section 4.6.3: new keys for one direction ("k") or both ("K") at any time."""
    with Talk(site, "-tls1_3") as talk:
        for n in range(4):
            talk.say("kK"[n % 2])
            talk.hear("KEYUPDATE", count=n + 1)
        talk.say(GET.decode())
        talk.hear("Hello, world!")


# ---- those that leave, and what they are told ----


def test_health_check_that_connects_and_leaves(site):
    for _ in range(50):
        dial(site).close()
        reset(dial(site))


def test_client_that_refuses_the_certificate(site, pki):
    """It says so with an alert, and leaves."""
    import ssl

    for version in ("1.2", "1.3"):
        for _ in range(5):
            with pytest.raises(ssl.SSLError):
                TlsClient(site.port, context(pki.foreign.leaf, version))


def test_alert_for_a_hello_that_is_not_liked(site, pki):
    """An X25519 key that no client makes (its highest bit is set): told, not just cut off."""
    hello = bytearray(client_hello(context(pki, "1.3")))
    at = hello.index(b"\x00\x1d\x00\x20") + 4
    hello[at + 31] |= 0x80
    with dial(site) as sock:
        sock.sendall(hello)
        data = drain(sock)
    assert data[:1] in (b"\x15", b"\x16"), data


def test_alert_for_what_is_no_tls(site):
    with dial(site) as sock:
        sock.sendall(b"\0" * 64)
        data = drain(sock)
    assert data[:1] == b"\x15" and data.endswith(alert("unexpected_message"))
