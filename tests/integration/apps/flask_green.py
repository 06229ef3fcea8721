# SPDX-License-Identifier: MIT
"""Flask, monkey-patched."""

from gevent import monkey

monkey.patch_all()

import flask  # noqa: E402
import green  # noqa: E402

app = flask.Flask(__name__)


@app.route("/hold/<tag>")
def hold(tag):
    word = green.wait(tag)
    return f"{tag} {word} {flask.request.path}"  # its context is this greenlet's


@app.route("/stream/<tag>")
def stream(tag):
    @flask.stream_with_context
    def pieces():
        for _ in range(2):
            yield f"{green.wait(tag)} {flask.request.path}\n"

    return flask.Response(pieces(), mimetype="text/plain")
