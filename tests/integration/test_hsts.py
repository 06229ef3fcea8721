# SPDX-License-Identifier: MIT
"""Strict-Transport-Security (RFC 6797): with every response over TLS, and with no other."""

import re

import pytest

from harness import run_cli
from tlsclient import TlsClient, context
from wire import Client, chunked, post

NAME = "Strict-Transport-Security"
POLICY = "max-age=63072000; includeSubDomains"


@pytest.fixture
def site(serve, pki):
    """A server with the policy, and with a plain and a redirecting listener beside TLS."""
    server = serve(
        "policy:app",
        *pki.local.options,
        *("--tls-hsts", POLICY, "--redirect-http", "127.0.0.1:0", "--max-body", "1000"),
        *("--bind", "127.0.0.1:0", "--bind", "http://127.0.0.1:0", "--head-timeout", "5"),
        bind=False,
    )
    server.wait_log("redirects to https")
    server.plain, server.redirect = map(int, re.findall(r"on http://\S+:(\d+)", server.log()))
    return server


@pytest.fixture
def ask(site, pki):
    def ask(target="/", headers="", method="GET"):
        with TlsClient(site.port, context(pki)) as client:
            return client.request(target, headers, method)

    return ask


@pytest.mark.parametrize("status", [200, 204, 206, 301, 304, 404, 500, 503])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_with_every_status_of_the_application(ask, status, method):
    response = ask(f"/{status}", method=method)
    assert response.status == status
    assert response.get(NAME) == POLICY


def test_with_a_streamed_response(ask):
    response = ask("/stream")
    assert response.framing == "chunked" and response.get(NAME) == POLICY


def test_with_every_response_of_a_connection(site, pki):
    with TlsClient(site.port, context(pki)) as client:
        for _ in range(3):
            assert client.request().get(NAME) == POLICY


def test_with_the_server_s_own_answers(site, ask, pki):
    assert ask("/raise").status == 500 and ask("/raise").get(NAME) == POLICY
    refused = {
        400: b"GET / HTTP/1.1\r\n\r\n",
        413: post("/", b"x" * 1001),
        414: b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n",
        431: b"GET / HTTP/1.1\r\nX: " + b"x" * 70000 + b"\r\n\r\n",
        501: b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
        505: b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
    }
    for status, data in refused.items():
        with TlsClient(site.port, context(pki)) as client:
            response = client.send(data).response()
            assert response.status in (status, 400), (status, response)
            assert response.get(NAME) == POLICY, status


def test_with_413_while_the_body_arrives(site, pki):
    with TlsClient(site.port, context(pki)) as client:
        response = client.send(chunked("/", [b"x" * 600, b"x" * 600])).response()
        assert response.status == 413 and response.get(NAME) == POLICY


@pytest.mark.parametrize("name", [NAME, NAME.lower(), NAME.upper()])
def test_the_application_s_own_comes_first(ask, name):
    response = ask("/", f"X-Name: {name}\r\nX-Policy: max-age=0\r\n")
    assert [(n, v) for n, v in response.headers if n.lower() == NAME.lower()] == [
        (name, "max-age=0")
    ]


def test_no_other_name_passes_for_it(ask):
    response = ask("/", "X-Name: X-Strict-Transport-Security\r\nX-Policy: max-age=0\r\n")
    assert response.get(NAME) == POLICY


def test_never_in_the_clear(site):
    """RFC 6797, 7.2."""
    for port, status in ((site.plain, 200), (site.redirect, 301)):
        with Client(port) as client:
            response = client.request()
            assert response.status == status and response.get(NAME) is None
        with Client(port) as client:
            response = client.send("GET / HTTP/1.1\r\n\r\n").response()
            assert response.status == 400 and response.get(NAME) is None
    with Client(site.plain) as client:
        # What the application itself says goes out as it is.
        assert client.request("/", "X-Policy: max-age=1\r\n").get(NAME) == "max-age=1"


def test_not_for_plain_http_on_the_tls_port(site):
    with Client(site.port) as client:
        response = client.request()
        assert response.status == 400 and response.get(NAME) is None


def test_off_unless_set(serve, pki):
    server = serve("policy:app", *pki.local.options)
    with TlsClient(server.port, context(pki)) as client:
        assert client.request().get(NAME) is None
        assert client.request("/", "X-Policy: max-age=1\r\n").get(NAME) == "max-age=1"


def test_a_reload_changes_it(serve, pki, tmp_path):
    text = f"wsgi: {{tls: {{cert: {pki.local.chain}, key: {pki.local.key}, hsts: max-age=%d}}}}\n"
    server = serve("policy:app", config=text % 1)
    with TlsClient(server.port, context(pki)) as client:
        assert client.request().get(NAME) == "max-age=1"
    (tmp_path / "yimmo.yml").write_text(text % 2)
    before = server.workers(1)
    server.process.send_signal(1)
    server.wait_worker_gone(before[0])
    with TlsClient(server.port, context(pki)) as client:
        assert client.request().get(NAME) == "max-age=2"


@pytest.mark.parametrize(
    "value", ["63072000", "max-age", "max-age=", "max-age=1d", "includeSubDomains", "max-age=-1"]
)
def test_what_browsers_would_not_understand_is_refused(pki, value):
    done = run_cli("policy:app", *pki.local.options, "--tls-hsts", value)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("yimmo-wsgi: --tls-hsts: "), done.stderr
    assert "max-age=63072000" in done.stderr
