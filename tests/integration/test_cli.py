# SPDX-License-Identifier: MIT
"""The command line, the environment and the YAML file, end to end."""

import os
import re
import socket

import pytest

from harness import run_cli
from wire import Client

SEED_YAML = """\
---
log_level: INFO
wsgi:
  port: {port}
  no_proc: 1
  no_threads: 2
"""


def printed(done, key):
    """The value of a setting in --print-config's output, and where it came from."""
    match = re.search(rf"^\s*{key}:\s*(.*?)\s*#\s*(.*)$", done.stdout, re.M)
    assert match, f"no {key} in\n{done.stdout}{done.stderr}"
    return match.group(1).strip("\"'"), match.group(2)


def test_help_lists_the_seeds_options_and_variables():
    done = run_cli("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "Usage: yimmo-wsgi [OPTIONS] WSGI_MODULE:WSGI_APP" in done.stdout
    for option in ("--config", "--log-level", "--port", "--no-proc", "--no-threads", "--help"):
        assert option in done.stdout
    for variable in (
        "YIMMO_LOG_LEVEL",
        "YIMMO_SERVER_IDLE_TIMEOUT",
        "YIMMO_WSGI_CONFIG",
        "YIMMO_WSGI_NO_PROC",
        "YIMMO_WSGI_NO_THREADS",
        "YIMMO_WSGI_MODULE",
        "YIMMO_WSGI_APP",
        "YIMMO_WSGI_PORT",
        "YIMMO_WSGI_USE_KQUEUE",
        "YIMMO_TLS_CERT_PATH",
        "YIMMO_TLS_KEY_PATH",
    ):
        assert variable in done.stdout, variable
    assert run_cli("-h").stdout == done.stdout


def test_help_fits_a_wide_terminal():
    assert max(map(len, run_cli("--help").stdout.splitlines())) <= 120


def test_version_names_server_and_python():
    done = run_cli("--version")
    assert done.returncode == 0
    assert re.match(r"yimmo-wsgi \d+\.\d+\.\d+", done.stdout)
    assert re.search(r"Python 3\.\d+", done.stdout)


def test_check_config_accepts_without_serving():
    done = run_cli("--check-config", "hello:app", "--port", "0")
    assert done.returncode == 0
    assert "listening" not in done.stderr


def test_check_config_refuses():
    done = run_cli("--check-config", "hello:app", "--port", "65536")
    assert done.returncode == 2
    assert "65536" in done.stderr


def test_precedence_shown_by_print_config(tmp_path):
    path = tmp_path / "yimmo.yml"
    path.write_text("wsgi:\n  port: 1001\n  no_threads: 3\n  no_proc: 4\n")
    done = run_cli(
        "--print-config",
        "--config",
        path,
        "--port",
        "3003",
        env={"YIMMO_WSGI_PORT": "2002", "YIMMO_WSGI_NO_THREADS": "5"},
    )
    assert done.returncode == 0, done.stderr
    assert printed(done, "port") == ("3003", "--port")
    assert printed(done, "no_threads") == ("5", "YIMMO_WSGI_NO_THREADS")
    value, place = printed(done, "no_proc")
    assert value == "4" and re.search(r"yimmo\.yml:4:\d+$", place)
    value, place = printed(done, "log_level")
    assert value.upper() == "INFO" and place == "default"


def test_print_config_loads_again(tmp_path):
    first = run_cli("--print-config", "--port", "4321", "--no-threads", "7", "hello:app")
    path = tmp_path / "printed.yml"
    path.write_text(first.stdout)
    again = run_cli("--print-config", "--config", path)
    assert again.returncode == 0, again.stderr

    def strip(text):
        return re.sub(r"\s*#.*", "", text)

    assert strip(again.stdout) == strip(first.stdout)


@pytest.mark.parametrize(
    "args, told",
    [
        (["hello:app", "--prt", "1"], ["--prt", "--port"]),
        (["hello:app", "--nonsense"], ["--nonsense"]),
        (["hello:app", "--port"], ["--port"]),
        (["hello:app", "--port", "eighty"], ["--port", "eighty"]),
        (["hello:app", "--port", "-1"], ["--port", "-1"]),
        (["hello:app", "--port", "70000"], ["70000", "65535"]),
        (["hello:app", "--no-threads", "0"], ["--no-threads"]),
        (["hello:app", "--log-level", "LOUD"], ["LOUD"]),
        (["hello:app", "--bind", "nonsense://x:1"], ["nonsense"]),
        (["hello:app", "--bind", "127.0.0.1:99999"], ["99999"]),
        (["hello:app", "--config", "/does/not/exist.yml"], ["/does/not/exist.yml"]),
        (["hello:app", "other:app"], ["other:app"]),
        ([], ["MODULE"]),
    ],
)
def test_usage_errors_are_one_line_and_exit_2(args, told):
    done = run_cli(*args)
    assert done.returncode == 2
    assert done.stdout == ""
    for word in told:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    first = done.stderr.splitlines()[0]
    assert first.startswith("yimmo-wsgi: "), first


@pytest.mark.parametrize(
    "text, place, told",
    [
        ("wsgi:\n  port: 8081\n  no_thread: 2\n", "yimmo.yml:3:3", "no_threads"),
        ("wsgi:\n  port: many\n", "yimmo.yml:2:9", "many"),
        ("wsgi:\n  port: [1, 2]\n", "yimmo.yml:2:9", "port"),
        ("wsgi:\n  port: 1\n  port: 2\n", "yimmo.yml:3:3", "port"),
        ("log_level: LOUD\n", "yimmo.yml:1:12", "LOUD"),
        ("wsgi: {port: 1\n", "yimmo.yml:", ""),
        ("- a\n- b\n", "yimmo.yml:1:1", ""),
    ],
)
def test_yaml_errors_name_their_place(tmp_path, text, place, told):
    path = tmp_path / "yimmo.yml"
    path.write_text(text)
    done = run_cli("hello:app", "--config", path)
    assert done.returncode == 2
    assert place in done.stderr
    assert told in done.stderr


def test_every_mistake_is_told_at_once(tmp_path):
    path = tmp_path / "yimmo.yml"
    path.write_text("wsgi:\n  port: x\n  no_proc: y\n")
    done = run_cli("hello:app", "--config", path, "--no-threads", "z")
    assert done.returncode == 2
    for place in ("yimmo.yml:2:9", "yimmo.yml:3:12", "--no-threads"):
        assert place in done.stderr


def test_bad_environment_names_the_variable():
    done = run_cli("hello:app", env={"YIMMO_WSGI_PORT": "http"})
    assert done.returncode == 2
    assert "YIMMO_WSGI_PORT" in done.stderr and "http" in done.stderr


def test_unreadable_config_says_why(tmp_path):
    done = run_cli("hello:app", "--config", tmp_path)
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr


def test_port_in_use_ends_with_one_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_cli("hello:app", "--host", "127.0.0.1", "--port", port)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if str(port) in line]
    assert len(lines) == 1, done.stderr
    assert "in use" in lines[0]


