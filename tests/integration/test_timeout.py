# SPDX-License-Identifier: MIT
"""Requests that hang: their stacks in the log, 504 for their client, a new worker for the rest."""

import re
import signal

import pytest

from fleet import pid_of
from harness import until
from load import Load
from wire import Broken, post

# Clients here do not close when they are told to: a server would wait for that.
TIMEOUT = ("--request-timeout", "300ms", "--linger-timeout", "50ms")
# Where it hangs, as the stack must show it.
HANGS = {"/sleep": "sleep_for_ever", "/spin": "spin_for_ever", "/c": "hold_the_gil"}


@pytest.mark.parametrize("target", HANGS)
@pytest.mark.parametrize("n", [1, 2])
def test_hanging_request_gets_504_and_its_worker_is_replaced(serve, gate, connect, target, n):
    server = serve("procs:app", "--no-proc", n, *TIMEOUT, env=gate.env)
    workers = server.workers(n)
    client = connect(server).get(f"{target}?q=1")
    gate.heard("stuck")
    response = client.response()
    assert response.status == 504
    assert client.closed()
    log = server.wait_log(rf"(?s)GET {target}\?q=1.*{HANGS[target]}").group(0)
    assert "procs.py" in log
    old = int(server.wait_log(r"worker (\d+) is to be replaced: .*request").group(1))
    assert old in workers
    server.wait_worker_gone(old)
    assert pid_of(server) in server.workers(n)
    assert server.log().count("Traceback") == 0
    assert server.stop() == 0


@pytest.mark.parametrize("target", ["/sleep", "/spin"])
def test_other_requests_of_that_worker_finish(serve, gate, connect, target):
    """Not beside "/c": nothing else runs in a process whose GIL is held for ever."""
    server = serve("procs:app", "--no-threads", "3", *TIMEOUT, env=gate.env)
    (old,) = server.workers(1)
    hung = connect(server).get(target)
    gate.heard("stuck")
    # It begins when the other one is about to be given up, and ends after that.
    assert hung.response().status == 504
    server.wait_log("is to be replaced")
    held = connect(server).get("/stream?x")
    if held.head().status == 200:
        assert held.chunk() == b"first"
        gate.accept("x").release()
        assert held.chunk() == b"second"
        assert held.chunk() == b""
    held.close()
    server.wait_worker_gone(old)


def test_request_in_flight_beside_a_hanging_one_finishes(serve, gate, connect):
    """It is younger than the limit when its worker is given up."""
    options = ("--no-threads", "2", *TIMEOUT, "--request-timeout", "1s")
    server = serve("procs:app", *options, env=gate.env)
    (old,) = server.workers(1)
    hung = connect(server).get("/sleep")
    gate.heard("stuck")
    assert hung.fill(), "this is the 504"
    beside = connect(server).get("/hold?x")
    visit = gate.accept("x")
    server.wait_log("is to be replaced")
    server.wait_log("is ready", count=2)
    visit.release()
    response = beside.response()
    assert response.status == 200 and response.text.isdigit()
    beside.close()
    server.wait_worker_gone(old)
    assert "graceful_timeout" not in server.log(), "it did not wait that long"


def test_response_that_had_begun_is_cut_recognizably(serve, gate, connect):
    server = serve("procs:app", *TIMEOUT, env=gate.env)
    client = connect(server).get("/stream?x")
    gate.accept("x")
    assert client.head().status == 200
    assert client.chunk() == b"first"
    with pytest.raises((Broken, ConnectionResetError)):
        client.chunk()
    server.wait_log("is to be replaced")


def test_request_that_waits_for_a_thread_is_not_blamed(serve, gate, connect):
    """Its time begins with the application's; the waiting one is answered by the replacement."""
    server = serve("procs:app", *TIMEOUT, env=gate.env)
    (old,) = server.workers(1)
    hung = connect(server).get("/sleep")
    gate.heard("stuck")
    waiting = connect(server).get("/")
    assert hung.response().status == 504
    response = waiting.response()
    assert response.status in (200, 503), "not 504: it never ran"
    server.wait_worker_gone(old)


