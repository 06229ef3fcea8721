# SPDX-License-Identifier: MIT
"""The standard library's checker finds nothing to say."""

import pytest

from wire import chunked, post

BODY = b"line one\nab\nc\nlast"


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize("buffering", ["on", "off"])
def test_validator_is_content(serve, connect, threads, buffering):
    server = serve("validated:app", "-t", threads, "--request-buffering", buffering)
    client = connect(server)
    assert client.request("/plain?x=1").body == b"plain"
    assert client.request("/plain", method="HEAD").body == b""
    assert client.send(post("/input", BODY)).response().body == b"line one\n|ab\n|c\n|last|"
    assert client.send(chunked("/iterate", [BODY])).response().body == b"line one\n|ab\n|c\n|last"
    assert client.request("/errors").body == b"logged"
    assert client.request("/write").body == b"written and returned"
    response = client.request("/exc_info")
    assert (response.status, response.body) == (500, b"oops")
    assert client.request("/nothing").status == 204
    assert client.request("/generator").chunks == [b"0,", b"1,", b"2,", b"3,", b"4,"]
    assert client.send("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").response().status == 200
    log = server.log()
    assert "Traceback" not in log and "AssertionError" not in log, log


def test_standard_demo_app(serve, connect):
    server = serve("wsgiref.simple_server:demo_app")
    assert connect(server).request().text.startswith("Hello world!")
