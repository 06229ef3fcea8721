# SPDX-License-Identifier: MIT
"""All that the tests behind front ends ask for. The path's first segment is what is done."""

import hashlib
import json

import environ_app
import gatelib
import responses

TEXT = [("Content-Type", "text/plain")]
FILE = bytes(range(256)) * 40
ETAG = '"v1"'


def environ(env, start_response):
    return environ_app.app(env, start_response)


def echo(env, start_response):
    """The body, back; its length as the application was told."""
    body = env["wsgi.input"].read()
    start_response("200 OK", [("X-Length", env.get("CONTENT_LENGTH", "none"))])
    return [body]


def digest(env, start_response):
    """As echo, but what comes back is short."""
    body = env["wsgi.input"].read()
    start_response("200 OK", [("X-Length", env.get("CONTENT_LENGTH", "none"))])
    return [hashlib.sha256(body).hexdigest().encode()]


def early(env, start_response):
    """Leaves the body alone."""
    start_response("200 OK", TEXT)
    return [b"early"]


def file(env, start_response):
    """Answers conditional requests and one range, bytes=A-B."""
    if env.get("HTTP_IF_NONE_MATCH") == ETAG:
        start_response("304 Not Modified", [("ETag", ETAG)])
        return []
    wanted = env.get("HTTP_RANGE")
    headers = [("ETag", ETAG), ("Accept-Ranges", "bytes"), ("Content-Type", "a/b")]
    if not wanted:
        start_response("200 OK", [*headers, ("Content-Length", str(len(FILE)))])
        return [FILE]
    first, last = map(int, wanted.partition("=")[2].split("-"))
    part = FILE[first : last + 1]
    headers.append(("Content-Range", f"bytes {first}-{last}/{len(FILE)}"))
    start_response("206 Partial Content", [*headers, ("Content-Length", str(len(part)))])
    return [part]


def steps(env, start_response):
    """/steps?TAG: three events, each when the test says so."""
    tag = env["QUERY_STRING"]

    def events():
        for i in range(3):
            gatelib.wait(tag)
            yield b"data: %d\n\n" % i

    start_response("200 OK", [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")])
    return events()


def breaks(env, start_response):
    """/breaks?TAG: some of a response, and no more."""
    start_response("200 OK", TEXT)
    yield b"some"
    gatelib.wait(env["QUERY_STRING"])
    raise RuntimeError("raised in the iteration")


class Flood:
    """What is more than all buffers between here and the client hold; how it ended is told."""

    def __init__(self, tag, left):
        self.tag = tag
        self.left = left

    def __iter__(self):
        return self

    def __next__(self):
        if self.left == 0:
            raise StopIteration
        self.left -= 1
        return b"f" * 65536

    def close(self):
        gatelib.tell(f"{self.tag}-{'all' if self.left == 0 else 'early'}")


def flood(env, start_response):
    start_response("200 OK", TEXT)
    return Flood(env["QUERY_STRING"], 1000)


def upload(env, start_response):
    """/upload?TAG: reads the body, tells how that went."""
    tag = env["QUERY_STRING"]
    gatelib.tell(f"{tag}-entered")
    try:
        while env["wsgi.input"].read(65536):
            pass
    except OSError:
        gatelib.tell(f"{tag}-cut")
        raise
    gatelib.tell(f"{tag}-whole")
    start_response("200 OK", TEXT)
    return [b"whole"]


def hold(env, start_response):
    """/hold?TAG: waits before it answers."""
    gatelib.wait(env["QUERY_STRING"])
    start_response("200 OK", TEXT)
    return [env["QUERY_STRING"].encode()]


ROUTES = {
    f.__name__: f for f in (environ, echo, digest, early, file, steps, breaks, flood, upload, hold)
}


def app(env, start_response):
    name = env["PATH_INFO"].split("/")[1]
    if name in ROUTES:
        return ROUTES[name](env, start_response)
    return responses.ROUTES[f"/{name}"](start_response)
