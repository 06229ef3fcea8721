# SPDX-License-Identifier: MIT
"""
Bodies, streams, what breaks off and connections, behind every front end of rows.py. Its traits
are what is expected where front ends differ.
"""

import contextlib
import hashlib
import signal
import socket
import threading

import pytest

from harness import until
from rows import Side
from wire import Broken, Client, chunked, post, same

LARGE = bytes(range(256)) * 81_920  # 20 MiB
EXPECT = "POST {}/echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"


@pytest.fixture(params=["whole", "direct"])
def side(behind, request):
    return behind.side(request.param)


# ---- bodies


@pytest.mark.parametrize("body", [b"", b"x", b"y" * 70_000, LARGE], ids=len)
def test_bodies(side, body):
    back = body is not LARGE or side.row.large
    response = side.ask(post(f"{side.row.base}/{'echo' if back else 'digest'}", body))
    expected = body if back else hashlib.sha256(body).hexdigest().encode()
    assert response.status == 200 and same(response.body, expected)
    assert response.get("X-Length") in (str(len(body)), "none" if not body else None)


@pytest.mark.parametrize("size", ["small", "large"])
def test_chunked_bodies(side, size):
    """As one would send them; what the front end has no words for, it refuses."""
    pieces = [b"a", b"b" * (100_000 if size == "large" else 10), b"c" * 3]
    response = side.ask(chunked(f"{side.row.base}/echo", pieces))
    expected = side.row.chunked.get((size, side.name), 200)
    assert response.status == expected
    assert expected != 200 or same(response.body, b"".join(pieces))


def test_body_on_demand(side):
    """Expect: 100-continue is between client and front end."""
    with Client(side.port) as client:
        client.send(EXPECT.format(side.row.base))
        if side.row.continues:
            assert client.head().status == 100
        response = client.send("hello").response()
        assert response.body == b"hello" and not response.interim


def test_refused_body_is_no_502(side):
    for _ in range(4):
        response = side.ask(post(f"{side.row.base}/echo", LARGE + LARGE[:2_000_000]))
        assert response.status == 413


def test_unread_body_is_no_502(side):
    for _ in range(4):
        response = side.ask(post(f"{side.row.base}/early", LARGE[:5_000_000]))
        assert (response.status, response.text) == (200, "early")


# ---- streams and what breaks off


def piece(client, response, size):
    """The next `size` bytes of a body that is on its way."""
    if response.all("Transfer-Encoding"):
        data = b""
        while len(data) < size:
            more = client.chunk()
            assert more, f"the last chunk after {data!r}"
            data += more
        return data
    return client.take(size)


def test_events_arrive_as_they_are_sent(behind):
    side = behind.side("direct")
    with Client(side.port) as client:
        client.get(f"{side.row.base}/steps?events")
        response = None
        for i in range(3):
            behind.gate.accept("events").release()
            response = response or client.head()
            assert piece(client, response, 9) == b"data: %d\n\n" % i
        assert response.get("Content-Type") == "text/event-stream"
        if response.all("Transfer-Encoding"):
            assert client.chunk() == b""
        else:
            assert client.rest() == b""


def broken(client):
    """Does the client see that the response is not whole?"""
    try:
        return client.response().status >= 500
    except Broken:
        return True


def test_response_of_fewer_bytes_is_not_taken_for_whole(side):
    with Client(side.port) as client:
        client.get(f"{side.row.base}/length_fewer")
        assert broken(client)
    side.settle()


def test_response_that_breaks_off_is_not_taken_for_whole(behind):
    """Of unknown length, when its beginning has been passed on."""
    side = behind.side("direct")
    with Client(side.port) as client:
        client.get(f"{side.row.base}/breaks?breaks")
        response = client.head()
        assert piece(client, response, 4) == b"some"
        behind.gate.accept("breaks").release()
        if not response.all("Transfer-Encoding"):
            client.rest()
            assert not side.row.cut
            return
        try:
            assert client.chunk() == b"" and not side.row.cut
        except Broken:
            assert side.row.cut
    side.settle()


# ---- clients that go away


@pytest.mark.parametrize("name", ["whole", "direct"])
def test_client_that_leaves_a_response(behind, name):
    side = behind.side(name)
    tag = f"flood-{name}"
    with Client(side.port, rcvbuf=4096) as client:
        client.get(f"{side.row.base}/flood?{tag}")
        assert client.head().status == 200
    behind.gate.heard([f"{tag}-{how}" for how in side.row.gone[name].split(" or ")])


def test_client_that_leaves_its_body(behind):
    side = behind.side("direct")
    with Client(side.port) as client:
        head = f"POST {side.row.base}/upload?up HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n"
        client.send(f"{head}\r\n".encode() + LARGE[:300_000])
        if side.row.uploads:
            behind.gate.heard("up-entered")
    if side.row.uploads:
        behind.gate.heard("up-cut")
    else:
        behind.gate.never("up-entered", after=lambda: side.get("/list1"))


# ---- connections


def test_connections(behind):
    side = behind.side("whole")

    def kept():
        before = side.peers()
        assert side.get("/list1").status == 200
        return before and side.peers() == before

    if side.row.keeps:
        until(kept, "a connection is used again")
    else:
        assert side.get("/list1").status == 200
        until(lambda: not side.peers(), "the connection ends")


def test_requests_side_by_side(behind):
    """Each has a connection of its own, but where one carries several."""
    side = behind.side("whole")
    tags = [f"hold{i}" for i in range(5)]
    side.get("/list1")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(side.port)) for _ in tags]
        for client, tag in zip(clients, tags):
            client.get(f"{side.row.base}/hold?{tag}")
        visits = []
        try:
            visits += [behind.gate.accept(tag) for tag in tags]
            connections = len(side.peers())
        finally:
            for visit in visits:
                visit.release()
        assert [client.response().text for client in clients] == tags
        assert (connections < len(tags)) == side.row.shares
