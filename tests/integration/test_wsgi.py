# SPDX-License-Identifier: MIT
"""start_response, iterables, exceptions, threads: PEP 3333 as applications meet it."""

import json
import re
import threading

import pytest

from harness import PATIENCE, sanitized, until
from wire import Broken, Client, same


@pytest.fixture
def shapes(serve):
    return serve("responses:app")


def closes(server, name):
    with Client(server.port) as client:
        return int(client.request(f"/closed?{name}").text)


# ---- bodies ----


@pytest.mark.parametrize(
    "path, body, framing",
    [
        ("/list1", b"one", "length"),
        ("/tuple1", b"one", "length"),
        ("/list3", b"onethree", None),
        ("/empty_list", b"", None),
        ("/empty_tuple", b"", None),
        ("/list_empty_item", b"", None),
        ("/generator", b"012", "chunked"),
        ("/empty_generator", b"", None),
        ("/no_items", b"", None),
        ("/sparse", b"ab", "chunked"),
        ("/custom", b"xy", "chunked"),
        ("/oldstyle", b"012", "chunked"),
        ("/listsub", b"subclass", None),
        ("/islice", b"abababab", "chunked"),
        ("/length_exact", b"abcdef", "length"),
        ("/length_zero", b"", "length"),
        ("/written", b"one two three", "chunked"),
        ("/lazy", b"lazy", "chunked"),
        ("/404", b"body", "length"),
        ("/599", b"body", "length"),
        ("/no_headers", b"body", "length"),
        ("/big", b"b" * 300_000, "length"),
    ],
    ids=lambda value: value if str(value).startswith("/") else "",
)
def test_shapes(shapes, path, body, framing):
    with Client(shapes.port) as client:
        for _ in range(2):
            response = client.request(path)
            assert same(response.body, body)
            assert framing in (None, response.framing)
        assert client.quiet()
    assert "Traceback" not in shapes.log()


def test_chunks_are_the_applications(shapes, connect):
    assert connect(shapes).request("/sparse").chunks == [b"a", b"b"]


@pytest.mark.parametrize("name, path", [("custom", "/custom"), ("exact", "/length_exact")])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_close_is_called_once(shapes, name, path, method):
    with Client(shapes.port) as client:
        for n in (1, 2):
            client.request(path, method=method)
            assert closes(shapes, name) == n


def test_close_of_a_list_subclass(shapes, connect):
    connect(shapes).request("/listsub")
    assert closes(shapes, "listsub") == 1


def test_own_date_and_server_are_kept(shapes, connect):
    response = connect(shapes).request("/own_date")
    assert response.get("Date") == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert response.get("Server") == "mine"


def test_repeated_response_headers(shapes, connect):
    response = connect(shapes).request("/two_cookies")
    assert response.all("Set-Cookie") == ["a=1", "b=2"]


def test_latin_1_response_header(shapes, connect):
    assert connect(shapes).request("/latin1").get("X-Latin") == "caf\xe9"


def test_status_line(shapes, connect):
    response = connect(shapes).request("/404")
    assert (response.status, response.reason) == (404, "Word")


# ---- Content-Length against the body ----


@pytest.mark.parametrize("path, body", [("/length_more", b"abcd"), ("/length_more_list", b"ab")])
def test_more_than_announced_is_cut(shapes, connect, path, body):
    client = connect(shapes)
    assert client.request(path).body == body
    # Nothing of the rest was sent: the next response is where it should be, or there is none.
    try:
        assert client.request("/list1").body == b"one"
    except (Broken, BrokenPipeError, ConnectionResetError):
        assert client.eof or not client.buffer
    shapes.wait_log("(?i)content-length|more")


def test_fewer_than_announced_closes(shapes, connect):
    client = connect(shapes).get("/length_fewer")
    with pytest.raises(Broken, match="ended after 3 of 10"):
        client.response()
    shapes.wait_log("(?i)content-length|fewer")


def test_fewer_than_announced_in_a_list_is_seen_in_time(shapes, connect):
    assert connect(shapes).request("/length_fewer_list").status == 500
    shapes.wait_log("(?i)content-length|fewer")


def test_close_is_called_when_the_length_is_wrong(shapes, connect):
    connect(shapes).request("/length_more")
    assert closes(shapes, "more") == 1
    with pytest.raises(Broken):
        connect(shapes).request("/length_fewer")
    assert closes(shapes, "fewer") == 1


# ---- exceptions ----


