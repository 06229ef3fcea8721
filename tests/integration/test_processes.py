# SPDX-License-Identifier: MIT
"""A supervisor and its workers: starting them, and what happens when they are killed or stopped."""

import contextlib
import os
import signal

import pytest

from fleet import pid_of, stopped
from harness import children, run_cli, running, until
from load import Load
from wire import Client, connect_when_ready


# ---- starting ----


def test_so_many_workers_load_the_application_once_each(serve, tmp_path):
    imports = tmp_path / "imports"
    server = serve("procs:app", "--no-proc", "4", env={"YMO_TEST_IMPORTS": imports})
    workers = server.workers(4)
    assert sorted(map(int, imports.read_text().split())) == workers
    assert server.pid not in workers
    assert server.stop() == 0
    until(lambda: not any(running(pid) for pid in workers), "no worker is left")


def test_supervisor_runs_no_python(serve):
    server = serve("procs:app", "--no-proc", "2")
    (worker, _) = server.workers(2)

    def maps(pid):
        with open(f"/proc/{pid}/maps") as file:
            return file.read()

    assert "_ctypes" in maps(worker), "or this would not tell anything"
    assert "_ctypes" not in maps(server.pid)
    assert len(os.listdir(f"/proc/{server.pid}/task")) == 1


@pytest.mark.parametrize("options", [(), ("--no-proc", "2")])
def test_closed_standard_input_is_not_replaced_by_a_socket(serve, options):
    server = serve("procs:app", *options, preexec_fn=lambda: os.close(0))
    for pid in (server.pid, pid_of(server)):
        assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"


@pytest.mark.parametrize("options", [("--no-proc", "1"), ("--no-proc", "3")])
def test_one_process_has_a_supervisor_only_when_asked(serve, options):
    server = serve("procs:app", *options)
    n = int(options[1])
    server.workers(n if n > 1 else 0)
    other = serve("procs:app", *options, "--supervise", "on")
    other.workers(n)


def test_wsgi_flags_tell_of_processes(serve, connect):
    server = serve("procs:app", "--no-proc", "2", "--no-threads", "2")
    assert connect(server).request("/flags").text == "True True False"
    server = serve("procs:app", "--supervise", "on")
    assert connect(server).request("/flags").text == "False False False"


BREAKAGES = {
    "raise": r"RuntimeError: not in the mood",
    "exit": r"exited with status 7 before it was ready",
    "segv": r"was killed by SIGSEGV .* before it was ready",
}


@pytest.mark.parametrize("options", [(), ("--preload", "on")], ids=["", "preload"])
@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize("word", BREAKAGES)
def test_application_that_does_not_load_ends_the_start(serve, mood, word, n, options):
    mood.write_text(word)
    server = serve(
        "procs:app", "--supervise", "on", "--no-proc", n, *options,
        env={"YMO_TEST_MOOD": mood}, ready=False,
    )  # fmt: skip
    assert server.wait_exit() == 1
    log = server.log()
    server.wait_log(BREAKAGES[word])
    assert log.count("Traceback (most recent call last)") == (word == "raise")
    assert "listening on" not in log


def test_missing_module_is_told_once(serve):
    done = run_cli("nosuch:app", "--no-proc", "4", "--port", "0")
    assert done.returncode == 1
    assert done.stderr.count("nosuch") < 4, "one explanation, not one a process"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_stop_while_the_application_loads(serve, mood, gate, number):
    mood.write_text("wait")
    env = {"YMO_TEST_MOOD": mood, **gate.env}
    server = serve("procs:app", "--no-proc", "2", env=env, ready=False)
    gate.accept("loading")
    server.send_signal(number)
    code = server.wait_exit()
    assert code == (131 if number == signal.SIGQUIT else 0)


def test_connections_wait_while_the_application_loads(serve, mood, gate, short_dir):
    path = short_dir / "s"
    mood.write_text("wait")
    env = {"YMO_TEST_MOOD": mood, **gate.env}
    server = serve(
        "procs:app", "--supervise", "on", "--bind", f"unix:{path}", bind=False, env=env, ready=False
    )
    visit = gate.accept("loading")
    with connect_when_ready(str(path)) as client:
        client.get("/")
        visit.release()
        assert int(client.response().text) in server.workers(1)


# ---- deaths of workers ----


def test_killed_worker_is_replaced_and_the_others_notice_nothing(serve, gate):
    server = serve("procs:app", "--no-proc", "2", env=gate.env)
    workers = server.workers(2)
    with Client(server.port) as one, Client(server.port) as two:
        # Two requests that cannot be in one process: each has one thread.
        visits = {}
        for client, tag in ((one, "one"), (two, "two")):
            client.get(f"/hold?{tag}")
            visits[client] = gate.accept(tag)
        os.kill(workers[0], signal.SIGKILL)
        found = server.wait_log(r"worker (\d+) was killed by SIGKILL")
        assert int(found.group(1)) == workers[0]
        for visit in visits.values():
            with contextlib.suppress(BrokenPipeError):
                visit.release()
        ends = [ended(one), ended(two)]
    assert sorted(ends, key=str) == sorted([None, workers[1]], key=str)
    replacement = set(server.workers(2)) - set(workers)
    assert len(replacement) == 1


