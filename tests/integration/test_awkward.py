# SPDX-License-Identifier: MIT
"""What is allowed and nobody expects: close() that starts, threads that meddle, odd files."""

import pytest

from wire import Broken


@pytest.fixture
def awkward(serve, gate):
    return serve("awkward:app", "--no-request-buffering", env=gate.env)


def test_response_started_in_close_is_checked(awkward, connect):
    """Nothing was sent yet, and less than announced would follow: an error, not a short answer."""
    assert connect(awkward).request("/close").status == 500
    awkward.wait_log("its Content-Length says 5")


def test_list_that_another_thread_empties(awkward, connect, gate):
    client = connect(awkward).send(
        "POST /list HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nab"
    )
    gate.heard("reading")
    gate.accept("go").release()
    response = client.response()
    assert response.status == 200 and len(response.body) == 32_000
    assert response.body == response.body[:32] * 1000


def test_file_that_has_no_size(awkward, connect):
    assert b"VmRSS" in connect(awkward).request("/proc").body


def test_file_that_cannot_be_read(awkward, connect, tmp_path):
    path = tmp_path / "plain"
    path.write_bytes(b"content")
    client = connect(awkward).get(f"/writeonly?{path}")
    try:
        assert client.response().status == 500
    except Broken:
        pass
    awkward.wait_log("UnsupportedOperation|not readable|File not open for reading")


def test_head_answered_without_a_body_gets_no_length(awkward, connect):
    assert connect(awkward).request("/", method="GET").get("Content-Length") == "4"
    assert connect(awkward).request("/", method="HEAD").get("Content-Length") is None


def test_graceful_timeout_of_nothing_is_no_failure(serve, connect):
    server = serve("hello:app", "--graceful-timeout", "0")
    assert connect(server).request().status == 200
    assert server.stop() == 0
