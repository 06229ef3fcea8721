# SPDX-License-Identifier: MIT
"""Applications that are monkey-patched with gevent, on plain threads and as greenlets."""

import json
import os
import re
import signal

import pytest

from harness import run_cli, sanitized, until
from load import Load
from test_signals import refused
from wire import Client, chunked

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(sanitized(), reason="greenlets move the stack that a sanitizer watches"),
]

MODES = {
    "one-thread": (),
    "threads": ("--no-threads", "4"),
    "greenlets": ("--greenlets", "8"),
    "threads-of-greenlets": ("--no-threads", "3", "--greenlets", "4"),
    "processes": ("--no-proc", "2", "--greenlets", "4"),
    "preload": ("--no-proc", "2", "--greenlets", "4", "--preload", "on"),
    "preload-threads": ("--no-proc", "2", "--no-threads", "2", "--preload", "on"),
}


@pytest.fixture(params=MODES)
def any_mode(request, serve, gate):
    server = serve("green:app", *MODES[request.param], env=gate.env)
    if "--no-proc" in MODES[request.param]:
        server.workers(2)
    return server


@pytest.fixture
def green(serve, gate):
    """One thread: another request that is answered meanwhile shows that nothing blocks it."""
    return serve("green:app", "--greenlets", "100", env=gate.env)


# ---- it just works, with any number of threads and greenlets ----


def test_everything(any_mode, connect):
    expected = {
        "spawn": [0, 1, 2, 3, 4],
        "thread": "from a thread",
        "socket": "through",
        "name": 1,
        "pool": "b",
        "lock": False,
    }
    of_children = {"process": "child\n", "fork": 5}
    clients = [connect(any_mode) for _ in range(6)]
    for _ in range(3):  # at once, and one after another
        for client in clients:
            client.get("/everything")
        for client in clients:
            response = client.response()
            assert response.status == 200, any_mode.log()
            got = json.loads(response.body)
            got["name"] = 1
            assert got in (expected, {**expected, **of_children})
    any_mode.wait_log("everything was done", count=18)
    with_children = "no-threads" not in " ".join(any_mode.process.args)
    assert not with_children or got == {**expected, **of_children}
    assert any_mode.stop() == 0


def test_requests_under_load(any_mode):
    with Load(any_mode.port, kept=12, fresh=4, target="/nap") as load:
        load.more(300)
    with Load(any_mode.port, kept=12, fresh=4) as load:
        load.more(3000)
    assert any_mode.stop() == 0


def test_stop_finishes_what_waits(any_mode, gate, connect):
    client = connect(any_mode).get("/hold?x")
    visit = gate.accept("x")
    any_mode.send_signal(signal.SIGTERM)
    refused(any_mode)
    visit.release("done")
    response = client.response()
    assert response.text.startswith("done ")
    assert response.has_token("Connection", "close")
    assert any_mode.wait_exit() == 0


ONE_PROCESS = pytest.mark.parametrize(
    "mode", ["one-thread", "threads", "greenlets", "threads-of-greenlets"]
)


@ONE_PROCESS
def test_imports_by_several_requests_at_once(serve, gate, connect, tmp_path, mode):
    for n in range(20):
        (tmp_path / f"lazy{n}.py").write_text("for _ in range(20000): pass\nword = 'loaded'\n")
    server = serve("green:app", "--pythonpath", tmp_path, *MODES[mode], env=gate.env)
    clients = [connect(server) for _ in range(8)]
    for n in range(20):
        for client in clients:
            client.get(f"/lazy?lazy{n}")
        for client in clients:
            assert client.response().text == "loaded"
    assert server.stop() == 0


@ONE_PROCESS
def test_application_handles_its_signal_while_idle(serve, gate, connect, mode):
    server = serve("green:app", *MODES[mode], env=gate.env)
    for n in range(1, 4):
        connect(server).request()
        server.send_signal(signal.SIGUSR1)
        server.wait_log("signal handler on the main thread: True", count=n)
    assert server.stop() == 0


@ONE_PROCESS
def test_signals_of_gevents_loop(serve, gate, connect, mode):
    server = serve("green:app", *MODES[mode], env={**gate.env, "YMO_TEST_TAKE_SIGTERM": 1})
    server.wait_log(r"signal 15 .* is left to a handler")
    for n in range(1, 4):
        server.send_signal(signal.SIGUSR2)
        server.wait_log("signal in gevent's loop", count=n)
    if "--greenlets" not in MODES[mode]:
        assert server.stop() == 0
        return
    waits = connect(server).get("/hold?x")
    visit = gate.accept("x")
    server.send_signal(signal.SIGTERM)  # its handler raises SystemExit
    refused(server)
    visit.release("done")
    assert waits.response().text.startswith("done")
    assert server.wait_exit() == 0


# ---- greenlets ----


def test_a_hundred_at_once(green, connect):
    clients = [connect(green).get("/meet?100") for _ in range(100)]
    for client in clients:
        assert client.response().text == "100"
    assert green.stop() == 0


