# SPDX-License-Identifier: MIT
"""
The sites of contrib/ for front ends, each as it stands but for addresses and directories, before a
real server.
"""

import json
import re

import pytest
import yaml

import fronts
from harness import ROOT, run_cli
from wire import Client, post, same

CONTRIB = ROOT / "contrib"
FORGED = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nProxy: http://evil\r\n"


def once(pattern, new, text, count=1):
    text, n = re.subn(pattern, new, text)
    assert n == count, pattern
    return text


class Site:
    """`start(directory, port, text)` runs the file's text, which has been adapted by `place`."""

    def __init__(self, file, protocol, static=True, keeps=False, cleans=True):
        self.file = file
        self.protocol = protocol
        self.static = static  # serves /static/ itself
        self.keeps = keeps  # its connections, which a client can see in no other way
        self.cleans = cleans  # headers for which clients are not to be trusted

    def __repr__(self):
        return self.file

    @property
    def text(self):
        return (CONTRIB / self.file).read_text()

    def place(self, back, port, root):
        host, back_port = back.rsplit(":", 1)
        text = re.sub(r"(?m)^\s*#.*\n", "", self.text)
        text = text.replace("/srv/hello/", f"{root}/").replace("/srv/hello", str(root))
        kind = self.file.split("/")[0]
        if kind == "nginx":
            text = once(r"server 127\.0\.0\.1:8081;", f"server {back};", text)
            text = once(r"\n *listen \[::\]:80;", "", text)
            text = once(r"listen 80;", f"listen 127.0.0.1:{port};", text)
            return re.sub(r"include (\w+_params);", r"include /etc/nginx/\1;", text)
        if kind == "apache":
            text = once(r"\*:80>", f"127.0.0.1:{port}>", text)
            return once(r"127\.0\.0\.1:8081", back, text)
        if kind == "haproxy":
            text = once(r"bind :80", f"bind 127.0.0.1:{port}", text)
            return once(r"127\.0\.0\.1:8081", back, text)
        if kind == "caddy":
            text = once(r"\nhello\.example \{", f"\nhttp://:{port} {{\nbind 127.0.0.1", text)
            return once(r"127\.0\.0\.1:8081", back, text)
        if kind == "h2o":
            text = once(r"listen:\n  port: 80", f"listen: {{host: 127.0.0.1, port: {port}}}", text)
            text = once(r"\nuser: .*", "", text)
            return once(r"port: 8081", f"port: {back_port}", text)
        return once(r'"port" => 8081', f'"port" => {back_port}', text)

    def start(self, directory, port, text):
        return getattr(self, self.file.split("/")[0])(directory, port, text)

    @staticmethod
    def nginx(directory, port, text):
        return fronts.nginx(directory, port, text)

    def apache(self, directory, port, text):
        modules = re.search(r"a2enmod (.*)", self.text).group(1).split()
        return fronts.apache(directory, port, ["alias", *modules], text)

    @staticmethod
    def lighttpd(directory, port, text):
        text = text.replace("server.modules += (", "server.modules = (")
        return fronts.lighttpd(directory, port, text)

    @staticmethod
    def haproxy(directory, port, text):
        return Site.alone(directory, port, "haproxy.cfg", text, [fronts.HAPROXY, "-db", "-f"])

    @staticmethod
    def caddy(directory, port, text):
        text = "{\n admin off\n auto_https off\n}\n" + text
        command = [fronts.CADDY, "run", "--adapter", "caddyfile", "--config"]
        return Site.alone(directory, port, "Caddyfile", text, command)

    @staticmethod
    def h2o(directory, port, text):
        text = f"temp-buffer-path: {directory}\npid-file: {directory}/pid\n{text}"
        if fronts.getpass.getuser() == "root":
            text = "user: root\n" + text
        return Site.alone(directory, port, "h2o.conf", text, [fronts.H2O, "-m", "worker", "-c"])

    @staticmethod
    def alone(directory, port, name, text, command):
        """The whole configuration is the file."""
        directory.mkdir()
        (directory / name).write_text(text)
        home = {"HOME": directory, "XDG_CONFIG_HOME": directory, "XDG_DATA_HOME": directory}
        command = [*command, str(directory / name)]
        return fronts.Front(command, port, directory / "log", home).wait()


