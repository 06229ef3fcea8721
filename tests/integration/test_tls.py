# SPDX-License-Identifier: MIT
"""What a TLS server agrees on with its clients: versions, ciphers, protocols, certificates."""

import json
import re
import shutil
import ssl
import subprocess

import pytest

from harness import PATIENCE, run_cli
from tlsclient import (
    BOTH,
    Talk,
    TlsClient,
    context,
    dial,
    drain,
    environ,
    flag,
    s_client,
    shown,
    tls_server,
)
from wire import Client

@pytest.fixture(scope="module")
def site(pki):
    """The common case, once for all tests that only talk with it."""
    server = tls_server(pki.local)
    yield server
    server.end()


@pytest.fixture(scope="module")
def two_kinds(pki):
    """RSA is the default, ECDSA for the same names is beside it."""
    server = tls_server(pki.rsa, "--tls-sni", pki.local.pair)
    yield server
    server.end()


def refused(server, *args, why):
    """openssl s_client cannot agree with it, and is told why."""
    text = s_client(server, *args, request=b"", fails=True)
    assert re.search(why, text), text


# ---- where the certificate comes from ----


def test_from_options(serve, pki):
    server = serve("hello:app", *pki.local.options)
    assert server.address.startswith("https://")
    with TlsClient(server.port, context(pki)) as client:
        assert client.request().body == b"Hello, world!"


def test_from_the_environment(serve, pki):
    env = {"YIMMO_TLS_CERT_PATH": pki.local.chain, "YIMMO_TLS_KEY_PATH": pki.local.key}
    server = serve("hello:app", env=env)
    assert shown(server, pki) == pki.local.fingerprint


def test_from_the_file(serve, pki):
    config = f"wsgi:\n  port: 0\n  tls:\n    cert: {pki.local.chain}\n    key: {pki.local.key}\n"
    server = serve("hello:app", config=config, bind=False)
    assert shown(server, pki) == pki.local.fingerprint


def test_paths_are_relative_to_where_it_was_started(serve, pki):
    names = ["--tls-cert", pki.local.chain.name, "--tls-key", pki.local.key.name]
    server = serve("hello:app", *names, cwd=pki.dir)
    assert shown(server, pki) == pki.local.fingerprint


def test_version_names_the_libraries(pki):
    assert re.search(r"wolfSSL \d+\.\d+", run_cli("--version").stdout)


def test_certificates_are_read_before_privileges_are_dropped(serve, pki, tmp_path):
    """The workers need the files no longer."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    shutil.copy(pki.local.chain, cert)
    shutil.copy(pki.local.key, key)
    server = serve("procs:app", "--tls-cert", cert, "--tls-key", key, "--no-proc", "1")
    (worker,) = server.workers(1)
    key.unlink()
    cert.unlink()
    with TlsClient(server.port, context(pki)) as client:
        client.get("/leave")
        with pytest.raises((AssertionError, OSError)):
            client.response()
    server.wait_worker_gone(worker)
    server.workers(1)
    assert shown(server, pki) == pki.local.fingerprint


# ---- versions and ciphers ----


@BOTH
def test_version(site, pki, version):
    got = environ(site, context(pki, version))
    assert got["SSL_PROTOCOL"] == f"TLSv{version}"
    assert got["HTTPS"] == "on" and got["wsgi.url_scheme"] == "https"


def test_newest_version_is_chosen(site, pki):
    assert environ(site, context(pki))["SSL_PROTOCOL"] == "TLSv1.3"


@pytest.mark.parametrize("old", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(site, old):
    refused(site, old, "-cipher", "DEFAULT@SECLEVEL=0", why="alert protocol version")


def test_ssl_3_is_refused(site):
    """A hello of SSL 3.0, which openssl no longer makes."""
    body = b"\x03\x00" + b"r" * 32 + b"\0" + b"\0\x02\x00\x0a" + b"\x01\x00"
    hello = b"\x01" + len(body).to_bytes(3, "big") + body
    with dial(site) as sock:
        sock.sendall(b"\x16\x03\x00" + len(hello).to_bytes(2, "big") + hello)
        data = drain(sock)
    assert data[:1] in (b"", b"\x15") and len(data) <= 7, data


def test_min_version(serve, pki):
    server = serve("hello:app", *pki.local.options, "--tls-min-version", "TLSv1.3")
    refused(server, "-tls1_2", why="alert protocol version")
    assert shown(server, pki, version="1.3") == pki.local.fingerprint


@pytest.mark.parametrize(
    "cipher",
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    ],
)
def test_good_cipher_of_1_2(site, pki, cipher):
    assert environ(site, context(pki, "1.2", cipher))["SSL_CIPHER"] == cipher


@pytest.mark.parametrize(
    "suite",
    ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"],
)
def test_good_cipher_of_1_3(site, pki, suite):
    text = s_client(site, "-tls1_3", "-ciphersuites", suite, ca=pki)
    assert f'"SSL_CIPHER": "{suite}"' in text


EXPECTED = [
    "ECDHE-{}-AES128-GCM-SHA256",
    "ECDHE-{}-AES256-GCM-SHA384",
    "ECDHE-{}-CHACHA20-POLY1305",
]


@pytest.mark.parametrize("kind", ["ECDSA", "RSA"])
def test_nothing_else_is_spoken(two_kinds, kind):
    """Of all that openssl can offer, less each time what was chosen the last time."""
    rest = [c["name"] for c in everything().get_ciphers() if c["protocol"] != "TLSv1.3"]
    rest = [name for name in rest if kind in name or not re.search("ECDSA|RSA", name)]
    assert len(rest) > 20
    chosen = []
    while True:
        ctx = everything(":".join(rest))
        try:
            with TlsClient(two_kinds.port, ctx) as client:
                chosen.append(client.sock.cipher()[0])
        except ssl.SSLError as exc:
            assert "HANDSHAKE_FAILURE" in str(exc)
            break
        rest.remove(chosen[-1])
    assert sorted(chosen) == [name.format(kind) for name in EXPECTED]


def everything(names="ALL:COMPLEMENTOFALL"):
    ctx = context(None, "1.2")
    ctx.set_ciphers(f"{names}:@SECLEVEL=0")
    return ctx


@BOTH
def test_server_prefers(two_kinds, version):
    """Whatever the order of the client's list."""
    if version == "1.2":
        names = EXPECTED if version == "1.2" else None
        orders = [":".join(n.format("ECDSA") for n in o) for o in (names, names[::-1])]
        got = {environ(two_kinds, context(None, "1.2", order))["SSL_CIPHER"] for order in orders}
    else:
        names = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
        texts = [
            s_client(two_kinds, "-tls1_3", "-ciphersuites", ":".join(order))
            for order in (names, names[::-1])
        ]
        got = {re.search('"SSL_CIPHER": "([^"]+)"', text).group(1) for text in texts}
    assert len(got) == 1, got


