# SPDX-License-Identifier: MIT
"""A listening socket that came as descriptor 0, as those give it who start FastCGI servers."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess

import pytest

import fronts
import harness
from fcgi import Client
from harness import clean_env, running, server_path, until
from wire import Client as HttpClient

SPAWN = fronts.which("spawn-fcgi")
FCGID = fronts.APACHE_MODULES / "mod_fcgid.so"
SUPERVISED = ("--no-proc", "2", "--graceful-timeout", "3")
EACH = pytest.mark.parametrize(
    "options", [(), SUPERVISED, (*SUPERVISED, "--preload", "on")],
    ids=["alone", "supervised", "preload"],
)  # fmt: skip


@pytest.fixture
def given(serve):
    """given("module:app", …) → a server that was given the listening socket at `address` as 0."""
    with contextlib.ExitStack() as stack:

        def start(app, *options, family=socket.AF_INET, address=("127.0.0.1", 0), **kwargs):
            listener = stack.enter_context(socket.socket(family))
            listener.bind(address)
            listener.listen(16)
            server = serve(
                app, *options, bind=False, preexec_fn=lambda: os.dup2(listener.fileno(), 0),
                **kwargs,
            )  # fmt: skip
            server.given = listener.getsockname()
            if family == socket.AF_INET:
                server.port = server.given[1]
            listener.close()  # nobody else serves it
            return server

        yield start


def ask(server, target="/"):
    with Client(server.port) as client:
        return client.request(target).text


NULL = "/dev/null"


@EACH
@pytest.mark.parametrize("named", [True, False], ids=["named", "found"])
def test_serves_it(given, options, named):
    """Neither the application nor what it starts has anything but /dev/null there."""
    bind = ("--bind", "fastcgi://fd:0") if named else ("--protocol", "fastcgi")
    server = given("stdin_app:app", *bind, *options)
    assert server.address == f"fastcgi://127.0.0.1:{server.port}"
    at_import, now, started, pid = ask(server).split()
    assert (at_import, now, started) == (NULL, NULL, NULL)
    assert (int(pid) == server.pid) == (not options)
    assert server.stop() == 0


def test_unix_socket(given, short_dir):
    """Its file belongs to whoever has made it."""
    path = f"{short_dir}/s"
    server = given("hello:app", "--protocol", "fastcgi", family=socket.AF_UNIX, address=path)
    server.wait_log("listening on fastcgi://fd:0")
    with Client(path) as client:
        assert client.request().text == "Hello, world!"
    assert server.stop() == 0
    assert os.path.exists(path)


@pytest.mark.parametrize(
    "options, protocol",
    [
        (("--protocol", "fastcgi", "--port", "0"), "fastcgi"),
        (("--protocol", "fastcgi", "--bind", "127.0.0.1:0"), "fastcgi"),
        (("--protocol", "uwsgi", "--port", "0"), "uwsgi"),
    ],
)
def test_not_where_an_address_is_named(given, options, protocol):
    server = given("hello:app", *options)
    assert server.address.startswith(f"{protocol}://127.0.0.1:")
    assert not server.address.endswith(f":{server.given[1]}")


def test_not_where_the_environment_names_one(given):
    server = given("hello:app", "--protocol", "fastcgi", env={"YIMMO_WSGI_PORT": "0"})
    assert not server.address.endswith(f":{server.given[1]}")


def test_not_over_another_protocol(given, tmp_path):
    """Whom such a socket is for cannot be known then: the log says what to do."""
    with socket.create_server(("127.0.0.1", 8081), reuse_port=False):  # the default is taken
        server = given("hello:app", ready=False)
        server.wait_log("descriptor 0 is a listening socket.*--protocol fastcgi")
        assert server.wait_exit() == 1


def test_protocol_of_a_file(given):
    server = given("hello:app", config="wsgi:\n  protocol: fastcgi\n")
    assert ask(server) == "Hello, world!"


@pytest.mark.parametrize("named", [True, False], ids=["named", "found"])
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR2], ids=["reload", "upgrade"])
@pytest.mark.parametrize("preload", ["on", "off"])
def test_survives(given, named, number, preload, tmp_path, monkeypatch):
    program = tmp_path / "yimmo-wsgi"
    shutil.copy(server_path(), program)
    monkeypatch.setenv("YMO_SERVER", str(program))
    bind = ("--bind", "fastcgi://fd:0") if named else ("--protocol", "fastcgi")
    server = given("stdin_app:app", *bind, *SUPERVISED, "--preload", preload)
    before = server.workers(2)
    for n in range(1, 3):
        server.send_signal(number)
        server.wait_log(r"reloaded: 2 workers", count=n)
        for pid in before:
            server.wait_worker_gone(pid)
        before = server.workers(2)
        *what, pid = ask(server).split()
        assert what == [NULL] * 3 and int(pid) in before
    os.kill(before[0], signal.SIGKILL)
    server.wait_worker_gone(before[0])
    server.workers(2)
    assert ask(server).startswith(NULL)


def test_given_up_by_a_reload(given, tmp_path):
    """The number is not given to something else."""
    path = tmp_path / "c.yml"
    path.write_text("wsgi:\n  protocol: fastcgi\n")
    server = given("stdin_app:app", "--config", path, *SUPERVISED)
    path.write_text("wsgi:\n  protocol: fastcgi\n  port: 0\n")
    server.send_signal(signal.SIGHUP)
    other = int(server.wait_log(r"listening on fastcgi://127\.0\.0\.1:(\d+)", count=2).group(1))
    server.wait_log("reloaded")
    assert other != server.given[1]
    with Client(other) as client:
        assert client.request().text.startswith(f"{NULL} {NULL} {NULL}")
    assert os.readlink(f"/proc/{server.pid}/fd/0") == NULL
    until(lambda: refuses(server.given), "nobody listens there")


def refuses(address):
    with socket.socket() as s:
        return s.connect_ex(address) != 0


# ---- those who start servers


def wrapper(tmp_path, *options, app="environ_app:app", program=None):
    """A script as users write it."""
    path = tmp_path / "app.fcgi"
    settings = "".join(f'export {k}="{v}"\n' for k, v in clean_env().items() if k[:6] == "PYTHON")
    words = " ".join(map(str, options))
    path.write_text(
        f"#!/bin/sh\n{settings}cd {tmp_path}\n"
        f"exec {program or server_path()} --protocol fastcgi {words} {app} 2>>{tmp_path}/server.log\n"
    )
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("options", [(), SUPERVISED], ids=["alone", "supervised"])
@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_spawn_fcgi(tmp_path, short_dir, kind, options):
    assert SPAWN, "spawn-fcgi is not installed; ./dev test does that on Debian"
    port = fronts.free_port()
    path = short_dir / "s"
    where = ["-s", str(path)] if kind == "unix" else ["-a", "127.0.0.1", "-p", str(port)]
    command = [SPAWN, "-n", *where, "--", str(wrapper(tmp_path, *options))]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=clean_env())
    try:
        address = str(path) if kind == "unix" else port
        until(lambda: path.exists() if kind == "unix" else not refuses(("127.0.0.1", port)), "up")
        for _ in range(3):
            with Client(address) as client:
                assert client.request("/x").status == 200
    finally:
        process.terminate()
        code = process.wait(harness.PATIENCE)
    assert code == 0, (tmp_path / "server.log").read_text()


@pytest.mark.skipif(not fronts.LIGHTTPD, reason="lighttpd is not installed")
def test_lighttpd_starts_it(tmp_path, short_dir):
    script = wrapper(tmp_path, app="procs:app")
    port = fronts.free_port()
    front = fronts.lighttpd(
        tmp_path / "lighttpd", port,
        'server.modules = ("mod_fastcgi")\n'
        f'fastcgi.server = ("/" => (("socket" => "{short_dir}/s", "bin-path" => "{script}",'
        ' "max-procs" => 1, "check-local" => "disable", "fix-root-scriptname" => "enable")))',
    )  # fmt: skip
    try:
        with HttpClient(port) as client:
            pid = int(client.request("/").text)
        with HttpClient(port) as client:
            assert int(client.request("/").text) == pid
        assert running(pid)
    finally:
        front.stop()
    until(lambda: not running(pid), "the server ends with lighttpd")
    assert "stopped" in (tmp_path / "server.log").read_text()


def test_mod_fcgid_starts_it(tmp_path, short_dir):
    """As another user, where the tests are run by root: all that it needs is where it may look."""
    assert FCGID.exists(), "mod_fcgid is not installed; ./dev test does that on Debian"
    short_dir.chmod(0o777)
    program = shutil.copy(server_path(), short_dir)
    for name in ("procs.py", "gatelib.py"):
        shutil.copy(harness.APPS / name, short_dir)
    (short_dir / "server.log").touch()
    (short_dir / "server.log").chmod(0o666)
    script = wrapper(short_dir, app="procs:app", program=program)
    port = fronts.free_port()
    front = fronts.apache(
        tmp_path / "apache", port, ["fcgid", "alias"],
        f"FcgidIPCDir {short_dir}\nFcgidProcessTableFile {short_dir}/table\n"
        f"FcgidMaxProcesses 1\nAlias / {script}/\n"
        f"<Directory {short_dir}>\nAllowOverride None\nOptions ExecCGI\n"
        f"SetHandler fcgid-script\nFcgidWrapper {script} virtual\nRequire all granted\n"
        "</Directory>\n",
    )  # fmt: skip
    try:
        with HttpClient(port) as client:
            response = client.request("/")
            log = front.log.read_text() + (short_dir / "server.log").read_text()
            assert response.status == 200, log
            pid = int(response.text)
        with HttpClient(port) as client:
            assert int(client.request("/").text) == pid
        assert running(pid)
    finally:
        front.stop()
    until(lambda: not running(pid), "the server ends with Apache")


# ---- who may connect


@pytest.mark.parametrize(
    "allowed, welcome",
    [
        ("127.0.0.1", True),
        ("192.0.2.1, 127.0.0.1 ,::1", True),
        ("192.0.2.1", False),
        ("::1,2001:db8::1", False),
        ("::ffff:127.0.0.1", True),
    ],
)
@pytest.mark.parametrize("options", [(), ("--no-proc", "2")], ids=["alone", "supervised"])
def test_web_server_addresses(serve, allowed, welcome, options):
    binds = ("--bind", "fastcgi://127.0.0.1:0", "--bind", "http://127.0.0.1:0")
    env = {"FCGI_WEB_SERVER_ADDRS": allowed}
    server = serve("hello:app", *binds, *options, bind=False, env=env)
    other = int(server.wait_log(r"listening on http://127\.0\.0\.1:(\d+)").group(1))
    for _ in range(5):
        with Client(server.port) as client:
            if welcome:
                assert client.request().text == "Hello, world!"
            else:
                assert client.ask().closed()
    with HttpClient(other) as client:  # the variable is about FastCGI
        assert client.request().text == "Hello, world!"
    if not welcome:
        line = r"connection from 127\.0\.0\.1 was closed: FCGI_WEB_SERVER_ADDRS does not name it"
        server.wait_log(line)
        assert server.log().count("FCGI_WEB_SERVER_ADDRS") <= (2 if options else 1)


def test_web_server_addresses_of_ipv6(serve):
    env = {"FCGI_WEB_SERVER_ADDRS": "0:0::1"}
    server = serve("hello:app", "--bind", "fastcgi://[::]:0", bind=False, env=env)
    with Client(("::1", server.port)) as client:
        assert client.request().status == 200
    with Client(server.port) as client:
        assert client.ask().closed()
    server.wait_log("from 127.0.0.1 was closed")


def test_web_server_addresses_and_a_unix_socket(serve, short_dir):
    env = {"FCGI_WEB_SERVER_ADDRS": "192.0.2.1"}
    serve("hello:app", "--bind", f"fastcgi://unix:{short_dir}/s", bind=False, env=env)
    with Client(f"{short_dir}/s") as client:
        assert client.request().status == 200


@pytest.mark.parametrize("value", ["", ",", "localhost", "127.0.0.1,", "127.0.0.1:80", "1.2.3"])
def test_malformed_web_server_addresses(value):
    env = {"FCGI_WEB_SERVER_ADDRS": value}
    done = harness.run_cli("hello:app", "--bind", "fastcgi://127.0.0.1:0", env=env)
    assert done.returncode == 2
    assert f"FCGI_WEB_SERVER_ADDRS: '{value}': not a list of IP addresses" in done.stderr
