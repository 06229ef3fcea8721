# SPDX-License-Identifier: MIT
"""Sessions that are resumed with tickets: by every worker, after a reload, and not for ever."""

import re
import shutil
import signal

import pytest

import harness
from fleet import Reloads
from harness import Server
from tlsclient import BOTH, TlsClient, context, flag, s_client



@pytest.fixture(scope="module")
def site(pki):
    args = ["environ_app:app", "--host", "127.0.0.1", "--port", "0", *pki.local.options]
    server = Server([*args, "--tls-sni", pki.other.pair, "--tls-ticket-lifetime", "2h"])
    yield server
    server.end()


def visit(server, ctx, session=None, name="localhost"):
    """(was it resumed, the session to resume next, the response's text)"""
    with TlsClient(server.port, ctx, name, session) as client:
        text = client.request(headers="Connection: close\r\n").text
        assert client.closed()
        return client.sock.session_reused, client.sock.session, text


@BOTH
def test_openssl_resumes(site, pki, version, tmp_path):
    path = tmp_path / "session"
    first = s_client(site, flag(version), "-sess_out", path, ca=pki)
    assert f"New, TLSv{version}" in first
    hint = re.search(r"TLS session ticket lifetime hint: (\d+)", first)
    assert hint and int(hint.group(1)) == 7200
    second = s_client(site, flag(version), "-sess_in", path)
    assert f"Reused, TLSv{version}" in second
    assert f'"SSL_PROTOCOL": "TLSv{version}"' in second


@BOTH
def test_environ_is_the_same_when_resumed(site, pki, version):
    ctx = context(pki, version)
    reused, session, first = visit(site, ctx)
    assert not reused
    reused, session, second = visit(site, ctx, session)
    assert reused

    def told(text):
        return dict(re.findall(r'"((?:SSL_|HTTPS)\w*)": "([^"]*)"', text))

    first, second = told(first), told(second)
    assert {"HTTPS", "SSL_PROTOCOL", "SSL_CIPHER", "SSL_TLS_SNI"} <= set(first)
    assert first.pop("SSL_SESSION_RESUMED") == "Initial"
    assert second.pop("SSL_SESSION_RESUMED") == "Resumed"
    assert first == second


@BOTH
def test_a_resumed_session_can_be_resumed(site, pki, version):
    ctx = context(pki, version)
    _, session, _ = visit(site, ctx)
    for _ in range(5):
        reused, session, _ = visit(site, ctx, session)
        assert reused


def test_session_of_another_name_is_not_resumed(site, pki):
    """RFC 6066 section 3; in 1.3 the name is agreed on anew (RFC 8446 section 4.2.11)."""
    ctx = context(pki, "1.2")
    _, session, _ = visit(site, ctx)
    reused, _, text = visit(site, ctx, session, "other.test")
    assert not reused and '"SSL_TLS_SNI": "other.test"' in text


def test_new_keys_for_every_1_3_session(site, pki):
    """Resumption does not give up forward secrecy: a key exchange is part of it."""
    ctx = context(pki, "1.3")
    _, session, _ = visit(site, ctx)
    with TlsClient(site.port, ctx, session=session) as client:
        assert client.sock.session_reused
    text = s_client(site, "-tls1_3")
    assert "Server Temp Key" in text
    assert "Max Early Data: 0" in text, "no early data: it can be replayed"


@BOTH
def test_every_worker_resumes(serve, pki, version):
    server = serve("procs:app", *pki.local.options, "--no-proc", "2")
    workers = set(map(str, server.workers(2)))
    ctx = context(pki, version)
    _, session, issuer = visit(server, ctx)
    met = set()
    for _ in range(200):
        reused, session, pid = visit(server, ctx, session)
        assert reused, f"{pid} did not resume; met were {met}, the first was {issuer}"
        met.add(pid)
        if met == workers:
            break
    assert met == workers


@BOTH
def test_resumed_after_a_reload(serve, pki, version):
    server = serve("procs:app", *pki.local.options, "--no-proc", "1")
    ctx = context(pki, version)
    reload_ = Reloads(server)
    _, session, pid = visit(server, ctx)
    for _ in range(3):
        old = server.workers(1)
        reload_()
        server.wait_worker_gone(old[0])
        reused, session, now = visit(server, ctx, session)
        assert reused and now != pid
        pid = now


def test_resumed_after_a_reload_with_a_new_certificate(serve, pki, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    shutil.copy(pki.local.chain, cert)
    shutil.copy(pki.local.key, key)
    server = serve("procs:app", "--tls-cert", cert, "--tls-key", key)
    old = server.workers(1)
    ctx = context(pki, "1.3")
    _, session, _ = visit(server, ctx)
    shutil.copy(pki.local_again.chain, cert)
    shutil.copy(pki.local_again.key, key)
    Reloads(server)()
    server.wait_worker_gone(old[0])
    assert visit(server, ctx, session)[0]


def test_resumed_after_an_upgrade(serve, pki, tmp_path, monkeypatch):
    program = tmp_path / "yimmo-wsgi"
    shutil.copy(harness.server_path(), program)
    monkeypatch.setenv("YMO_SERVER", str(program))
    server = serve("procs:app", *pki.local.options, "--no-proc", "1")
    ctx = context(pki)
    _, session, pid = visit(server, ctx)
    for n in (1, 2):
        old = server.workers(1)
        server.send_signal(signal.SIGUSR2)
        server.wait_log("reloaded: 1 worker", count=n)
        server.wait_worker_gone(old[0])
        reused, session, now = visit(server, ctx, session)
        assert reused and now != pid
        pid = now


@BOTH
def test_not_resumed_after_a_restart(serve, pki, version):
    """
    Another process, other keys; and a ticket that cannot be opened is no error. wolfSSL gives a new
    one in its place in 1.3 only: in 1.2 such a client is not resumed until it forgets the old one.
    """
    ctx = context(pki, version)
    first = serve("procs:app", *pki.local.options)
    _, session, _ = visit(first, ctx)
    first.stop()
    second = serve("procs:app", *pki.local.options)
    reused, session, _ = visit(second, ctx, session)
    assert not reused
    if version == "1.3":
        assert visit(second, ctx, session)[0]
    _, session, _ = visit(second, ctx)
    assert visit(second, ctx, session)[0]


@BOTH
def test_tickets_off(serve, pki, version):
    server = serve("procs:app", *pki.local.options, "--tls-tickets", "off")
    ctx = context(pki, version)
    session = None
    for _ in range(3):
        reused, session, _ = visit(server, ctx, session)
        assert not reused
    assert "TLS session ticket:" not in s_client(server, flag(version))


def test_client_that_takes_no_tickets(site, tmp_path):
    """A session id alone resumes nothing: no list of sessions is kept."""
    path = tmp_path / "session"
    first = s_client(site, "-tls1_2", "-no_ticket", "-sess_out", path)
    assert "New, TLSv1.2" in first and "TLS session ticket:" not in first
    if path.exists():  # there is none when the server gave the session no id
        assert "New, TLSv1.2" in s_client(site, "-tls1_2", "-no_ticket", "-sess_in", path)


@BOTH
@pytest.mark.parametrize("verify", ["optional", "require"])
def test_clients_with_certificates_are_checked_each_time(serve, pki, version, verify):
    server = serve(
        "procs:app", *pki.local.options, "--tls-client-ca", pki.ca, "--tls-verify", verify
    )
    ctx = context(pki, version, cert=pki.alice)
    session = None
    for _ in range(3):
        reused, session, _ = visit(server, ctx, session)
        assert not reused
