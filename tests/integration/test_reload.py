# SPDX-License-Identifier: MIT
"""SIGHUP: new code and settings without a failed request, whatever is wrong with them."""

import os
import signal
import socket

import pytest

from fleet import Reloads, comes_to, pid_of
from harness import children, until
from load import Load
from wire import Client


def test_fifty_reloads_under_load_lose_nothing(serve):
    """Of one worker: nobody else is there meanwhile."""
    server = serve("hello:app", "--no-proc", "1", "--supervise", "on")
    before = server.workers(1)
    reload_ = Reloads(server)
    with Load(server.port, kept=6, fresh=2) as load:
        for _ in range(50):
            reload_()
            load.more(10)
    now = server.workers(1)
    assert not set(now) & set(before)
    assert "killing it" not in server.log()


def test_requests_of_old_workers_are_finished(serve, gate, connect):
    server = serve("procs:app", "--no-proc", "2", "--no-threads", "2", env=gate.env)
    before = server.workers(2)
    held = connect(server).get("/hold?x")
    visit = gate.accept("x")
    streamed = connect(server).get("/stream?y")
    assert streamed.head().status == 200 and streamed.chunk() == b"first"
    other = gate.accept("y")
    Reloads(server)(*before)
    until(lambda: pid_of(server) not in before, "a new one answers")
    visit.release()
    other.release()
    response = held.response()
    assert int(response.text) in before and response.has_token("Connection", "close")
    assert streamed.chunk() == b"second" and streamed.chunk() == b""
    assert not set(server.workers(2)) & set(before)


def test_new_code_is_loaded(serve, tmp_path):
    source = tmp_path / "thesite.py"
    text = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "1")])
    return [b"%d"]
"""
    source.write_text(text % 1)
    server = serve("thesite:app", "--no-proc", "2", env={"PYTHONPATH": tmp_path})
    server.workers(2)
    reload_ = Reloads(server)
    with Load(server.port) as load:
        load.more()
        source.write_text(text % 2)
        reload_()
        comes_to(server, "2")
        source.write_text("def app(:\n")
        reload_.fails(r"SyntaxError")
        comes_to(server, "2")
        load.more()
        source.write_text(text % 3)
        reload_()
        comes_to(server, "3")
        load.more()
    assert set(load.bodies) <= set("123") and set("13") <= set(load.bodies)


@pytest.mark.parametrize("word", ["raise", "exit", "segv"])
def test_code_that_does_not_load_changes_nothing(serve, mood, word):
    server = serve("procs:app", "--no-proc", "2", env={"YMO_TEST_MOOD": mood})
    workers = server.workers(2)
    reload_ = Reloads(server)
    with Load(server.port, kept=4, fresh=2) as load:
        mood.write_text(word)
        reload_.fails(r"before it was ready")
        load.more()
        assert server.workers(2) == workers
        mood.write_text("")
        reload_()
        load.more()
    assert not set(server.workers(2)) & set(workers)


CONFIG = """
log_level: INFO
wsgi:
  module: procs:app
  bind: {bind}
  no_proc: {no_proc}
  no_threads: {no_threads}
