# SPDX-License-Identifier: MIT
"""The load of these tests can fail: what a client of a restarting server must not see, it sees."""

import contextlib
import errno
import socket
import threading

import pytest

from harness import until
from load import Load

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextlib.contextmanager
def peer(*visits):
    """A server whose n-th connection is handled by visits[n], the last by all after it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run():
            n = 0
            with contextlib.suppress(OSError):
                while True:
                    sock, _ = listener.accept()
                    with sock:
                        visits[min(n, len(visits) - 1)](sock)
                    n += 1

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def good(sock):
    while sock.recv(4096):
        sock.sendall(ANSWER)


def answers_once_and_closes(sock):
    sock.recv(4096)
    # In one segment with its end: the client sees both before it sends again.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    sock.sendall(ANSWER)


def announces_its_end(sock):
    sock.recv(4096)
    sock.sendall(ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))


def reads_and_closes(sock):
    sock.recv(4096)
    sock.sendall(ANSWER)
    sock.recv(4096)


def leaves_it_unread(sock):
    sock.recv(1, socket.MSG_PEEK)


def breaks_off(sock):
    sock.recv(4096)
    sock.sendall(ANSWER[:-1])


def is_sorry(sock):
    sock.recv(4096)
    sock.sendall(ANSWER.replace(b"200 OK", b"503 Not OK"))


@pytest.mark.parametrize("first", [good, announces_its_end, answers_once_and_closes])
def test_allowed(first):
    with peer(first, good) as port, Load(port, kept=1) as load:
        load.more(20)
    assert load.excused == 0


@pytest.mark.parametrize(
    "first, why",
    [
        (reads_and_closes, "end of file"),
        (leaves_it_unread, errno.errorcode[errno.ECONNRESET]),
        (breaks_off, "after b'HTTP"),
    ],
)
def test_lost_request_is_a_failure(first, why):
    with peer(first, good) as port, pytest.raises(AssertionError, match=why):
        with Load(port, kept=1) as load:
            until(lambda: load.failures and load.count() > 5, "it goes on with others")
    assert len(load.failures) == 1


def test_error_status_is_a_failure():
    with peer(is_sorry, good) as port, pytest.raises(AssertionError, match="503"):
        with Load(port, kept=0, fresh=1) as load:
            until(lambda: load.count() > 5, "it goes on with others")


def test_nobody_there_is_a_failure():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(AssertionError, match="connect"):
        with Load(port, kept=1) as load:
            until(lambda: load.failures, "it is noticed")
