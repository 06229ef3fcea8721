# SPDX-License-Identifier: MIT
"""SIGHUP reads certificates again: new connections see the new ones, and no old one suffers."""

import hashlib
import os
import shutil
import signal
import threading

import pytest

from certs import openssl
from fleet import Reloads
from harness import PATIENCE, until
from tlsclient import Flights, TlsClient, context, dial, shown


class Place:
    """Where the files of a server are."""

    def __init__(self, directory, pki):
        self.pki = pki
        self.cert, self.key = directory / "site.crt", directory / "site.key"
        self.options = ["--tls-cert", self.cert, "--tls-key", self.key]
        self.put(pki.local)

    def put(self, cert):
        """As a client of ACME does: a new file, renamed into place."""
        for source, target in ((cert.chain, self.cert), (cert.key, self.key)):
            shutil.copy(source, target.with_suffix(".new"))
            os.rename(target.with_suffix(".new"), target)


@pytest.fixture
def place(tmp_path, pki):
    return Place(tmp_path, pki)


def test_new_certificate(serve, place, pki):
    server = serve("hello:app", *place.options, "--no-proc", "2")
    server.workers(2)
    reload_ = Reloads(server)
    for cert in (pki.local_again, pki.rsa, pki.local):
        old = server.workers(2)
        place.put(cert)
        reload_()
        for pid in old:
            server.wait_worker_gone(pid)
        for _ in range(4):
            assert shown(server, pki) == cert.fingerprint


def test_without_a_signal_nothing_changes(serve, place, pki):
    server = serve("hello:app", *place.options)
    place.put(pki.local_again)
    assert shown(server, pki) == pki.local.fingerprint


def test_connections_of_before_are_served_to_their_end(serve, place, pki, gate):
    server = serve("gated:app", *place.options, "--no-threads", "4", env=gate.env)
    (old,) = server.workers(1)
    ctx = context(pki)
    idle, held, streamed, big, half = (TlsClient(server.port, ctx) for _ in range(5))
    idle.request()
    held.get("/hold?x")
    held_visit = gate.accept("x")
    streamed.get("/steps")
    gate.accept("steps-next").release()
    assert streamed.head().status == 200 and streamed.chunk() == b"data: 1\n\n"
    waiting = gate.accept("steps-next")
    big.get("/flood?400")
    assert big.head().status == 200
    half.send("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")

    place.put(pki.local_again)
    Reloads(server)(old)
    until(lambda: shown(server, pki) == pki.local_again.fingerprint, "the new one is seen")
    held_visit.release("done")
    assert held.response().text == "x done"
    assert held.closed()
    waiting.release()
    gate.accept("steps-next").release()
    assert list(streamed.chunks()) == [b"data: 2\n\n", b"data: 3\n\n"]
    assert sum(map(len, big.chunks())) == 400 * 65536 and big.closed()
    gate.heard("flood-closed-all")
    half.send(b"cd")
    assert half.response().text == "early"
    response = idle.request()
    assert response.text.split()[0] == str(old), "an idle one still works, and then ends well"
    assert response.has_token("Connection", "close") and idle.closed()
    for client in (idle, held, streamed, big, half):
        client.close()
    server.wait_worker_gone(old)
    assert "killing it" not in server.log()


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_handshakes_under_way_are_finished(serve, place, pki, version):
    server = serve("procs:app", *place.options)
    (old,) = server.workers(1)
    ctx = context(pki, version)
    first, second = Flights(ctx), Flights(ctx)
    # Made with the old worker, which has read some of it: it answers the one beside it.
    with dial(server) as half, dial(server) as whole:
        hello = first.step()
        half.sendall(hello[:100])
        flight = second.second(whole, second.step())
        with TlsClient(server.port, ctx) as client:
            assert int(client.request().text) == old
        place.put(pki.local_again)
        Reloads(server)()
        whole.sendall(flight)
        answers = [ask(second, whole)]
        half.sendall(first.second(half, hello[100:]))
        answers.append(ask(first, half))
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n%d" % old), answer
    server.wait_worker_gone(old)