@pytest.mark.parametrize(
    "path, told",
    [
        ("/raise_now", "RuntimeError: raised before start_response"),
        ("/raise_after_start", "RuntimeError: raised after start_response"),
        ("/raise_iter_first", "RuntimeError: raised in the iteration"),
        ("/raise_exit", "SystemExit"),
        ("/raise_base", "KeyboardInterrupt"),
        ("/no_start", "start_response"),
        ("/str_item", "bytes"),
        ("/str_in_list", "bytes"),
        ("/none_result", "None"),
        ("/int_result", "int"),
        ("/str_result", "str"),
        ("/bytes_result", "bytes"),
        ("/unknown", "KeyError"),
    ],
    ids=lambda value: value if value.startswith("/") else "",
)
def test_exception_before_anything_was_sent(shapes, connect, path, told):
    response = connect(shapes).request(path)
    assert response.status == 500
    assert b"Traceback" not in response.body and b"Error:" not in response.body
    shapes.wait_log(re.escape(told))
    log = shapes.log()
    assert re.search(rf"GET {path}\b", log), "the log names the request"
    assert connect(shapes).request("/list1").body == b"one", "it serves on"


def test_connection_outlives_an_exception(shapes, connect):
    """The request was read whole, so a proxy may go on using its connection."""
    client = connect(shapes)
    assert client.request("/raise_iter_first").status == 500
    assert client.request("/list1").body == b"one"
    old = connect(shapes).get("/raise_iter_first", "Connection: keep-alive\r\n", version="HTTP/1.0")
    assert old.response().has_token("Connection", "keep-alive")
    assert old.request("/list1").body == b"one"


def test_cut_body_without_framing_is_reset(shapes, connect):
    """HTTP/1.0 and no length: the end of the connection would look like the end of the body."""
    client = connect(shapes).get("/raise_iter", version="HTTP/1.0")
    with pytest.raises(ConnectionResetError):
        while not client.eof:
            client.fill()
        pytest.fail(f"a cut body looks whole: {client.rest()!r}")
    shapes.wait_log("raised in the iteration")


@pytest.mark.parametrize(
    "path, told, name",
    [
        ("/raise_iter", r"Traceback[^$]*RuntimeError: raised in the iteration", "raiseiter"),
        ("/str_item_later", "TypeError.*bytes", "strlater"),
    ],
)
def test_exception_after_the_head_closes(shapes, connect, path, told, name):
    client = connect(shapes).get(path)
    with pytest.raises(Broken):
        client.response()
    assert client.eof
    shapes.wait_log(told)
    assert closes(shapes, name) == 1


@pytest.mark.parametrize(
    "name, path", [("raisefirst", "/raise_iter_first"), ("stritem", "/str_item")]
)
def test_close_after_an_exception(shapes, connect, name, path):
    connect(shapes).request(path)
    assert closes(shapes, name) == 1


def test_exception_in_close_is_logged(shapes, connect):
    client = connect(shapes).get("/close_raises")
    # The response may be complete, or cut so that the client can tell; it is never anything else.
    try:
        assert client.response().body == b"whole"
    except Broken:
        assert client.eof
    shapes.wait_log("raised in close")
    assert closes(shapes, "closeraises") == 1


def test_exc_info_replaces_what_was_not_sent(shapes, connect):
    response = connect(shapes).request("/exc_info_before")
    assert (response.status, response.reason) == (503, "Replaced")
    assert not response.all("X-First")
    assert response.body == b"error page"


def test_exc_info_after_the_head_is_raised_again(shapes, connect):
    client = connect(shapes).get("/exc_info_after")
    with pytest.raises(Broken):
        client.response()
    shapes.wait_log("ValueError: too late for this")


# ---- start_response's rules ----


