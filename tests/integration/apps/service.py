# SPDX-License-Identifier: MIT
"""What a service's application sees of the world around it, as JSON."""

import json
import os


def app(environ, start_response):
    seen = {
        "pid": os.getpid(),
        "variables": dict(os.environ),
        "environ": {k: v for k, v in environ.items() if isinstance(v, str)},
    }
    body = json.dumps(seen).encode()
    start_response(
        "200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    )
    return [body]