def ask(flights, sock):
    """Finish the handshake (in 1.2 the server has the last word), then one request."""
    while not flights.done:
        data = sock.recv(65536)
        assert data, "closed in the handshake"
        sock.sendall(flights.step(data))
    sock.sendall(flights.seal(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    parts = []
    while data := sock.recv(65536):
        parts.append(flights.open(data))
    return b"".join(parts)


def no_file(place, pki):
    place.cert.unlink()
    return place.cert


def no_key(place, pki):
    place.key.unlink()
    return place.key


def other_key(place, pki):
    shutil.copy(pki.local_again.key, place.key)
    return place.key


def garbage(place, pki):
    place.cert.write_bytes(b"\0garbage\xff" * 100)
    return place.cert


def empty(place, pki):
    place.cert.write_bytes(b"")
    return place.cert


def cut_short(place, pki):
    place.cert.write_bytes(place.cert.read_bytes()[:300])
    return place.cert


def expired(place, pki):
    place.put(pki.expired)
    return place.cert


def encrypted(place, pki):
    shutil.copy(pki.encrypted(pki.local), place.key)
    return place.key


BREAK = [no_file, no_key, other_key, garbage, empty, cut_short, expired, encrypted]


def test_broken_certificate_changes_nothing(serve, place, pki):
    server = serve("hello:app", *place.options, "--no-proc", "2")
    workers = server.workers(2)
    reload_ = Reloads(server)
    for spoil in BREAK:
        before = server.log()
        path = spoil(place, pki)
        reload_.fails("certificates are not accepted")
        told = [line for line in server.log()[len(before) :].splitlines() if str(path) in line]
        assert len(told) == 1 and " ERROR " in told[0], (spoil.__name__, told)
        assert shown(server, pki) == pki.local.fingerprint
        assert server.workers(2) == workers
        place.put(pki.local)
    place.put(pki.local_again)
    reload_()
    for pid in workers:
        server.wait_worker_gone(pid)
    assert shown(server, pki) == pki.local_again.fingerprint


def test_broken_second_certificate_changes_nothing(serve, place, pki, tmp_path):
    second = tmp_path / "second.pem"
    shutil.copy(pki.other.one_file(), second)
    server = serve("hello:app", *place.options, "--tls-sni", second)
    reload_ = Reloads(server)
    place.put(pki.local_again)
    second.write_text("nothing")
    reload_.fails(str(second))
    assert shown(server, pki) == pki.local.fingerprint
    assert shown(server, pki, "other.test") == pki.other.fingerprint


def test_from_https_to_http_and_back(serve, pki, tmp_path):
    """The file's settings are read again, too."""
    from wire import Client

    text = "wsgi:\n  module: hello:app\n  port: 0\n{more}"
    tls = f"  tls:\n    cert: {pki.local.chain}\n    key: {pki.local.key}\n"
    server = serve(None, config=text.format(more=tls), bind=False)
    path = tmp_path / "yimmo.yml"
    reload_ = Reloads(server)
    path.write_text(text.format(more="  supervise: on\n"))
    old = server.workers(1)
    reload_()
    server.wait_worker_gone(old[0])
    with Client(server.port) as client:
        assert client.request().status == 200
    path.write_text(text.format(more=tls))
    old = server.workers(1)
    reload_()
    server.wait_worker_gone(old[0])
    assert shown(server, pki) == pki.local.fingerprint


def test_eight_reloads_under_load(serve, place, pki):
    """Every request has a connection of its own, and none is lost."""
    server = serve("hello:app", *place.options, "--no-proc", "1", "--no-threads", "2")
    ctx = context(pki)
    failures, seen, stop = [], [], threading.Event()

    def work():
        while not stop.is_set() and not failures:
            try:
                with TlsClient(server.port, ctx) as client:
                    assert client.request(headers="Connection: close\r\n").status == 200
                    assert client.closed()
                    seen.append(client.fingerprint)
            except Exception as exc:
                failures.append(exc)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    reload_ = Reloads(server)
    try:
        for n in range(8):
            place.put(pki.local_again if n % 2 == 0 else pki.local)
            reload_()
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert not failures, failures
    assert set(seen) == {pki.local.fingerprint, pki.local_again.fingerprint}


def test_big_download_goes_on_across_a_reload(serve, place, pki, gate):
    """Its client reads slowly, the old worker keeps feeding it."""
    server = serve("files:app", *place.options)
    (old,) = server.workers(1)
    ctx = context(pki)
    with TlsClient(server.port, ctx, rcvbuf=4096) as client:
        client.get("/whole")
        head = client.head()
        place.put(pki.local_again)
        Reloads(server)()
        body = client.body(head).body
    assert hashlib.sha256(body).digest() == hashlib.sha256(
        bytes(i * 7 % 251 for i in range(300_000))
    ).digest()
    server.wait_worker_gone(old)


def test_certificate_that_expires_soon_is_told(serve, pki):
    server = serve("hello:app", *pki.soon.options)
    line = server.wait_log(r"(?m)^.*WARNING.*$").group(0)
    assert str(pki.soon.chain) in line
    assert shown(server, pki) == pki.soon.fingerprint
    assert server.stop(signal.SIGTERM) == 0


def test_certificate_of_the_test_is_what_openssl_says(pki):
    """These tests compare fingerprints: two certificates must have two."""
    text = openssl("x509", "-in", pki.local.leaf, "-noout", "-ext", "subjectAltName").decode()
    assert "DNS:localhost" in text and "IP Address:127.0.0.1" in text
    assert pki.local.fingerprint != pki.local_again.fingerprint
