# SPDX-License-Identifier: MIT
"""Certificates and keys that cannot be used: one clear line at the start, and no server."""

import os
import re
import shutil

import pytest

from certs import PASSPHRASE, openssl
from harness import run_cli
from test_cli import drop_privileges
from tlsclient import TlsClient, context, shown


@pytest.fixture
def files(tmp_path, pki):
    """A directory with a good pair, to be spoiled."""
    shutil.copy(pki.local.chain, tmp_path / "site.crt")
    shutil.copy(pki.local.key, tmp_path / "site.key")
    return tmp_path


def gone(name):
    def spoil(d, pki):
        (d / name).unlink()
        return name

    return spoil


def text(name, content):
    def spoil(d, pki):
        (d / name).write_bytes(content)
        return name

    return spoil


def copy(source, name):
    def spoil(d, pki):
        shutil.copy(source(pki), d / name)
        return name

    return spoil


def directory(name):
    def spoil(d, pki):
        (d / name).unlink()
        (d / name).mkdir()
        return name

    return spoil


def fifo(name):
    def spoil(d, pki):
        (d / name).unlink()
        os.mkfifo(d / name)
        return name

    return spoil


def pair(cert):
    def spoil(d, pki):
        shutil.copy(cert(pki).chain, d / "site.crt")
        shutil.copy(cert(pki).key, d / "site.key")
        return "site.crt"

    return spoil


def cut(name, at):
    def spoil(d, pki):
        (d / name).write_bytes((d / name).read_bytes()[:at])
        return name

    return spoil


def damaged(name):
    """The armour is whole, what is in it is not."""

    def spoil(d, pki):
        lines = (d / name).read_text().splitlines()
        lines[1] = lines[1][::-1]
        (d / name).write_text("\n".join(lines) + "\n")
        return name

    return spoil


def der(d, pki):
    openssl("x509", "-in", pki.local.leaf, "-outform", "DER", "-out", d / "site.crt")
    return "site.crt"


def public_key(d, pki):
    openssl("pkey", "-in", pki.local.key, "-pubout", "-out", d / "site.key")
    return "site.key"


def short_rsa(d, pki):
    cert = pki.server("short", "localhost", kind="rsa1024")
    return pair(lambda _: cert)(d, pki)


# What is done to the files, what the line says about it.
SPOILED = {
    "no certificate": (gone("site.crt"), "No such file"),
    "no key": (gone("site.key"), "No such file"),
    "certificate is a directory": (directory("site.crt"), "(?i)directory|regular file"),
    "key is a directory": (directory("site.key"), "(?i)directory|regular file"),
    "certificate is a fifo": (fifo("site.crt"), "(?i)regular file|fifo"),
    "key is a fifo": (fifo("site.key"), "(?i)regular file|fifo"),
    "empty certificate": (text("site.crt", b""), "(?i)empty|PEM|no certificate"),
    "empty key": (text("site.key", b""), "(?i)empty|PEM|no (private )?key"),
    "garbage for a certificate": (text("site.crt", b"\0\1\2" * 999), "(?i)PEM|no certificate"),
    "garbage for a key": (text("site.key", b"\0\1\2" * 999), "(?i)PEM|no (private )?key"),
    "huge certificate": (text("site.crt", b"x" * (32 << 20)), "(?i)large|big|PEM|MiB|bytes"),
    "key for a certificate": (copy(lambda p: p.local.key, "site.crt"), "(?i)key"),
    "certificate for a key": (copy(lambda p: p.local.leaf, "site.key"), "(?i)certificate"),
    "half a certificate": (cut("site.crt", 300), "(?i)PEM|certificate"),
    "half a key": (cut("site.key", 100), "(?i)PEM|key"),
    "damaged certificate": (damaged("site.crt"), "(?i)certificate"),
    "damaged key": (damaged("site.key"), "(?i)key"),
    "DER": (der, "PEM"),
    "public key": (public_key, "(?i)key"),
    "another key": (copy(lambda p: p.local_again.key, "site.key"), "(?i)match|belong"),
    "key of another kind": (copy(lambda p: p.rsa.key, "site.key"), "(?i)match|belong|kind"),
    "expired": (pair(lambda p: p.expired), r"(?i)expired.*\d{4}|\d{4}.*expired"),
    "not yet valid": (pair(lambda p: p.future), "(?i)not.*valid"),
    "short RSA key": (short_rsa, "1024"),
    "encrypted": (copy(lambda p: p.encrypted(p.local), "site.key"), "tls_key_password_file"),
    "encrypted, traditional": (
        copy(lambda p: p.encrypted(p.rsa, "traditional"), "site.key"),
        "tls_key_password_file",
    ),
}


