# SPDX-License-Identifier: MIT
"""What the log says of requests that take too long: who runs them, and where they are."""

import pathlib
import re
import signal

import pytest

from harness import until

PREFIX = re.compile(r"^\S+ +[A-Z]+ +\[\d+\] ", re.M)
# Short, and yet a request that does not hang is over long before.
SLOW = ("--slow-request-log", "0.2")
NO_LOCK = r"C code has kept the interpreter's lock"


def text(server):
    """The log without times, levels and process ids."""
    return PREFIX.sub("", server.log())


def stacks(server):
    """All stacks in the log as (head, lines)."""
    found = []
    lines = None
    for line in text(server).splitlines():
        head = re.match(r"(.*) \(most recent call (?:last|first)\):$", line)
        if head:
            lines = []
            found.append((head.group(1), lines))
        elif lines is not None and line.startswith("  "):  # others may log in between
            lines.append(line)
    return found


def of(server, pattern):
    """The lines of the first stack whose head matches."""
    for head, lines in stacks(server):
        if re.search(pattern, head):
            return "\n".join(lines)
    raise AssertionError(f"no stack of {pattern!r} in:\n{server.log()}")


def test_the_stack_names_function_file_and_source(serve, gate, connect):
    server = serve("hanging:app", *SLOW, env=gate.env)
    client = connect(server).get("/gate?one")
    visit = gate.accept("one")
    server.wait_log(r"epoll\.poll\(\)")
    lines = of(server, r"^worker 0, in GET /gate\?one for \d+\.\d s$")
    assert re.search(r'File ".*/hanging\.py", line \d+, in wait_at_gate\n', lines)
    assert 'return gatelib.wait(environ["QUERY_STRING"])' in lines
    # the most recent call is the last
    assert lines.index("in app") < lines.index("in wait_at_gate") < lines.index("epoll.poll()")
    visit.release()
    assert client.response().status == 200


def test_one_report_a_request(serve, gate, connect):
    server = serve("hanging:app", *SLOW, env=gate.env)
    for n in (1, 2):
        client = connect(server).get("/gate?same")
        visit = gate.accept("same")
        server.wait_log(r"epoll\.poll\(\)", count=n)
        visit.release()
        assert client.response().status == 200
    assert len(re.findall(r"worker 0, in GET /gate\?same", text(server))) == 2


def test_nothing_is_said_of_quick_requests(serve, connect):
    server = serve("hanging:app", "--slow-request-log", "600")
    for _ in range(20):
        assert connect(server).get("/").response().status == 200
    assert server.stop() == 0
    assert "WARNING" not in server.log()


def test_spinning_in_python(serve, gate, connect):
    server = serve("hanging:app", "--no-threads", "2", *SLOW, env=gate.env)
    client = connect(server).get("/spin")
    gate.heard("spinning")
    server.wait_log(r"in spin_in_python\n")
    assert "in spin_in_python" in of(server, r"^worker \d, in GET /spin for")
    assert connect(server).get("/let-go").response().status == 200
    assert client.response().text == "spun"
    assert not re.search(NO_LOCK, server.log())


def test_the_other_threads_follow(serve, gate, connect):
    """The request first, then other workers with what they run, and the application's threads."""
    server = serve("hanging:app", "--no-threads", "2", "--slow-request-log", "1", env=gate.env)
    assert connect(server).get("/thread").response().status == 200
    background = gate.accept("background")
    clients = [connect(server).get("/gate?first")]
    visits = [gate.accept("first")]
    clients.append(connect(server).get("/gate?second"))
    visits.append(gate.accept("second"))
    server.wait_log(r"GET /gate\?second[^\n]*\(most recent call last\)")
    for visit in [background, *visits]:
        visit.release()
    for client in clients:
        assert client.response().status == 200
    assert server.stop() == 0
    heads = [head for head, _ in stacks(server)]
    assert re.match(r"worker [01], in GET /gate\?(first|second) for 1\.\d s$", heads[0])
    assert 'thread "the tidier-up \N{BROOM}"' in heads
    tidier = of(server, "tidier-up")
    assert "in wait_in_background" in tidier and "in _bootstrap" in tidier
    workers = {re.match(r"worker (\d)", h).group(1) for h in heads if h.startswith("worker")}
    assert workers == {"0", "1"}


def test_a_thread_is_shown_once_a_report(serve, gate, connect):
    server = serve("hanging:app", "--no-threads", "1", *SLOW, env=gate.env)
    client = connect(server).get("/gate?alone")
    visit = gate.accept("alone")
    server.wait_log(r"epoll\.poll\(\)")
    visit.release()
    assert client.response().status == 200
    assert server.stop() == 0
    assert len(stacks(server)) == 1


