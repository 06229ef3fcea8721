# SPDX-License-Identifier: MIT
"""wsgi.input and wsgi.errors, buffered and streaming."""

import json
from urllib.parse import quote

import pytest

from harness import sanitized
from wire import Client, chunked, post, same

BODY = b"one\ntwo\n\nfour without end"

CALLS = [
    (["i.read()"], ["one\ntwo\n\nfour without end"]),
    (["i.read(-1)", "i.read()"], ["one\ntwo\n\nfour without end", ""]),
    (["i.read(None)"], ["one\ntwo\n\nfour without end"]),
    (["i.read(0)", "i.read(5)", "i.read(3)"], ["", "one\nt", "wo\n"]),
    (["i.read(10000)", "i.read(1)", "i.readline()"], ["one\ntwo\n\nfour without end", "", ""]),
    (["i.readline()", "i.readline()", "i.readline()"], ["one\n", "two\n", "\n"]),
    (["i.readline(2)", "i.readline(10)", "i.readline(0)"], ["on", "e\n", ""]),
    (["i.readline(-1)", "i.readline(None)"], ["one\n", "two\n"]),
    (["i.readline(4)", "i.readline(3)", "i.readline(1)"], ["one\n", "two", "\n"]),
    (["i.readlines()"], [["one\n", "two\n", "\n", "four without end"]]),
    (["i.readlines(5)", "i.read(3)"], [["one\n", "two\n"], "\nfo"]),
    (["i.readlines(0)"], [["one\n", "two\n", "\n", "four without end"]]),
    (["i.readlines(None)"], [["one\n", "two\n", "\n", "four without end"]]),
    (["list(i)", "list(i)"], [["one\n", "two\n", "\n", "four without end"], []]),
    (["next(i)", "i.read(2)", "next(i)"], ["one\n", "tw", "o\n"]),
    (["i.read(1)", "i.read(2, 3)", "i.read(1)"], ["o", "TypeError", "n"]),
    (["i.read('x')", "i.readline('x')", "i.read(1)"], ["TypeError", "TypeError", "o"]),
]


@pytest.mark.parametrize("mode", ["buffered", "file", "streaming"])
@pytest.mark.parametrize("send", [post, lambda t, b: chunked(t, [b[:5], b[5:6], b[6:]])])
def test_methods(serve, mode, send):
    options = {
        "buffered": [],
        "file": ["--body-memory", "4K"],
        "streaming": ["--request-buffering", "off"],
    }[mode]
    server = serve("input_app:app", *options)
    with Client(server.port) as client:
        for calls, expected in CALLS:
            # A filler brings the body over the threshold; what is asked about comes after it.
            calls = ["len(i.read(9000))", *calls]
            client.send(send("/?" + quote("&".join(calls), safe="&()"), b"f" * 9000 + BODY))
            assert json.loads(client.response().body) == [9000, *expected], calls


def test_empty_body(serve, connect):
    client = connect(serve("input_app:app"))
    query = "/?i.read()&i.readline()&i.readlines()&list(i)&i.read(5)"
    assert json.loads(client.request(query).body) == ["", "", [], [], ""]
    assert json.loads(client.send(post(query, b"")).response().body) == ["", "", [], [], ""]


def test_long_lines(serve, connect):
    """Lines longer than any inner buffer, with their ends in awkward places."""
    lines = [b"a" * n + b"\n" for n in (65_534, 65_535, 65_536, 65_537, 262_143, 262_144, 1)]
    server = serve("input_app:app")
    for query in ("/?list(i)", "/?i.readlines()"):
        client = connect(server).send(post(query, b"".join(lines)))
        got = [line.encode() for line in json.loads(client.response().body)[0]]
        assert [len(line) for line in got] == [len(line) for line in lines]
        assert same(b"".join(got), b"".join(lines))


def test_temporary_file_is_unlinked_and_closed(serve, connect, tmp_path):
    server = serve("echo:app", "--tmp-dir", tmp_path, "--body-memory", "4K")
    client = connect(server)
    assert client.request().status == 200
    before = server.fds()
    for _ in range(3):
        body = b"z" * 500_000
        assert same(client.send(post("/", body)).response().body, body)
        assert list(tmp_path.iterdir()) == []
    assert client.request().status == 200
    assert server.fds() == before


def test_buffered_body_is_whole_before_the_application_runs(serve, connect, gate):
    server = serve("gated:app", env=gate.env)
    client = connect(server).send(post("/consume", b"x" * 100)[:-1])

    def answered():
        assert connect(server).request().status == 200

    gate.never("consume-entered", after=answered)
    client.send("x")
    gate.heard("consume-entered")
    assert client.response().text == "100"


