# SPDX-License-Identifier: MIT
"""Real clients: curl, requests, and Python's own http.client."""

import hashlib
import http.client
import shutil
import subprocess

import pytest
import requests

from harness import PATIENCE

CURL = shutil.which("curl")
needs_curl = pytest.mark.skipif(not CURL, reason="curl is not installed")


def curl(*args, data=None):
    done = subprocess.run(
        [CURL, "-sS", "--noproxy", "*", "--max-time", str(PATIENCE), *args],
        input=data,
        capture_output=True,
        timeout=2 * PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_curl
def test_curl_get_reuses_the_connection(serve):
    server = serve()
    out = curl("-w", "%{num_connects}\n", server.url, server.url)
    assert out == b"Hello, world!1\nHello, world!0\n"


@needs_curl
@pytest.mark.parametrize("size", [10, 2_000_000])
@pytest.mark.parametrize("how", [[], ["-H", "Transfer-Encoding: chunked"], ["-0"]])
def test_curl_post(serve, size, how):
    """Above 1 MiB curl says Expect: 100-continue by itself."""
    data = bytes(i % 251 for i in range(size))
    server = serve("echo:app")
    got = curl("--data-binary", "@-", *how, server.url, data=data)
    assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest()


@needs_curl
def test_curl_over_a_unix_socket(serve, short_dir):
    path = str(short_dir / "s")
    serve("hello:app", "--bind", f"unix:{path}", bind=False)
    assert curl("--unix-socket", path, "http://any/") == b"Hello, world!"


@needs_curl
def test_curl_tries_http_2_and_stays_with_1_1(serve):
    server = serve()
    out = curl("--http2", "-w", " %{http_version}", server.url)
    assert out == b"Hello, world! 1.1"


@needs_curl
def test_curl_head(serve):
    server = serve()
    out = curl("-I", server.url)
    assert out.startswith(b"HTTP/1.1 200 OK\r\n") and b"Content-Length: 13\r\n" in out


@needs_curl
def test_curl_reads_an_early_answer(serve):
    server = serve("echo:app", "--max-body", "1000")
    out = curl("-w", "%{http_code}", "-o", "/dev/null", "--data-binary", "@-", server.url,
               data=b"x" * 3_000_000)
    assert out == b"413"


def test_requests_session(serve):
    server = serve("echo:app")
    with requests.Session() as session:
        for n in range(20):
            body = b"n" * n * 1000
            assert session.post(f"{server.url}/p", data=body, timeout=20).content == body
        body = (b"gen" for _ in range(10))
        assert session.post(f"{server.url}/p", data=body, timeout=20).content == b"gen" * 10


def test_http_client(serve):
    server = serve("responses:app")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    for path, body in (("/generator", b"012"), ("/list3", b"onethree"), ("/204", b"")):
        connection.request("GET", path)
        assert connection.getresponse().read() == body
    connection.close()


def test_h11_agrees_with_our_framing(serve, connect):
    """A second, independent reader of the same bytes."""
    h11 = pytest.importorskip("h11")
    server = serve("responses:app")
    for path in ("/list1", "/generator", "/written", "/204", "/304", "/empty_list", "/big"):
        raw = connect(server).get(path, "Connection: close\r\n").rest()
        reader = h11.Connection(h11.CLIENT)
        headers = [("Host", "h"), ("Connection", "close")]
        reader.send(h11.Request(method="GET", target=path, headers=headers))
        reader.send(h11.EndOfMessage())
        reader.receive_data(raw)
        reader.receive_data(b"")
        events = []
        while not events or type(events[-1]) not in (h11.ConnectionClosed, h11.NEED_DATA):
            event = reader.next_event()
            events.append(event)
            if event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
                break
        assert any(isinstance(event, h11.EndOfMessage) for event in events), (path, raw)
