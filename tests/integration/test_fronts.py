# SPDX-License-Identifier: MIT
"""
Every front end of rows.py, as Debian has them: what the application sees of a request, and the
client of its response. Bodies, streams and connections are in test_fronts_bodies.py.
"""

import json

import pytest

from rows import request
from wire import post, same

SIDES = ["whole", "direct"]


@pytest.fixture(params=SIDES)
def side(behind, request):
    return behind.side(request.param)


def environ_of(response):
    assert response.status == 200
    return json.loads(response.body)


# ---- requests


def test_environ(behind):
    side = behind.side("whole")
    headers = "X-A: b\r\nCookie: a=1; b=2\r\nProxy: http://evil\r\nContent-Type: a/b\r\n"
    environ = environ_of(side.ask(post(f"{side.row.base}/environ?a=%20", b"abc", headers)))
    assert environ["REQUEST_METHOD"] == "POST" and environ["QUERY_STRING"] == "a=%20"
    assert environ["REQUEST_URI"] == f"{side.row.base}/environ?a=%20"
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("a/b", "3")
    assert (environ["HTTP_X_A"], environ["HTTP_COOKIE"]) == ("b", "a=1; b=2")
    assert (environ["HTTP_HOST"], environ["REMOTE_ADDR"]) == ("test", "127.0.0.1")
    assert (environ["SERVER_PROTOCOL"], environ["wsgi.url_scheme"]) == ("HTTP/1.1", "http")
    assert environ["SERVER_NAME"] and environ["SERVER_PORT"].isdigit()
    assert environ["SERVER_SOFTWARE"].startswith("yimmo-wsgi/")
    assert not {
        "PATH", "HTTP_PROXY", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "UWSGI_ROUTER"
    } & set(environ)  # fmt: skip
    assert not [k for k in environ if k.upper() != k and not k.startswith("wsgi.")]


def test_headers_that_repeat(behind):
    side = behind.side("whole")
    headers = "X-A: 1\r\nX-A: 2\r\nCookie: a=1\r\nCookie: b=2\r\nAuthorization: Basic eDp5\r\n"
    environ = environ_of(side.get("/environ", headers))
    assert environ["HTTP_X_A"] == "1, 2"
    assert environ["HTTP_COOKIE"] == side.row.cookies
    assert environ.get("HTTP_AUTHORIZATION") == side.row.authorization
    assert environ["HTTP_HOST"] == side.row.host


def test_many_headers(behind):
    """About as much as front ends take without being asked to."""
    side = behind.side("whole")
    room = side.row.room
    headers = "".join(f"X-{i}: {'v' * room}\r\n" for i in range(3))
    environ = environ_of(side.get("/environ", headers))
    assert [len(environ[f"HTTP_X_{i}"]) for i in range(3)] == [room] * 3


def test_paths(behind):
    side = behind.side("whole")
    for target, path in (
        ("/environ/a%20b//c/../d?e=%20", f"/environ{side.row.path}"),
        ("/environ/%C3%A4/%2B+%3B", "/environ/\xc3\xa4/++;"),
    ):
        environ = environ_of(side.get(target))
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (side.row.base, path)
        assert environ["REQUEST_URI"] == side.row.base + target


def test_encoded_slash(behind):
    """Only REQUEST_URI tells it from a real one."""
    side = behind.side("whole")
    response = side.get("/environ/a%2Fb")
    if side.row.slash is None:
        assert response.status == 404  # not by us
    else:
        environ = environ_of(response)
        assert environ["PATH_INFO"] == f"/environ{side.row.slash}"
        assert environ["REQUEST_URI"] == side.row.base + "/environ/a%2Fb"


def test_mounts(behind):
    side = behind.side("whole")
    for target, script, path in side.row.mounts:
        environ = environ_of(side.ask(request(target)))
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (script, path)
        assert environ["REQUEST_URI"] == target


def test_script_name(behind):
    """Of the whole path: the server splits it anew, and what is outside is not there."""
    side = behind.side("mounted")
    if side.row.base:
        for target in ("/at/environ", "/environ"):
            assert side.get(target).text == "404 Not Found\n"
        return
    environ = environ_of(side.get("/at/environ/a%20b"))
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/at", "/environ/a b")
    for outside in ("/environ", "/ats/environ"):
        assert side.get(outside).status == 404


# ---- responses


def test_get_and_head(side):
    response = side.get("/file")
    assert response.status == 200 and len(response.body) == 10240
    head = side.get("/file", method="HEAD")
    assert (head.status, head.get("ETag"), head.body) == (200, '"v1"', b"")
    assert head.get("Content-Length") == ("10240" if side.row.length else None)
    assert side.get("/generator", method="HEAD").status == 200


def test_statuses(side):
    for status in (204, 304, 404, 599):
        assert side.get(f"/{status}").status == status
    assert side.get("/list3").text == "onethree"
    assert side.get("/generator").text == "012"
    assert side.get("/no_items").body == b""
    if side.row.large:
        assert same(side.get("/huge").body, b"h" * 8_000_000)


def test_errors(side):
    response = side.get("/raise_now")
    assert (response.status, response.text) == (500, "500 Internal Server Error\n")


def test_conditional(side):
    response = side.get("/file", 'If-None-Match: "v1"\r\n')
    assert (response.status, response.get("ETag"), response.body) == (304, '"v1"', b"")
    response = side.get("/file", 'If-None-Match: "v0"\r\n')
    assert (response.status, len(response.body)) == (200, 10240)


def test_range(side):
    response = side.get("/file", "Range: bytes=3-1000\r\n")
    assert (response.status, response.get("Content-Range")) == (206, "bytes 3-1000/10240")
    assert same(response.body, (bytes(range(256)) * 40)[3:1001])


def test_cookies_of_responses(side):
    assert side.get("/two_cookies").all("Set-Cookie") == ["a=1", "b=2"]