def one_line(done, path, what):
    """What it says about the file: once, as an error, and without a traceback."""
    told = [line for line in done.stderr.splitlines() if str(path) in line]
    assert len(told) == 1, done.stderr
    assert " ERROR " in told[0] and re.search(what, told[0]), told[0]
    assert "Traceback" not in done.stderr and "listening" not in done.stderr, done.stderr
    return told[0]


ADDRESS = ["--host", "127.0.0.1", "--port", "0"]


@pytest.mark.parametrize("case", SPOILED)
def test_spoiled(files, pki, case):
    spoil, what = SPOILED[case]
    path = files / spoil(files, pki)
    options = ["--tls-cert", files / "site.crt", "--tls-key", files / "site.key"]
    done = run_cli("hello:app", *ADDRESS, *options)
    assert done.returncode == 1
    line = one_line(done, path, what)
    assert ("tls_key" if path.name == "site.key" else "tls_cert") in line
    checked = run_cli("hello:app", *ADDRESS, *options, "--check-config")
    assert checked.returncode == 2 and "good" not in checked.stdout
    assert line[line.index("tls_") :] in checked.stderr


def test_check_config_of_good_ones(files):
    options = ["--tls-cert", files / "site.crt", "--tls-key", files / "site.key"]
    done = run_cli("hello:app", *options, "--check-config")
    assert done.returncode == 0 and "good" in done.stdout, done.stderr


def test_every_mistake_is_told_at_once(files, pki):
    options = ["--tls-cert", files / "none.crt", "--tls-key", files / "site.key"]
    done = run_cli("hello:app", *ADDRESS, *options, "--tls-sni", files / "none.sni")
    assert done.returncode == 1
    one_line(done, files / "none.crt", "tls_cert")
    one_line(done, files / "none.sni", "tls_sni")


@pytest.mark.parametrize("name", ["site.crt", "site.key"])
def test_unreadable(files, name):
    if os.getuid() != 0:
        (files / name).chmod(0)
    else:
        (files / name).chmod(0o600)
    os.chmod(files, 0o755)
    try:
        run_cli("--version", cwd="/", preexec_fn=drop_privileges)
        for parent in files.parents:
            if str(parent).startswith("/tmp/"):
                os.chmod(parent, 0o755)
    except PermissionError:
        pytest.skip("another user cannot run the server where it was built")
    done = run_cli(
        "wsgiref.simple_server:demo_app",
        *ADDRESS,
        *("--tls-cert", files / "site.crt", "--tls-key", files / "site.key"),
        cwd="/",
        env={"PYTHONPATH": None},
        preexec_fn=drop_privileges,
    )
    assert done.returncode == 1
    one_line(done, files / name, "Permission denied")