def test_reading_a_body_that_does_not_come(serve, gate, connect):
    server = serve("hanging:app", "--request-buffering", "off", *SLOW, env=gate.env)
    client = connect(server)
    client.send("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
    gate.heard("reading")
    server.wait_log(r"wsgi\.input")
    lines = of(server, r"^worker 0, in POST /read for")
    assert "in read_body" in lines and 'environ["wsgi.input"].read()' in lines
    client.send("12345")
    assert client.response().text == "5"


def test_waiting_for_a_client_that_does_not_read(serve, connect):
    server = serve("hanging:app", *SLOW)
    client = connect(server).get("/flood")
    server.wait_log(r"worker 0, in GET /flood for \d\.\d s: in no Python code")
    assert client.response().status == 200


def test_deep_recursion_is_cut(serve, gate, connect):
    server = serve("hanging:app", *SLOW, env=gate.env)
    client = connect(server).get("/recurse?deep")
    visit = gate.accept("deep")
    server.wait_log(r"epoll\.poll\(\)")
    log = text(server)
    assert re.search(r"… 7\d\d calls further out\n", log)
    assert log.count("in recurse") < 10  # as Python says: previous line repeated
    visit.release()
    assert client.response().status == 200


@pytest.mark.parametrize(
    "path, function", [("/hold?25", "hold_interpreter"), ("/spin-c?60", "spin_in_c")]
)
def test_c_code_that_keeps_the_interpreter(serve, gate, connect, path, function):
    server = serve("hanging:app", "--no-threads", "2", *SLOW, env=gate.env)
    waiting = connect(server).get("/gate?meanwhile")
    visit = gate.accept("meanwhile")
    server.wait_log(r"epoll\.poll\(\)")
    stuck = connect(server).get(path)
    server.wait_log(NO_LOCK)
    head = r"worker \d, in GET " + re.escape(path) + r" for \d\.\d s"
    server.wait_log(head + r" \(most recent call first\):\n")
    server.wait_log(rf'hanging\.py", line \d+ in {function}\n')
    # The other worker's stack comes after it, and every line before is there by then.
    server.wait_log(r'gatelib\.py", line \d+ in wait\n')
    assert f"in {function}" in of(server, head)
    after = text(server).partition("kept the interpreter's lock")[2]
    assert re.search(r"^worker \d \(most recent call first\):\n.* in wait\n", after, re.M)
    assert "<no Python frame>" not in after
    if path.startswith("/spin-c"):  # it ends when the sun does
        server.process.kill()
        server.wait_exit()
        return
    assert stuck.response().text == "held"
    visit.release()
    assert waiting.response().status == 200
    # The interpreter is as it was.
    again = connect(server).get("/gate?again")
    visit = gate.accept("again")
    server.wait_log(r"GET /gate\?again for[^\n]*most recent call last")
    visit.release()
    assert again.response().status == 200
    assert server.stop() == 0


def test_several_at_once(serve, gate, connect):
    server = serve("hanging:app", "--no-threads", "8", *SLOW, env=gate.env)
    clients = [connect(server).get(f"/gate?n{i}") for i in range(8)]
    visits = [gate.accept(f"n{i}") for i in range(8)]
    for i in range(8):
        server.wait_log(rf"worker \d, in GET /gate\?n{i} for [^\n]*\(most recent call last\)")
    for visit in visits:
        visit.release()
    for client in clients:
        assert client.response().status == 200
    assert server.stop() == 0


def test_the_interpreter_is_kept_while_the_server_stops(serve, connect):
    """The end waits for the request, and for the threads that show stacks."""
    server = serve("hanging:app", "--no-threads", "2", *SLOW)
    client = connect(server).get("/hold?15")
    server.wait_log(NO_LOCK)
    server.send_signal(signal.SIGTERM)
    assert client.response().text == "held"
    assert server.wait_exit() == 0


def test_without_the_setting_no_thread_is_there_for_it(serve, connect):
    def names(server):
        tasks = pathlib.Path(f"/proc/{server.pid}/task").iterdir()
        return {(task / "comm").read_text().strip() for task in tasks}

    plain, watched = serve("hanging:app"), serve("hanging:app", *SLOW)
    for server in (plain, watched):
        assert connect(server).get("/").response().status == 200
    # A thread names itself, in its own time.
    until(lambda: {"yimmo-watch", "yimmo-stacks"} <= names(watched), "both threads are there")
    assert not {"yimmo-watch", "yimmo-stacks"} & names(plain)


def test_switch_interval(serve, connect):
    def interval(*options, env=None):
        server = serve("hanging:app", *options, env=env)
        return connect(server).get("/switch-interval").response().text

    assert interval() == "0.002"
    assert interval("--switch-interval", "20ms") == "0.02"
    assert interval("--switch-interval", "0") == "0.005"  # Python's
    # The application's own call, while it is loaded, comes after ours.
    wish = {"YMO_TEST_SWITCH_INTERVAL": "0.25"}
    assert interval(env=wish) == "0.25"
    assert interval("--preload", "on", env=wish) == "0.25"