def ended(client):
    """The answer's text as a number, or None when the connection ended without an answer."""
    if not client.fill():
        return None
    return int(client.response().text)


def test_kill_under_load_fails_only_what_ran_there(serve):
    server = serve("procs:app", "--no-proc", "3")
    workers = server.workers(3)
    load = Load(server.port, kept=6, fresh=2)
    with contextlib.suppress(AssertionError), load:
        until(lambda: load.count() > 100, "the load runs")
        os.kill(workers[0], signal.SIGKILL)
        server.wait_log(rf"worker {workers[0]} was killed by SIGKILL")
        server.workers(3)
        enough = load.count() + 100
        until(lambda: load.count() > enough, "the load goes on")
    # Each connection can have lost the one request that was in the process, none more.
    assert len(load.failures) <= 8, load.failures
    assert all("EOF" in f or "end of file" in f or "ECONNRESET" in f for f in load.failures)
    assert load.count() > 200


def test_all_workers_killed_at_once_come_back_at_once(serve):
    server = serve("procs:app", "--no-proc", "3")
    workers = server.workers(3)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    assert pid_of(server) not in workers, "the listening sockets stayed open"
    assert not set(server.workers(3)) & set(workers)
    assert "starting the next worker in" not in server.log(), "once is no crash loop"


def test_worker_that_exits_or_crashes_in_a_request_is_told_in_words(serve, connect):
    server = serve("procs:app", "--no-proc", "2")
    assert connect(server).get("/leave").rest() == b""
    server.wait_log(r"worker \d+ exited with status 3\b")
    for number, name in ((signal.SIGSEGV, "SIGSEGV"), (signal.SIGABRT, "SIGABRT")):
        assert connect(server).get(f"/die?{int(number)}").rest() == b""
        server.wait_log(rf"worker \d+ was killed by {name} \(")
    assert pid_of(server) in server.workers(2)


def test_crash_loop_backs_off_and_ends_when_the_application_is_repaired(serve, mood, tmp_path):
    imports = tmp_path / "imports"
    env = {"YMO_TEST_MOOD": mood, "YMO_TEST_IMPORTS": imports}
    server = serve("procs:app", "--no-proc", "2", env=env)
    workers = server.workers(2)
    mood.write_text("raise")
    os.kill(workers[0], signal.SIGKILL)
    server.wait_log(r"starting the next worker in \d")
    mood.write_text("")
    tries = len(imports.read_text().split()) - 2
    assert 2 <= tries <= 3, "it waits between two tries"
    assert pid_of(server) == workers[1], "meanwhile the other one serves"
    assert workers[1] in server.workers(2)


def test_worker_told_to_stop_is_replaced(serve, gate, connect):
    server = serve("procs:app", "--no-proc", "1", "--supervise", "on", env=gate.env)
    (worker,) = server.workers(1)
    client = connect(server).get("/hold?x")
    visit = gate.accept("x")
    os.kill(worker, signal.SIGTERM)
    until(lambda: len(children(server.pid)) == 1, "it is there")
    visit.release()
    assert int(client.response().text) == worker, "a worker's SIGTERM is graceful"
    server.wait_worker_gone(worker)
    assert pid_of(server) in server.workers(1)


def test_signals_of_a_terminal_mean_nothing_to_a_worker(serve, connect):
    server = serve("procs:app", "--supervise", "on")
    (worker,) = server.workers(1)
    client = connect(server)
    for number in (signal.SIGINT, signal.SIGHUP):
        os.kill(worker, number)
        assert int(client.request().text) == worker
    assert server.stop() == 0


# ---- stopped processes ----


def test_stopped_worker_does_not_hold_up_new_connections(serve):
    server = serve("procs:app", "--no-proc", "2", "--watchdog-timeout", "0")
    workers = server.workers(2)
    with stopped(workers[0]):
        for _ in range(20):
            assert pid_of(server) == workers[1]
    assert server.workers(2) == workers


def test_watchdog_replaces_a_stopped_worker(serve):
    server = serve("procs:app", "--no-proc", "2", "--watchdog-timeout", "0.4")
    workers = server.workers(2)
    with stopped(workers[0]):
        server.wait_log(rf"worker {workers[0]} has not moved for watchdog_timeout")
        server.wait_log(rf"worker {workers[0]} was killed by SIGKILL")
        now = server.workers(2)
    assert workers[1] in now and workers[0] not in now


