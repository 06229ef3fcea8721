# SPDX-License-Identifier: MIT
"""What an application sees of the server's threads."""

import json
import os
import threading

local = threading.local()
barrier = threading.Barrier(int(os.environ.get("YMO_TEST_BARRIER", "1")))


def app(environ, start_response):
    local.count = getattr(local, "count", 0) + 1
    if environ["PATH_INFO"] == "/meet":
        barrier.wait(timeout=60)
    told = {
        "ident": threading.get_ident(),
        "count": local.count,
        "main": threading.current_thread() is threading.main_thread(),
        "name": threading.current_thread().name,
        "multithread": environ["wsgi.multithread"],
        "multiprocess": environ["wsgi.multiprocess"],
        "pid": os.getpid(),
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]
