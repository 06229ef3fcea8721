# SPDX-License-Identifier: MIT
"""The environ dictionary, key by key."""

import json

import pytest

from wire import Client, chunked, post


@pytest.fixture
def ask(serve):
    """ask(request bytes or text) → environ as the application saw it."""
    server = serve("environ_app:app", "--no-threads", "1")

    def ask(data):
        with Client(server.port) as client:
            response = client.send(data).response()
            assert response.status == 200, response
            environ = json.loads(response.body)
            environ["port"] = str(server.port)
            environ["client"] = str(client.sock.getsockname()[1])
            return environ

    return ask


def test_required_keys(ask):
    environ = ask(post("/a/b?x=1&y=%20", b"{}", "Content-Type: application/json\r\n"))
    assert environ["REQUEST_METHOD"] == "POST"
    assert environ["SCRIPT_NAME"] == ""
    assert environ["PATH_INFO"] == "/a/b"
    assert environ["QUERY_STRING"] == "x=1&y=%20"
    assert environ["CONTENT_TYPE"] == "application/json"
    assert environ["CONTENT_LENGTH"] == "2"
    assert environ["SERVER_NAME"] == "127.0.0.1"
    assert environ["SERVER_PORT"] == environ["port"]
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["SERVER_SOFTWARE"].startswith("yimmo-wsgi/")
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["REMOTE_PORT"] == environ["client"]
    assert environ["REQUEST_URI"] == "/a/b?x=1&y=%20"
    assert environ["RAW_URI"] == "/a/b?x=1&y=%20"
    assert environ["HTTP_HOST"] == "test"
    assert environ["wsgi.version"] == [1, 0]
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["wsgi.run_once"] is False
    assert environ["wsgi.multithread"] is False
    assert environ["wsgi.multiprocess"] is False
    assert environ["wsgi.input_terminated"] is True
    for key in ("wsgi.input", "wsgi.errors", "wsgi.file_wrapper"):
        assert environ[key].startswith("<")


def test_nothing_that_does_not_belong(ask):
    environ = ask("GET / HTTP/1.1\r\nHost: h\r\nProxy: http://evil\r\nX_Y: z\r\nA-B: c\r\n\r\n")
    assert environ["QUERY_STRING"] == ""
    absent = ("HTTP_PROXY", "HTTP_X_Y", "CONTENT_TYPE", "CONTENT_LENGTH", "HTTPS", "PATH", "HOME")
    for key in absent:
        assert key not in environ
    assert environ["HTTP_A_B"] == "c"


def test_content_headers_have_no_http_twin(ask):
    environ = ask(post("/", b"x", "Content-Type: text/plain\r\n"))
    assert "HTTP_CONTENT_TYPE" not in environ and "HTTP_CONTENT_LENGTH" not in environ


def test_collected_chunks_have_a_length(ask):
    """RFC 9112, 7.1.3: decoding ends with the length; the application sees no chunks."""
    environ = ask(chunked("/", [b"abc"]))
    assert environ["CONTENT_LENGTH"] == "3"
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_streamed_chunks_have_no_length(serve, connect):
    client = connect(serve("environ_app:app", "--request-buffering", "off"))
    environ = json.loads(client.send(chunked("/", [b"abc"])).response().body)
    assert "CONTENT_LENGTH" not in environ
    assert "HTTP_TRANSFER_ENCODING" not in environ


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_protocol(ask, version):
    assert ask(f"GET / {version}\r\nHost: h\r\n\r\n")["SERVER_PROTOCOL"] == version


