# SPDX-License-Identifier: MIT
"""The front ends beside nginx that speak uwsgi, as Debian has them."""

import json

import pytest

import fronts
from wire import Client, chunked, post, same

APACHE = pytest.mark.skipif(
    not fronts.APACHE or not (fronts.APACHE_MODULES / "mod_proxy_uwsgi.so").exists(),
    reason="Apache is not installed",
)
LIGHTTPD = pytest.mark.skipif(not fronts.LIGHTTPD, reason="lighttpd is not installed")
ROUTER = pytest.mark.skipif(not fronts.UWSGI, reason="uWSGI is not installed")
FRONTS = [
    pytest.param("apache", marks=APACHE),
    pytest.param("lighttpd", marks=LIGHTTPD),
    pytest.param("router", marks=ROUTER),
]


def start(kind, directory, port, back):
    host, back_port = back.split(":")
    if kind == "apache":
        lines = f'ProxyPass "/uw/" "uwsgi://{back}/"\nProxyPass "/" "uwsgi://{back}/"'
        return fronts.apache(directory, port, ["proxy", "proxy_uwsgi"], lines)
    if kind == "router":
        return fronts.router(directory, port, back)
    return fronts.lighttpd(
        directory,
        port,
        'server.modules = ("mod_scgi")\nscgi.protocol = "uwsgi"\n'
        f'scgi.server = ("/" => (("host" => "{host}", "port" => {back_port},'
        ' "check-local" => "disable", "fix-root-scriptname" => "enable")))',
    )


@pytest.fixture
def front(serve, tmp_path):
    """front(kind, "module:app", options…) → the front end, with a server of its own behind it."""
    started = []

    def begin(kind, app, *options, **kwargs):
        server = serve(app, "--protocol", "uwsgi", *options, **kwargs)
        back = server.address.partition("://")[2]
        started.append(start(kind, tmp_path / kind, fronts.free_port(), back))
        return started[-1]

    yield begin
    for one in started:
        one.stop()


def ask(front, request, method="GET"):
    with Client(front.port) as client:
        return client.send(request).response(method)


def get(target, headers="", method="GET"):
    return f"{method} {target} HTTP/1.1\r\nHost: h.example:81\r\n{headers}\r\n"


@pytest.mark.parametrize("kind", FRONTS)
def test_environ(front, kind):
    one = front(kind, "environ_app:app")
    headers = "Cookie: a=1; b=2\r\nX-A: b\r\nAuthorization: Basic eDp5\r\nProxy: http://evil\r\n"
    environ = json.loads(ask(one, get("/a%20b/c?d=%20", headers)).body)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/a b/c")
    assert (environ["REQUEST_URI"], environ["QUERY_STRING"]) == ("/a%20b/c?d=%20", "d=%20")
    assert (environ["HTTP_HOST"], environ["HTTP_COOKIE"]) == ("h.example:81", "a=1; b=2")
    assert (environ["HTTP_X_A"], environ["HTTP_AUTHORIZATION"]) == ("b", "Basic eDp5")
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == ("127.0.0.1", "http")
    assert environ["SERVER_NAME"] and environ["SERVER_PORT"].isdigit()
    strange = [key for key in environ if key.upper() != key and not key.startswith("wsgi.")]
    assert not strange and not {"PATH", "HTTP_PROXY", "UWSGI_ROUTER"} & set(environ)


@pytest.mark.parametrize("kind", FRONTS)
def test_responses(front, kind):
    one = front(kind, "responses:app")
    assert ask(one, get("/generator")).text == "012"
    assert ask(one, get("/generator", method="HEAD"), "HEAD").status == 200
    for status in (204, 304, 404):
        assert ask(one, get(f"/{status}")).status == status
    assert ask(one, get("/two_cookies")).all("Set-Cookie") == ["a=1", "b=2"]
    assert ask(one, get("/raise_now")).status == 500
    assert same(ask(one, get("/big")).body, b"b" * 300_000)


@pytest.mark.parametrize("kind", FRONTS)
def test_bodies(front, kind):
    one = front(kind, "echo:app")
    for body in (b"", b"x", bytes(range(256)) * 80_000):
        response = ask(one, post("/", body))
        assert response.status == 200 and same(response.body, body)
    pieces = [b"a", b"b" * 100_000, b"c" * 3]
    response = ask(one, chunked("/", pieces))
    if kind == "apache":
        assert response.status == 411  # it has no way to say so over uwsgi
    else:
        assert response.status == 200 and same(response.body, b"".join(pieces))


@pytest.mark.parametrize("kind", FRONTS[:2])  # the router itself resets clients that still send
@pytest.mark.parametrize("app, status", [("echo:app", 413), ("gated:early", 200)])
def test_early_answers_are_no_502(front, kind, app, status):
    options = ["--max-body", "1000"] if status == 413 else ["--request-buffering", "off"]
    one = front(kind, app, *options)
    for _ in range(5):
        with Client(one.port) as client:
            client.send(post("/", b"x" * 5_000_000))
            assert client.head().status == status


@pytest.mark.parametrize("kind", [FRONTS[0]])
def test_apache_mounts(front, kind):
    one = front(kind, "environ_app:app")
    for target, path in (("/uw/", "/"), ("/uw/a%20b", "/a b")):
        environ = json.loads(ask(one, get(target)).body)
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/uw", path)
