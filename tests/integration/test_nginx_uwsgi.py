# SPDX-License-Identifier: MIT
"""What a client sees through Debian's nginx and uwsgi_pass."""

import json
import re
import signal

import pytest

import fronts
from wire import Client, chunked, post, same

pytestmark = pytest.mark.skipif(not fronts.NGINX, reason="nginx is not installed")

SITE = """
upstream back {{ server {address}; }}
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 100m;
    include /etc/nginx/uwsgi_params;
    location / {{ uwsgi_pass back; }}
    location /direct/ {{ uwsgi_pass back; uwsgi_request_buffering off; uwsgi_buffering off; }}
    location /script/ {{
        uwsgi_pass back; include /etc/nginx/uwsgi_params; uwsgi_param SCRIPT_NAME /script;
    }}
    location /modifier/ {{
        uwsgi_pass back; include /etc/nginx/uwsgi_params; uwsgi_param SCRIPT_NAME /modifier;
        uwsgi_modifier1 30;
    }}
}}
"""


@pytest.fixture
def front(serve, tmp_path):
    """front("module:app", options…) → an nginx in front of a server of its own, its `server`."""
    started = []

    def start(app, *options, **kwargs):
        server = serve(app, "--protocol", "uwsgi", *options, **kwargs)
        port = fronts.free_port()
        site = SITE.format(address=server.address.partition("://")[2], port=port)
        started.append(fronts.nginx(tmp_path / "nginx", port, site))
        started[-1].server = server
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def ask():
    """ask(front, request, …) → the response, on a connection of its own."""

    def ask(front, request, method="GET"):
        with Client(front.port) as client:
            return client.send(request).response(method)

    return ask


def get(target, headers="", method="GET"):
    return f"{method} {target} HTTP/1.1\r\nHost: h.example\r\n{headers}\r\n"


BUFFERED = pytest.mark.parametrize("prefix", ["/", "/direct/"])


@BUFFERED
def test_get_and_head(front, ask, prefix):
    one = front("hello:app")
    assert ask(one, get(prefix)).text == "Hello, world!"
    response = ask(one, get(prefix, method="HEAD"), "HEAD")
    assert (response.status, response.get("Content-Length")) == (200, "13")


@BUFFERED
@pytest.mark.parametrize("buffering", ["on", "off"])
def test_bodies(front, ask, prefix, buffering):
    one = front("echo:app", "--request-buffering", buffering)
    large = bytes(range(256)) * 80_000
    for body in (b"", b"x", b"y" * 70_000, large):
        response = ask(one, post(prefix, body))
        assert response.status == 200 and same(response.body, body)
    pieces = [b"a", b"b" * 100_000, b"c" * 3]
    response = ask(one, chunked(prefix, pieces))
    assert response.status == 200 and same(response.body, b"".join(pieces))


@BUFFERED
def test_refused_body_is_no_502(front, ask, prefix):
    one = front("echo:app", "--max-body", "1000")
    for _ in range(10):
        assert ask(one, post(prefix, b"x" * 5_000_000)).status == 413


@BUFFERED
def test_unread_body_is_no_502(front, ask, prefix):
    one = front("gated:early", "--request-buffering", "off")
    for _ in range(10):
        response = ask(one, post(prefix, b"x" * 5_000_000))
        assert (response.status, response.text) == (200, "early")


@pytest.mark.parametrize("path, status", [("/204", 204), ("/304", 304), ("/404", 404)])
def test_statuses(front, ask, path, status):
    assert ask(front("responses:app"), get(path)).status == status


def test_headers_of_responses(front, ask):
    one = front("responses:app")
    assert ask(one, get("/two_cookies")).all("Set-Cookie") == ["a=1", "b=2"]
    assert ask(one, get("/generator")).text == "012"
    assert ask(one, get("/raise_now")).status == 500
    large = ask(one, get("/big"))
    assert same(large.body, b"b" * 300_000)


def test_broken_response_is_not_taken_for_a_whole_one(front):
    one = front("responses:app")
    with Client(one.port) as client:
        client.send(get("/raise_iter"))
        response = client.head()
        assert response.get("Transfer-Encoding") == "chunked"
        # What was there is passed on, or nothing; but no end.
        assert not client.rest().endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    "target, path, script",
    [
        ("/a%20b//c/../d?e=%20", "/a b/d", ""),
        ("/%C3%A4/%2B", "/\xc3\xa4/+", ""),
        ("/script/a%20b", "/a b", "/script"),
        ("/script//a/./b", "/a/b", "/script"),
        ("/script/script/a", "/script/a", "/script"),
        ("/modifier//a/../b", "/b", "/modifier"),
    ],
)
def test_paths(front, ask, target, path, script):
    environ = json.loads(ask(front("environ_app:app"), get(target)).body)
    assert (environ["PATH_INFO"], environ["SCRIPT_NAME"]) == (path, script)
    assert environ["REQUEST_URI"] == target


def test_mount(front, ask):
    one = front("environ_app:app", "--script-name", "/script")
    for target in ("/script/x", "/script//x"):
        environ = json.loads(ask(one, get(target)).body)
        assert (environ["PATH_INFO"], environ["SCRIPT_NAME"]) == ("/x", "/script")
    assert ask(one, get("/scripts")).status == 404


def test_environ(front, ask):
    one = front("environ_app:app")
    headers = "X-A: 1\r\nX-A: 2\r\nCookie: a=1\r\nCookie: b=2\r\nAuthorization: Basic eDp5\r\n"
    environ = json.loads(ask(one, post("/?q", b"ab", headers + "Content-Type: a/b\r\n")).body)
    assert environ["HTTP_X_A"] == "1, 2"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_AUTHORIZATION"] == "Basic eDp5"
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("a/b", "2")
    assert not {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"} & set(environ)
    assert (environ["SERVER_NAME"], environ["HTTP_HOST"]) == ("test", "test")  # no server_name
    assert environ["SERVER_PORT"] == str(one.port)
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["SERVER_SOFTWARE"].startswith("yimmo-wsgi/")
    assert re.fullmatch(r"\d+", environ["REMOTE_PORT"])


def test_many_headers(front, ask):
    """As many bytes of headers as nginx takes by default."""
    one = front("environ_app:app")
    headers = "".join(f"X-{i}: {'v' * 7900}\r\n" for i in range(3))
    environ = json.loads(ask(one, get("/", headers)).body)
    assert len(environ["HTTP_X_2"]) == 7900


def test_events_arrive_as_they_are_sent(front, gate):
    one = front("gated:steps", env=gate.env)
    with Client(one.port) as client:
        client.send(get("/direct/steps"))
        for i in range(3):
            gate.accept("steps-next").release()
            if i == 0:
                assert client.head().get("Content-Type") == "text/event-stream"
            assert client.chunk() == b"data: %d\n\n" % (i + 1)
        assert client.chunk() == b""


def test_client_that_goes_away(front, gate):
    """nginx hangs up on us then, and the application is told."""
    one = front("gated:flood", env=gate.env)
    with Client(one.port, rcvbuf=4096) as client:
        client.send(get("/direct/flood?1000"))
        assert client.head().status == 200
    gate.heard("flood-closed-early")


def test_reload_loses_nothing(front, ask):
    one = front("hello:app", "--no-proc", "2")
    one.server.workers(2)
    seen = []
    for i in range(60):
        if i == 20:
            one.server.send_signal(signal.SIGHUP)
        seen.append(ask(one, get("/")).status)
    one.server.wait_log(r"worker \d+ is ready", count=4)
    assert seen == [200] * 60
