# SPDX-License-Identifier: MIT
"""Which certificate a client is shown, and what comes with it."""

import re

import pytest

from tlsclient import BOTH, TlsClient, context, environ, flag, s_client, shown, tls_server


@pytest.fixture(scope="module")
def site(pki):
    """The common case, once for all tests that only talk with it."""
    server = tls_server(pki.local)
    yield server
    server.end()


@pytest.fixture(scope="module")
def names(pki):
    """Several certificates."""
    server = tls_server(
        pki.local, "--tls-sni", pki.other.pair, "--tls-sni", pki.wild.pair, "--no-threads", "1"
    )
    yield server
    server.end()


@pytest.fixture(scope="module")
def two_kinds(pki):
    """RSA is the default, ECDSA for the same names is beside it."""
    server = tls_server(pki.rsa, "--tls-sni", pki.local.pair)
    yield server
    server.end()


@BOTH
def test_whole_chain_is_sent(site, pki, version):
    """The client knows only the root."""
    text = s_client(site, flag(version), "-showcerts", ca=pki)
    assert "Verification: OK" in text
    assert len(re.findall("BEGIN CERTIFICATE", text)) == 2
    assert pki.inter.leaf.read_text().split("-----")[2].strip() in text


def test_certificate_and_key_in_one_file(serve, pki):
    path = pki.local.one_file()
    server = serve("hello:app", "--tls-cert", path, "--tls-key", path, "--tls-sni",
                   pki.other.one_file())  # fmt: skip
    assert shown(server, pki) == pki.local.fingerprint
    assert shown(server, pki, "other.test") == pki.other.fingerprint


@pytest.mark.parametrize("kind", ["local", "rsa", "p384"])
@BOTH
def test_kinds_of_keys(serve, pki, kind, version):
    cert = getattr(pki, kind)
    server = serve("hello:app", *cert.options)
    with TlsClient(server.port, context(pki, version)) as client:
        assert client.fingerprint == cert.fingerprint
        assert client.request().body == b"Hello, world!"


@pytest.mark.parametrize("kind", ["local", "rsa"])
def test_traditional_form_of_a_key(serve, pki, kind):
    cert = getattr(pki, kind)
    server = serve("hello:app", "--tls-cert", cert.chain, "--tls-key", pki.traditional(cert))
    assert shown(server, pki) == cert.fingerprint


SIGNATURES = {
    "all": (None, "local"),
    "ecdsa": ("ECDSA+SHA256", "local"),
    "rsa": ("RSA-PSS+SHA256:RSA+SHA256", "rsa"),
}


@BOTH
@pytest.mark.parametrize("client", SIGNATURES)
def test_both_kinds_for_one_name(two_kinds, pki, version, client):
    """Each gets what it understands, and who understands both the one that is cheaper."""
    sigalgs, kind = SIGNATURES[client]
    args = ["-sigalgs", sigalgs] if sigalgs else []
    text = s_client(two_kinds, flag(version), *args)
    assert "a:PKEY: " + {"local": "id-ecPublicKey", "rsa": "rsaEncryption"}[kind] in text
    assert '"HTTPS": "on"' in text


@BOTH
@pytest.mark.parametrize(
    "name, kind",
    [
        ("localhost", "local"),
        ("LOCALHOST", "local"),
        ("other.test", "other"),
        ("Third.Test", "other"),
        ("wild.test", "wild"),
        ("a.wild.test", "wild"),
        ("a.b.wild.test", "local"),
        ("xwild.test", "local"),
        ("unknown.test", "local"),
        ("test", "local"),
        (None, "local"),
    ],
)
def test_certificate_by_name(names, pki, version, name, kind):
    assert shown(names, name=name, version=version) == getattr(pki, kind).fingerprint


@BOTH
def test_name_in_environ(names, version):
    ctx = context(None, version)
    assert environ(names, ctx, "a.wild.test")["SSL_TLS_SNI"] == "a.wild.test"
    assert environ(names, ctx, "unknown.test")["SSL_TLS_SNI"] == "unknown.test"
    assert environ(names, ctx, None).get("SSL_TLS_SNI", "") == ""


def test_sni_in_the_environment_variable(serve, pki):
    env = {"YIMMO_TLS_SNI": f"{pki.other.pair};{pki.wild.pair}"}
    server = serve("hello:app", *pki.local.options, env=env)
    assert shown(server, pki, "other.test") == pki.other.fingerprint
    assert shown(server, pki, "x.wild.test") == pki.wild.fingerprint