def all_breaks():
    import importlib.util

    from harness import APPS

    spec = importlib.util.spec_from_file_location("rules", APPS / "rules.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.BREAKS)


def test_broken_rules_are_exceptions_the_application_sees(serve, connect):
    client = connect(serve("rules:app"))
    accepted = []
    for name in [*all_breaks(), "no-arguments", "one-argument"]:
        response = client.request(f"/{name}")
        assert response.status == 200, name
        if not re.match(r"(TypeError|ValueError|AssertionError): \S", response.text):
            accepted.append((name, response.text))
    assert accepted == []


def test_second_start_response_without_exc_info(serve, connect):
    told = connect(serve("rules:app")).request("/twice").text
    assert re.match(r"(Assertion|Runtime|Value)Error: ", told)


@pytest.mark.parametrize("name", ["keywords", "exc_info-none"])
def test_accepted_forms(serve, connect, name):
    response = connect(serve("rules:app")).request(f"/{name}")
    # PEP 3333 asks for positional arguments only, so keywords may be refused.
    assert response.text == "accepted" or (name == "keywords" and response.status == 500)


def test_write_takes_bytes_only(serve, connect):
    assert connect(serve("rules:app")).request("/write-str").text.startswith("TypeError")


# ---- streaming out ----


def test_chunks_leave_as_they_are_made(serve, gate, connect):
    server = serve("gated:app", env=gate.env)
    client = connect(server).get("/steps")
    gate.accept("steps-next").release()
    response = client.head()
    assert response.get("Content-Type") == "text/event-stream"
    for n in (1, 2, 3):
        # The chunk is here while the application waits to make the next one.
        assert client.chunk() == b"data: %d\n\n" % n
        if n < 3:
            gate.accept("steps-next").release()
    assert client.chunk() == b""
    gate.heard("steps-closed")


@pytest.mark.parametrize("reset", [False, True])
def test_close_on_disconnect(serve, gate, connect, reset):
    server = serve("gated:app", env=gate.env)
    client = connect(server).get("/flood?1000000")
    assert client.head().status == 200
    client.reset() if reset else client.close()
    gate.heard("flood-closed-early")
    assert connect(server).request().status == 200
    assert "Traceback" not in server.log(), "a client that leaves is no error of the application"


def test_disconnect_while_queued_never_runs(serve, gate, connect):
    server = serve("gated:app", "--no-threads", "1", env=gate.env)
    first = connect(server).get("/hold?a")
    visit = gate.accept("a")
    before = server.fds()
    gone = connect(server).get("/hold?gone")
    with Client(server.port) as probe:  # behind it: answered when both have been read
        assert probe.send("BAD\r\n\r\n").response().status == 400
    gone.reset()
    until(lambda: server.fds() == before, "the server has noticed")

    def finish():
        visit.release()
        assert first.response().status == 200
        assert connect(server).request().status == 200

    gate.never("gone", after=finish)


def test_slow_reader_holds_back_only_itself(serve, gate, connect):
    server = serve("gated:app", "--no-threads", "2", env=gate.env)
    assert connect(server).request().status == 200
    before = server.memory()
    slow = connect(server, rcvbuf=4096).get("/flood?1000")  # 65 MB
    assert slow.head().status == 200
    for _ in range(100):
        assert connect(server).request().status == 200
    if not sanitized():
        assert server.memory() - before < 16_000, "the rest of it is not waiting in memory"
    total = sum(map(len, slow.chunks()))
    assert total == 1000 * 65536
    gate.heard("flood-closed-all")


def test_one_thread_many_slow_readers(serve, connect):
    """Responses below the high-water mark never hold a worker, however slow their readers are."""
    server = serve("responses:app", "--no-threads", "1")
    slow = [connect(server, rcvbuf=2048).get("/big") for _ in range(20)]
    assert connect(server).request("/list1").body == b"one"
    for client in slow:
        assert same(client.response().body, b"b" * 300_000)


# ---- threads ----


def ask(server, path="/"):
    with Client(server.port) as client:
        return json.loads(client.request(path).text)


def test_one_thread_is_the_main_thread(serve):
    server = serve("threads:app", "--no-threads", "1")
    told = ask(server)
    assert told["main"] and not told["multithread"] and told["pid"] == server.pid
    assert [ask(server)["count"] for _ in range(5)] == [2, 3, 4, 5, 6]


def test_threads_run_at_the_same_time(serve):
    """All four meet at a barrier: with fewer running at once nobody would ever pass."""
    server = serve("threads:app", "--no-threads", "4", env={"YMO_TEST_BARRIER": "4"})
    told = []

    def meet():
        told.append(ask(server, "/meet"))

    threads = [threading.Thread(target=meet) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len({t["ident"] for t in told}) == 4
    assert sum(t["main"] for t in told) == 1
    assert all(t["multithread"] for t in told)


def test_thread_local_data_lives_as_long_as_the_worker(serve):
    server = serve("threads:app", "--no-threads", "3", env={"YMO_TEST_BARRIER": "3"})
    seen = {}
    for _ in range(4):
        told = []
        threads = [
            threading.Thread(target=lambda: told.append(ask(server, "/meet"))) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        for t in told:
            assert t["count"] == seen.get(t["ident"], 0) + 1
            seen[t["ident"]] = t["count"]
    assert sorted(seen.values()) == [4, 4, 4]


def test_slow_request_does_not_block_a_connection_elsewhere(serve, gate, connect):
    server = serve("gated:app", "--no-threads", "2", env=gate.env)
    slow = connect(server).get("/hold?slow")
    visit = gate.accept("slow")
    for _ in range(20):
        assert connect(server).request().status == 200
    visit.release()
    assert slow.response().text == "slow go"


def test_pipelined_requests_of_one_connection_run_one_by_one(serve, gate, connect):
    server = serve("gated:app", "--no-threads", "4", env=gate.env)
    client = connect(server).get("/hold?a").get("/hold?b")
    visit = gate.accept("a")
    gate.never("b", after=lambda: connect(server).request())
    visit.release()
    assert client.response().text == "a go"
    gate.accept("b").release()
    assert client.response().text == "b go"


def test_no_memory_is_lost_over_many_requests(serve, connect):
    if sanitized():
        pytest.skip("a sanitizer's quarantine grows by design; it looks for leaks itself")
    server = serve("responses:app")

    def round_(n):
        client = connect(server)
        for _ in range(n):
            for path in ("/list1", "/generator", "/custom", "/written", "/exc_info_before"):
                client.get(path, "X-Long: " + "y" * 3000 + "\r\n")
            for _ in range(5):
                client.response()

    round_(300)
    before = server.memory()
    round_(2000)
    # 10,000 requests that lost 100 bytes each would be 1,000 KiB.
    assert server.memory() - before < 1000
