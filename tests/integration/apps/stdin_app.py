# SPDX-License-Identifier: MIT
"""Tells what stdin is here, and in a program that is started here."""

import os
import subprocess

AT_IMPORT = os.readlink("/proc/self/fd/0")


def app(environ, start_response):
    started = subprocess.run(["readlink", "/proc/self/fd/0"], stdout=subprocess.PIPE, check=True)
    left = started.stdout.decode().strip()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{AT_IMPORT} {os.readlink('/proc/self/fd/0')} {left} {os.getpid()}".encode()]
