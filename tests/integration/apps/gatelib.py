# SPDX-License-Identifier: MIT
"""The application's side of harness.Gate."""

import os
import select
import socket


def wait(tag):
    """Block (without the GIL) until the test lets `tag` pass; the text it passes on."""
    # Not in recv: ThreadSanitizer keeps signals back from a thread that blocks there. All that
    # needs a descriptor is opened before the test hears of us, as some tests count them.
    with socket.socket(socket.AF_UNIX) as sock, select.epoll() as epoll:
        sock.connect(os.environ["YMO_TEST_GATE"])
        epoll.register(sock, select.EPOLLIN)
        sock.sendall(tag.encode() + b"\n")
        epoll.poll()
        with sock.makefile("r") as file:
            return file.readline().strip()


def tell(tag):
    """Leave a message; do not wait for it to be heard."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(os.environ["YMO_TEST_GATE"])
        sock.sendall(tag.encode() + b"\n")
