# SPDX-License-Identifier: MIT
"""How the server ends."""

import signal
import socket

import pytest

from wire import Client, post, same

BOTH = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@BOTH
def test_idle_server_ends_with_0(serve, number):
    server = serve()
    assert server.stop(number) == 0


@BOTH
def test_request_in_flight_finishes(serve, gate, connect, number):
    server = serve("gated:app", env=gate.env)
    client = connect(server).get("/hold?one")
    visit = gate.accept("one")
    server.send_signal(number)
    refused(server)
    visit.release("done")
    response = client.response()
    assert (response.status, response.text) == (200, "one done")
    assert client.closed()
    assert server.wait_exit() == 0


def refused(server):
    """Wait until nobody accepts on the port any more."""
    from harness import until

    def gone():
        try:
            socket.create_connection(("127.0.0.1", server.port), 5).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            pass
        return False

    until(gone, "new connections are refused")


def test_response_in_flight_is_sent_whole_and_says_close(serve, gate, connect):
    server = serve("gated:app", env=gate.env)
    client = connect(server).get("/steps")
    gate.accept("steps-next").release()
    assert client.head().status == 200
    assert client.chunk() == b"data: 1\n\n"
    server.send_signal(signal.SIGTERM)
    refused(server)
    for n in (2, 3):
        gate.accept("steps-next").release()
        assert client.chunk() == b"data: %d\n\n" % n
    assert client.chunk() == b""
    assert client.closed()
    gate.heard("steps-closed")
    assert server.wait_exit() == 0


def test_head_sent_after_the_signal_says_close(serve, gate, connect):
    server = serve("gated:app", env=gate.env)
    client = connect(server).get("/hold?x")
    visit = gate.accept("x")
    server.send_signal(signal.SIGTERM)
    refused(server)
    visit.release()
    assert client.response().has_token("Connection", "close")


def test_queued_requests_are_answered(serve, gate, connect):
    server = serve("gated:app", "--no-threads", "1", env=gate.env)
    first = connect(server).get("/hold?a")
    visit = gate.accept("a")
    others = [connect(server).get("/") for _ in range(5)]
    # One worker: an answer to a request sent later on another connection cannot come, but the
    # reactor has read all five once it answers a malformed request that came after them.
    with Client(server.port) as probe:
        assert probe.send("BAD\r\n\r\n").response().status == 400
    server.send_signal(signal.SIGTERM)
    refused(server)
    visit.release()
    assert first.response().status == 200
    assert [client.response().status for client in others] == [200] * 5
    assert server.wait_exit() == 0


def test_idle_connections_close_at_once(serve, connect):
    server = serve("hello:app", "--idle-timeout", "600", "--graceful-timeout", "600")
    clients = [connect(server) for _ in range(3)]
    for client in clients[:2]:
        assert client.request().status == 200
    server.send_signal(signal.SIGTERM)
    for client in clients:
        assert client.closed()
    assert server.wait_exit() == 0


def test_half_a_request_does_not_hold_up_the_end(serve, connect):
    server = serve("hello:app", "--graceful-timeout", "1", "--head-timeout", "600")
    client = connect(server).send("GET / HT")
    probe = connect(server)
    assert probe.request().status == 200
    server.send_signal(signal.SIGTERM)
    client.rest()
    assert server.wait_exit() == 0


@BOTH
def test_second_signal_ends_at_once(serve, gate, connect, number):
    server = serve("gated:app", "--graceful-timeout", "600", env=gate.env)
    connect(server).get("/hold?never")
    gate.accept("never")
    server.send_signal(number)
    refused(server)
    server.send_signal(number)
    code = server.wait_exit()
    assert code in (1, 128 + number, -number), server.log()


def test_graceful_timeout_ends_a_stuck_request(serve, gate, connect):
    server = serve("gated:app", "--graceful-timeout", "0.5", env=gate.env)
    client = connect(server).get("/hold?stuck")
    gate.accept("stuck")
    server.send_signal(signal.SIGTERM)
    assert client.rest() == b""
    code = server.wait_exit()
    assert code >= 0, "it ends by itself, not by a signal"
    assert "graceful" in server.log()


def test_upload_in_flight_finishes(serve, connect):
    server = serve("echo:app")
    data = post("/", b"u" * 100_000)
    client = connect(server).send(data[:50_000])
    probe = connect(server)
    assert probe.request().status == 200
    server.send_signal(signal.SIGTERM)
    assert probe.closed()
    client.send(data[50_000:])
    assert same(client.response().body, b"u" * 100_000)
    assert server.wait_exit() == 0


def test_unix_socket_file_is_removed(serve, short_dir):
    path = short_dir / "s"
    server = serve("hello:app", "--bind", f"unix:{path}", bind=False)
    with Client(str(path)) as client:
        assert client.request().status == 200
    assert server.stop() == 0
    assert not path.exists()


def test_sighup_or_sigpipe_do_not_crash(serve, connect):
    server = serve()
    server.send_signal(signal.SIGPIPE)
    assert connect(server).request().status == 200
