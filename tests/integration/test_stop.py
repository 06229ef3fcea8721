# SPDX-License-Identifier: MIT
"""How a server with a supervisor ends, and what it leaves behind: nothing."""

import json
import os
import signal
import stat

import pytest

from harness import running, until
from load import Load
from test_signals import refused
from wire import Client

BOTH = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@BOTH
def test_idle_active_and_stuck_connections(serve, gate, connect, number):
    server = serve(
        "procs:app", "--no-proc", "2", "--no-threads", "2", "--idle-timeout", "600", env=gate.env
    )
    server.workers(2)
    idle = [connect(server) for _ in range(4)]
    for client in idle[:2]:
        client.request()
    active = connect(server).get("/hold?x")
    visit = gate.accept("x")
    streamed = connect(server).get("/stream?y")
    streamed.head()
    other = gate.accept("y")
    server.send_signal(number)
    for client in idle[:2]:
        assert client.closed()
    refused(server)
    visit.release()
    other.release()
    response = active.response()
    assert response.status == 200 and response.has_token("Connection", "close")
    assert active.closed()
    assert streamed.chunk() == b"first" and streamed.chunk() == b"second"
    assert streamed.chunk() == b"" and streamed.closed()
    assert server.wait_exit() == 0


@BOTH
def test_signal_to_the_whole_group_is_as_graceful(serve, gate, connect, number):
    """Control-C in a terminal, and service managers, reach supervisor and workers at once."""
    server = serve("procs:app", "--no-proc", "2", env=gate.env)
    server.workers(2)
    active = connect(server).get("/hold?x")
    visit = gate.accept("x")
    os.killpg(server.pid, number)
    server.told_to_end = True
    refused(server)
    visit.release()
    assert active.response().status == 200
    assert server.wait_exit() == 0


def test_group_signal_with_preload(serve, gate, connect):
    server = serve("procs:app", "--no-proc", "2", "--preload", "on", env=gate.env)
    server.workers(2)
    active = connect(server).get("/hold?x")
    visit = gate.accept("x")
    os.killpg(server.pid, signal.SIGINT)
    server.told_to_end = True
    refused(server)
    visit.release()
    assert active.response().status == 200
    assert server.wait_exit() == 0


def test_stop_under_load_answers_all_that_was_sent(serve):
    server = serve("procs:app", "--no-proc", "2")
    server.workers(2)
    load = Load(server.port, kept=6, fresh=2)
    with pytest.raises(AssertionError):
        with load:
            load.more(100)
            server.send_signal(signal.SIGTERM)
            server.process.wait()
            until(lambda: len(load.failures) > 8, "nobody is there any more")
    # What failed is that nobody accepts: not a request that had a connection.
    wrong = [f for f in load.failures if "connect" not in f and "request 1 " not in f]
    assert not wrong, wrong
    assert server.wait_exit() == 0


def test_stuck_request_is_cut_off_after_graceful_timeout(serve, gate, connect):
    server = serve("procs:app", "--no-proc", "2", "--graceful-timeout", "300ms", env=gate.env)
    server.workers(2)
    client = connect(server).get("/sleep")
    gate.heard("stuck")
    server.send_signal(signal.SIGTERM)
    assert client.rest() == b""
    assert server.wait_exit() == 1
    assert "graceful_timeout" in server.log()


def test_half_a_request_does_not_hold_up_the_end(serve, connect):
    server = serve("procs:app", "--no-proc", "2", "--graceful-timeout", "500ms")
    server.workers(2)
    client = connect(server).send("GET / HT")
    posting = connect(server).send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")
    server.send_signal(signal.SIGTERM)
    client.rest()
    posting.rest()
    server.wait_exit()


@pytest.mark.parametrize("options", [(), ("--no-proc", "2")], ids=["alone", "supervised"])
def test_sigquit_ends_at_once(serve, gate, connect, options):
    server = serve("procs:app", "--graceful-timeout", "600", *options, env=gate.env)
    client = connect(server).get("/hold?x")
    gate.accept("x")
    assert server.stop(signal.SIGQUIT) == 128 + signal.SIGQUIT
    assert client.rest() == b""
    assert "SIGQUIT" in server.log()