def test_watchdog_leaves_a_busy_worker_alone(serve, gate, connect):
    """In Python code and in C code with the GIL held: the reactor does not need it."""
    server = serve("procs:app", "--no-proc", "3", "--watchdog-timeout", "0.2", env=gate.env)
    workers = server.workers(3)
    for target in ("/spin", "/c"):
        connect(server).get(target)
        gate.heard("stuck")
    # The third one is the yardstick: when the watchdog has got this one, it has seen the others.
    free = pid_of(server)
    with stopped(free):
        server.wait_log(rf"worker {free} has not moved")
    assert set(workers) - {free} <= set(server.workers(3))
    assert server.log().count("has not moved") == 1
    server.stop(signal.SIGQUIT)


def test_stopped_supervisor_does_not_matter_to_clients(serve):
    server = serve("procs:app", "--no-proc", "2", "--watchdog-timeout", "0.4")
    workers = server.workers(2)
    with Load(server.port, kept=4, fresh=2) as load:
        with stopped(server.pid):
            load.more(200)
            os.kill(workers[0], signal.SIGSTOP)
            os.kill(workers[0], signal.SIGCONT)
            load.more(200)
        server.send_signal(signal.SIGTTIN)
        assert set(workers) < set(server.workers(3)), "it goes on, and killed nobody"
        load.more()


# ---- the supervisor's own death ----


def test_killed_supervisor_leaves_no_orphan_and_loses_no_request(serve, gate):
    server = serve("procs:app", "--no-proc", "2", env=gate.env)
    workers = server.workers(2)
    with Client(server.port) as one, Client(server.port) as idle:
        assert int(idle.request().text) in workers
        one.get("/hold?x")
        visit = gate.accept("x")
        server.process.kill()
        assert idle.closed()
        visit.release()
        response = one.response()
        assert response.status == 200 and int(response.text) in workers
        assert response.has_token("Connection", "close")
    assert server.wait_exit() == -signal.SIGKILL
    until(lambda: not any(running(pid) for pid in workers), "no worker is left")


def test_killed_supervisor_takes_a_loading_worker_along(serve, mood, gate):
    mood.write_text("wait")
    env = {"YMO_TEST_MOOD": mood, **gate.env}
    server = serve("procs:app", "--no-proc", "2", env=env, ready=False)
    gate.accept("loading")
    server.process.kill()
    assert server.wait_exit() == -signal.SIGKILL


# ---- more and fewer ----


def test_ttin_and_ttou(serve):
    server = serve("procs:app", "--no-proc", "2")
    workers = server.workers(2)
    with Load(server.port, kept=4, fresh=2) as load:
        server.send_signal(signal.SIGTTIN)
        assert set(workers) < set(server.workers(3))
        load.more()
        for n in (2, 1):
            server.send_signal(signal.SIGTTOU)
            server.workers(n)
            load.more()
        server.send_signal(signal.SIGTTOU)
        server.wait_log(r"SIGTTOU: 1 worker, no fewer")
        load.more()
    assert len(server.workers(1)) == 1
    assert "killed by" not in server.log()


def test_worker_taken_away_finishes_its_request(serve, gate, connect):
    server = serve("procs:app", "--no-proc", "2", env=gate.env)
    clients = {}
    for tag in ("a", "b"):
        clients[tag] = connect(server).get(f"/hold?{tag}")
    visits = [gate.accept(tag) for tag in clients]
    server.send_signal(signal.SIGTTOU)
    server.wait_log(r"SIGTTOU: 1 worker")
    for visit in visits:
        visit.release()
    assert len({int(c.response().text) for c in clients.values()}) == 2
    server.workers(1)


def test_fewer_workers_while_one_is_missing_takes_none_that_serves(serve, mood):
    server = serve("procs:app", "--no-proc", "3", env={"YMO_TEST_MOOD": mood})
    killed, *left = server.workers(3)
    mood.write_text("raise")
    os.kill(killed, signal.SIGKILL)
    server.wait_log("before it was ready")
    server.send_signal(signal.SIGTTOU)
    server.wait_log("SIGTTOU: 2 workers from now on")
    server.send_signal(signal.SIGTTIN)
    server.wait_log("SIGTTIN: 3 workers from now on")
    assert set(left) <= set(server.workers())
    assert "one worker fewer was asked for" not in server.log()


# ---- fairness ----


@pytest.mark.parametrize("target", ["/hold?stuck", "/spin", "/c"])
def test_requests_beside_a_stuck_one_are_answered_by_the_other_process(
    serve, gate, connect, target
):
    server = serve("procs:app", "--no-proc", "2", env=gate.env)
    workers = server.workers(2)
    kept = [connect(server) for _ in range(20)]
    for client in kept:
        client.request()
    stuck = kept[0].get(target)
    visit = gate.accept("stuck")
    # Nobody lets the stuck one go on before all of these were answered.
    for client in kept[1:]:
        client.get("/")
    pids = {int(client.response().text) for client in kept[1:]}
    pids |= {pid_of(server) for _ in range(20)}
    assert len(pids) == 1 and pids < set(workers)
    if target == "/hold?stuck":
        visit.release()
        assert {int(stuck.response().text)} | pids == set(workers)
    else:
        server.stop(signal.SIGQUIT)
