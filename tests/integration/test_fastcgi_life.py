# SPDX-License-Identifier: MIT
"""FastCGI: requests side by side on a connection, taken back, and how all of it ends."""

import contextlib
import os
import select
import shutil
import signal
import socket

import pytest

import harness
from fcgi import (
    ABORT, COMPLETE, PARAMS, STDIN, UNKNOWN, VALUES, Client, begin, head, pairs, record, stream,
    values, variables,
)  # fmt: skip
from harness import until
from wire import Client as HttpClient
from wire import same

FASTCGI = ("--protocol", "fastcgi")


@pytest.fixture
def connect():
    with contextlib.ExitStack() as stack:
        yield lambda server, **kw: stack.enter_context(Client(server.port, **kw))


def still_serves(client, number=1):
    response = client.request("/", number=number, keep=True)
    assert response.status == 200
    return response


def all_seen(client):
    """By now the server has read all that this connection has sent before."""
    client.send(record(99, 0))
    while client.record().kind != UNKNOWN:
        pass


# ---- side by side


def test_five_interleaved(serve, connect):
    """As HAProxy does it: 1, 3, 5 …, all of them on one connection."""
    server = serve("echo:app", *FASTCGI, "--no-threads", "3")
    client = connect(server)
    numbers = range(1, 10, 2)
    bodies = {n: bytes([64 + n]) * (300_000 + n) for n in numbers}
    streams = {}
    for n in numbers:
        found = pairs(variables(f"/{n}", "POST", bodies[n]))
        streams[n] = [begin(n, keep=True)]
        streams[n] += [record(PARAMS, n, found[i : i + 50]) for i in range(0, len(found), 50)]
        streams[n] += [record(PARAMS, n)]
        streams[n] += [record(STDIN, n, bodies[n][i : i + 9000]) for i in range(0, 300_010, 9000)]
        streams[n] += [record(STDIN, n)]
    while any(streams.values()):
        for n in numbers:
            if streams[n]:
                client.send(streams[n].pop(0))
    for n in numbers:
        response = client.answer(n)
        assert response.get("X-Path") == f"/{n}" and same(response.body, bodies[n])


def test_answers_take_turns(serve, gate, connect):
    """None of five answers that never end keeps the others of its connection waiting."""
    server = serve("gated:flood", *FASTCGI, "--no-threads", "5", env=gate.env)
    client = connect(server)
    for n in range(1, 6):
        client.ask("/?1000000", number=n, keep=True)
    for n in range(1, 6):
        client.until(n, size=1_000_000)
    client.send(b"".join(record(ABORT, n) for n in range(1, 6)))
    for n in range(1, 6):
        assert client.ended(n).status == (0, COMPLETE)
        gate.heard("flood-closed-early")


def test_short_beside_long(serve, gate, connect):
    server = serve("gated:app", *FASTCGI, "--no-threads", "2", env=gate.env)
    client = connect(server, rcvbuf=4096)
    client.ask("/flood?1000", number=1, keep=True)
    client.until(1, size=100_000)
    client.ask("/", number=3, keep=True)
    client.answer(3)
    assert not client.answers[1].status


# ---- ABORT_REQUEST


BODY = b"x" * 100
OPEN = begin(5, keep=True)
SOME = OPEN + record(PARAMS, 5, pairs(variables("/", "POST", BODY))[:50])
HEAD = head("/", "POST", BODY, 5, keep=True)


@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize(
    "before",
    [OPEN, SOME, HEAD, HEAD + record(STDIN, 5, b"x" * 50)],
    ids=["begun", "in the variables", "before the body", "in the body"],
)
def test_abort_of_a_part(serve, connect, buffering, before):
    server = serve("echo:app", *FASTCGI, "--request-buffering", buffering)
    client = connect(server)
    for _ in range(3):
        client.send(before + record(ABORT, 5))
        assert client.ended(5).status == (0, COMPLETE)
        client.send(stream(PARAMS, 5, b"late") + stream(STDIN, 5, b"late"))  # on their way
        still_serves(client, 5)


def test_abort_closes_what_is_not_kept(serve, connect):
    client = connect(serve("echo:app", *FASTCGI)).send(head(body=BODY) + record(ABORT, 1))
    assert client.ended(1).status == (0, COMPLETE) and client.closed()


