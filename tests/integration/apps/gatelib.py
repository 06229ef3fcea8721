# SPDX-License-Identifier: MIT
"""The application's side of harness.Gate."""

import os
import select
import socket


def wait(tag):
    """Block (without the GIL) until the test lets `tag` pass; the text it passes on."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(os.environ["YMO_TEST_GATE"])
        sock.sendall(tag.encode() + b"\n")
        # Not by recv: ThreadSanitizer keeps signals back from a thread that blocks there.
        with select.epoll() as epoll:
            epoll.register(sock, select.EPOLLIN)
            epoll.poll()
        with sock.makefile("r") as file:
            return file.readline().strip()


def tell(tag):
    """Leave a message; do not wait for it to be heard."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(os.environ["YMO_TEST_GATE"])
        sock.sendall(tag.encode() + b"\n")
