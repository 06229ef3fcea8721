# SPDX-License-Identifier: MIT
"""As a service: the manager's notify protocol, its sockets, the pid file."""

import contextlib
import json
import os
import signal
import socket

import pytest

from harness import PATIENCE, run_cli, until
from wire import Client


class Manager:
    """The service manager's end of the notify protocol."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(PATIENCE)

    def heard(self):
        """The next message, as a dictionary."""
        text = self.socket.recv(4096).decode()
        return dict(line.split("=", 1) for line in text.splitlines())

    def wait(self, key):
        """The first message with this key, whatever comes before it."""
        while True:
            message = self.heard()
            if key in message:
                return message


def look(server):
    """What apps/service.py tells."""
    with Client(server.port) as client:
        return json.loads(client.get("/").response().text)


@pytest.fixture
def manager(short_dir):
    manager = Manager(short_dir / "notify")
    with contextlib.closing(manager.socket):
        yield manager


@pytest.mark.parametrize("supervise", ["--supervise", "--no-supervise"])
def test_manager_hears_of_start_and_stop(serve, manager, supervise):
    env = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "60000000"}
    server = serve("service:app", supervise, env=env)
    ready = manager.heard()
    assert ready["READY"] == "1" and ready["MAINPID"] == str(server.pid)
    seen = look(server)["variables"]
    assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} & set(seen)
    if supervise == "--supervise":
        assert server.stop() == 0
        assert manager.wait("STOPPING")["STOPPING"] == "1"


def test_manager_hears_of_a_reload_and_of_one_that_fails(serve, manager, tmp_path):
    config = tmp_path / "hello.yml"
    config.write_text("wsgi: {supervise: on, host: 127.0.0.1, port: 0}")
    server = serve(
        "hello:app", "--config", str(config), bind=False, env={"NOTIFY_SOCKET": manager.path}
    )
    manager.wait("READY")
    for text in (config.read_text(), "wsgi: {no_such_setting: 1}"):
        config.write_text(text)
        server.send_signal(signal.SIGHUP)
        message = manager.heard()
        assert message["RELOADING"] == "1" and int(message["MONOTONIC_USEC"]) > 0
        message = manager.heard()
        assert message["READY"] == "1" and message["MAINPID"] == str(server.pid)
        assert ("failed" in message["STATUS"]) == ("no_such_setting" in text)


def test_watchdog_is_answered(serve, manager):
    env = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"}
    serve("hello:app", "--supervise", env=env)
    manager.wait("READY")
    for _ in range(3):
        assert manager.wait("WATCHDOG")["WATCHDOG"] == "1"


def test_new_program_still_knows_the_manager(serve, manager):
    env = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"}
    server = serve("service:app", "--supervise", env=env)
    manager.wait("READY")
    before = look(server)["pid"]
    server.send_signal(signal.SIGUSR2)
    manager.wait("RELOADING")
    manager.wait("READY")
    until(lambda: look(server)["pid"] != before, "a worker of the new program answers")
    seen = look(server)
    hidden = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "YMO_HANDOVER"}
    assert not hidden & set(seen["variables"])
    manager.wait("WATCHDOG")


@pytest.mark.parametrize("processes", ["1", "2"])
def test_socket_of_the_manager_outlives_the_service(serve, processes):
    """With fd:3, what connects while nothing runs is answered by the next one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def activated():
            # As the manager passes it: number 3, not close-on-exec.
            os.dup2(listener.fileno(), 3)

        def start():
            return serve(
                "hello:app", "--bind", "fd:3", "--no-proc", processes,
                bind=False, preexec_fn=activated, pass_fds=(3,),
            )  # fmt: skip

        assert start().stop() == 0
        with Client(port) as waiting:
            waiting.get("/")
            server = start()
            assert waiting.response().status == 200
        server.send_signal(signal.SIGHUP)  # 1: not supervised, and only a warning
        with Client(port) as client:
            assert client.get("/").response().status == 200


@pytest.mark.parametrize("processes", ["1", "2"])
def test_pidfile(serve, tmp_path, processes):
    path = tmp_path / "pid"
    path.write_text("1\n")  # left over, and the number is a living process's
    server = serve("hello:app", "--pidfile", str(path), "--no-proc", processes)
    assert path.read_text() == f"{server.pid}\n"
    assert server.stop() == 0
    assert not path.exists()


def test_pidfile_of_somebody_else_stays(serve, tmp_path):
    path = tmp_path / "pid"
    server = serve("hello:app", "--pidfile", str(path))
    path.write_text("1\n")
    assert server.stop() == 0
    assert path.read_text() == "1\n"


@pytest.mark.parametrize("processes", ["1", "2"])
def test_pidfile_that_cannot_be_written(tmp_path, processes):
    path = tmp_path / "missing" / "pid"
    done = run_cli("hello:app", "--port", "0", "--pidfile", path, "--no-proc", processes)
    assert done.returncode == 1
    assert str(path) in done.stderr and "pidfile" in done.stderr