WEAK = {
    "cbc": "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES256-SHA:AES128-SHA",
    "no forward secrecy": "AES128-GCM-SHA256:AES256-GCM-SHA384",
    "null": "NULL",
    "anonymous": "aNULL",
    "ccm": "ECDHE-ECDSA-AES128-CCM8:ECDHE-ECDSA-AES128-CCM",
}


@pytest.mark.parametrize("ciphers", WEAK.values(), ids=WEAK.keys())
def test_weak_ciphers_are_refused(two_kinds, ciphers):
    args = ["-tls1_2", "-cipher", f"{ciphers}:@SECLEVEL=0"]
    refused(two_kinds, *args, why="alert handshake failure")


def test_ciphers_that_openssl_no_longer_knows_are_refused(site):
    """RC4, 3DES, DES, export, PSK: a hello made by hand."""
    suites = bytes.fromhex("0004 0005 000a c012 c008 0009 0003 0017 c007 c011 00a8 ccac")
    groups = bytes.fromhex("000a 0004 0002 0017  000b 0002 01 00")
    signatures = bytes.fromhex("000d 0006 0004 0403 0401")
    extensions = groups + signatures
    body = b"\x03\x03" + b"r" * 32 + b"\0" + len(suites).to_bytes(2, "big") + suites + b"\x01\x00"
    body += len(extensions).to_bytes(2, "big") + extensions
    hello = b"\x01" + len(body).to_bytes(3, "big") + body
    with dial(site) as sock:
        sock.sendall(b"\x16\x03\x01" + len(hello).to_bytes(2, "big") + hello)
        data = drain(sock)
    assert data[:1] == b"\x15" and data[5:7] == b"\x02\x28", data  # fatal, handshake_failure


def test_cipher_setting(serve, pki):
    only = "ECDHE-ECDSA-AES256-GCM-SHA384"
    setting = f"TLS_CHACHA20_POLY1305_SHA256:{only}"
    server = serve("environ_app:app", *pki.local.options, "--tls-ciphers", setting)
    assert environ(server, context(pki, "1.2"))["SSL_CIPHER"] == only
    assert environ(server, context(pki, "1.3"))["SSL_CIPHER"] == "TLS_CHACHA20_POLY1305_SHA256"
    refused(
        server,
        "-tls1_2",
        "-cipher",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        why="alert handshake failure",
    )
    refused(
        server,
        "-tls1_3",
        "-ciphersuites",
        "TLS_AES_128_GCM_SHA256",
        why="alert handshake failure",
    )


def test_cipher_setting_with_nothing_for_a_version(serve, pki):
    """Only suites of 1.3: nobody gets 1.2."""
    server = serve(
        "environ_app:app", *pki.local.options, "--tls-ciphers", "TLS_AES_128_GCM_SHA256"
    )
    assert environ(server, context(pki))["SSL_CIPHER"] == "TLS_AES_128_GCM_SHA256"
    refused(server, "-tls1_2", why="alert (handshake failure|protocol version)")


