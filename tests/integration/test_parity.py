# SPDX-License-Identifier: MIT
"""One request, asked over HTTP, uwsgi and FastCGI: the application sees the same, key by key."""

import contextlib
import json
import re

import pytest

import fcgi
import fronts
import uwsgi
from wire import Client, chunked

BODY = b"a=b&c=%20"
FORM = "application/x-www-form-urlencoded"
REQUESTS = {
    "plain": ("GET", "/", b"", {}),
    "path and query": ("GET", "/a%20b/%C3%A4%E4%25/c;d=e?f=g&h=%20&%C3%A4?", b"", {}),
    "empty query": ("GET", "/x?", b"", {}),
    "slash at the end": ("GET", "/x/", b"", {}),
    "head": ("HEAD", "/x?y", b"", {}),
    "delete": ("DELETE", "/x", b"", {}),
    "options": ("OPTIONS", "/x", b"", {"Access-Control-Request-Method": "PUT"}),
    "form": ("POST", "/", BODY, {"Content-Type": FORM}),
    "no type": ("POST", "/", BODY, {}),
    "empty body": ("POST", "/", b"", {"Content-Type": FORM, "Content-Length": "0"}),
    "put": ("PUT", "/x", b"x" * 100_000, {"Content-Type": "a/b; c=d"}),
    "conditions": ("GET", "/", b"", {"If-None-Match": '"x", W/"y"', "Range": "bytes=0-1"}),
    "secrets": ("GET", "/", b"", {"Cookie": "a=1; b=2", "Authorization": "Basic eDp5"}),
    "numbers and letters": ("GET", "/", b"", {"X-9a-Z": "1", "x-lower": "caf\xe9", "X-Empty": ""}),
    "forwarded": ("GET", "/", b"", {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"}),
    "kept out": ("GET", "/", b"", {"Proxy": "http://evil"}),
}

# docs/uwsgi.md describes these, and there must be no others.
OF_THE_FRONT_END = {
    "CONTEXT_DOCUMENT_ROOT", "CONTEXT_PREFIX", "DOCUMENT_ROOT", "DOCUMENT_URI",
    "GATEWAY_INTERFACE", "REDIRECT_STATUS", "REMOTE_USER", "REQUEST_SCHEME", "SCRIPT_FILENAME",
    "SERVER_ADDR",
}  # fmt: skip


def text_of(method, target, body, headers, length=True):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    if body and length:
        lines += f"Content-Length: {len(body)}\r\n"
    head = f"{method} {target} HTTP/1.1\r\nHost: front.example\r\n{lines}\r\n"
    return head.encode("latin-1") + body


def variables_of(method, target, body, headers):
    """What nginx makes of the same request."""
    path = re.sub("%(..)", lambda m: chr(int(m[1], 16)), target.partition("?")[0])
    found = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in headers.items()}
    return {
        "PATH_INFO": path,
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "CONTENT_LENGTH": headers.get("Content-Length", str(len(body)) if body else ""),
        **found,
    }


def environ_in(response):
    assert response.status == 200, response
    found = json.loads(response.get("X-Environ"))
    found["read"] = response.get("X-Read")
    return found


def raw(server, paths, name):
    """Three environs of a request, over unix sockets: nobody knows an address of anybody then."""
    method, target, body, headers = REQUESTS[name]
    more = {**variables_of(*REQUESTS[name]), "REMOTE_ADDR": "", "REMOTE_PORT": None}
    with Client(paths["http"]) as client:
        client.send(text_of(*REQUESTS[name]))
        direct = environ_in(client.response(method))
    with uwsgi.Client(paths["uwsgi"]) as client:
        over_uwsgi = environ_in(client.request(target, method, body, **more))
    with fcgi.Client(paths["fastcgi"]) as client:
        over_fastcgi = environ_in(client.request(target, method, body, **more))
    return direct, over_uwsgi, over_fastcgi


@pytest.fixture
def three(serve, short_dir):
    paths = {protocol: f"{short_dir}/{protocol}" for protocol in ("http", "uwsgi", "fastcgi")}
    binds = [word for p, path in paths.items() for word in ("--bind", f"{p}://unix:{path}")]
    server = serve("environ_app:whole", *binds, bind=False)
    for protocol in paths:
        server.wait_log(f"listening on {protocol}://")
    return server, paths


def test_raw(three):
    for name in REQUESTS:
        direct, over_uwsgi, over_fastcgi = raw(*three, name)
        for behind, added in ((over_uwsgi, {}), (over_fastcgi, {"GATEWAY_INTERFACE": "CGI/1.1"})):
            added = {**added, "DOCUMENT_ROOT": "/var/www", "REQUEST_SCHEME": "http"}
            assert {key: behind.pop(key, None) for key in added} == added, name
            assert behind == direct, name


def test_raw_chunks(three):
    """A body whose length nobody has announced, in the way of each."""
    server, paths = three
    more = {"CONTENT_LENGTH": None, "HTTP_TRANSFER_ENCODING": "chunked", "REMOTE_ADDR": ""}
    more["REMOTE_PORT"] = None
    request = chunked("/", [BODY, BODY]).replace(b"Host: test", b"Host: front.example")
    coded = request.partition(b"\r\n\r\n")[2]
    with Client(paths["http"]) as client:
        direct = environ_in(client.send(request).response())
    assert (direct["CONTENT_LENGTH"], direct["read"]) == ("18", "18")
    with uwsgi.Client(paths["uwsgi"]) as client:
        behind = environ_in(client.ask("/", "POST", **more).send(coded).answer())
    assert {k: v for k, v in behind.items() if k not in OF_THE_FRONT_END} == direct
    with fcgi.Client(paths["fastcgi"]) as client:
        behind = environ_in(client.request("/", "POST", BODY + BODY, **more))
    assert {k: v for k, v in behind.items() if k not in OF_THE_FRONT_END} == direct


# ---- through nginx

SITE = """
server {{
    listen 127.0.0.1:{ports[0]};
    server_name front.example;
    location / {{ include /etc/nginx/uwsgi_params; uwsgi_pass {back[uwsgi]}; }}
}}
server {{
    listen 127.0.0.1:{ports[1]};
    server_name front.example;
    location / {{
        include /etc/nginx/fastcgi_params;
        fastcgi_param SCRIPT_NAME "";
        fastcgi_param PATH_INFO $document_uri;
        fastcgi_pass {back[fastcgi]};
    }}
}}
"""


@pytest.fixture
def through_nginx(serve, tmp_path):
    if not fronts.NGINX:
        pytest.skip("nginx is not installed")
    binds = [f"{protocol}://127.0.0.1:0" for protocol in ("http", "uwsgi", "fastcgi")]
    options = [word for bind in binds for word in ("--bind", bind)]
    server = serve("environ_app:whole", *options, bind=False)
    back = {
        protocol: server.wait_log(rf"listening on {protocol}://(\S+)").group(1)
        for protocol in ("http", "uwsgi", "fastcgi")
    }
    ports = [fronts.free_port(), fronts.free_port()]
    with contextlib.ExitStack() as stack:
        front = fronts.nginx(tmp_path / "nginx", ports[0], SITE.format(ports=ports, back=back))
        stack.callback(front.stop)
        yield {"http": int(back["http"].rpartition(":")[2]), "uwsgi": ports[0], "fastcgi": ports[1]}


def test_through_nginx(through_nginx):
    for name, (method, target, body, headers) in REQUESTS.items():
        found = {}
        for protocol, port in through_nginx.items():
            with Client(port) as client:
                client.send(text_of(method, target, body, headers))
                found[protocol] = environ_in(client.response(method))
                assert found[protocol].pop("SERVER_PORT") == str(port)
                assert found[protocol].pop("REMOTE_PORT") == str(client.sock.getsockname()[1])
        direct = found.pop("http")
        assert direct.pop("SERVER_NAME") == "127.0.0.1"
        for protocol, behind in found.items():
            assert behind.pop("SERVER_NAME") == "front.example"  # its server_name
            added = {key: behind.pop(key) for key in set(behind) - set(direct)}
            assert set(added) <= OF_THE_FRONT_END, (name, protocol, added)
            assert {"DOCUMENT_ROOT", "REQUEST_SCHEME"} <= set(added)
            assert behind == direct, (name, protocol)
