# SPDX-License-Identifier: MIT
"""
Large inputs and outputs take time in proportion and bounded memory. No time is asserted, only how
the server's own CPU time grows from N to 4 N: quadratic work would show as 16.
"""

import os
import threading

import pytest

from harness import sanitized

pytestmark = pytest.mark.scale

MIB = 1 << 20
GIB = 1 << 30
BLOCK = bytes(MIB)
# Smaller under a sanitizer: there it is about correctness.
LARGE = GIB // 16 if sanitized() else GIB
MEMORY = 24 * 1024  # KiB above the idle server


def one_cpu():
    """On one CPU the hand-off between threads costs the same every time: comparable figures."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


@pytest.fixture
def server(serve, connect, tmp_path):
    server = serve("scale:app", "--max-body", "2G", "--tmp-dir", tmp_path, preexec_fn=one_cpu)
    assert connect(server).request().status == 200
    server.reset_peak()
    server.idle = server.memory()
    return server


def bounded(server, kib=MEMORY):
    if not sanitized():
        assert server.memory("VmHWM") - server.idle < kib


def cost(server, run):
    before = server.cpu()
    run()
    return server.cpu() - before


def grows_in_proportion(server, run, n):
    """`run(n)` against `run(4 * n)`; what is too short to compare counts as 50 ms."""
    run(n)
    small = max(cost(server, lambda: run(n)), 0.05)
    large = cost(server, lambda: run(4 * n))
    assert large / small < 8, f"{small:.2f} s for {n}, {large:.2f} s for {4 * n}"


def upload(client, size, chunked):
    if chunked:
        client.send("POST /count HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    else:
        client.send(f"POST /count HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n\r\n")
    for _ in range(size // MIB):
        client.send(b"%x\r\n%s\r\n" % (MIB, BLOCK) if chunked else BLOCK)
    if chunked:
        client.send("0\r\n\r\n")
    assert client.response().text == str(size)


def test_1_gib_upload(server, connect):
    upload(connect(server), LARGE, chunked=False)
    bounded(server)


def test_1_gib_chunked_upload(server, connect):
    upload(connect(server), LARGE // 4, chunked=True)
    bounded(server)


def test_1_gib_streaming_upload(serve, connect):
    server = serve("scale:app", "--max-body", "2G", "--request-buffering", "off")
    assert connect(server).request().status == 200
    server.reset_peak()
    server.idle = server.memory()
    upload(connect(server), LARGE, chunked=False)
    bounded(server)


def drain(client, size):
    left = size
    while left:
        left -= len(client.take(min(left, MIB)))


def test_1_gib_generator(server, connect):
    client = connect(server).get(f"/bytes?{LARGE}")
    assert client.head().get("Content-Length") == str(LARGE)
    drain(client, LARGE)
    bounded(server)
    assert client.request("/").body == b"ok"


def test_one_large_object_is_not_copied_whole(server, connect):
    size = 256 * MIB
    client = connect(server).get(f"/object?{size}")
    assert client.head().get("Content-Length") == str(size)
    drain(client, size)
    bounded(server, 256 * 1024 + MEMORY)


@pytest.mark.parametrize("path", ["/chunks", "/writes"])
def test_100000_chunks(server, connect, path):
    client = connect(server)

    def run(n):
        client.get(f"{path}?{n}")
        assert client.head().get("Transfer-Encoding") == "chunked"
        assert sum(map(len, client.chunks())) == 6 * n

    grows_in_proportion(server, run, 25_000)
    bounded(server)


def test_pipelined(server, connect):
    client = connect(server)

    def run(n):
        data = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * n
        sender = threading.Thread(target=client.send, args=(data,))
        sender.start()
        for _ in range(n):
            assert client.response().body == b"ok"
        sender.join()

    grows_in_proportion(server, run, 2500)
    bounded(server)


@pytest.mark.parametrize("memory", ["64M", "4K"])
def test_lines(serve, connect, memory, tmp_path):
    """Iterating over a body of many short lines, in memory and from the temporary file."""
    options = ("--body-memory", memory, "--tmp-dir", tmp_path)
    server = serve("scale:app", *options, preexec_fn=one_cpu)
    client = connect(server)

    def run(n):
        client.send(b"POST /lines HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (8 * n))
        client.send(b"a line.\n" * n)
        assert client.response().text == str(n)

    grows_in_proportion(server, run, 250_000)


def test_head_in_single_bytes(server, connect):
    """Looking again at the whole head for each byte that arrives would be quadratic."""

    def run(n):
        with_long_head = connect(server)
        data = b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * n + b"\r\n\r\n"
        with_long_head.send_pieces(data[i : i + 1] for i in range(len(data)))
        assert with_long_head.response().body == b"ok"

    grows_in_proportion(server, run, 10_000)


@pytest.mark.parametrize("memory", ["64M", "4K"])
def test_tiny_chunks_of_a_request(serve, connect, memory, tmp_path):
    options = ("--body-memory", memory, "--tmp-dir", tmp_path)
    server = serve("scale:app", *options, preexec_fn=one_cpu)
    client = connect(server)

    def run(n):
        client.send("POST /count HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(b"1\r\nx\r\n" * n + b"0\r\n\r\n")
        assert client.response().text == str(n)

    grows_in_proportion(server, run, 200_000)
