# SPDX-License-Identifier: MIT
"""What the tests of a server with several processes share: asking, stopping, reloading it."""

import contextlib
import os
import pathlib
import signal

from harness import until
from wire import Client


def ask(server, target="/"):
    """The text of an answer on a new connection."""
    with Client(server.port) as client:
        return client.request(target, "Connection: close\r\n").text


def pid_of(server):
    """The process that a new connection of apps/procs.py meets."""
    return int(ask(server))


def comes_to(server, text, target="/"):
    """An old worker may still accept for a moment after the new ones are told to be ready."""
    until(lambda: ask(server, target) == text, f"the answer is {text}")


def _states(pid):
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            yield (task / "stat").read_text().rpartition(")")[2].split()[0]


@contextlib.contextmanager
def stopped(pid):
    """Hold the process (SIGSTOP) meanwhile, and all of its threads."""
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: set(_states(pid)) == {"T"}, "all threads have stopped")
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


class Reloads:
    """SIGHUP and waiting for what comes of it."""

    def __init__(self, server):
        self.server = server
        self.good = self.bad = 0

    def __call__(self, *leaving):
        """`leaving`: workers that are to have been told to go, too."""
        self.good += 1
        self.server.send_signal(signal.SIGHUP)
        self.server.wait_log(r"reloaded: \d+ worker", count=self.good)
        for pid in leaving:
            self.server.wait_log(rf"\[{pid}\] stopping: reloaded")

    def fails(self, why):
        """What the log must say about the reason."""
        self.bad += 1
        self.server.send_signal(signal.SIGHUP)
        self.server.wait_log(r"reload: .* go(es)? on serving", count=self.bad)
        self.server.wait_log(why)
