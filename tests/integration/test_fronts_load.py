# SPDX-License-Identifier: MIT
"""What takes a server and a front end of its own: reloads under load, unix sockets and such."""

import contextlib
import json
import signal
import threading

import pytest

import fronts
from rows import ROWS, Side, request
from wire import Broken, Client, chunked, post, same


def named(*names):
    found = [row for row in ROWS if row.name in names]
    assert len(found) == len(names)
    return pytest.mark.parametrize("row", found, ids=repr)


@pytest.fixture
def put(gate, short_dir):
    """put(row, option, …, direct=False) → rows.Side"""
    short_dir.chmod(0o755)
    with contextlib.ExitStack() as stack:

        def put(row, *options, direct=False, **kwargs):
            side = Side(row, short_dir / "side", gate, direct, options, **kwargs)
            stack.callback(side.end)
            return side

        yield put


@named("nginx-uwsgi", "nginx-fastcgi-kept", "apache-fcgi-reuse", "haproxy-mpxs")
def test_reload_loses_nothing(put, row):
    """
    A kept connection may end in the moment in which a request is sent on it. nginx asks again;
    others may lose a request of those of that moment, but no more.
    """
    side = put(row, "--no-proc", "2", "--no-threads", "2")
    side.server.workers(2)
    over = threading.Event()
    lost = []
    answered = [0] * 4

    def client(i):
        while not over.is_set():
            try:
                response = side.get("/list3")
                assert (response.status, response.text) == (200, "onethree")
            except Exception as exc:
                lost.append(exc)
            answered[i] += 1

    clients = [threading.Thread(target=client, args=(i,)) for i in range(4)]
    for one in clients:
        one.start()
    try:
        side.server.send_signal(signal.SIGHUP)
        side.server.wait_log(r"worker \d+ is ready", count=4)
        side.server.wait_log(r"worker \d+ has ended", count=2)
    finally:
        over.set()
        for one in clients:
            one.join()
    assert min(answered) > 10
    assert len(lost) <= (0 if row.name.startswith("nginx") else 4), lost


@named("haproxy-mpxs")
def test_one_connection_carries_them_all(put, gate, row):
    side = put(row, "--no-threads", "5")
    assert side.get("/list1").text == "one"
    used = side.peers()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(side.port)) for _ in range(5)]
        visits = []
        for i, client in enumerate(clients):
            client.get(f"/hold?hold{i}")
            visits.append(gate.accept(f"hold{i}"))
        assert len(used) == 1 and side.peers() == used
        for i in (3, 1, 0, 4, 2):  # not in the order in which they came
            visits[i].release()
            assert clients[i].response().text == f"hold{i}"


@named("haproxy-mpxs")
def test_client_that_leaves_the_others_of_its_connection_alone(put, gate, row):
    side = put(row, "--no-threads", "2")
    with Client(side.port) as waiting:
        waiting.get("/hold?hold")
        visit = gate.accept("hold")
        shared = side.peers()
        with Client(side.port, rcvbuf=4096) as leaving:
            leaving.get("/flood?flood")
            assert leaving.head().status == 200
        visit.release()
        assert waiting.response().text == "hold"
        assert side.get("/list1").text == "one"
        assert len(shared) == 1 and side.peers() == shared


# Apache's processes are those of another user.
EVERYBODY = ["--socket-mode", "666"]


@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_unix_sockets(put, short_dir, row):
    side = put(row, *EVERYBODY, back=f"unix:{short_dir}/sock")
    for _ in range(3):
        assert side.get("/list1").text == "one"
        assert same(side.ask(post(f"{row.base}/echo", b"x" * 300_000)).body, b"x" * 300_000)
    environ = json.loads(side.get("/environ/a%20b").body)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (row.base, "/environ/a b")


@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_response_that_breaks_off_on_a_unix_socket(put, gate, short_dir, row):
    """It cannot be reset: FastCGI can say that something is wrong, uwsgi has no words for it."""
    cut = row.cut and row.protocol == "fastcgi"
    side = put(row, *EVERYBODY, back=f"unix:{short_dir}/sock", direct=True)
    with Client(side.port) as client:
        client.get(f"{row.base}/breaks?breaks")
        response = client.head()
        visit = gate.accept("breaks")
        if not response.all("Transfer-Encoding"):
            visit.release()
            assert client.rest() == b"some" and not cut
            return
        assert client.chunk() == b"some"
        visit.release()
        try:
            assert client.chunk() == b"" and not cut
        except Broken:
            assert cut
    side.settle()
    assert side.get("/list1").text == "one"


@named("nginx-fastcgi", "nginx-fastcgi-kept", "apache-fcgi-reuse", "haproxy-mpxs")
def test_response_that_takes_too_long_on_a_unix_socket(put, gate, short_dir, row):
    options = [*EVERYBODY, "--request-timeout", "2"]
    side = put(row, *options, back=f"unix:{short_dir}/sock", direct=True)
    with Client(side.port) as client:
        client.get(f"{row.base}/steps?steps")
        gate.accept("steps").release()
        client.head()
        assert client.chunk() == b"data: 0\n\n"
        with pytest.raises(Broken):
            client.chunk()
    side.settle()
    assert side.get("/list1").text == "one"


@named("nginx-uwsgi", "nginx-fastcgi-kept")
@pytest.mark.parametrize("direct", [True, False])
def test_bodies_with_buffering_of_one_alone(put, row, direct):
    """The other sides of the matrix: both take bodies in whole, or neither does."""
    side = put(row, "--request-buffering", "on" if direct else "off", direct=direct)
    large = bytes(range(256)) * 80_000
    for body in (b"", b"x", b"y" * 70_000, large):
        assert same(side.ask(post("/echo", body)).body, body)
    pieces = [b"a", b"b" * 100_000, b"c" * 3]
    assert same(side.ask(chunked("/echo", pieces)).body, b"".join(pieces))


@named("nginx-uwsgi")
def test_script_name_that_both_say(put, row):
    side = put(row, "--script-name", "/script")
    for target in ("/script/environ", "/script//environ"):
        environ = json.loads(side.get(target).body)
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/script", "/environ")
    assert side.get("/scripts").status == 404


@named("nginx-uwsgi", "nginx-fastcgi")
def test_name_of_a_server_without_one(put, row):
    """nginx without server_name says '', which an application must not see."""
    environ = json.loads(put(row).ask(request("/environ")).body)
    assert environ["SERVER_NAME"] == "h.example"
    assert environ["REMOTE_PORT"].isdigit()


def test_front_end_that_is_missing_fails(tmp_path):
    with pytest.raises(AssertionError, match="not installed"):
        fronts.Front([None], 0, tmp_path / "log")