def test_abort_of_one_that_waits(serve, gate, connect):
    """It never runs."""
    server = serve("gated:hold", *FASTCGI, "--no-threads", "1", env=gate.env)
    client = connect(server)
    client.ask("/?first", number=1, keep=True)
    visit = gate.accept("first")
    client.ask("/?second", number=2, keep=True)
    client.send(record(ABORT, 2))
    assert client.ended(2).status == (0, COMPLETE)
    client.ask("/?third", number=2, keep=True)
    visit.release()
    assert client.answer(1).text == "first go"
    third = gate.accept("third")
    gate.never("second", third.release)
    assert client.answer(2).text == "third go"


def test_abort_of_one_that_runs(serve, gate, connect):
    """The front end has the end of it at once, and a new request may have its number."""
    server = serve("gated:hold", *FASTCGI, "--no-threads", "2", env=gate.env)
    client = connect(server)
    client.ask("/?first", keep=True)
    visit = gate.accept("first")
    client.send(record(ABORT, 1))
    ended = client.ended(1)
    assert (ended.status, ended.out) == ((0, COMPLETE), b"")
    client.ask("/?second", keep=True)
    gate.accept("second").release()
    visit.release()
    assert client.answer(1).text == "second go"


def test_abort_of_a_streamed_answer(serve, gate, connect):
    """The application is told: its iterable is closed."""
    server = serve("gated:app", *FASTCGI, env=gate.env)
    client = connect(server, rcvbuf=4096)
    client.ask("/flood?10000", keep=True)
    client.until(1, size=1000)
    client.send(record(ABORT, 1))
    assert client.ended(1).status == (0, COMPLETE)
    gate.heard("flood-closed-early")
    still_serves(client)


def test_abort_of_a_streamed_body(serve, gate, connect):
    """The application is told: reading fails, so that no part of an upload is taken for it all."""
    server = serve("gated:app", *FASTCGI, "--request-buffering", "off", env=gate.env)
    client = connect(server)
    client.send(head("/consume", "POST", BODY, keep=True) + record(STDIN, 1, BODY[:50]))
    gate.heard("consume-entered")
    client.send(record(ABORT, 1))
    assert client.ended(1).status == (0, COMPLETE)
    gate.heard("consume-failed-True")
    still_serves(client)


def test_cut_streamed_body(serve, gate, connect):
    """An end before CONTENT_LENGTH bytes is no end of a body (6.2)."""
    server = serve("gated:app", *FASTCGI, "--request-buffering", "off", env=gate.env)
    client = connect(server)
    client.send(head("/consume", "POST", BODY, keep=True) + record(STDIN, 1, BODY[:50]))
    gate.heard("consume-entered")
    client.send(record(STDIN, 1))
    assert client.answer(1).status == 400
    gate.heard("consume-failed-True")
    still_serves(client)


def test_abort_of_what_is_over(serve, connect):
    client = connect(serve("hello:app", *FASTCGI))
    client.request(keep=True)
    client.send(record(ABORT, 1))
    still_serves(client)


# ---- front ends that go away


@pytest.mark.parametrize("how", ["close", "reset"])
def test_five_running_and_gone(serve, gate, connect, how):
    """Three streams are told, and of what waits nothing runs."""
    server = serve("gated:app", *FASTCGI, "--no-threads", "3", env=gate.env)
    client = connect(server, rcvbuf=4096)
    for n in (1, 3, 5):
        client.ask("/flood?10000", number=n, keep=True)
    for n in (1, 3, 5):
        client.until(n, size=1)
    client.ask("/hold?seven", number=7, keep=True)
    client.ask("/hold?nine", number=9, keep=True)
    all_seen(client)
    getattr(client, how)()
    for _ in range(3):
        gate.heard("flood-closed-early")
    gate.never("seven", lambda: still_serves(connect(server)))
    gate.never("nine", lambda: still_serves(connect(server)))


def test_connect_and_close_logs_nothing(serve, connect):
    server = serve("hello:app", *FASTCGI, "--log-level", "info")
    for _ in range(5):
        socket.create_connection(("127.0.0.1", server.port)).close()
    for _ in range(2):  # what was ready with the connection is seen no later than its first byte
        all_seen(connect(server))
    still_serves(connect(server))
    assert "conn " not in server.log()


