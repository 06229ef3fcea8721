# SPDX-License-Identifier: MIT
"""uwsgi over TLS: the front end's packets inside, and nothing of that TLS in the application."""

import json
import re
import ssl

import pytest

import fronts
import uwsgi
from harness import run_cli
from tlsclient import BOTH, TlsClient, context
from wire import Client, chunked, post, same

SITE = """
server {{
    listen 127.0.0.1:{port};
    client_max_body_size 100m;
    include /etc/nginx/uwsgi_params;
    uwsgi_ssl_trusted_certificate {ca};
    uwsgi_ssl_verify on;
    uwsgi_ssl_verify_depth 3;
    uwsgi_ssl_name localhost;
    uwsgi_ssl_server_name on;
    {client}
    location / {{ uwsgi_pass suwsgi://{address}; }}
    location /direct/ {{
        uwsgi_pass suwsgi://{address}; uwsgi_request_buffering off; uwsgi_buffering off;
    }}
}}
"""


class TlsFront(TlsClient, uwsgi.Client):
    pass


@pytest.fixture
def suwsgi(serve, pki):
    def start(app, *options, **kwargs):
        return serve(app, "--protocol", "suwsgi", *pki.local.options, *options, **kwargs)

    return start


@pytest.fixture
def nginx(suwsgi, pki, tmp_path):
    """nginx(app, options…, client=Cert) → an nginx before a server, its `server`."""
    started = []

    def start(app, *options, client=None, **kwargs):
        server = suwsgi(app, *options, **kwargs)
        port = fronts.free_port()
        site = SITE.format(
            address=server.address.partition("://")[2],
            ca=pki.ca,
            port=port,
            client=f"uwsgi_ssl_certificate {client.chain}; uwsgi_ssl_certificate_key {client.key};"
            if client
            else "",
        )
        started.append(fronts.nginx(tmp_path / "nginx", port, site))
        started[-1].server = server
        return started[-1]

    yield start
    for one in started:
        one.stop()


def ask(front, request, method="GET"):
    with Client(front.port) as client:
        return client.send(request).response(method)


def get(target):
    return f"GET {target} HTTP/1.1\r\nHost: h.example\r\n\r\n"


@BOTH
def test_request(suwsgi, pki, version):
    server = suwsgi("environ_app:app")
    with TlsFront(server.port, context(pki, version)) as front:
        response = front.ask("/a?b=c", body=b"xyz", method="POST").answer()
    environ = json.loads(response.body)
    assert (environ["PATH_INFO"], environ["CONTENT_LENGTH"]) == ("/a", "3")
    # The front end's clients are meant, and they came without TLS.
    assert environ["wsgi.url_scheme"] == "http"
    assert not [key for key in environ if key.startswith("SSL_") or key == "HTTPS"]


def test_scheme_is_the_front_ends(suwsgi, pki):
    server = suwsgi("environ_app:app")
    with TlsFront(server.port, context(pki)) as front:
        environ = json.loads(front.ask(HTTPS="on", SSL_PROTOCOL="TLSv1.3").answer().body)
    assert (environ["wsgi.url_scheme"], environ["SSL_PROTOCOL"]) == ("https", "TLSv1.3")


def test_no_word_of_http(suwsgi, pki):
    """ALPN names protocols of clients, and HSTS is for browsers."""
    server = suwsgi("hello:app", "--tls-hsts", "max-age=1000")
    with TlsFront(server.port, context(pki, alpn=["uwsgi"])) as front:
        assert front.sock.selected_alpn_protocol() is None
        assert front.ask().answer().get("Strict-Transport-Security") is None


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", uwsgi.packet(uwsgi.variables())])
def test_what_is_not_encrypted_is_not_served(suwsgi, connect, data):
    server = suwsgi("environ_app:app")
    assert b"REQUEST_METHOD" not in connect(server).send(data).rest()
    server.wait_log("plain text on a TLS port" if data[0] else "what was sent is no TLS")


def test_http_inside(suwsgi, pki):
    server = suwsgi("hello:app")
    with TlsFront(server.port, context(pki)) as front:
        assert front.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").rest() == b""
    server.wait_log("HTTP where uwsgi is spoken")


def test_client_certificates(suwsgi, pki):
    server = suwsgi("environ_app:app", "--tls-verify", "require", "--tls-client-ca", pki.ca)
    with TlsFront(server.port, context(pki, cert=pki.alice)) as front:
        environ = json.loads(front.ask().answer().body)
    assert not [key for key in environ if key.startswith("SSL_")]
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with TlsFront(server.port, context(pki)) as front:
            front.ask().answer()


def test_beside_others(serve, pki, connect):
    """Clients of redirect_http are sent to https, not to the front end's port."""
    server = serve(
        "hello:app", *pki.local.options, "--bind", "suwsgi://127.0.0.1:0", "--bind",
        "https://127.0.0.1:0", "--redirect-http", "127.0.0.1:0", bind=False,
    )  # fmt: skip
    server.wait_log(r"listening on \w+://127.0.0.1:\d+.*\n", count=3)
    ports = dict(re.findall(r"listening on (\w+)://127.0.0.1:(\d+)", server.log()))
    ports = {protocol: int(port) for protocol, port in ports.items()}
    location = connect(ports["http"]).get("/x").response().get("Location")
    assert location == f"https://test:{ports['https']}/x"
    with TlsFront(ports["suwsgi"], context(pki)) as front:
        assert front.ask().answer().text == "Hello, world!"


def test_needs_a_certificate():
    done = run_cli("hello:app", "--bind", "suwsgi://127.0.0.1:0")
    assert done.returncode == 2
    assert "'suwsgi://127.0.0.1:0': needs a certificate; give tls_cert" in done.stderr


@pytest.mark.parametrize("prefix", ["/", "/direct/"])
def test_behind_nginx(nginx, prefix):
    one = nginx("echo:app")
    for body in (b"", b"x", bytes(range(256)) * 20_000):
        response = ask(one, post(prefix, body))
        assert response.status == 200 and same(response.body, body)
    pieces = [b"a", b"b" * 100_000, b"c" * 3]
    assert same(ask(one, chunked(prefix, pieces)).body, b"".join(pieces))


@pytest.mark.parametrize("prefix", ["/", "/direct/"])
def test_refused_body_is_no_502(nginx, prefix):
    one = nginx("echo:app", "--max-body", "1000")
    for _ in range(10):
        assert ask(one, post(prefix, b"x" * 5_000_000)).status == 413


def test_nginx_with_a_certificate(nginx, pki):
    options = ["--tls-verify", "require", "--tls-client-ca", pki.ca]
    assert ask(nginx("hello:app", *options, client=pki.alice), get("/")).text == "Hello, world!"


def test_broken_response_is_not_taken_for_a_whole_one(nginx):
    one = nginx("responses:app")
    with Client(one.port) as client:
        client.send(get("/raise_iter"))
        assert client.head().get("Transfer-Encoding") == "chunked"
        assert not client.rest().endswith(b"0\r\n\r\n")
