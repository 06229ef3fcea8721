# SPDX-License-Identifier: MIT
"""
/fast answers at once; /slow sleeps 100 ms (`sleeps`) or computes for 20 to 50 ms (`computes`).
"""

import random
import time

HEADERS = [("Content-Type", "text/plain"), ("Content-Length", "3")]


def answer(start_response):
    start_response("200 OK", HEADERS)
    return [b"ok\n"]


def sleeps(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(0.1)
    return answer(start_response)


def computes(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        # CPU time of this thread, so that the work is the same however often it is interrupted.
        end = time.thread_time() + random.uniform(0.020, 0.050)
        while time.thread_time() < end:
            sum(range(200))
    return answer(start_response)