def test_no_more_than_the_setting_allows(serve, gate, connect):
    server = serve("green:app", "--greenlets", "2", env=gate.env)
    clients = [connect(server).get("/most?x") for _ in range(6)]
    for _ in clients:
        gate.accept("x").release()
    for client in clients:
        assert client.response().text == "2"


def test_each_thread_runs_as_many(serve, gate, connect):
    server = serve("green:app", "--no-threads", "2", "--greenlets", "5", env=gate.env)
    clients = [connect(server).get(f"/hold?{n}") for n in range(10)]
    for visit in [gate.accept(str(n)) for n in range(10)]:
        visit.release("go")
    threads = [client.response().text.split()[1] for client in clients]
    assert sorted(threads.count(thread) for thread in set(threads)) == [5, 5]
    assert server.stop() == 0


def test_runs_in_a_gevent_greenlet(green, connect):
    client = connect(green)
    assert client.request("/kind").text == "True True True"
    assert client.request("/multithread").text == "True"


def test_locals_begin_anew_with_each_request(green, connect):
    clients = [connect(green) for _ in range(5)]
    for _ in range(2):
        for client in clients:
            client.get("/locals")
        for client in clients:
            assert json.loads(client.response().body) == [[1, 1], [1, 1]]


@ONE_PROCESS
def test_background_greenlets_run_between_requests(serve, gate, connect, mode):
    server = serve("green:app", *MODES[mode], env={**gate.env, "YMO_TEST_TICK": 1})
    client = connect(server)
    first = int(client.request("/tick-count").text)
    until(lambda: int(client.request("/tick-count").text) > first + 3, "the loop to run")


def test_pieces_leave_as_they_are_made(green, gate, connect):
    clients = [connect(green).get(f"/steps?{tag}") for tag in "ab"]
    for word in ("one", "two", "three"):
        for tag, client in zip("ba", reversed(clients)):
            gate.accept(tag).release(word)
            if word == "one":
                assert client.head().status == 200
            assert client.chunk() == word.encode()
    for tag, client in zip("ab", clients):
        assert client.chunk() == b""
        gate.heard(f"{tag}-closed-whole")


PIECES = 400  # 25 MiB: more than all buffers on the way hold


@pytest.mark.parametrize("view", ["flood", "flood-write"])
def test_slow_client_holds_up_nobody(green, connect, view):
    slow = [connect(green, rcvbuf=4096).get(f"/{view}?{PIECES},x") for _ in range(3)]
    for client in slow:
        assert client.head().status == 200
    for _ in range(5):
        assert connect(green).request().status == 200
    for client in slow:
        assert sum(map(len, client.chunks())) == PIECES * 65536
    assert connect(green).request().status == 200


def test_client_that_leaves_wakes_its_greenlet(green, gate, connect):
    client = connect(green, rcvbuf=4096).get(f"/flood?{PIECES},x")
    client.head()
    assert connect(green).request().status == 200
    client.reset()
    gate.heard("x-closed-early")
    other = connect(green, rcvbuf=4096).get(f"/flood-write?{PIECES},y")
    other.head()
    assert connect(green).request().status == 200
    other.reset()
    gate.heard("y-ConnectionResetError")
    assert green.stop() == 0


def test_killed_while_it_waits_for_its_client(green, gate, connect):
    client = connect(green, rcvbuf=4096).get(f"/flood?{PIECES},x")
    client.head()
    # It gets as far as the buffers let it, and waits.
    killer = connect(green)
    assert killer.request("/kill?x").text == "killed"
    gate.heard("x-closed-early")
    with pytest.raises(AssertionError):  # no end of the chunks
        list(client.chunks())
    assert killer.request().status == 200
    assert green.stop() == 0


def test_file(green, connect):
    with open(os.path.join(os.path.dirname(__file__), "apps", "green.py"), "rb") as file:
        assert connect(green).request("/file").body == file.read()


# ---- bodies that arrive slowly ----


@pytest.fixture
def streaming(serve, gate):
    return serve(
        "green:app", "--greenlets", "10", "--request-buffering", "off", env=gate.env
    )


def begin(client, view, length=6):
    return client.send(f"POST /{view} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n")


def test_slow_upload_holds_up_nobody(streaming, gate, connect):
    client = begin(connect(streaming), "upload")
    gate.heard("upload-entered")
    for piece in ("ab", "cd", "ef"):
        assert connect(streaming).request().status == 200
        client.send(piece)
    assert client.response().text == "6"
    big = connect(streaming).send(chunked("/upload", [b"x" * 300_000] * 10))
    assert big.response().text == "3000000"


def test_upload_that_breaks_off(streaming, gate, connect):
    client = begin(connect(streaming), "upload")
    gate.heard("upload-entered")
    client.send("ab").close()
    gate.heard("upload-ConnectionResetError")
    assert connect(streaming).request().status == 200
    assert streaming.stop() == 0


def test_timeout_of_a_read(streaming, gate, connect):
    client = begin(connect(streaming), "read-timeout")
    gate.heard("timed-out")
    client.send("abcdef")
    assert client.response().text == "abcdef"


def test_body_read_by_another_greenlet(streaming, connect):
    client = begin(connect(streaming), "delegated-reader")
    assert connect(streaming).request().status == 200
    client.send("abcdef")
    assert client.response().text == "abcdef"


