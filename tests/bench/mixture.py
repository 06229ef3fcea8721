# SPDX-License-Identifier: MIT
"""Flask applications that compute (about 2 ms), wait (10 ms), or do a little of both."""

import time

from flask import Flask


def burn(rounds):
    total = 0
    for i in range(rounds):
        total += i * i % 7
    return total


def make(compute, wait):
    app = Flask(__name__)

    @app.get("/")
    def index():
        if wait:
            time.sleep(wait)
        return str(burn(compute))

    return app


computes = make(30000, 0)
waits = make(0, 0.010)
both = make(8000, 0.005)
