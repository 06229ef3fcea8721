# SPDX-License-Identifier: MIT
"""Client certificates: off, optional, required, and what the application is told of them."""

import json
import re
import ssl

import pytest

from certs import openssl
from harness import Server
from tlsclient import BOTH, TlsClient, context, s_client
from wire import Client



@pytest.fixture(scope="module")
def verifying(pki):
    """A server for each value of tls_verify, started when it is first asked for."""
    servers = {}

    def get(verify):
        if verify not in servers:
            ca = ["--tls-client-ca", pki.ca] if verify != "off" else []
            servers[verify] = Server(
                ["environ_app:app", "--host", "127.0.0.1", "--port", "0", *pki.local.options]
                + ["--tls-verify", verify, *ca]
            )
        return servers[verify]

    yield get
    for server in servers.values():
        server.end()


def environ(server, ctx):
    with TlsClient(server.port, ctx) as client:
        got = json.loads(client.request().text)
        # The values live as long as the connection.
        assert json.loads(client.request().text) == got
        return got


def client_vars(got):
    return {name: value for name, value in got.items() if name.startswith("SSL_CLIENT_")}


SHOWS = {"none": "NONE", "alice": "SUCCESS", "stranger": "FAILED:", "late": "FAILED:.*expired"}


@BOTH
@pytest.mark.parametrize("who", SHOWS)
def test_off_asks_for_nothing(verifying, pki, version, who):
    cert = None if who == "none" else getattr(pki, who)
    got = environ(verifying("off"), context(pki, version, cert=cert))
    assert client_vars(got) == {} or client_vars(got) == {"SSL_CLIENT_VERIFY": "NONE"}


@BOTH
@pytest.mark.parametrize("who", SHOWS)
def test_optional_lets_all_in_and_tells(verifying, pki, version, who):
    cert = None if who == "none" else getattr(pki, who)
    got = client_vars(environ(verifying("optional"), context(pki, version, cert=cert)))
    assert re.match(SHOWS[who], got["SSL_CLIENT_VERIFY"]), got
    if who == "none":
        assert got == {"SSL_CLIENT_VERIFY": "NONE"}
    else:
        assert got["SSL_CLIENT_FINGERPRINT"] == cert.fingerprint
    if who != "alice":
        assert "SSL_CLIENT_S_DN" not in got, "nobody answers for this name"


@BOTH
@pytest.mark.parametrize("who", SHOWS)
def test_require_lets_in_who_is_known(verifying, pki, version, who):
    server = verifying("require")
    cert = None if who == "none" else getattr(pki, who)
    ctx = context(pki, version, cert=cert)
    if who == "alice":
        assert environ(server, ctx)["SSL_CLIENT_VERIFY"] == "SUCCESS"
        return
    # In 1.3 the client's handshake ends before the server has seen its certificate.
    with pytest.raises((ssl.SSLError, ConnectionError)) as told:
        with TlsClient(server.port, ctx) as client:
            client.get()
            client.response()
    if isinstance(told.value, ssl.SSLError):
        assert "ALERT" in str(told.value), "and it is told why"


@BOTH
def test_client_without_the_key_is_refused(verifying, pki, version, tmp_path):
    """It shows Alice's certificate, and signs with another key: openssl will not, Flights can."""
    server = verifying("optional")
    ctx = context(pki, version)
    with pytest.raises(ssl.SSLError):
        ctx.load_cert_chain(pki.alice.chain, pki.stranger.key)
    assert environ(server, ctx)["SSL_CLIENT_VERIFY"] == "NONE"


