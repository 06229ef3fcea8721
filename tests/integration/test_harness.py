# SPDX-License-Identifier: MIT
"""The tools of these tests can fail: the reader of responses, and the watch over the process."""

import os
import signal
import socket

import pytest

from harness import Server
from wire import Broken, Client

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def read(data, method="GET"):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with Client(listener.getsockname()[1]) as client:
            server, _ = listener.accept()
            server.sendall(data)
            server.close()
            response = client.response(method)
            return response, client.rest()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\n\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        HEAD + b"A\r\n\r\n",
        HEAD + b"A : b\r\n\r\n",
        HEAD + b"Content-Length: 3\r\n\r\nab",
        HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        HEAD + b"Content-Length: -3\r\n\r\nabc",
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        CHUNKED + b"3\r\nabc0\r\n\r\n",
        CHUNKED + b"x\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3\r\nabc\r\n",
        CHUNKED + b"0\r\n",
        b"HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_reader_refuses(data):
    with pytest.raises(Broken):
        read(data)


@pytest.mark.parametrize(
    "data, body, left, method",
    [
        (HEAD + b"Content-Length: 3\r\n\r\nabcX", b"abc", b"X", "GET"),
        (CHUNKED + b"3;x\r\nabc\r\n0\r\nT: t\r\n\r\nX", b"abc", b"X", "GET"),
        (HEAD + b"\r\nabc", b"abc", b"", "GET"),
        (HEAD + b"Content-Length: 3\r\n\r\nX", b"", b"X", "HEAD"),
        (b"HTTP/1.1 304 Not\r\nContent-Length: 3\r\n\r\nX", b"", b"X", "GET"),
        (b"HTTP/1.1 100 Go\r\n\r\n" + HEAD + b"Content-Length: 1\r\n\r\na", b"a", b"", "GET"),
    ],
)
def test_reader_reads(data, body, left, method):
    response, rest = read(data, method)
    assert (response.body, rest) == (body, left)


def start(app, **kwargs):
    return Server([app, "--host", "127.0.0.1", "--port", "0"], **kwargs)


def test_crash_is_noticed():
    server = start("hello:app")
    os.kill(server.pid, signal.SIGABRT)
    server.process.wait()
    with pytest.raises(AssertionError, match="ended with -6"):
        server.end()


def test_sanitizer_report_is_noticed(tmp_path):
    (tmp_path / "liar.py").write_text(
        "import sys\nprint('x.c:1: runtime error: made up', file=sys.stderr)\n"
        "def app(environ, start_response):\n    pass\n"
    )
    server = start("liar:app", cwd=tmp_path)
    server.wait_log("made up")
    with pytest.raises(AssertionError, match="holds a fault"):
        server.end()


def test_waiting_for_a_line_ends_with_the_process():
    with pytest.raises(AssertionError, match="exited with 1"):
        start("missing_module:app")
