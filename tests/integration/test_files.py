# SPDX-License-Identifier: MIT
"""wsgi.file_wrapper."""

import os

import pytest

from harness import until
from wire import Broken, same

SIZE = 300_000
DATA = bytes(i * 7 % 251 for i in range(SIZE))


@pytest.fixture
def client(serve, connect):
    server = serve("files:app")
    client = connect(server)
    client.server = server
    yield client
    with_new = connect(server)
    assert with_new.request("/remove").body == b"removed"


@pytest.mark.parametrize(
    "path, body",
    [
        ("/whole", DATA),
        ("/watched", DATA),
        ("/lies", b"what read() gives"),
        ("/temporary", b"temporary"),
        ("/buffered", DATA[10:]),
        ("/position", DATA[1000:]),
        ("/length", DATA[100:5100]),
        ("/end", b""),
        ("/bytesio", DATA),
        ("/read-only", DATA),
        ("/pipe", b"through a pipe"),
        ("/iterated", DATA),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bodies(client, path, body):
    for _ in range(2):
        response = client.request(path)
        assert response.status == 200
        assert same(response.body, body)
    assert client.quiet()


@pytest.mark.parametrize("path, size", [("/whole", SIZE), ("/position", SIZE - 1000), ("/end", 0)])
def test_length_of_a_file_is_told(client, path, size):
    assert client.request(path).get("Content-Length") == str(size)


def test_head_of_a_file(client):
    response = client.request("/whole", method="HEAD")
    assert response.get("Content-Length") == str(SIZE)
    client.request("/watched", method="HEAD")
    assert client.request("/closed").text == "1"


def test_file_is_closed(client):
    for n in (1, 2, 3):
        client.request("/watched")
        assert client.request("/closed").text == str(n)


def test_descriptors_do_not_leak(client):
    client.request("/closed")
    before = client.server.fds()
    for path in ("/whole", "/position", "/pipe", "/length", "/bytesio", "/temporary") * 5:
        client.request(path)
    client.request("/closed")
    until(lambda: client.server.fds() <= before, "all files are closed")


def test_descriptors_do_not_leak_when_the_client_leaves(client, connect):
    client.request("/closed")
    before = client.server.fds()
    for _ in range(10):
        leaving = connect(client.server, rcvbuf=2048).get("/whole")
        assert leaving.head().status == 200
        leaving.reset()
    until(lambda: client.server.fds() == before, "everything of theirs is closed")


def test_file_shorter_than_announced_is_seen_in_time(client):
    assert client.request("/length-too-long").status == 500
    client.server.wait_log("(?i)content-length|fewer")


@pytest.mark.parametrize("path", ["/text-file", "/closed-file"])
def test_unusable_files_are_errors(client, path):
    """A text file gives str, not bytes; a closed one nothing. Neither may look like a success."""
    client.get(path)
    try:
        assert client.response().status == 500 or path == "/text-file"
    except Broken:
        assert client.eof


def test_large_file_goes_through_sendfile(serve, connect, tmp_path):
    """A sparse quarter of a gigabyte: sent from the page cache, with none of it in our memory."""
    path = tmp_path / "large"
    with open(path, "wb") as file:
        file.truncate(1 << 28)
        file.seek((1 << 28) - 4)
        file.write(b"last")
    source = (
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        f"    return environ['wsgi.file_wrapper'](open({str(path)!r}, 'rb'))\n"
    )
    (tmp_path / "large_app.py").write_text(source)
    server = serve("large_app:app", cwd=tmp_path)
    client = connect(server).get()
    size = int(client.head().get("Content-Length"))
    assert size == 1 << 28
    server.reset_peak()
    before = server.memory("VmHWM")
    left, tail = size, b""
    while left:
        data = client.take(min(left, 1 << 20))
        left -= len(data)
        tail = data[-4:]
    assert tail == b"last"
    assert server.memory("VmHWM") - before < 8 * 1024
    os.unlink(path)