def test_asks_for_values_and_reads_nothing(serve, connect):
    """What is answered to a peer that does not read has a bound: then it is not heard either."""
    server = serve("hello:app", *FASTCGI, "--no-threads", "1")
    client = connect(server, rcvbuf=4096)
    still_serves(client)
    before = server.memory()
    one = values("FCGI_MPXS_CONNS")
    most = 64 << 20
    client.sock.setblocking(False)
    sent, data = 0, one * 4096
    while sent < most and select.select([], [client.sock], [], 1)[1]:
        sent += client.sock.send(data[sent % len(data) :])
    assert sent < most, "it is read without end"
    if not harness.sanitized():
        assert server.memory() - before < 8192
    still_serves(connect(server))
    client.sock.settimeout(client.timeout)
    for _ in range(sent // len(one)):
        assert client.record().kind == VALUES


def test_reads_nothing_of_its_answers(serve, connect):
    options = ("--write-timeout", "500ms", "--log-level", "info", "--no-threads", "3")
    server = serve("responses:app", *FASTCGI, *options)
    client = connect(server, rcvbuf=4096)
    for n in range(1, 6):
        client.ask("/huge", number=n, keep=True)
    server.wait_log("took nothing for write_timeout")
    with pytest.raises((ConnectionResetError, AssertionError)):
        for n in range(1, 6):
            client.answer(n)
    with Client(server.port) as other:
        assert other.request("/list1").text == "one"


# ---- deadlines


@pytest.mark.parametrize("sent", [OPEN[:3], OPEN, SOME, HEAD])
def test_slow_head(serve, connect, sent):
    server = serve("hello:app", *FASTCGI, "--head-timeout", "300ms", "--log-level", "info")
    client = connect(server).send(sent)
    if len(sent) >= len(OPEN):
        assert client.answer(5).status == 408
    assert client.closed()
    server.wait_log("head_timeout")


def test_slow_body(serve, connect):
    server = serve("echo:app", *FASTCGI, "--body-timeout", "300ms", "--log-level", "info")
    client = connect(server).send(HEAD + record(STDIN, 5, b"x"))
    assert client.answer(5).status == 408
    server.wait_log("body_timeout")


def test_slow_body_beside_a_request(serve, gate, connect):
    """The others of its connection are not its fault."""
    options = ("--body-timeout", "300ms", "--no-threads", "2")
    server = serve("gated:hold", *FASTCGI, *options, env=gate.env)
    client = connect(server)
    client.ask("/?x", number=1, keep=True)
    visit = gate.accept("x")
    client.send(HEAD + record(STDIN, 5, b"x"))
    assert client.answer(5).status == 408
    visit.release()
    assert client.answer(1).text == "x go"


def test_idle_kept_connection(serve, connect):
    server = serve("hello:app", *FASTCGI, "--idle-timeout", "300ms")
    client = connect(server)
    still_serves(client)
    assert client.closed()
    assert connect(server).closed()


# ---- the server's life

# Kept connections that are not silent for half of it are closed after an answer.
SOON = ("--graceful-timeout", "3")


@pytest.mark.parametrize("options", [(), ("--no-proc", "2")], ids=["alone", "supervised"])
def test_graceful_stop(serve, gate, connect, options):
    """Idle connections go, requests that run are answered, and their connections go then."""
    server = serve("gated:app", *FASTCGI, "--no-threads", "3", *options, env=gate.env)
    idle, busy = connect(server), connect(server)
    for client in (idle, busy):
        still_serves(client)
    busy.ask("/hold?one", number=1, keep=True)
    busy.ask("/hold?three", number=3, keep=True)
    visits = [gate.accept(tag) for tag in ("one", "three")]
    server.send_signal(signal.SIGTERM)
    assert idle.closed()
    for visit in visits:
        visit.release()
    assert busy.answer(1).text == "one go" and busy.answer(3).text == "three go"
    assert busy.closed()
    assert server.wait_exit() == 0


def test_reload_with_kept_connections(serve, gate, connect):
    """What runs in an old worker is answered; kept connections are closed when they are idle."""
    options = ("--no-proc", "2", "--no-threads", "2", *SOON)
    server = serve("procs:app", *FASTCGI, *options, env=gate.env)
    old = server.workers(2)
    busy = connect(server)
    busy.ask("/hold?x", number=3, keep=True)
    visit = gate.accept("x")
    server.send_signal(signal.SIGHUP)
    server.wait_log(r"reloaded: 2 workers")
    visit.release()
    assert int(busy.answer(3).text) in old
    assert busy.closed()
    for pid in old:
        server.wait_worker_gone(pid)
    assert int(still_serves(connect(server)).text) in server.workers(2)


class Kept:
    """A front end with one kept connection, and another when the server has closed that one."""

    def __init__(self, server, connect):
        self.open = lambda: connect(server)
        self.client = self.open()

    def ask(self):
        if not self.client.quiet():
            assert self.client.closed()
            self.client = self.open()
        return still_serves(self.client).text


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR2], ids=["reload", "upgrade"])
def test_replaced_under_requests(serve, connect, number, tmp_path, monkeypatch):
    program = tmp_path / "yimmo-wsgi"
    shutil.copy(harness.server_path(), program)
    monkeypatch.setenv("YMO_SERVER", str(program))
    server = serve("procs:app", *FASTCGI, "--no-proc", "2", *SOON)
    before = server.workers(2)
    front = Kept(server, connect)
    assert int(front.ask()) in before
    server.send_signal(number)
    until(lambda: int(front.ask()) not in before, "the new workers answer")
    server.wait_log(r"reloaded: 2 workers")


