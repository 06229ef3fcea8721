# SPDX-License-Identifier: MIT
"""preload: the application is loaded once, in a template process that the workers fork from."""

import os
import re
import signal

import pytest

from fleet import Reloads, comes_to, pid_of
from harness import children, running, sanitized, until
from load import Load
from wire import Client

PRELOAD = ("--preload", "on", "--no-proc", "3")


def template(server):
    """The process id of the template that loaded last."""
    return int(re.findall(r"template (\d+) has loaded", server.log())[-1])


def test_application_is_loaded_once_and_not_by_a_worker(serve, tmp_path):
    imports = tmp_path / "imports"
    server = serve("procs:app", *PRELOAD, env={"YMO_TEST_IMPORTS": imports})
    workers = server.workers(3)
    assert imports.read_text().split() == [str(template(server))]
    assert template(server) not in [server.pid, *workers]
    for _ in range(10):
        with Client(server.port) as client:
            assert int(client.request("/import-pid").text) == template(server)
            assert int(client.request("/").text) in workers
    assert set(children(server.pid)) == {template(server), *workers}, "all are the supervisor's"
    with open(f"/proc/{server.pid}/maps") as file:
        assert "_ctypes" not in file.read(), "the supervisor runs no Python"
    assert server.stop() == 0


def test_workers_do_not_share_their_random_numbers(serve):
    server = serve("procs:app", *PRELOAD)
    server.workers(3)
    with Load(server.port, kept=12, target="/chance") as load:
        load.more(300)
    assert set(load.bodies.values()) == {1}


def test_killed_worker_is_forked_again_from_the_template(serve, tmp_path):
    imports = tmp_path / "imports"
    server = serve("procs:app", *PRELOAD, env={"YMO_TEST_IMPORTS": imports})
    workers = server.workers(3)
    os.kill(workers[0], signal.SIGKILL)
    server.wait_log(rf"worker {workers[0]} was killed by SIGKILL")
    assert set(workers[1:]) < set(server.workers(3))
    assert len(imports.read_text().split()) == 1


def test_reload_replaces_the_template(serve, mood):
    server = serve("procs:app", *PRELOAD, env={"YMO_TEST_MOOD": mood})
    workers, first = server.workers(3), template(server)
    reload_ = Reloads(server)
    with Load(server.port, kept=4, fresh=2) as load:
        mood.write_text("second")
        reload_()
        comes_to(server, "second", "/loading")
        load.more()
        mood.write_text("raise")
        reload_.fails(r"template \d+ exited with status 1 before it was ready")
        load.more()
        comes_to(server, "second", "/loading")
        mood.write_text("")
        reload_()
        load.more()
    until(lambda: not running(first), "the first template is gone")
    assert not set(server.workers(3)) & set(workers)
    until(lambda: len(children(server.pid)) == 4, "three workers and one template")


def test_ten_reloads_under_load_lose_nothing(serve):
    server = serve("procs:app", *PRELOAD)
    reload_ = Reloads(server)
    with Load(server.port, kept=4, fresh=2) as load:
        for _ in range(10):
            reload_()
            load.more(10)


def test_killed_template_is_replaced_and_no_worker_minds(serve):
    server = serve("procs:app", *PRELOAD)
    workers = server.workers(3)
    old = template(server)
    with Load(server.port, kept=4) as load:
        os.kill(old, signal.SIGKILL)
        server.wait_log(rf"template {old} was killed by SIGKILL")
        load.more()
        assert server.workers(3) == workers
        server.send_signal(signal.SIGTTIN)
        assert set(workers) < set(server.workers(4))
        load.more()
    assert template(server) != old


def test_killed_template_and_workers_at_once(serve):
    server = serve("procs:app", *PRELOAD)
    workers = server.workers(3)
    for pid in (template(server), *workers):
        os.kill(pid, signal.SIGKILL)
    assert pid_of(server) not in workers
    server.workers(3)


def test_killed_supervisor_takes_the_template_along(serve, gate, connect):
    server = serve("procs:app", *PRELOAD, env=gate.env)
    server.workers(3)
    client = connect(server).get("/hold?x")
    visit = gate.accept("x")
    server.process.kill()
    until(lambda: not running(template(server)), "the template ends")
    visit.release()
    assert client.response().status == 200
    assert server.wait_exit() == -signal.SIGKILL


def test_threads_started_at_import_are_warned_about(serve, mood, connect):
    mood.write_text("threads")
    server = serve("procs:app", *PRELOAD, env={"YMO_TEST_MOOD": mood})
    server.workers(3)
    assert "beside" in server.wait_log(r"WARN.*(thread|beside).*").group(0)
    assert "beside" not in connect(server).request("/threads").text
    assert server.log().count("beside") == 1, "once, not for each worker"


def test_worker_threads_start_after_the_fork(serve, gate, connect):
    server = serve("procs:app", "--preload", "on", "--no-threads", "3", env=gate.env)
    server.workers(1)
    tags = ("a", "b", "c")
    clients = [connect(server).get(f"/hold?{tag}") for tag in tags]
    visits = [gate.accept(tag) for tag in tags]  # all three run at once
    for visit in visits:
        visit.release()
    assert [c.response().status for c in clients] == [200] * 3
    assert server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_stop_while_the_template_loads(serve, mood, gate, number):
    mood.write_text("wait")
    env = {"YMO_TEST_MOOD": mood, **gate.env}
    server = serve("procs:app", *PRELOAD, env=env, ready=False)
    gate.accept("loading")
    server.send_signal(number)
    server.wait_exit()


def test_recycling_with_preload(serve, tmp_path):
    imports = tmp_path / "imports"
    server = serve(
        "procs:app", "--preload", "on", "--max-requests", "100", env={"YMO_TEST_IMPORTS": imports}
    )
    with Load(server.port, kept=4, fresh=2) as load:
        until(lambda: len(load.bodies) >= 5 or load.failures, "five processes have answered")
    assert len(imports.read_text().split()) == 1


def test_hanging_request_with_preload(serve, gate, connect):
    options = ("--preload", "on", "--request-timeout", "300ms", "--linger-timeout", "50ms")
    server = serve("procs:app", *options, env=gate.env)
    (old,) = server.workers(1)
    client = connect(server).get("/c")
    gate.heard("stuck")
    assert client.response().status == 504
    server.wait_log("hold_the_gil")
    server.wait_worker_gone(old)
    assert pid_of(server) in server.workers(1)


def private(pid):
    """KiB of memory that the process shares with nobody."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(int(n) for n in re.findall(r"Private_\w+:\s+(\d+) kB", file.read()))


@pytest.mark.skipif(sanitized(), reason="its memory figures mean nothing")
def test_memory_of_the_application_is_shared(serve, tmp_path):
    (tmp_path / "large.py").write_text(
        "from procs import app\nweight = [str(n) * 4 for n in range(300000)]\n"
    )
    options = ("--no-proc", "2", "--pythonpath", tmp_path)
    alone = serve("large:app", *options)
    shared = serve("large:app", *options, "--preload", "on")
    pids = [server.workers(2) for server in (alone, shared)]
    for server in (alone, shared):
        with Load(server.port) as load:
            load.more(100)
    assert max(map(private, pids[1])) < min(map(private, pids[0])) / 2