def test_body_of_the_request_counts_for_nothing(serve, gate, connect):
    """The time a client takes to send is not the application's."""
    server = serve("procs:app", "--no-threads", "2", *TIMEOUT, env=gate.env)
    (old,) = server.workers(1)
    client = connect(server).send(post("/", b"abc")[:-1])
    hung = connect(server).get("/sleep")
    gate.heard("stuck")
    assert hung.response().status == 504, "by now the limit has passed for the first one, too"
    client.send("c")
    assert client.response().status == 200
    client.close()
    server.wait_worker_gone(old)


def test_time_that_the_client_takes_is_not_counted(serve, gate, connect):
    """It reads slowly, or (streaming) sends slowly, and that is what other limits are for."""
    options = ("--no-threads", "3", "--request-buffering", "off", "--response-buffer", "4K")
    server = serve("gated:app", *TIMEOUT, *options, env=gate.env)
    reader = connect(server, rcvbuf=4096).get("/flood?300")
    assert reader.head().status == 200
    sender = connect(server).send(post("/consume", b"abc")[:-1])
    gate.heard("consume-entered")
    hung = connect(server).get("/hold?x")
    gate.accept("x")
    assert hung.response().status == 504, "by now the limit has passed for all three"
    sender.send("c")
    assert sender.response().text == "3"
    body = b"".join(reader.chunks())
    assert len(body) > 1_000_000
    assert server.log().count("over request_timeout (") == 1


def test_who_comes_when_all_threads_hang_waits_for_the_replacement(serve, mood, gate, connect):
    """With a body that is too large to be handed on."""
    env = {"YMO_TEST_MOOD": mood, **gate.env}
    server = serve("procs:app", *TIMEOUT, env=env)
    (old,) = server.workers(1)
    mood.write_text("wait")
    stuck = connect(server).get("/sleep")
    assert stuck.response().status == 504
    loading = gate.accept("loading")
    late = connect(server).send(post("/", b"x" * 300_000))
    loading.release()
    response = late.response()
    assert response.status == 200
    assert int(response.text) != old


def test_requests_on_other_connections_go_on_under_load(serve, gate, connect):
    server = serve("procs:app", "--no-proc", "2", "--no-threads", "2", *TIMEOUT, env=gate.env)
    before = server.workers(2)
    with Load(server.port, kept=4, fresh=2) as load:
        for _ in range(2):
            hung = connect(server).get("/sleep")
            gate.heard("stuck")
            assert hung.response().status == 504
        load.more(100)
        until(lambda: set(server.workers()) != set(before), "one is replaced")
        load.more(100)
    gone = set(re.findall(r"worker (\d+) is to be replaced", server.log()))
    for pid in gone:
        server.wait_worker_gone(pid)


def test_request_that_ends_late_after_all_is_told(serve, gate, connect):
    server = serve("procs:app", *TIMEOUT, env=gate.env)
    (old,) = server.workers(1)
    client = connect(server).get("/hold?late")
    visit = gate.accept("late")
    assert client.response().status == 504
    visit.release()
    server.wait_worker_gone(old)
    assert pid_of(server) in server.workers(1)
    assert server.stop() == 0


@pytest.mark.parametrize("target", ["/sleep", "/spin", "/c"])
def test_slow_request_log_tells_once_and_kills_nothing(serve, gate, connect, target):
    server = serve(
        "procs:app", "--supervise", "on", "--slow-request-log", "100ms", env=gate.env
    )
    (worker,) = server.workers(1)
    connect(server).get(target)
    gate.heard("stuck")
    server.wait_log(rf"(?s)GET {target}.*{HANGS[target]}")
    assert server.workers(1) == [worker]
    server.stop(signal.SIGQUIT)
    assert server.log().count("(slow_request_log)") == 1


def test_slow_request_log_without_a_supervisor(serve, gate, connect):
    server = serve("procs:app", "--slow-request-log", "100ms", "--no-threads", "2", env=gate.env)
    client = connect(server).get("/hold?x")
    visit = gate.accept("x")
    server.wait_log(r"(?s)GET /hold\?x.*procs\.py")
    visit.release()
    assert int(client.response().text) == server.pid


def test_stop_beside_a_hanging_request(serve, gate, connect):
    """A stop does not wait longer for it than graceful_timeout."""
    server = serve(
        "procs:app", "--no-proc", "2", "--graceful-timeout", "300ms", env=gate.env
    )
    connect(server).get("/c")
    gate.heard("stuck")
    code = server.stop()
    assert code == 1, "a request was cut off"
    assert "graceful_timeout" in server.log()