"""


class Config:
    """The file of a server, and one address it has from the start."""

    def __init__(self, serve, tmp_path, **values):
        self.path = tmp_path / "yimmo.yml"
        self.values = {"bind": ["127.0.0.1:0"], "no_proc": 2, "no_threads": 1, **values}
        self.serve = serve

    def start(self, **kwargs):
        text = CONFIG.format(**self.values)
        return self.serve(None, config=text, bind=False, **kwargs)

    def change(self, **values):
        self.values.update(values)
        self.path.write_text(CONFIG.format(**self.values))


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_number_of_processes_and_threads_from_the_file(serve, tmp_path, gate, connect):
    config = Config(serve, tmp_path)
    server = config.start(env=gate.env)
    server.workers(2)
    reload_ = Reloads(server)
    with Load(server.port, kept=3) as load:
        config.change(no_proc=4)
        reload_()
        server.workers(4)
        load.more()
        config.change(no_proc=1, no_threads=3)
        reload_()
        server.workers(1)
        load.more()
    holds = {tag: connect(server).get(f"/hold?{tag}") for tag in "ab"}
    visits = [gate.accept(tag) for tag in holds]
    assert len(visits) == 2, "both run at once, in one process: it has threads"
    for visit in visits:
        visit.release()
    assert {c.response().text for c in holds.values()} == {str(pid) for pid in server.workers(1)}


def test_listeners_come_and_go(serve, tmp_path, short_dir):
    first, second = free_port(), free_port()
    path = short_dir / "s"
    config = Config(serve, tmp_path, bind=[f"127.0.0.1:{first}"])
    server = config.start()
    reload_ = Reloads(server)
    with Load(first, kept=3, fresh=1) as load:
        config.change(bind=[f"127.0.0.1:{first}", f"127.0.0.1:{second}", f"unix:{path}"])
        reload_()
        for address in (first, second, str(path)):
            with Client(address) as client:
                assert client.request().status == 200
        load.more()
        config.change(bind=[f"127.0.0.1:{first}"])
        reload_()
        until(lambda: refuses(second), "the second address is given up")
        assert not path.exists()
        load.more()
    config.change(bind=[f"127.0.0.1:{second}"])
    reload_()
    until(lambda: refuses(first), "the first address is given up")
    with Client(second) as client:
        assert client.request().status == 200
    assert server.stop() == 0


@pytest.mark.parametrize("modes", [("0600", "0660"), ("0660", "0600")])
def test_modes_of_unix_sockets(serve, short_dir, tmp_path, modes):
    path = short_dir / "s"
    file = tmp_path / "y.yml"
    file.write_text(
        f"wsgi: {{bind: 'unix:{path}', supervise: on}}\nserver: {{socket_mode: {modes[0]}}}\n"
    )
    server = serve("hello:app", "-c", file, bind=False)
    assert oct(path.stat().st_mode & 0o777) == oct(int(modes[0], 8))
    file.write_text(file.read_text().replace(*modes))
    Reloads(server)()
    assert oct(path.stat().st_mode & 0o777) == oct(int(modes[1], 8))


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        pass
    return False


def test_address_that_cannot_be_bound_changes_nothing(serve, tmp_path, short_dir):
    port = free_port()
    config = Config(serve, tmp_path, bind=[f"127.0.0.1:{port}"])
    server = config.start()
    workers = server.workers(2)
    reload_ = Reloads(server)
    with socket.socket() as taken, Load(port, kept=3, fresh=1) as load:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        other = taken.getsockname()[1]
        extra = f"unix:{short_dir}/s"
        config.change(bind=[f"127.0.0.1:{port}", extra, f"127.0.0.1:{other}"])
        reload_.fails(rf"127\.0\.0\.1:{other}")
        load.more()
        assert server.workers(2) == workers
        assert not (short_dir / "s").exists(), "what was bound for it is gone"
        taken.close()
        reload_()
        load.more()
    with Client(other) as client:
        assert client.request().status == 200


@pytest.mark.parametrize(
    "text, why",
    [
        ("wsgi: {no_prok: 3}\n", "no_prok"),
        ("wsgi: [\n", r"yimmo\.yml:\d+"),
        ("wsgi: {module: 'procs:app', no_proc: 0}\n", "no_proc"),
        ("wsgi: {module: 'nosuch:app', no_proc: 2, bind: '127.0.0.1:0'}\n", "nosuch"),
        (None, r"yimmo\.yml"),
    ],
)
def test_broken_configuration_changes_nothing(serve, tmp_path, text, why):
    config = Config(serve, tmp_path)
    server = config.start()
    workers = server.workers(2)
    reload_ = Reloads(server)
    with Load(server.port, kept=3) as load:
        if text is None:
            config.path.unlink()
        else:
            config.path.write_text(text)
        reload_.fails(why)
        load.more()
        assert server.workers(2) == workers
        config.change(no_proc=3)
        reload_()
        load.more()
    server.workers(3)


def test_log_level_from_the_file(serve, tmp_path):
    config = Config(serve, tmp_path)
    server = config.start()
    server.workers(2)
    assert "DEBUG" not in server.log()
    config.path.write_text(CONFIG.format(**config.values).replace("INFO", "DEBUG"))
    Reloads(server)()
    server.send_signal(signal.SIGTTIN)
    server.wait_log("DEBUG")


def test_settings_that_end_a_process_are_read_again_too(serve, tmp_path):
    """From several processes to one: the supervisor stays, and so does its process id."""
    config = Config(serve, tmp_path)
    server = config.start()
    reload_ = Reloads(server)
    config.change(no_proc=1)
    reload_()
    (worker,) = server.workers(1)
    os.kill(worker, signal.SIGKILL)
    server.workers(1)
    assert pid_of(server) in server.workers(1)


def test_reload_during_a_reload_starts_it_over(serve, mood, gate):
    server = serve("procs:app", "--no-proc", "2", env={"YMO_TEST_MOOD": mood, **gate.env})
    before = server.workers(2)
    with Load(server.port, kept=4) as load:
        mood.write_text("wait")
        server.send_signal(signal.SIGHUP)
        given_up = gate.accept("loading")
        mood.write_text("other")
        server.send_signal(signal.SIGHUP)
        server.wait_log(r"reloaded: 2 workers")
        given_up.close()
        load.more()
    assert not set(server.workers(2)) & set(before)
    comes_to(server, "other", "/loading")


def test_many_signals_at_once_end_in_one_state(serve):
    server = serve("hello:app", "--no-proc", "2")
    before = server.workers(2)
    with Load(server.port, kept=4, fresh=2) as load:
        for number in (signal.SIGHUP, signal.SIGTTIN, signal.SIGHUP, signal.SIGTTOU) * 5:
            server.send_signal(number)
        load.more(100)
        reload_ = server.log().count("reloaded:")
        server.send_signal(signal.SIGHUP)
        server.wait_log("reloaded: 2 workers are", count=reload_ + 1)
        load.more()
    assert not set(server.workers(2)) & set(before)


def test_stop_during_a_reload(serve, mood, gate, connect):
    server = serve("procs:app", "--no-proc", "2", env={"YMO_TEST_MOOD": mood, **gate.env})
    client = connect(server).get("/hold?x")
    visit = gate.accept("x")
    mood.write_text("wait")
    server.send_signal(signal.SIGHUP)
    gate.accept("loading")
    server.send_signal(signal.SIGTERM)
    server.wait_log("SIGTERM: stopping")
    visit.release()
    assert client.response().status == 200
    assert server.wait_exit() == 0


def test_new_worker_that_is_killed_ends_the_reload(serve, mood, gate):
    server = serve("procs:app", "--no-proc", "2", env={"YMO_TEST_MOOD": mood, **gate.env})
    before = server.workers(2)
    with Load(server.port, kept=4) as load:
        mood.write_text("wait")
        server.send_signal(signal.SIGHUP)
        gate.accept("loading")
        (new,) = set(children(server.pid)) - set(before)
        os.kill(new, signal.SIGKILL)
        server.wait_log(rf"worker {new} was killed by SIGKILL .* before it was ready")
        server.wait_log("the 2 workers of before go on serving")
        load.more()
    assert server.workers(2) == before


def test_old_worker_that_is_killed_during_a_reload_is_replaced_or_left_behind(
    serve, mood, gate
):
    server = serve("procs:app", "--no-proc", "2", env={"YMO_TEST_MOOD": mood, **gate.env})
    before = server.workers(2)
    mood.write_text("wait")
    server.send_signal(signal.SIGHUP)
    visit = gate.accept("loading")
    mood.write_text("")
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    visit.release()
    assert pid_of(server) not in before
    server.wait_log(r"reloaded: 2 workers")
    assert not set(server.workers(2)) & set(before)


def test_reload_while_the_start_goes_on_comes_after_it(serve, mood, gate):
    mood.write_text("wait")
    env = {"YMO_TEST_MOOD": mood, **gate.env}
    server = serve("procs:app", "--no-proc", "2", env=env, ready=False)
    visit = gate.accept("loading")
    server.send_signal(signal.SIGHUP)
    server.wait_log("SIGHUP")
    mood.write_text("")
    visit.release()
    server.wait_log(r"reloaded: 2 workers")
    server.workers(2)


def test_half_sent_requests_are_answered_by_the_old_worker(serve, connect):
    """Its head, or its body, was on its way when the reload came."""
    server = serve("procs:app", "--no-proc", "1", "--supervise", "on")
    (old,) = server.workers(1)
    clients = [connect(server).send("GET / HT"), connect(server)]
    clients[1].send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nab")
    clients.append(connect(server))
    assert int(clients[2].request().text) == old, "all that was sent before is with the worker"
    Reloads(server)(old)
    clients[0].send("TP/1.1\r\nHost: test\r\n\r\n")
    clients[1].send("c")
    for client in clients[:2]:
        response = client.response()
        assert (response.status, int(response.text)) == (200, old)
        assert response.has_token("Connection", "close")
        assert client.closed()
    for client in clients:
        client.close()
    server.wait_worker_gone(old)


def test_without_a_supervisor_sighup_is_explained(serve, connect):
    server = serve("procs:app")
    client = connect(server)
    client.request()
    server.send_signal(signal.SIGHUP)
    server.wait_log("supervise")
    assert client.request().status == 200
