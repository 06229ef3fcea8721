# SPDX-License-Identifier: MIT
"""Fixtures. What they start, they end, by process id; a server that crashed fails its test."""

import contextlib
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from certs import Pki  # noqa: E402
from harness import Gate, Server, run_cli, server_path  # noqa: E402
from rows import ROWS, Behind  # noqa: E402
from wire import Client  # noqa: E402


def pytest_configure(config):
    if not server_path().is_file():
        raise pytest.UsageError(f"{server_path()} does not exist: build first (./dev build)")


def pytest_report_header(config):
    return f"server: {server_path()}"


@pytest.fixture
def serve(tmp_path):
    """
    Start a server: serve("module:expr", "--option", "value", …) → harness.Server. Keywords: env
    (None unsets a variable), config (text of a YAML file), cwd, bind (False: no address is given),
    preexec_fn, pass_fds, ready.
    """
    with contextlib.ExitStack() as stack:

        def start(app="hello:app", *options, config=None, bind=True, **kwargs):
            args = [app] if app else []
            if config is not None:
                path = tmp_path / "yimmo.yml"
                path.write_text(config)
                args += ["--config", path]
            if bind:
                args += ["--host", "127.0.0.1", "--port", "0"]
            server = Server([*args, *options], **kwargs)
            stack.callback(server.end)
            return server

        yield start


@pytest.fixture
def short_dir():
    """A directory whose name leaves room for a unix socket's 107 bytes."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="ymo-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def gate(short_dir):
    with contextlib.closing(Gate(short_dir / "gate")) as gate:
        yield gate


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """Certificates and keys, see certs.py."""
    if "no TLS" in run_cli("--version").stdout:
        pytest.skip("the server is built without TLS")
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def mood(tmp_path):
    """What apps/procs.py does when it is loaded with YMO_TEST_MOOD: mood.write_text("raise")."""
    path = tmp_path / "mood"
    path.write_text("")
    return path


@pytest.fixture
def connect():
    """connect(server) → wire.Client, closed at the end of the test."""
    with contextlib.ExitStack() as stack:

        def open_(server, **kwargs):
            address = server.port if isinstance(server, Server) else server
            return stack.enter_context(Client(address, **kwargs))

        yield open_


@pytest.fixture(scope="session", params=ROWS, ids=repr)
def behind(request):
    """One front end after the other, with the servers behind it: rows.Behind."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="ymo-"))
    with contextlib.closing(Gate(path / "gate")) as gate:
        found = Behind(request.param, path, gate)
        try:
            yield found
        finally:
            found.end()
            shutil.rmtree(path)