def test_request_ends_while_another_greenlet_reads(streaming, gate, connect):
    client = begin(connect(streaming), "foreign-reader")
    gate.accept("reading").release()
    assert client.response().text == "gone"
    gate.heard("reader-sent-out")
    client.close()
    assert connect(streaming).request().status == 200
    assert streaming.stop() == 0


# ---- errors ----


@pytest.mark.parametrize(
    "view, said",
    [
        ("fail", "ValueError: green with envy"),
        ("timeout", "Timeout: 0.01 seconds|Timeout"),
        ("suicide", "the application killed the greenlet that runs it"),
        ("leave", "SystemExit: 3"),
    ],
)
def test_exception_is_a_500(green, connect, view, said):
    client = connect(green)
    assert client.request(f"/{view}").status == 500
    green.wait_log(said)
    assert client.request().status == 200
    assert green.stop() == 0


def test_timeout_that_the_application_catches(green, connect):
    assert connect(green).request("/inner-timeout").text == "in time"


def test_killed_by_another_request(green, gate, connect):
    client = connect(green).get("/hold?x")
    gate.accept("x")
    assert connect(green).request("/kill?x").text == "killed"
    assert client.response().status == 500
    client.get("/hold-on?y")
    gate.accept("y")
    assert connect(green).request("/kill?y").text == "killed"
    assert client.response().text == "GreenletExit()"


def test_write_is_for_the_greenlet_of_the_request(green, connect):
    text = connect(green).request("/foreign-write").text
    assert "write was called by a greenlet that does not run the request" in text


def test_exit_in_the_background_stops_gracefully(green, gate, connect):
    waits = connect(green).get("/hold?x")
    visit = gate.accept("x")
    assert connect(green).request("/exit-in-the-background").text == "soon"
    green.wait_log("asked to end the process")
    refused(green)
    visit.release("done")
    assert waits.response().text.startswith("done")
    green.told_to_end = True
    assert green.wait_exit() == 0


def test_many_waiting_at_the_stop(green, gate, connect):
    clients = [connect(green).get(f"/hold?{n}") for n in range(20)]
    visits = [gate.accept(str(n)) for n in range(20)]
    green.send_signal(signal.SIGTERM)
    refused(green)
    for visit in visits:
        visit.release("done")
    for client in clients:
        response = client.response()
        assert response.text.startswith("done ") and response.has_token("Connection", "close")
    assert green.wait_exit() == 0


def test_stack_of_a_greenlet_that_hangs(serve, gate, connect):
    server = serve("green:app", "--greenlets", "5", "--slow-request-log", "0.2", env=gate.env)
    clients = [connect(server).get(f"/hold?{tag}") for tag in "ab"]
    visits = [gate.accept(tag) for tag in "ab"]
    for tag in "ab":
        server.wait_log(rf"worker 0, in GET /hold\?{tag} for .*most recent call last")
    server.wait_log(r"in hold\n", count=2)
    for visit in visits:
        visit.release("go")
    for client in clients:
        assert client.response().status == 200


def test_reload_under_load(serve, gate):
    server = serve("green:app", "--no-proc", "2", "--greenlets", "8", env=gate.env)
    workers = server.workers(2)
    with Load(server.port, kept=6, fresh=2, target="/nap") as load:
        server.send_signal(signal.SIGHUP)
        until(lambda: not set(workers) & set(server.workers(2)), "the old workers to go")
        load.more(100)
    assert server.stop() == 0


# ---- what is missing ----


def test_without_gevent(tmp_path):
    (tmp_path / "gevent.py").write_text("raise ImportError('there is no gevent here')\n")
    apps = os.path.join(os.path.dirname(__file__), "apps")
    done = run_cli(
        "hello:app", "--greenlets", "5", "--host", "127.0.0.1", "--port", "0",
        env={"PYTHONPATH": f"{tmp_path}:{apps}"},
    )  # fmt: skip
    assert done.returncode == 1
    text = done.stdout + done.stderr
    assert "there is no gevent here" in text
    assert re.search(r"greenlets is 5, which needs the package gevent", text)


def test_application_that_is_not_patched_is_warned_of(serve, connect):
    server = serve("hello:app", "--greenlets", "5")
    server.wait_log("greenlets is 5, but the application is not monkey-patched")
    assert connect(server).request().status == 200
    assert server.stop() == 0


def test_flask(serve, gate, connect):
    server = serve("flask_green:app", "--greenlets", "10", env=gate.env)
    clients = [connect(server).get(f"/hold/{tag}") for tag in "abc"]
    stream = connect(server).get("/stream/s")
    for tag in "cab":
        gate.accept(tag).release("go")
    for tag, client in zip("abc", clients):
        assert client.response().text == f"{tag} go /hold/{tag}"
    for word in ("one", "two"):
        gate.accept("s").release(word)
    assert stream.response().text == "one /stream/s\ntwo /stream/s\n"
    with Client(server.port) as client:
        assert client.request("/nowhere").status == 404
    assert server.stop() == 0
