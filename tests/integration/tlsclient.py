# SPDX-License-Identifier: MIT
"""Clients of a TLS server: Python's, one that is driven flight by flight, and openssl s_client."""

import hashlib
import json
import os
import select
import socket
import ssl
import subprocess
import threading
import time

import pytest

from harness import PATIENCE, Server
from wire import Client

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
BOTH = pytest.mark.parametrize("version", VERSIONS)


def tls_server(cert, *options, app="environ_app:app"):
    """For servers that several tests share; to be ended with end()."""
    return Server([app, "--host", "127.0.0.1", "--port", "0", *cert.options, *options])


def flag(version):
    """s_client's."""
    return f"-tls{version.replace('.', '_')}"


def context(ca=None, version=None, ciphers=None, alpn=None, cert=None):
    """`ca`: Pki or a file, None: nothing is verified. `cert`: certs.Cert to show the server."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca is None:
        ctx.check_hostname = False
        ctx.verify_mode = ssl.CERT_NONE
    else:
        ctx.load_verify_locations(getattr(ca, "ca", ca))
    if version:
        version = VERSIONS.get(version, version)
        ctx.minimum_version = ctx.maximum_version = version
    if ciphers:
        ctx.set_ciphers(ciphers)
    if alpn:
        ctx.set_alpn_protocols(alpn)
    if cert:
        ctx.load_cert_chain(cert.chain, cert.key)
    return ctx


class TlsClient(Client):
    """
    As wire.Client, over TLS. An end without close_notify is an error of its own (SSLEOFError), so
    that closed() and rest() do not pass for a connection that was cut off.
    """

    def __init__(self, address, ctx, name="localhost", session=None, **kwargs):
        super().__init__(address, **kwargs)
        try:
            self.sock = ctx.wrap_socket(
                self.sock, server_hostname=name, session=session, suppress_ragged_eofs=False
            )
        except BaseException:
            self.sock.close()
            raise

    def quiet(self):
        if self.buffer or self.sock.pending():
            return False
        if not select.select([self.sock], [], [], 0)[0]:
            return True
        # Perhaps only tickets.
        self.sock.settimeout(0)
        try:
            data = self.sock.recv(65536)
        except (ssl.SSLWantReadError, BlockingIOError):
            return True
        finally:
            self.sock.settimeout(self.timeout)
        self.buffer += data
        self.eof = not data
        return False

    def goodbye(self):
        """Send close_notify and wait for the server's; the plain socket."""
        self.sock = self.sock.unwrap()
        return self.sock

    @property
    def fingerprint(self):
        """Of the certificate that the server showed; as certs.Cert.fingerprint."""
        return hashlib.sha256(self.sock.getpeercert(True)).hexdigest()


def shown(server, ca=None, name="localhost", **kwargs):
    """The fingerprint of the certificate that a new connection is shown."""
    port = getattr(server, "port", server)
    with TlsClient(port, context(ca, **kwargs), name) as client:
        return client.fingerprint


def environ(server, ctx, name="localhost"):
    """What apps/environ_app.py was given."""
    with TlsClient(server.port, ctx, name) as client:
        return json.loads(client.request().text)


class Flights:
    """A handshake by hand; nothing is sent but what the test sends."""

    def __init__(self, ctx, name="localhost"):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = ctx.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.done = False

    def step(self, received=b""):
        """Go on with these bytes of the server; what is to be sent to it."""
        self.incoming.write(received)
        try:
            self.tls.do_handshake()
            self.done = True
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()

    def second(self, sock, hello):
        """Send the whole hello, and read until the client's second flight can be made."""
        sock.sendall(hello)
        while True:
            data = sock.recv(65536)
            assert data, "the server closed in the handshake"
            flight = self.step(data)
            if flight:
                return flight

    def seal(self, data):
        self.tls.write(data)
        return self.outgoing.read()

    def open(self, received):
        """The plaintext in it; tickets and the like are swallowed."""
        self.incoming.write(received)
        parts = []
        try:
            while data := self.tls.read(65536):
                parts.append(data)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return b"".join(parts)


def client_hello(ctx=None, name="localhost"):
    return Flights(ctx or context(), name).step()


def dial(server, rcvbuf=None):
    """A plain TCP connection to it."""
    port = getattr(server, "port", server)
    sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def drain(sock):
    """Everything until the other side ends it, by whatever means."""
    parts = []
    try:
        while data := sock.recv(65536):
            parts.append(data)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()


def second_flight(server, ctx):
    """A handshake that stands before the client's second flight: (Flights, socket, flight)."""
    flights, sock = Flights(ctx), dial(server)
    return flights, sock, flights.second(sock, flights.step())


ALERTS = {
    "close_notify": 0,
    "unexpected_message": 10,
    "bad_record_mac": 20,
    "record_overflow": 22,
    "handshake_failure": 40,
    "illegal_parameter": 47,
    "decode_error": 50,
    "decrypt_error": 51,
    "protocol_version": 70,
    "no_application_protocol": 120,
}


def alert(name):
    """The record of a fatal alert as it is sent before anything is encrypted, but its version."""
    return bytes([2, ALERTS[name]])


REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def s_client(server, *args, request=REQUEST, name="localhost", ca=None, fails=False):
    """What openssl s_client prints, with both of its streams, around one request."""
    verify = ["-CAfile", str(getattr(ca, "ca", ca)), "-verify_return_error"] if ca else []
    port = getattr(server, "port", server)
    done = subprocess.run(
        [
            *("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-ign_eof"),
            *(["-servername", name] if name else ["-noservername"]),
            *verify,
            *map(str, args),
        ],
        input=request,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=2 * PATIENCE,
    )
    text = done.stdout.decode("utf-8", "replace")
    assert bool(done.returncode) == fails, text
    return text


class Talk:
    """openssl s_client, to be talked with line by line: its commands are a letter at the start."""

    def __init__(self, server, *args):
        self.text = ""
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", *map(str, args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def _collect(self):
        while data := self.process.stdout.read1(65536):
            with self._changed:
                self.text += data.decode("utf-8", "replace")
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def say(self, line):
        os.write(self.process.stdin.fileno(), line.encode() + b"\n")

    def hear(self, word, count=1):
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while self.text.count(word) < count:
                left = deadline - time.monotonic()
                assert left > 0 and self._reader.is_alive(), f"no {word!r} in {self.text}"
                self._changed.wait(min(left, 0.2))

    def end(self):
        """Wait for its end by itself; all that it printed."""
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return self.text

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdin.close()
        self.process.stdout.close()
