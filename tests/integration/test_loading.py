# SPDX-License-Identifier: MIT
"""Finding the application, and what it sees of the interpreter."""

import json
import os
import subprocess
import textwrap

import pytest

from harness import APPS, run_cli
from wire import Client

ANSWER = """
def answer(word):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [word.encode()]
    return app
"""


@pytest.fixture
def package(tmp_path):
    """A directory of modules; returns write(name, source)."""

    def write(name, source):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ANSWER + textwrap.dedent(source))
        return tmp_path

    return write


def body(server, target="/"):
    with Client(server.port) as client:
        response = client.request(target)
        assert response.status == 200, server.log()
        return response.text


def facts(server):
    return json.loads(body(server, "/facts"))


@pytest.mark.parametrize(
    "name, source, spec, word",
    [
        ("m.py", "app = answer('app')", "m:app", "app"),
        ("m.py", "def make(c): return answer(c)", 'm:make("my_config.cfg")', "my_config.cfg"),
        ("m.py", "def f(**k): return answer(k['a:b'])", "m:f(**{'a:b': 'colon'})", "colon"),
        ("pkg/mod.py", "class O: attr = answer('attr')\nobj = O", "pkg.mod:obj.attr", "attr"),
        ("m.py", "apps = {'x': answer('item')}", "m:apps['x']", "item"),
        ("m.py", "application = answer('application')\napp = answer('app')", "m", "application"),
        ("m.py", "app = answer('only app')", "m", "only app"),
        ("pkg/__init__.py", "app = answer('package')", "pkg", "package"),
        ("m.py", "", 'm:answer("expression")', "expression"),
        ("ünï.py", "app = answer('unicode')", "ünï:app", "unicode"),
    ],
)
def test_forms(package, serve, name, source, spec, word):
    server = serve(spec, cwd=package(name, source))
    assert body(server) == word


def test_callable_object_and_class(package, serve):
    source = """
    class App:
        def __call__(self, environ, start_response):
            start_response("200 OK", [])
            return [b"object"]
    class Classy:
        def __init__(self, environ, start_response):
            start_response("200 OK", [])
        def __iter__(self):
            yield b"class"
    """
    where = package("m.py", source)
    assert body(serve("m:App()", cwd=where)) == "object"
    assert body(serve("m:Classy", cwd=where)) == "class"


@pytest.mark.parametrize(
    "source, spec, told",
    [
        ("", "missing_mod:app", ["ModuleNotFoundError", "missing_mod"]),
        ("import missing_dep", "m:app", ["Traceback", "m.py", "missing_dep"]),
        ("def broken(:", "m:app", ["SyntaxError", "m.py"]),
        ("raise RuntimeError('at import')", "m:app", ["Traceback", "RuntimeError: at import"]),
        ("raise SystemExit('bye')", "m:app", ["bye"]),
        ("app = 5", "m:app", ["int", "called"]),
        ("def make(): return None", "m:make()", ["NoneType", "called"]),
        ("other = 5", "m", ["application", "app"]),
        ("my_app = answer('x')", "m:my_ap", ["NameError", "my_ap", "my_app"]),
        ("def make(): pass", "m:zzz", ["NameError", "zzz", "it has answer, make"]),
        ("app = answer('x')", "m:app(", ["SyntaxError", "app("]),
        ("app = answer('x')", "m:app = 5", ["SyntaxError"]),
        ("def make(): raise ValueError('in factory')", "m:make()", ["ValueError: in factory"]),
        ("app = answer('x')", "m.sub:app", ["m.sub"]),
    ],
)
def test_failures_say_what_was_looked_for_and_exit_1(package, source, spec, told):
    where = package("m.py", source)
    done = run_cli(spec, "--port", "0", cwd=where)
    assert done.returncode == 1, done.stderr
    for word in told:
        assert word in done.stderr
    assert done.stderr.count("Traceback (most recent call last)") <= 1
    assert "listening" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert spec.partition(":")[0] in last, f"the last line is the sentence: {last}"


def test_current_directory_comes_first(package, serve):
    where = package("hello.py", "app = answer('from here')")
    assert body(serve("hello:app", cwd=where)) == "from here"


def test_safe_path_leaves_the_current_directory_out(package):
    where = package("only_in_cwd.py", "app = answer('x')")
    done = run_cli("only_in_cwd:app", "--port", "0", cwd=where, env={"PYTHONSAFEPATH": "1"})
    assert done.returncode == 1
    assert "only_in_cwd" in done.stderr


def test_pythonpath_is_the_interpreters(package, serve, tmp_path_factory):
    where = package("elsewhere.py", "app = answer('elsewhere')")
    empty = tmp_path_factory.mktemp("empty")
    env = {"PYTHONPATH": f"{empty}:{where}"}
    assert body(serve("elsewhere:app", cwd=empty, env=env)) == "elsewhere"


