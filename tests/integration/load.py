# SPDX-License-Identifier: MIT
"""
Clients that keep a server busy and forgive it nothing. As a proxy does, they look for the end of
an idle connection before they send on it; after that an unanswered request is a failure, and is
never sent again. Only one case is excused: Linux tells (EPIPE, not ECONNRESET) that the end of
the connection was on its way before the request reached the other side; nobody lost it there.
"""

import collections
import errno
import select
import socket
import threading
import time

from harness import PATIENCE, until


class _Conn:
    def __init__(self, sock, keep):
        self.sock = sock
        self.keep = keep
        self.used = 0
        self.data = b""
        self.sent = None  # when the request that is under way was sent


class Load:
    """`kept` connections and `fresh` ones (one a request), each always with a request."""

    def __init__(self, port, kept=8, fresh=0, target="/", method="GET"):
        self.port = port
        self.kinds = [True] * kept + [False] * fresh
        self.statuses = collections.Counter()
        self.bodies = collections.Counter()
        self.failures = []
        self.excused = 0
        head = f"{method} {target} HTTP/1.1\r\nHost: test\r\n"
        self.request = {
            True: f"{head}\r\n".encode(),
            False: f"{head}Connection: close\r\n\r\n".encode(),
        }
        self._stopping = False
        self._poll = select.epoll()
        self._conns = {}
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        until(lambda: self.count() or self.failures, "the first answer")
        return self

    def __exit__(self, kind, *exc):
        self._stopping = True
        self._thread.join(2 * PATIENCE)
        assert not self._thread.is_alive()
        self._poll.close()
        if kind is None:
            self.check()

    def count(self):
        return sum(self.statuses.values())

    def more(self, n=50):
        """Wait until `n` more requests were answered."""
        enough = self.count() + n
        until(lambda: self.count() >= enough or self.failures, f"{n} more answers")
        assert not self.failures, self.failures[:5]

    def check(self):
        assert not self.failures, f"{len(self.failures)} of {self.count()}: {self.failures[:5]}"
        assert set(self.statuses) == {200}, self.statuses

    # ---- the thread ----

    def _run(self):
        for keep in self.kinds:
            self._open(keep)
        looked = time.monotonic()
        while self._conns:
            for fd, events in self._poll.poll(0.05):
                conn = self._conns.get(fd)
                if conn:
                    self._readable(conn)
            if time.monotonic() - looked < 0.1:
                continue
            looked = time.monotonic()
            for conn in list(self._conns.values()):
                if conn.sent and looked - conn.sent > PATIENCE:
                    self._failed(conn, f"no answer for {PATIENCE:g} s")

    def _open(self, keep):
        if self._stopping:
            return
        try:
            sock = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        except OSError as exc:
            self.failures.append(f"connect: {exc}")
            if len(self.failures) < 100:
                time.sleep(0.01)  # or this would be a busy loop until the test ends
                self._open(keep)
            return
        sock.setblocking(False)
        conn = _Conn(sock, keep)
        self._conns[sock.fileno()] = conn
        self._poll.register(sock, select.EPOLLIN)
        self._send(conn)

    def _close(self, conn):
        del self._conns[conn.sock.fileno()]
        conn.sock.close()

    def _again(self, conn):
        self._close(conn)
        self._open(conn.keep)

    def _failed(self, conn, why):
        self.failures.append(f"request {conn.used} of a connection: {why}")
        if len(self.failures) < 100:
            self._again(conn)
        else:
            self._close(conn)

    def _send(self, conn):
        if self._stopping:
            self._close(conn)
            return
        try:
            if conn.used and conn.sock.recv(1, socket.MSG_PEEK) == b"":
                self._again(conn)  # closed while it was idle: nothing is lost
                return
        except BlockingIOError:
            pass
        except OSError as exc:
            self._failed(conn, f"reset while idle: {exc}")
            return
        conn.used += 1
        conn.sent = time.monotonic()
        try:
            conn.sock.send(self.request[conn.keep])
        except OSError as exc:
            self._unanswered(conn, exc.errno)

    def _readable(self, conn):
        try:
            data = conn.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError as exc:
            self._unanswered(conn, exc.errno)
            return
        if not data:
            self._unanswered(conn, conn.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            return
        conn.data += data
        head, found, body = conn.data.partition(b"\r\n\r\n")
        if not found:
            return
        status, *lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines)
        if len(body) < int(fields["content-length"]):
            return
        self.statuses[int(status.split()[1])] += 1
        self.bodies[body.decode("latin-1")] += 1
        conn.data = b""
        conn.sent = None
        if conn.keep and fields.get("connection") != "close":
            self._send(conn)
        else:
            self._again(conn)

    def _unanswered(self, conn, error):
        if error == errno.EPIPE and conn.used > 1 and not conn.data:
            self.excused += 1
            self._again(conn)
            return
        got = f" after {conn.data[:60]!r}" if conn.data else ""
        self._failed(conn, f"{errno.errorcode.get(error, 'end of file')}{got}")
