# SPDX-License-Identifier: MIT
"""wsgi.errors and tracebacks in the log of a FastCGI front end, where that is asked for."""

import pytest

import fcgi
import fronts
import wire
from fcgi import STDERR, STDOUT, Client
from harness import sanitized, until

FASTCGI = ("--protocol", "fastcgi")
ASKED = (*FASTCGI, "--fastcgi-stderr")
LIMIT = 64 * 1024
MORE = b"[more of this request is in the server's own log only]\n"


@pytest.fixture
def noted(serve):
    return serve("noted:app", *ASKED, "--no-threads", "2")


def ask(server, target, **more):
    with Client(server.port) as client:
        return client.request(target, **more)


@pytest.mark.parametrize("target", ["/print", "/unfinished", "/raise", "/stream", "/leave"])
def test_not_unless_asked_for(serve, target):
    server = serve("noted:app", *FASTCGI)
    assert ask(server, target).err == b""


def test_nothing_written(noted):
    assert ask(noted, "/quiet").err == b""


def test_line_is_one_record(noted):
    """And in UTF-8, whatever is in it. Our own log has it, too."""
    with Client(noted.port) as client:
        client.ask("/print?x")
        assert client.record().kind == STDOUT  # a long text before it would be too much for nginx
        record = client.record()
        assert (record.kind, record.number) == (STDERR, 1)
        assert record.content == "one line é€ \\udc80 x\n".encode()
        response = client.answer()
    assert (response.status, response.body, response.err) == (200, b"printed", record.content)
    noted.wait_log("one line")


def test_unfinished_line(noted):
    assert ask(noted, "/unfinished").err == b"no newline"


def test_flush_sends_an_unfinished_line(serve):
    server = serve("noted:app", *ASKED, "--no-request-buffering")
    with Client(server.port) as client:
        client.send(fcgi.head("/flush", "POST", b"abc"))
        client.send(fcgi.record(fcgi.STDIN, 1, b"a"))
        client.until(size=1)
        record = client.record()  # while the body has not ended
        assert (record.kind, record.content) == (STDERR, b"flushed")
        client.send(fcgi.stream(fcgi.STDIN, 1, b"bc"))
        assert client.answer().body == b"flushed"


def test_traceback(noted):
    response = ask(noted, "/raise")
    lines = response.err.decode().split("\n")
    assert response.status == 500
    assert lines[0] == "cause: the application raised an exception:"
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-2:] == ["RuntimeError: deliberate €", ""]
    noted.wait_log("RuntimeError: deliberate")


def test_complaint_about_the_application(noted):
    response = ask(noted, "/short")
    assert response.status == 500
    assert response.err == b"the body has 5 bytes, its Content-Length says 10\n"


def test_between_pieces(noted):
    response = ask(noted, "/stream")
    assert response.body == b"012"
    assert response.err == b"piece 0\npiece 1\npiece 2\nafter the last piece\n"


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_flood_is_cut(noted, method):
    err = ask(noted, "/flood", method=method).err
    assert err.endswith(MORE) and err.count(MORE) == 1
    kept = err[: -len(MORE)]
    assert LIMIT - 3 <= len(kept) - 1 <= LIMIT and kept.decode().count("€") > 20_000
    noted.wait_log("(?m)^€+$", count=5000)


def test_long_line_is_cut_between_characters(noted):
    with Client(noted.port) as client:
        client.ask("/long")
        assert client.record().kind == STDOUT
        pieces = [client.record() for _ in range(30_000 // 1024 + 1)]
        assert all(p.kind == STDERR and len(p.content) <= 1024 for p in pieces)
        assert "".join(p.content.decode() for p in pieces) == "€" * 10_000
        assert client.answer().status == 200


def test_each_with_its_request(noted):
    with Client(noted.port) as client:
        for number in (1, 2, 3):
            client.ask(f"/print?{number}", number=number, keep=True)
        for number in (3, 1, 2):
            assert client.answer(number).err.endswith(f" {number}\n".encode())


def test_other_threads_and_old_requests(noted):
    assert ask(noted, "/leave").err == b"from another thread\n"
    assert ask(noted, "/use").err == b"this request's\n"
    noted.wait_log("an old request's")


@pytest.mark.skipif(sanitized(), reason="greenlets move the stack that a sanitizer watches")
@pytest.mark.frameworks
def test_greenlets(serve):
    server = serve("noted:app", *ASKED, "--greenlets", "4")
    assert ask(server, "/print?g").err.endswith(b" g\n")


def test_http_has_no_such_log(serve):
    server = serve("noted:app", "--fastcgi-stderr")
    with wire.Client(server.port) as client:
        assert client.request("/print?http").body == b"printed"
    server.wait_log("one line")


# ---- as front ends log it


def check_front_end(front):
    """Early text makes no broken answer of a good one, and long text has its end in the log."""

    def get(target):
        with wire.Client(front.port) as client:
            return client.request(target)

    assert get("/print?logged").body == b"printed"
    assert get("/raise").status == 500
    assert get("/deep").status == 500
    assert get("/stream").body == b"012"
    assert get("/flood").body == b"flooded"
    assert get("/quiet").body == b"quiet"
    texts = ["logged", "RuntimeError: deliberate", "LookupError: at the end", "piece 1"]
    for text in [*texts, "after the last piece"]:
        until(lambda: text in front.log.read_text(errors="replace"), f"{text!r} is logged")


def test_nginx(noted, tmp_path):
    port = fronts.free_port()
    site = f"""server {{ listen 127.0.0.1:{port}; location / {{
        include /etc/nginx/fastcgi_params; fastcgi_pass 127.0.0.1:{noted.port};
        fastcgi_keep_conn on; }} }}"""
    front = fronts.nginx(tmp_path / "nginx", port, site)
    try:
        check_front_end(front)
    finally:
        front.stop()
    assert 'FastCGI sent in stderr: "one line' in front.log.read_text(errors="replace")


def test_apache(noted, tmp_path):
    port = fronts.free_port()
    lines = f'ProxyPass "/" "fcgi://127.0.0.1:{noted.port}/"'
    front = fronts.apache(tmp_path / "apache", port, ["proxy", "proxy_fcgi"], lines)
    try:
        check_front_end(front)
    finally:
        front.stop()


def test_lighttpd(noted, tmp_path):
    port = fronts.free_port()
    lines = f"""server.modules = ("mod_fastcgi")
fastcgi.server = ("/" => (("host" => "127.0.0.1", "port" => {noted.port},
    "check-local" => "disable", "fix-root-scriptname" => "enable")))"""
    front = fronts.lighttpd(tmp_path / "lighttpd", port, lines)
    try:
        check_front_end(front)
    finally:
        front.stop()


def test_haproxy(noted, tmp_path):
    """log-stderr of the fcgi-app says where it goes."""
    port = fronts.free_port()
    lines = f"""  default_backend b
backend b
  use-fcgi-app a
  server s 127.0.0.1:{noted.port} proto fcgi
fcgi-app a
  docroot /
  path-info ^()(/.*)$
  option keep-conn
  option mpxs-conns
  log-stderr stderr format raw local0"""
    front = fronts.haproxy(tmp_path / "haproxy", port, lines)
    try:
        check_front_end(front)
    finally:
        front.stop()