SITES = [
    Site("nginx/yimmo-wsgi.conf", "http", keeps=True),
    Site("nginx/yimmo-wsgi-uwsgi.conf", "uwsgi"),
    Site("nginx/yimmo-wsgi-fastcgi.conf", "fastcgi", keeps=True),
    Site("apache/yimmo-wsgi.conf", "http", keeps=True),
    Site("apache/yimmo-wsgi-uwsgi.conf", "uwsgi"),
    Site("apache/yimmo-wsgi-fastcgi.conf", "fastcgi", keeps=True),
    Site("haproxy/haproxy.cfg", "fastcgi", static=False, keeps=True),
    Site("lighttpd/yimmo-wsgi.conf", "fastcgi"),
    Site("lighttpd/yimmo-wsgi-uwsgi.conf", "uwsgi"),
    Site("caddy/Caddyfile", "fastcgi"),
    Site("h2o/h2o.conf", "fastcgi", cleans=False),
]


@pytest.fixture(params=SITES, ids=repr)
def site(request):
    return request.param


@pytest.fixture
def front(serve, tmp_path, short_dir, site):
    """front("module:app", options…) → the site, with a server of its own behind it."""
    started = []

    def start(app, *options):
        server = serve(app, "--protocol", site.protocol, "-l", "trace", *options)
        short_dir.chmod(0o755)  # Apache reads it as www-data
        root = short_dir / "root"
        (root / "static").mkdir(parents=True)
        (root / "static" / "file.txt").write_text("not the application's")
        port = fronts.free_port()
        text = site.place(server.address.partition("://")[2], port, root)
        started.append(site.start(tmp_path / "front", port, text))
        started[-1].server = server
        return started[-1]

    yield start
    for one in started:
        one.stop()


def get(target, headers=""):
    return f"GET {target} HTTP/1.1\r\nHost: hello.example\r\n{headers}\r\n"


def test_requests(front, site):
    one = front("environ_app:app")
    seen = []
    with Client(one.port) as client:  # Apache's processes keep connections each for itself
        for _ in range(3):
            client.send(get("/a%20b/c?d=%20e", FORGED + "Authorization: Basic eDp5\r\n"))
            seen.append(json.loads(client.response().body))
    for environ in seen:
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/a b/c")
        assert (environ["REQUEST_URI"], environ["QUERY_STRING"]) == ("/a%20b/c?d=%20e", "d=%20e")
        assert environ["HTTP_HOST"].split(":")[0] == "hello.example"
        assert environ["wsgi.url_scheme"] == "http"
        assert environ["REMOTE_ADDR"] == "127.0.0.1"
        # What clients invent does not get through.
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "127.0.0.1")
        told = (forwarded, environ.get("HTTP_X_FORWARDED_PROTO", "http"))
        assert told == (("127.0.0.1", "http") if site.cleans else ("192.0.2.1", "https"))
        if site.protocol != "http":
            assert "HTTP_PROXY" not in environ
        if site.file.startswith("haproxy"):
            # It looks at the header itself, and believes it.
            assert (environ["AUTH_TYPE"], environ["REMOTE_USER"]) == ("Basic", "x")
        else:
            assert environ["HTTP_AUTHORIZATION"] == "Basic eDp5"
    if site.keeps:
        assert len(re.findall(r"conn \d+: from", one.server.log())) == 1
    else:
        one.server.wait_log(r"conn \d+: from", count=3)


def test_mounted_site_has_its_own_files(front, site):
    one = front("hello:app")
    with Client(one.port) as client:
        client.send(get("/static/file.txt"))
        expected = "not the application's" if site.static else "Hello, world!"
        if not site.file.startswith("lighttpd"):  # whose own document root has the files
            assert client.response().text == expected


def test_bodies_and_errors(front, site):
    one = front("echo:app")
    for body in (b"x", bytes(range(256)) * 12_000):  # more than nginx's default of 1 MiB
        with Client(one.port) as client:
            client.send(post("/", body, "X-A: b\r\n"))
            response = client.response()
            assert response.status == 200 and same(response.body, body)


def test_front_end_is_more_patient(site):
    """The server's 504 says more; and who keeps connections is the one to hang up."""
    settings = yaml.safe_load(run_cli("--print-config", "hello:app").stdout)["server"]
    example = yaml.safe_load((CONTRIB / "systemd" / "hello.yml").read_text())["wsgi"]
    request, idle = (
        int(str(text).rstrip("s")) for text in (example["request_timeout"], settings["idle_timeout"])
    )
    reads = re.findall(
        r"(?:read_timeout |\btimeout=|timeout server |timeout\.io: )(\d+)", site.text
    )
    keeps = re.findall(
        r"(?:keepalive_timeout |\bttl=|http-keep-alive |timeout\.keepalive: )(\d+)", site.text
    )
    unit = 1000 if site.file.startswith("h2o") else 1
    assert all(int(text) / unit > request for text in reads)
    assert all(int(text) / unit < idle for text in keeps)
    assert bool(keeps) == (site.keeps or site.file.startswith("haproxy"))
    assert bool(reads) == (not site.file.startswith(("lighttpd", "caddy")))