@pytest.mark.parametrize(
    "target, path, query",
    [
        ("/", "/", ""),
        ("/a%20b", "/a b", ""),
        ("/a%2Fb", "/a/b", ""),
        ("/a+b", "/a+b", ""),
        ("/%c3%a4", "/Ã¤", ""),
        ("/%E4", "/ä", ""),
        ("/%25", "/%", ""),
        ("/a%3Fb?c%3Fd", "/a?b", "c%3Fd"),
        ("/a?b?c", "/a", "b?c"),
        ("/?", "/", ""),
        ("//a//b", "//a//b", ""),
        ("/a/../b/./c", "/a/../b/./c", ""),
        ("/a;p=1", "/a;p=1", ""),
    ],
)
def test_paths(ask, target, path, query):
    environ = ask(f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n")
    assert environ["PATH_INFO"] == path
    assert environ["QUERY_STRING"] == query
    assert environ["REQUEST_URI"] == target


def test_latin_1_values(ask):
    environ = ask(b"GET / HTTP/1.1\r\nHost: h\r\nX-Name: caf\xe9 \xc3\xa9\r\n\r\n")
    assert environ["HTTP_X_NAME"] == "café Ã©"


def test_repeated_headers(ask):
    environ = ask(
        "GET / HTTP/1.1\r\nHost: h\r\nAccept: a\r\nCookie: a=1\r\naccept: b, c\r\n"
        "X-Own: 1\r\nCookie: b=2\r\nx-own: 2\r\n\r\n"
    )
    assert environ["HTTP_ACCEPT"].replace(" ", "") == "a,b,c"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_X_OWN"].replace(" ", "") == "1,2"


def test_values_are_trimmed(ask):
    environ = ask("GET / HTTP/1.1\r\nHost: h\r\nX-A: \t a b \t \r\nX-Empty:\r\nX-Blank:   \r\n\r\n")
    assert environ["HTTP_X_A"] == "a b"
    assert environ["HTTP_X_EMPTY"] == environ["HTTP_X_BLANK"] == ""


def test_environ_is_fresh_for_each_request(serve, connect):
    client = connect(serve("environ_app:app"))
    first = client.request("/one?a", "X-One: 1\r\nCookie: c=1\r\n").text
    second = json.loads(client.request("/two").text)
    assert "HTTP_X_ONE" in first
    assert "HTTP_X_ONE" not in second and "HTTP_COOKIE" not in second
    assert second["QUERY_STRING"] == "" and second["PATH_INFO"] == "/two"


def test_many_unknown_headers(ask):
    lines = "".join(f"X-Field-{n}: value {n}\r\n" for n in range(90))
    environ = ask(f"GET / HTTP/1.1\r\nHost: h\r\n{lines}\r\n")
    for n in range(90):
        assert environ[f"HTTP_X_FIELD_{n}"] == f"value {n}"


@pytest.mark.parametrize(
    "threads, expected", [("1", False), ("2", True)]
)
def test_multithread_is_true_to_the_configuration(serve, connect, threads, expected):
    environ = json.loads(connect(serve("environ_app:app", "-t", threads)).request().text)
    assert environ["wsgi.multithread"] is expected


# ---- SCRIPT_NAME ----


@pytest.mark.parametrize(
    "target, script, path",
    [
        ("/app", "/app", ""),
        ("/app/", "/app", "/"),
        ("/app/x/y", "/app", "/x/y"),
        ("/app?q", "/app", ""),
        ("/a%70p/x", "/app", "/x"),
    ],
)
def test_script_name(serve, connect, target, script, path):
    server = serve("environ_app:app", "--script-name", "/app")
    environ = json.loads(connect(server).request(target).text)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (script, path)


@pytest.mark.parametrize("target", ["/", "/ap", "/apple", "/x/app", "//app"])
def test_outside_the_script_name_is_not_found(serve, connect, target):
    server = serve("environ_app:app", "--script-name", "/app")
    client = connect(server)
    assert client.request(target).status == 404


def test_404_of_the_server_reads_the_body_first(serve, connect):
    server = serve("environ_app:app", "--script-name", "/app")
    client = connect(server).send(post("/no", b"x" * 300_000))
    response = client.response()
    assert response.status == 404
    if not response.has_token("Connection", "close"):
        assert client.request("/app").status == 200