@pytest.mark.parametrize(
    "group, told", [("X25519", "X25519"), ("P-256", "prime256v1"), ("P-384", "secp384r1")]
)
@BOTH
def test_key_exchange(two_kinds, version, group, told):
    """With RSA: in 1.2 the groups bound the curves of certificates, too."""
    args = [flag(version), "-groups", group]
    text = s_client(two_kinds, *args, "-sigalgs", "RSA-PSS+SHA256:RSA+SHA256")
    assert '"HTTPS": "on"' in text
    assert re.search(rf"Server Temp Key: .*{told}", text), text


def test_hello_retry(site, pki):
    """The client's first guess is a group that the server does not take (1.3)."""
    text = s_client(site, "-tls1_3", "-groups", "X448:P-256", "-msg", ca=pki)
    assert '"SSL_PROTOCOL": "TLSv1.3"' in text
    assert len(re.findall(r"^>>> .*ClientHello", text, re.M)) == 2


# ---- ALPN ----


@BOTH
@pytest.mark.parametrize(
    "offered, chosen",
    [
        (["http/1.1"], "http/1.1"),
        (["h2", "http/1.1"], "http/1.1"),
        (["http/1.1", "h2"], "http/1.1"),
        (None, None),
    ],
)
def test_alpn(site, pki, version, offered, chosen):
    with TlsClient(site.port, context(pki, version, alpn=offered)) as client:
        assert client.sock.selected_alpn_protocol() == chosen
        assert client.request().status == 200


@BOTH
def test_alpn_without_common_protocol(site, version):
    refused(site, flag(version), "-alpn", "h2,spdy/3", why="alert no application protocol")


# ---- renegotiation, compression ----


def test_renegotiation_is_refused(site, pki):
    """RFC 5746: told to be secure, and not done when the client asks for it."""
    text = s_client(site, "-tls1_2", ca=pki)
    assert "Secure Renegotiation IS supported" in text
    assert "Compression: NONE" in text
    with Talk(site, "-tls1_2") as talk:
        talk.hear("Verify return code")
        talk.say("R")
        talk.hear("RENEGOTIATING")
        told = talk.end()
    assert re.search("alert (no renegotiation|unexpected message|handshake failure)", told)


# ---- other listeners ----


def test_plain_http_on_the_tls_port(site, pki):
    for request in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /x HTTP/1.0\r\n\r\n"):
        with Client(site.port) as client:
            response = client.send(request).response()
            assert response.status == 400 and "https" in response.text.lower()
            assert response.has_token("Connection", "close")
            assert client.closed()
    assert environ(site, context(pki))["HTTPS"] == "on"


def test_tls_on_a_plain_port(serve):
    server = serve("hello:app")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        TlsClient(server.port, context())
    with Client(server.port) as client:
        assert client.request().status == 200


def test_http_and_https_at_once(serve, pki, short_dir):
    path = str(short_dir / "s")
    server = serve(
        "environ_app:app",
        *pki.local.options,
        *("--bind", "http://127.0.0.1:0", "--bind", "127.0.0.1:0"),
        *("--bind", f"https://unix:{path}"),
        bind=False,
    )
    server.wait_log("listening on ", count=3)
    plain = int(re.search(r"listening on http://127\.0\.0\.1:(\d+)", server.log()).group(1))
    tls = int(re.search(r"listening on https://127\.0\.0\.1:(\d+)", server.log()).group(1))
    with Client(plain) as client:
        got = json.loads(client.request().text)
        assert got["wsgi.url_scheme"] == "http" and "HTTPS" not in got
        assert not [name for name in got if name.startswith("SSL_")]
    for address in (tls, path):
        with TlsClient(address, context(pki)) as client:
            got = json.loads(client.request().text)
            assert got["wsgi.url_scheme"] == "https" and got["SSL_PROTOCOL"] == "TLSv1.3"


def test_protocol_http_with_a_certificate_stays_plain(serve, pki):
    server = serve("hello:app", *pki.local.options, "--protocol", "http")
    with Client(server.port) as client:
        assert client.request().status == 200


# ---- other clients ----


def test_curl(site, pki):
    url = f"https://localhost:{site.port}/"
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "--cacert", pki.ca, "--http2"]
        + ["-w", "%{http_version} %{num_connects} %{ssl_verify_result}\n", url, url],
        capture_output=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert re.findall(rb"1\.1 (\d) 0\n", done.stdout) == [b"1", b"0"]
    for name in ("SSL_PROTOCOL", "SSL_CIPHER", "SSL_TLS_SNI"):
        assert f'"{name}"'.encode() in done.stdout


def test_curl_does_not_trust_what_it_does_not_know(site):
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", f"https://localhost:{site.port}/"],
        capture_output=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 60
    assert shown(site), "and the server goes on"