def test_names_of_mod_ssl(verifying, pki):
    got = environ(verifying("require"), context(pki, cert=pki.alice))
    assert got["SSL_CLIENT_S_DN"] == (
        "emailAddress=alice@tests.test,CN=Alice,OU=Staff,O=Tests,L=Hamburg,ST=Hamburg,C=DE"
    )
    assert got["SSL_CLIENT_I_DN"] == "CN=Test root,O=Tests"
    parts = {"C": "DE", "ST": "Hamburg", "L": "Hamburg", "O": "Tests", "OU": "Staff"}
    for part, value in {**parts, "CN": "Alice", "Email": "alice@tests.test"}.items():
        assert got[f"SSL_CLIENT_S_DN_{part}"] == value
    assert got["SSL_CLIENT_I_DN_CN"] == "Test root"
    assert got["SSL_CLIENT_M_SERIAL"] == pki.alice.serial
    assert got["SSL_CLIENT_M_VERSION"] == "3"
    assert got["SSL_CLIENT_FINGERPRINT"] == pki.alice.fingerprint
    dates = openssl("x509", "-in", pki.alice.leaf, "-noout", "-dates").decode()
    start, end = re.findall("=(.*)", dates)
    assert got["SSL_CLIENT_V_START"] == start and got["SSL_CLIENT_V_END"] == end
    pem = got["SSL_CLIENT_CERT"]
    assert ssl.PEM_cert_to_DER_cert(pem) == ssl.PEM_cert_to_DER_cert(pki.alice.leaf.read_text())


def test_odd_name(verifying, pki):
    """
    As Apache and nginx write it: RFC 4514 with all but ASCII as \\C3\\BC; the parts alone are the
    bytes of UTF-8, that PEP 3333 hands on as Latin-1, with the backslash doubled.
    """
    got = client_vars(environ(verifying("require"), context(pki, cert=pki.odd)))
    text = openssl("x509", "-in", pki.odd.leaf, "-noout", "-subject", "-nameopt", "RFC2253")
    assert got["SSL_CLIENT_S_DN"] == text.decode().strip().removeprefix("subject=")
    plain = {"O": "Müller, Söhne + Co", "CN": ' #1 "a\\\\b" <c>;d=e '}
    for part, value in plain.items():
        assert got[f"SSL_CLIENT_S_DN_{part}"].encode("latin-1").decode() == value


def test_client_cannot_set_these_names(verifying, pki):
    headers = "".join(f"{n}: forged\r\n" for n in ("SSL-Client-Verify", "SSL_CLIENT_S_DN", "HTTPS"))
    with TlsClient(verifying("optional").port, context(pki)) as client:
        response = client.request(headers=headers)
        if response.status == 200:
            got = json.loads(response.text)
            assert got["SSL_CLIENT_VERIFY"] == "NONE" and got["HTTPS"] == "on"
            assert "SSL_CLIENT_S_DN" not in got
        else:
            assert response.status == 400


def test_client_chain(pki, serve):
    """A client certificate of an intermediate authority, which the client sends along."""
    middle = pki.authority("middle", pki.root)
    deep = pki.client("deep", issuer=middle)
    server = serve(
        "environ_app:app",
        *pki.local.options,
        *("--tls-client-ca", pki.ca, "--tls-verify", "require"),
    )
    got = environ(server, context(pki, cert=deep))
    assert got["SSL_CLIENT_VERIFY"] == "SUCCESS"
    assert got["SSL_CLIENT_I_DN"] == "CN=Test middle,O=Tests"


@BOTH
def test_server_certificate_is_no_client_certificate(verifying, pki, version):
    """extendedKeyUsage says serverAuth only (RFC 5280 section 4.2.1.12)."""
    usage = pki.server("usage", "usage.test", issuer=pki.root)
    got = environ(verifying("optional"), context(pki, version, cert=usage))
    assert got["SSL_CLIENT_VERIFY"].startswith("FAILED"), got["SSL_CLIENT_VERIFY"]


def test_authorities_are_named_to_the_client(verifying):
    """In 1.2; it is an extension that servers may leave out in 1.3 (RFC 8446 section 4.2.4)."""
    text = s_client(verifying("optional"), "-tls1_2")
    assert "Acceptable client certificate CA names" in text and "Test root" in text


def test_rsa_client(verifying, pki):
    cert = pki.client("rsa-client", kind="rsa2048")
    for version in ("1.2", "1.3"):
        got = environ(verifying("require"), context(pki, version, cert=cert))
        assert got["SSL_CLIENT_S_DN_CN"] == "rsa-client"


def test_plain_listener_beside_it_knows_nothing(serve, pki):
    server = serve(
        "environ_app:app",
        *pki.local.options,
        *("--tls-client-ca", pki.ca, "--tls-verify", "optional"),
        *("--bind", "http://127.0.0.1:0"),
        bind=False,
    )
    with Client(server.port) as client:
        got = json.loads(client.request().text)
        assert not [name for name in got if name.startswith("SSL_")]
