# SPDX-License-Identifier: MIT
"""redirect_http: a plain listener that sends its clients on to https."""

import re
import signal
import subprocess

import pytest
import requests

from tlsclient import TlsClient, context
from wire import Client, post

HERE = r"listening on http://\S+:(\d+) \(redirects to https\)"


def start(serve, cert, *options, app="environ_app:app", **kwargs):
    kwargs.setdefault("bind", True)
    server = serve(app, *cert.options, "--redirect-http", "127.0.0.1:0", *options, **kwargs)
    server.redirect = int(re.search(HERE, server.wait_log(HERE).group(0)).group(1))
    return server


@pytest.fixture
def site(serve, pki):
    return start(serve, pki.local)


@pytest.fixture
def ask(site):
    def ask(data):
        with Client(site.redirect) as client:
            return client.send(data).response("HEAD" if data.startswith("HEAD") else "GET")

    return ask


def location(response):
    assert response.status in (301, 308), response
    return response.get("Location")


def test_says_what_it_is_for(site):
    assert site.address.startswith("https://")
    assert site.redirect != site.port


@pytest.mark.parametrize(
    "method, status",
    [("GET", 301), ("HEAD", 301), ("POST", 308), ("PUT", 308), ("DELETE", 308), ("OPTIONS", 308)],
)
def test_methods(site, method, status):
    """301 is what everybody knows; where it would turn a POST into a GET, 308 (RFC 9110 15.4)."""
    with Client(site.redirect) as client:
        for _ in range(2):  # and the connection stays
            response = client.request("/a/b?c=d", method=method)
            assert response.status == status
            assert response.get("Location") == f"https://test:{site.port}/a/b?c=d"
            assert not response.has_token("Connection", "close")
            assert response.body == (b"" if method == "HEAD" else b"This is served over https.\n")


@pytest.mark.parametrize("host", ["a.test", "A.test", "127.0.0.1", "[::1]", "[2001:DB8::1.2.3.4]"])
@pytest.mark.parametrize("port", ["", ":", ":80", ":8080"])
def test_host_stays_and_port_is_ours(site, ask, host, port):
    response = ask(f"GET /x HTTP/1.1\r\nHost: {host}{port}\r\n\r\n")
    assert location(response) == f"https://{host}:{site.port}/x"


@pytest.mark.parametrize(
    "target, rest",
    [
        ("/", "/"),
        ("/?", "/?"),
        ("/%C3%A4%2F%00x".replace("%00", ""), "/%C3%A4%2Fx"),
        ("//evil.test/x", "//evil.test/x"),
        ("/\\evil.test", "/\\evil.test"),
        ("/a/../b//c;d?e=f&g=%0d%0aX:y", "/a/../b//c;d?e=f&g=%0d%0aX:y"),
        ("/.well-known/acme-challenge/token", "/.well-known/acme-challenge/token"),
        ("http://h.test/p?q", "/p?q"),
        ("http://h.test", "/"),
        ("http://h.test?q", "/?q"),
        ("https://h.test:81/", "/"),
    ],
)
def test_target_as_it_was_sent(site, ask, target, rest):
    response = ask(f"GET {target} HTTP/1.1\r\nHost: h.test\r\n\r\n")
    assert location(response) == f"https://h.test:{site.port}{rest}"


def test_absolute_target_comes_before_host(site, ask):
    """RFC 9112, 3.2.2."""
    response = ask("GET http://this.test/x HTTP/1.1\r\nHost: that.test\r\n\r\n")
    assert location(response) == f"https://this.test:{site.port}/x"


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.0\r\n",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n",
        "GET / HTTP/1.1\r\nHost: :80\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n",
        "GET / HTTP/1.1\r\nHost: a,b\r\n",
        "GET / HTTP/1.1\r\nHost: a@b\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n",
        "GET / HTTP/1.1\r\nHost: a%0d%0ab\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        "GET / HTTP/1.1\r\nHost: [::1\r\n",
        "GET / HTTP/1.1\r\nHost: a:b\r\n",
        f"GET / HTTP/1.1\r\nHost: {'a' * 300}\r\n",
        "GET http://user@a/ HTTP/1.1\r\nHost: a\r\n",
        "GET http:///x HTTP/1.1\r\nHost: a\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n",
    ],
)
def test_nowhere_to_send_it(ask, head):
    response = ask(head + "\r\n")
    assert response.status == 400
    assert response.get("Location") is None and response.has_token("Connection", "close")


def test_application_sees_nothing(serve, pki):
    server = start(serve, pki.local, app="hello:(lambda *a: 1 / 0)")
    with Client(server.redirect) as client:
        assert client.request("/").status == 301
        assert client.request("/?").status == 301
    assert "ZeroDivisionError" not in server.log()