def test_sys_facts(serve, tmp_path):
    server = serve("interpreter:app", cwd=tmp_path)
    told = facts(server)
    assert told["main"] == "__main__"
    assert os.path.basename(told["argv"][0]) == "yimmo-wsgi"
    assert told["path"][0] in ("", str(tmp_path))
    assert str(APPS) in told["path"]
    assert told["cwd"] == str(tmp_path)
    code = "import sys; print(sys.version_info[0], sys.version_info[1])"
    ran = subprocess.run([told["executable"], "-c", code], capture_output=True, text=True)
    assert ran.stdout.split() == [str(n) for n in told["version"]]


def make_venv(server_python, where):
    subprocess.run([server_python, "-m", "venv", "--without-pip", where], check=True)
    site = next(where.glob("lib/python3.*/site-packages"))
    (site / "only_in_venv.py").write_text(
        ANSWER + "import sys\napp = answer(sys.prefix + ' ' + sys.executable)"
    )


@pytest.mark.parametrize("how", ["option", "variable"])
def test_virtual_environment(serve, tmp_path, how):
    python = facts(serve("interpreter:app"))["executable"]
    venv = tmp_path / "venv"
    make_venv(python, venv)
    if how == "option":
        server = serve("only_in_venv:app", "--virtualenv", venv)
    else:
        server = serve("only_in_venv:app", env={"VIRTUAL_ENV": venv})
    prefix, executable = body(server).split(" ")
    assert prefix == str(venv)
    assert os.path.dirname(executable) == str(venv / "bin")


def test_virtual_environment_that_is_none(tmp_path):
    done = run_cli("hello:app", "--port", "0", "--virtualenv", tmp_path / "no")
    assert done.returncode in (1, 2)
    assert str(tmp_path / "no") in done.stderr


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize(
    "what, result",
    [
        ("subprocess", "True"),
        ("shell", "42"),
        ("fork", 7),
        ("fork-and-terminate", [-15]),
        ("pool-fork", [1, 4, 9]),
        ("pool-spawn", [1, 4, 9]),
    ],
)
def test_processes_from_a_request(serve, what, result, threads):
    server = serve("interpreter:app", "--no-threads", threads)
    assert json.loads(body(server, f"/{what}")) == result
    assert body(server, "/print"), "it still serves"


def test_children_inherit_no_descriptors(serve):
    server = serve("interpreter:app")
    assert int(json.loads(body(server, "/child-keeps-nothing"))) <= 4


def test_print_appears_at_once(serve):
    server = serve("interpreter:app")
    body(server, "/print")
    server.wait_log("printed by the application")


def test_atexit_runs_at_shutdown(serve, tmp_path):
    path = tmp_path / "atexit"
    server = serve("interpreter:app", env={"YMO_TEST_ATEXIT": path})
    body(server, "/facts")
    assert server.stop() == 0
    assert path.read_text() == "atexit ran\n"
    assert "printed at exit" in server.log()


def test_application_threads_are_joined_at_shutdown(package, serve):
    source = """
    import threading
    stop = threading.Event()
    def work():
        stop.wait()
        print("thread ended", flush=True)
    threading.Thread(target=work).start()
    threading._register_atexit(stop.set)
    app = answer("x")
    """
    server = serve("m:app", cwd=package("m.py", source))
    assert body(server) == "x"
    assert server.stop() == 0
    assert "thread ended" in server.log()


def test_daemon_threads_do_not_hold_up_shutdown(package, serve):
    source = """
    import threading
    def work():
        threading.Event().wait()
    def spin():
        while True:
            pass
    threading.Thread(target=work, daemon=True).start()
    threading.Thread(target=spin, daemon=True).start()
    app = answer("x")
    """
    server = serve("m:app", cwd=package("m.py", source))
    assert body(server) == "x"
    assert server.stop() == 0


def test_signal_handler_of_the_application(package, serve):
    source = """
    import signal
    def told(number, frame):
        print("handler ran on the main thread", flush=True)
    signal.signal(signal.SIGUSR1, told)
    app = answer("x")
    """
    import signal

    server = serve("m:app", "--no-threads", "2", cwd=package("m.py", source))
    server.send_signal(signal.SIGUSR1)
    server.wait_log("handler ran on the main thread")
    assert body(server) == "x"


def test_asyncio_run_in_a_request(package, serve):
    source = """
    import asyncio
    async def word():
        await asyncio.sleep(0)
        return b"asyncio"
    def app(environ, start_response):
        start_response("200 OK", [])
        return [asyncio.run(word())]
    """
    where = package("m.py", source)
    for threads in ("1", "2"):
        server = serve("m:app", "--no-threads", threads, cwd=where)
        assert body(server) == "asyncio"
        assert body(server) == "asyncio"