def test_broken_upload_never_reaches_the_application(serve, connect, gate):
    server = serve("gated:app", env=gate.env)
    client = connect(server).send(post("/consume", b"x" * 100)[:-1])
    client.close()

    def answered():
        assert connect(server).request().status == 200

    gate.never("consume-entered", after=answered)


# ---- request_buffering: off ----


@pytest.fixture
def stream(serve, gate):
    return serve("gated:app", "--request-buffering", "off", env=gate.env)


def test_streaming_starts_at_the_head(stream, gate, connect):
    client = connect(stream)
    client.send("POST /read HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n")
    visit = gate.accept("read")  # it runs, and not one byte of the body has been sent
    client.send("abc")
    visit.release("3")
    gate.accept("read").release("0")
    client.send("def")
    gate.accept("read").release("100")
    gate.accept("read").release("100")
    gate.accept("read").release("end")
    assert client.response().text == "3 0 3 0"


def test_streaming_chunked(stream, gate, connect):
    client = connect(stream)
    client.send("POST /read HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    visit = gate.accept("read")
    client.send("5\r\nabcde\r\n")
    visit.release("5")
    visit = gate.accept("read")
    client.send("1\r\nf\r\n0\r\n\r\n")
    visit.release("-1")
    gate.accept("read").release("end")
    assert client.response().text == "5 1"


def test_streaming_sends_100_when_it_is_read(stream, gate, connect):
    client = connect(stream)
    client.send("POST /read HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n")
    client.send("Expect: 100-continue\r\n\r\n")
    visit = gate.accept("read")
    with Client(stream.port) as probe:  # the loop goes round, and still nobody has read
        assert probe.send("BAD\r\n\r\n").response().status == 400
    assert client.quiet()
    visit.release("3")
    assert client.head().status == 100
    client.send("abc")
    gate.accept("read").release("end")
    assert client.response().text == "3"


def test_streaming_without_reading_sends_no_100(stream, connect):
    client = connect(stream)
    client.send("POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n")
    client.send("Expect: 100-continue\r\n\r\n")
    response = client.response()
    assert response.interim == [] and response.text == "early"


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("chunked_body", [False, True])
def test_streaming_disconnect_is_an_exception(stream, gate, connect, reset, chunked_body):
    client = connect(stream)
    framing = "Transfer-Encoding: chunked" if chunked_body else "Content-Length: 10"
    client.send(f"POST /consume HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n")
    client.send("3\r\nabc\r\n" if chunked_body else "abc")
    gate.heard("consume-entered")
    if reset:
        client.reset()
    else:
        client.close()
    gate.heard("consume-failed-True")
    assert connect(stream).request().status == 200


def test_streaming_bad_chunk_is_an_exception(stream, gate, connect):
    client = connect(stream)
    client.send("POST /consume HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    gate.heard("consume-entered")
    client.send("3\r\nabcXX")
    gate.heard("consume-failed-True")
    rest = client.rest()
    assert rest == b"" or rest.startswith((b"HTTP/1.1 400", b"HTTP/1.1 500"))


def test_streaming_holds_the_client_back(stream, gate, connect):
    """While the application does not read, we neither buffer without bound nor lose a byte."""
    total = 64_000_000
    client = connect(stream)
    client.send(f"POST /read HTTP/1.1\r\nHost: h\r\nContent-Length: {total}\r\n\r\n")
    visit = gate.accept("read")
    client.sock.setblocking(False)
    block, sent = b"x" * 65536, 0
    # Send until nothing goes any more, as seen by an epoch of the server's own making: an answer
    # on another connection cannot come (one worker), a refusal by the codec can.
    full = 0
    while full < 3:
        try:
            while True:
                sent += client.sock.send(block)
        except BlockingIOError:
            with Client(stream.port) as probe:
                probe.send("BAD\r\n\r\n")
                assert probe.response().status == 400
            full += 1
    assert sent < total / 2, "the socket's buffers and ours are far smaller than the body"
    if not sanitized():
        assert stream.memory("VmRSS") < 200_000
    client.sock.settimeout(20)
    import threading

    rest = threading.Thread(target=client.send, args=(b"y" * (total - sent),))
    rest.start()
    visit.release(str(total))
    gate.accept("read").release("end")
    rest.join()
    assert client.response().text == str(total)


def test_streaming_keeps_the_connection(stream, connect):
    client = connect(stream)
    for _ in range(3):
        client.send(post("/early", b"abc"))
        assert client.response().text == "early"
    assert client.request().status == 200


# ---- wsgi.errors ----


def test_errors_reach_the_log(serve, connect):
    server = serve("validated:app")
    assert connect(server).request("/errors").body == b"logged"
    server.wait_log("(?m)^.*a line of the application$")
    server.wait_log("two pieces")