def test_script_name_does_not_matter(serve, pki):
    server = start(serve, pki.local, "--script-name", "/app")
    with Client(server.redirect) as client:
        for path in ("/app/x", "/other"):
            assert location(client.request(path)) == f"https://test:{server.port}{path}"


def test_body_of_a_post(site):
    """It is not waited for: the answer comes at once, then the connection ends in order."""
    with Client(site.redirect) as client:
        client.send("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        response = client.response()
        assert response.status == 308 and response.has_token("Connection", "close")
        client.send(b"x" * 1000000)
        assert client.closed()
    with Client(site.redirect) as client:
        client.send("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n")
        response = client.send("Expect: 100-continue\r\n\r\n").response()
        assert response.status == 308 and response.interim == []


def test_body_that_came_along(site):
    with Client(site.redirect) as client:
        response = client.send(post("/p", b"x" * 100000)).response()
        assert response.status == 308
        assert client.closed()


def test_curl_follows(site, pki):
    """And sends its form again."""
    done = subprocess.run(
        ["curl", "-sS", "-L", "--cacert", pki.ca, "-d", "a=b", "--max-time", "20"]
        + [f"http://localhost:{site.redirect}/x?y=z"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    for part in ('"REQUEST_METHOD": "POST"', '"CONTENT_LENGTH": "3"', '"QUERY_STRING": "y=z"'):
        assert part in done.stdout
    assert '"HTTPS": "on"' in done.stdout


def test_requests_follows(site, pki):
    response = requests.get(
        f"http://localhost:{site.redirect}/x?y=z", verify=str(pki.ca), timeout=20
    )
    assert response.json()["wsgi.url_scheme"] == "https"
    assert [r.status_code for r in response.history] == [301]
    assert response.json()["REQUEST_URI"] == "/x?y=z"


def test_first_https_listener_is_meant(serve, pki, short_dir):
    server = start(
        serve,
        pki.local,
        *("--bind", "http://127.0.0.1:0", "--bind", "https://127.0.0.1:0"),
        *("--bind", "https://127.0.0.1:0", "--bind", f"unix:{short_dir}/s"),
        bind=False,
    )
    first, second = re.findall(r"on https://127\.0\.0\.1:(\d+)", server.log())
    assert first != second
    with Client(server.redirect) as client:
        assert location(client.request("/")) == f"https://test:{first}/"


def test_https_on_a_unix_socket_has_no_port(serve, pki, short_dir):
    server = start(serve, pki.local, "--bind", f"unix:{short_dir}/s", bind=False)
    with Client(server.redirect) as client:
        assert location(client.request("/x")) == "https://test/x"
    with TlsClient(f"{short_dir}/s", context(pki)) as client:
        assert client.request().status == 200


def test_several_of_them(serve, pki, short_dir):
    server = start(serve, pki.local, "--redirect-http", f"unix:{short_dir}/r")
    for address in (server.redirect, f"{short_dir}/r"):
        with Client(address) as client:
            assert location(client.request("/")) == f"https://test:{server.port}/"


def test_all_workers_and_reloads(serve, pki):
    server = start(serve, pki.local, "--no-proc", "2")
    before = server.workers(2)
    with Client(server.redirect) as kept:
        assert kept.request("/").status == 301
        server.send_signal(signal.SIGHUP)
        for pid in before:
            server.wait_worker_gone(pid)
    for _ in range(20):
        with Client(server.redirect) as client:
            assert location(client.request("/")) == f"https://test:{server.port}/"
    assert len(re.findall(HERE, server.log())) == 1


def test_limits_hold_here_too(serve, pki):
    server = start(serve, pki.local, "--head-timeout", "200ms")
    with Client(server.redirect) as client:
        assert client.send(b"GET /" + b"x" * 9000).response().status == 414
    with Client(server.redirect) as client:
        response = client.send(b"GET / HTTP/1.1\r\nHost: a\r\n").response()
        assert response.status == 408 and response.get("Location") is None


def test_tls_on_the_redirecting_port_is_no_crash(site):
    with Client(site.redirect) as client:
        response = client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").response()
        assert response.status == 400
    with Client(site.redirect) as client:
        assert client.request("/").status == 301


def test_stop_answers_who_has_asked(site):
    with Client(site.redirect) as client:
        assert client.request("/1").status == 301
        client.send("GET /2 HTTP/1.1\r\nHost: a\r\n")
        site.send_signal(signal.SIGTERM)
        response = client.send("\r\n").response()
        assert location(response) == f"https://a:{site.port}/2"
    assert site.wait_exit() == 0
