# SPDX-License-Identifier: MIT
"""Workers that are replaced by plan: nobody notices, as the new one is there before."""

import re
import signal

import pytest

from fleet import pid_of
from harness import children, running, sanitized, until
from load import Load
from wire import Client

ALONE = ("--no-proc", "1", "--supervise", "on")


def replaced(server, reason):
    """The worker that the log first says is to be replaced, for this reason."""
    return int(server.wait_log(rf"worker (\d+) is to be replaced: .*{reason}").group(1))


def order(server, *patterns):
    """These are in the log, each after the one before."""
    at = 0
    for pattern in patterns:
        server.wait_log(pattern)
        found = re.compile(pattern).search(server.log(), at)
        assert found, f"{pattern} is not in the log after {patterns}:\n{server.log()}"
        at = found.end()


def test_max_requests_under_load(serve):
    server = serve("procs:app", *ALONE, "--max-requests", "200")
    with Load(server.port, kept=4, fresh=2) as load:
        until(lambda: len(load.bodies) >= 5 or load.failures, "five processes have answered")
    # Not exactly: it goes on serving until the next one is ready.
    assert all(int(pid) != server.pid for pid in load.bodies)
    assert "killing it" not in server.log()
    assert "worker" in server.wait_log(r"worker \d+ has ended").group(0)


def test_replacement_is_ready_before_the_old_one_stops(serve, mood, gate):
    """With one process: while its replacement loads, it goes on."""
    env = {"YMO_TEST_MOOD": mood, **gate.env}
    server = serve("procs:app", *ALONE, "--max-requests", "3", "--recycle-jitter", "0", env=env)
    (old,) = server.workers(1)
    mood.write_text("wait")
    with Client(server.port) as client:
        for _ in range(3):
            assert int(client.request().text) == old
        assert replaced(server, "max_requests") == old
        visit = gate.accept("loading")
        for _ in range(10):
            assert int(client.request().text) == old
            assert pid_of(server) == old
    mood.write_text("")
    visit.release()
    server.wait_worker_gone(old)
    assert pid_of(server) != old
    (new,) = server.workers(1)
    order(
        server,
        rf"worker {old} is to be replaced: .*max_requests",
        rf"worker {new} is ready",
        rf"worker {old} has ended",
    )


def test_workers_are_not_replaced_all_at_once(serve, mood, gate):
    env = {"YMO_TEST_MOOD": mood, **gate.env}
    server = serve("procs:app", "--no-proc", "4", "--max-requests", "1", env=env)
    workers = server.workers(4)
    mood.write_text("wait")
    with Load(server.port, kept=0, fresh=8):
        server.wait_log("is to be replaced", count=4)
        visits = [gate.accept("loading") for _ in range(2)]
        # Two replacements are on their way; while they are, there is no third.
        assert len(children(server.pid)) == 6
        assert set(workers) < set(children(server.pid))
        mood.write_text("")
        for visit in visits:
            visit.release()
        until(lambda: not any(running(pid) for pid in workers), "all four are replaced")


def test_jitter_spreads_the_limits(serve):
    server = serve("procs:app", "--max-requests", "60", "--recycle-jitter", "100")
    asks = r"max_requests \((\d+), jitter included\) is reached"
    with Load(server.port, kept=1):
        server.wait_log(asks, count=8)
    limits = [int(n) for n in re.findall(asks, server.log())]
    assert max(limits) <= 60 and len(set(limits)) > 1, limits


def test_max_lifetime_under_load(serve):
    server = serve("procs:app", "--no-proc", "2", "--max-lifetime", "500ms")
    before = server.workers(2)
    with Load(server.port, kept=4, fresh=2) as load:
        until(lambda: not any(running(pid) for pid in before), "both are replaced")
        load.more()
    assert replaced(server, "max_lifetime") in before
    assert "killed" not in server.log()


@pytest.mark.skipif(sanitized(), reason="its memory figures mean nothing")
def test_max_memory_under_load(serve):
    server = serve("procs:app", *ALONE, "--max-memory", "150M")
    (old,) = server.workers(1)
    with Load(server.port, kept=4, fresh=2) as load:
        with Client(server.port) as client:
            assert int(client.request("/grow?200").text) == old
        server.wait_worker_gone(old)
        load.more()
    assert replaced(server, "max_memory") == old
    server.workers(1)


def test_replacement_that_does_not_load_leaves_the_old_one_serving(serve, mood):
    server = serve("procs:app", *ALONE, "--max-requests", "5", env={"YMO_TEST_MOOD": mood})
    (old,) = server.workers(1)
    mood.write_text("raise")
    with Load(server.port, kept=2) as load:
        server.wait_log(r"worker \d+ exited with status 1 before it was ready")
        load.more()
        assert set(load.bodies) == {str(old)}
        mood.write_text("")
        server.wait_worker_gone(old)
        load.more()


def test_kept_alive_client_is_told_before_its_worker_goes(serve, mood, gate, connect):
    env = {"YMO_TEST_MOOD": mood, **gate.env}
    server = serve("procs:app", *ALONE, "--max-requests", "2", "--recycle-jitter", "0", env=env)
    client = connect(server)
    client.request()
    client.request()
    server.wait_log("is to be replaced")
    client.get("/hold?x")
    visit = gate.accept("x")
    server.wait_log("stopping: max_requests")
    visit.release()
    response = client.response()
    assert response.status == 200 and response.has_token("Connection", "close")
    assert client.closed()
    client.close()


def test_stop_while_a_replacement_loads(serve, mood, gate):
    env = {"YMO_TEST_MOOD": mood, **gate.env}
    server = serve("procs:app", *ALONE, "--max-requests", "1", env=env)
    mood.write_text("wait")
    pid_of(server)
    gate.accept("loading")
    assert server.stop(signal.SIGTERM) == 0