def drop_privileges():
    """As root: become nobody, with no capability, so that port 80 is refused to us too."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


def unprivileged_start():
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
        return int(file.read())


def test_privileged_port_ends_with_a_hint(tmp_path):
    if unprivileged_start() <= 80:
        pytest.skip("this machine lets everybody bind port 80")
    # The sources and the binary may lie where nobody cannot look; --check-config needs neither
    # module nor privilege, so it tells whether the binary can be run at all.
    try:
        run_cli("--version", cwd="/", preexec_fn=drop_privileges)
    except PermissionError:
        pytest.skip("another user cannot run the server where it was built")
    done = run_cli(
        "wsgiref.simple_server:demo_app",
        "--host",
        "127.0.0.1",
        "--port",
        "80",
        cwd="/",
        env={"PYTHONPATH": None},
        preexec_fn=drop_privileges,
    )
    assert done.returncode == 1
    assert re.search(r"127\.0\.0\.1:80\b", done.stderr)
    assert "1024" in done.stderr or "privilege" in done.stderr


def test_address_that_is_not_ours():
    done = run_cli("hello:app", "--host", "192.0.2.1", "--port", "0")
    assert done.returncode == 1
    assert "192.0.2.1" in done.stderr


def test_seed_yaml_serves(serve):
    server = serve(config=SEED_YAML.format(port=0), bind=False)
    with Client(server.port) as client:
        assert client.request().body == b"Hello, world!"


def test_seed_environment_serves(serve, tmp_path):
    path = tmp_path / "by_env.yml"
    path.write_text("wsgi:\n  no_threads: 3\n")
    env = {
        "YIMMO_WSGI_CONFIG": path,
        "YIMMO_WSGI_MODULE": "environ_app",
        "YIMMO_WSGI_APP": "app",
        "YIMMO_WSGI_PORT": "0",
        "YIMMO_WSGI_NO_PROC": "1",
        "YIMMO_LOG_LEVEL": "DEBUG",
        "YIMMO_SERVER_IDLE_TIMEOUT": "60",
    }
    server = serve(None, bind=False, env=env)
    with Client(server.port) as client:
        assert '"wsgi.multithread": true' in client.request().text


def test_environment_beats_file_and_command_line_beats_both(serve):
    server = serve(
        "hello:app",
        "--script-name",
        "/cli",
        config="wsgi:\n  module: nothing_here\n  script_name: /file\n",
        env={"YIMMO_WSGI_SCRIPT_NAME": "/env"},
    )
    for path, status in (("/cli/x", 200), ("/env/x", 404), ("/file/x", 404)):
        with Client(server.port) as client:
            assert client.request(path).status == status


def test_kqueue_is_told_where_there_is_none(serve):
    server = serve(env={"YIMMO_WSGI_USE_KQUEUE": "1"})
    server.wait_log("(?i)kqueue")
    with Client(server.port) as client:
        assert client.request().status == 200


def test_log_lines_have_time_level_and_pid(serve):
    server = serve()
    line = server.wait_log(r"(?m)^.*listening on.*$").group(0)
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d) ", line), line
    assert re.search(r"\b(NOTICE|INFO)\b", line)
    assert re.search(rf"\b{server.pid}\b", line)
    assert "\x1b" not in line, "no colour outside a terminal"


def test_colour_on_a_terminal():
    import pty

    from harness import clean_env, server_path
    import subprocess

    leader, follower = pty.openpty()
    env = clean_env({"TERM": "xterm"})
    env.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [str(server_path()), "nothing_here:app", "--port", "0"],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    seen = b""
    try:
        while data := os.read(leader, 4096):
            seen += data
    except OSError:
        pass  # the other side is closed
    os.close(leader)
    assert process.wait(20) == 1
    assert b"\x1b[" in seen


@pytest.mark.parametrize("level, there", [("ERROR", False), ("NOTICE", None), ("DEBUG", True)])
def test_log_level_filters(level, there, serve, short_dir):
    path = short_dir / "s"
    server = serve("hello:app", "-l", level, "--bind", f"unix:{path}", bind=False, ready=False)
    from wire import connect_when_ready

    with connect_when_ready(str(path)) as client:
        assert client.request().status == 200
    server.stop()
    if there is not None:
        assert bool(re.search(r"\b(DEBUG|INFO|NOTICE)\b", server.log())) == there


def test_python_logging_is_left_alone(serve):
    server = serve("interpreter:app", "--log-level", "TRACE")
    with Client(server.port) as client:
        assert client.request("/facts").text.count('"levels": [30, 30]') == 1


def test_chdir(serve, tmp_path):
    (tmp_path / "here.py").write_text(
        "import os\ndef app(e, s):\n s('200 OK', [])\n return [os.getcwd().encode()]\n"
    )
    server = serve("here:app", "--chdir", tmp_path)
    with Client(server.port) as client:
        assert client.request().text == str(tmp_path)


def test_pythonpath_option(serve, tmp_path):
    (tmp_path / "only_here.py").write_text(
        "def app(e, s):\n s('200 OK', [])\n return [b'found']\n"
    )
    server = serve("only_here:app", "--pythonpath", tmp_path)
    with Client(server.port) as client:
        assert client.request().body == b"found"


def test_several_binds(serve, short_dir):
    path = short_dir / "sock"
    server = serve(
        "hello:app", "--bind", "127.0.0.1:0", "--bind", f"http://unix:{path}", bind=False
    )
    server.wait_log("listening on ", count=2)
    for address in (server.port, str(path)):
        with Client(address) as client:
            assert client.request().status == 200


def test_inherited_socket(serve):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        server = serve(
            "hello:app", "--bind", f"fd:{sock.fileno()}", bind=False, pass_fds=[sock.fileno()]
        )
        with Client(sock.getsockname()[1]) as client:
            assert client.request().status == 200
        assert server.alive()