OTHERS = {
    "second certificate": (["--tls-sni", "{d}/none.crt"], "none.crt", "tls_sni"),
    "second key": (["--tls-sni", "{other},{d}/site.key"], "site.key", "tls_sni.*(?i:match|belong)"),
    "no second key": (["--tls-sni", "{other}"], "other.pem", "(?i)key"),
    "client ca": (
        ["--tls-client-ca", "{d}/none.pem", "--tls-verify", "require"],
        "none.pem",
        "tls_client_ca.*No such file",
    ),
    "client ca garbage": (
        ["--tls-client-ca", "{d}/site.key", "--tls-verify", "require"],
        "site.key",
        "tls_client_ca",
    ),
    "ciphers": (["--tls-ciphers", "ECDHE-RSA-AES128-GCM-SHA257"], "SHA257", "tls_ciphers.*SHA256"),
    "no ciphers": (["--tls-ciphers", "RC4-MD5"], "RC4-MD5", "tls_ciphers"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_files_and_settings(files, pki, case):
    options, name, what = OTHERS[case]
    options = [o.format(d=files, other=pki.other.chain) for o in options]
    good = ["--tls-cert", files / "site.crt", "--tls-key", files / "site.key"]
    done = run_cli("hello:app", *ADDRESS, *good, *options)
    assert done.returncode in (1, 2)
    one_line(done, name, what)
    checked = run_cli("hello:app", *ADDRESS, *good, *options, "--check-config")
    assert checked.returncode == 2
    one_line(checked, name, what)


@pytest.mark.parametrize(
    "options, told",
    [
        (["--tls-verify", "require"], "tls_client_ca"),
        (["--tls-min-version", "TLSv1.1"], "TLSv1.2"),
        (["--tls-ticket-lifetime", "8d"], "tls-ticket-lifetime"),
        (["--tls-max-handshakes", "0"], "tls-max-handshakes"),
        (["--tls-hsts", "a\nb"], "tls-hsts"),
    ],
)
def test_settings_that_make_no_sense(pki, options, told):
    done = run_cli("hello:app", *ADDRESS, *pki.local.options, *options)
    assert done.returncode == 2 and told in done.stderr, done.stderr
    assert done.stderr.startswith("yimmo-wsgi: "), done.stderr


# ---- keys with a pass phrase ----


@pytest.mark.parametrize("form", ["pkcs8", "traditional"])
@pytest.mark.parametrize("kind", ["local", "rsa"])
def test_encrypted_key(serve, pki, kind, form):
    cert = getattr(pki, kind)
    server = serve(
        "hello:app",
        *("--tls-cert", cert.chain, "--tls-key", pki.encrypted(cert, form)),
        *("--tls-key-password-file", pki.passphrase_file, "--log-level", "TRACE"),
    )
    with TlsClient(server.port, context(pki)) as client:
        assert client.fingerprint == cert.fingerprint
        assert client.request().status == 200
    assert PASSPHRASE not in server.log()


def test_pass_phrase_beside_a_key_that_needs_none(serve, pki):
    server = serve(
        "hello:app", *pki.local.options, "--tls-key-password-file", pki.passphrase_file
    )
    assert shown(server, pki) == pki.local.fingerprint


@pytest.mark.parametrize("form", ["pkcs8", "traditional"])
@pytest.mark.parametrize("kind", ["local", "rsa"])
@pytest.mark.parametrize(
    "phrase", ["open sesame 8\n", "", "\n", "x" * 5000], ids=["wrong", "none", "line", "long"]
)
def test_wrong_pass_phrase(files, pki, kind, form, phrase):
    cert = getattr(pki, kind)
    path = files / "phrase"
    path.write_text(phrase)
    done = run_cli(
        "hello:app",
        *ADDRESS,
        *("--tls-cert", cert.chain, "--tls-key", pki.encrypted(cert, form)),
        *("--tls-key-password-file", path),
    )
    assert done.returncode == 1
    assert phrase.strip() == "" or phrase.strip() not in done.stderr
    one_line(done, path, "(?i)pass.?phrase|empty")


def test_missing_pass_phrase_file(files, pki):
    done = run_cli(
        "hello:app",
        *ADDRESS,
        *("--tls-cert", pki.local.chain, "--tls-key", pki.encrypted(pki.local)),
        *("--tls-key-password-file", files / "none"),
    )
    assert done.returncode == 1
    one_line(done, files / "none", "tls_key_password_file.*No such file")