def test_max_requests(serve, connect):
    """Requests of a kept connection count, and nothing is lost where the worker is replaced."""
    options = ("--supervise", "on", "--max-requests", "20", "--recycle-jitter", "0")
    server = serve("procs:app", *FASTCGI, *SOON, *options)
    (old,) = server.workers(1)
    front = Kept(server, connect)
    asked = 0
    while int(front.ask()) == old:
        asked += 1
    assert asked >= 20
    server.wait_worker_gone(old)


def test_worker_dies(serve, connect):
    """Its connections end, and with them all that ran there; others serve on."""
    server = serve("procs:app", *FASTCGI, "--no-proc", "2")
    server.workers(2)
    client = connect(server)
    pid = int(still_serves(client).text)
    client.ask(f"/die?{int(signal.SIGKILL)}", keep=True)
    assert client.closed()
    server.wait_worker_gone(pid)
    assert int(still_serves(connect(server)).text) != pid


def test_unix_socket(serve, short_dir):
    path = f"{short_dir}/s"
    serve("environ_app:app", "--bind", f"fastcgi://unix:{path}", bind=False)
    with Client(path) as client:
        still_serves(client)
        environ = client.request("/a", keep=False, REMOTE_ADDR=None, REMOTE_PORT=None)
        assert b'"REMOTE_ADDR": ""' in environ.body and client.closed()


def test_beside_others(serve):
    binds = [f"{protocol}://127.0.0.1:0" for protocol in ("fastcgi", "http", "uwsgi")]
    options = [word for bind in binds for word in ("--bind", bind)]
    server = serve("hello:app", *options, bind=False)
    port = int(server.wait_log(r"listening on http://127\.0\.0\.1:(\d+)").group(1))
    with Client(server.port) as client:
        assert client.request().text == "Hello, world!"
    with HttpClient(port) as client:
        assert client.request("/").text == "Hello, world!"


@pytest.mark.parametrize("threads", ["1", "4"])
def test_many_of_everything(serve, connect, threads):
    """Ten connections with twenty requests each, in processes and threads."""
    server = serve("echo:app", *FASTCGI, "--no-proc", "2", "--no-threads", threads)
    server.workers(2)
    clients = [connect(server) for _ in range(10)]
    for n in range(1, 21):
        for i, client in enumerate(clients):
            client.ask(f"/{i}/{n}", "POST", b"%d," % n * (n * 500), number=n, keep=True)
    for i, client in enumerate(clients):
        for n in range(1, 21):
            response = client.answer(n)
            assert response.get("X-Path") == f"/{i}/{n}"
            assert same(response.body, b"%d," % n * (n * 500))