def test_sigquit_to_one_worker_ends_that_one(serve, gate, connect):
    server = serve("procs:app", "--no-proc", "2", env=gate.env)
    workers = server.workers(2)
    connect(server).get("/hold?x")
    gate.accept("x")
    os.kill(workers[0], signal.SIGQUIT)
    until(lambda: not running(workers[0]), "it ends")
    assert workers[1] in server.workers(2)


def test_second_signal_ends_at_once(serve, gate, connect):
    server = serve("procs:app", "--no-proc", "2", "--graceful-timeout", "600", env=gate.env)
    server.workers(2)
    client = connect(server).get("/c")
    gate.heard("stuck")
    server.send_signal(signal.SIGTERM)
    refused(server)
    server.send_signal(signal.SIGTERM)
    assert client.rest() == b""
    assert server.wait_exit() == 128 + signal.SIGTERM
    assert "again" in server.log()


def test_stopped_worker_does_not_outlive_the_server(serve):
    server = serve("procs:app", "--no-proc", "2", "--graceful-timeout", "0")
    workers = server.workers(2)
    os.kill(workers[0], signal.SIGSTOP)
    assert server.stop(signal.SIGQUIT) == 131
    assert not running(workers[0])


# ---- files ----


def test_unix_socket_lives_as_long_as_the_server(serve, short_dir):
    path = short_dir / "s"
    server = serve("procs:app", "--no-proc", "2", "--bind", f"unix:{path}", bind=False)
    workers = server.workers(2)
    inode = path.stat().st_ino
    for pid in workers:
        os.kill(pid, signal.SIGTERM)
        until(lambda pid=pid: not running(pid), "the worker ends")
    server.workers(2)
    server.send_signal(signal.SIGHUP)
    server.wait_log("reloaded: 2 workers")
    assert path.stat().st_ino == inode
    now = server.workers(2)
    with Client(str(path)) as client:
        assert int(client.request().text) in now
    assert server.stop() == 0
    assert not path.exists()


def test_unix_socket_of_a_server_that_does_not_start_is_removed(serve, short_dir):
    path = short_dir / "s"
    server = serve(
        "nosuch:app", "--no-proc", "2", "--bind", f"unix:{path}", bind=False, ready=False
    )
    assert server.wait_exit() == 1
    assert not path.exists()


@pytest.mark.parametrize("options", [(), ("--no-proc", "2")], ids=["alone", "supervised"])
def test_pidfile(serve, tmp_path, options):
    path = tmp_path / "pid"
    server = serve("procs:app", "--pidfile", path, *options)
    assert path.read_text() == f"{server.pid}\n"
    assert not stat.S_IMODE(path.stat().st_mode) & 0o022
    if options:
        server.send_signal(signal.SIGHUP)
        server.wait_log("reloaded")
        assert path.read_text() == f"{server.pid}\n"
        os.kill(server.workers(2)[0], signal.SIGTERM)
        server.wait_log("has ended|exited with status 0")
    assert path.exists()
    assert server.stop() == 0
    assert not path.exists()


def test_stale_pidfile_does_not_keep_it_from_starting(serve, tmp_path):
    path = tmp_path / "pid"
    path.write_text("4194304\n")
    server = serve("procs:app", "--pidfile", path, "--no-proc", "2")
    assert path.read_text() == f"{server.pid}\n"


@pytest.mark.parametrize("options", [(), ("--no-proc", "2"), ("--preload",)])
def test_child_of_the_application_does_not_keep_the_port(serve, connect, options):
    server = serve("interpreter:app", *options)
    child = int(json.loads(connect(server).request("/fork-and-stay").text))
    try:
        assert server.stop() == 0
        assert running(child)
        with pytest.raises(ConnectionRefusedError):
            connect(server)
    finally:
        os.kill(child, signal.SIGKILL)
