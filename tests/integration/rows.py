# SPDX-License-Identifier: MIT
"""
The front ends of the matrix: how each one is started before a server, and what it does that
others do not. What is said here is what the tests expect; nothing is left out for it.
"""

import contextlib
import pathlib
import re
import socket
import threading

import fronts
import harness
from wire import Broken, Client

# What front ends make of the path /a%20b//c/../d
KEPT, RESOLVED, MERGED = "/a b//c/../d", "/a b//d", "/a b/d"


class Row:
    """
    `start(directory, port, back, direct)` puts a front end before the address `back`; `direct`:
    with all of its buffering off. Traits are what differs from the values here.
    """

    def __init__(self, name, protocol, start, **traits):
        self.name = name
        self.protocol = protocol
        self.start = start
        self.base = ""  # in front of every path
        self.options = []  # more of them for the server
        self.mounts = []  # (target, SCRIPT_NAME, PATH_INFO)
        self.path = KEPT
        self.slash = "/a/b"  # what %2F in a path becomes; None: it is refused
        self.host = "h.example:81"
        self.room = 2900  # for the value of one of three headers
        self.cookies = "a=1; b=2"  # what becomes of two such headers
        self.authorization = "Basic eDp5"
        self.length = True  # a response's Content-Length is passed on, also that of HEAD
        self.chunked = {}  # statuses of chunked bodies that are not 200, by their name
        self.keeps = False  # connections to the server
        self.shares = False  # one of them among several requests
        self.uploads = True  # bodies are passed on as they come
        self.continues = True  # says 100 Continue to clients that ask for it
        self.large = True  # responses of megabytes come through whole
        self.cut = True  # a chunked response that breaks off has no last chunk
        self.gone = {"whole": "early", "direct": "early"}  # how a response ends without a client
        vars(self).update({name: traits.pop(name) for name in list(traits) if hasattr(self, name)})
        assert not traits

    def __repr__(self):
        return self.name


def mounted(prefix):
    return [(f"{prefix}/environ/a%20b", prefix, "/environ/a b")]


def path_of(back):
    """`back` as those name it that tell a unix socket by its slash."""
    return back.removeprefix("unix:")


# ---- nginx


def nginx(kind, mounts, kept=False):
    keep = f"{kind}_keep_conn on;" if kept else ""

    def start(directory, port, back, direct):
        off = f"{kind}_request_buffering off; {kind}_buffering off;" if direct else ""
        return fronts.nginx(
            directory,
            port,
            f"""
            upstream back {{ server {back}; {"keepalive 4;" if kept else ""} }}
            server {{
                listen 127.0.0.1:{port};
                client_max_body_size 100m;
                {off} {keep}
                include /etc/nginx/{kind}_params;
                location / {{ {kind}_pass back; }}
                {mounts}
            }}""",
        )

    return start


NGINX_UWSGI = """
    location /script/ {
        uwsgi_pass back; include /etc/nginx/uwsgi_params; uwsgi_param SCRIPT_NAME /script;
    }
    location /modifier/ {
        uwsgi_pass back; include /etc/nginx/uwsgi_params; uwsgi_param SCRIPT_NAME /modifier;
        uwsgi_modifier1 30;
    }
"""
NGINX_UWSGI_MOUNTS = [
    ("/script/environ/a%20b", "/script", "/environ/a b"),
    ("/script//environ/./b", "/script", "/environ/b"),
    ("/script/environ/script/a", "/script", "/environ/script/a"),
    ("/modifier//a/../environ", "/modifier", "/environ"),
]
NGINX_FASTCGI = """
    location /environ/root/ {
        fastcgi_pass back; include /etc/nginx/fastcgi_params;
        fastcgi_param SCRIPT_NAME ""; fastcgi_param PATH_INFO $document_uri;
    }
    location /split/ {
        fastcgi_split_path_info ^(/split)(/.*)?$;
        fastcgi_pass back; include /etc/nginx/fastcgi_params;
        fastcgi_param PATH_INFO $fastcgi_path_info;
    }
"""
NGINX_FASTCGI_MOUNTS = [
    ("/environ/root/x", "", "/environ/root/x"),
    ("/split/environ/a%20b", "/split", "/environ/a b"),
]

# ---- Apache


def apache(modules, lines, direct_lines="", proxy=("proxy",)):
    def start(directory, port, back, direct):
        text = (
            "ServerLimit 1\nStartServers 1\nThreadsPerChild 25\nMaxRequestWorkers 25\n"
            f"KeepAliveTimeout 1\n{lines}"
        )
        if back.startswith("unix:"):
            text = re.sub(r'"(\w+)://@BACK@', rf'"{back}|\1://any', text)
        text = text.replace("@BACK@", path_of(back))
        text = text.replace("@DIRECT@", direct_lines if direct else "")
        return fronts.apache(directory, port, [*proxy, *modules], text)

    return start


APACHE_UWSGI = """
ProxyPass "/uw/" "uwsgi://@BACK@/"
ProxyPass "/environ/mnt" "uwsgi://@BACK@/environ/mnt"
ProxyPass "/" "uwsgi://@BACK@/"
"""

MOD_UWSGI = """
<Location "/">
    SetHandler uwsgi-handler
    uWSGISocket @BACK@
</Location>
<Location "/mnt">
    uWSGISocket @BACK@
    uWSGIForceScriptName /mnt
</Location>
"""


def apache_fcgi(reuse):
    return apache(
        ["proxy_fcgi", "setenvif"],
        f"""
        <Location "/wsgi/">
            ProxyPass "fcgi://@BACK@/" {reuse} @DIRECT@
            ProxyFCGIBackendType GENERIC
            ProxyFCGISetEnvIf "reqenv('SCRIPT_NAME') =~ m#^/wsgi(/.*)$#" PATH_INFO "$1"
            ProxyFCGISetEnvIf "true" SCRIPT_NAME "/wsgi"
        </Location>
        <Location "/">
            ProxyPass "fcgi://@BACK@/" {reuse} @DIRECT@
            CGIPassAuth On
        </Location>
        """,
        "flushpackets=on",
    )


# ---- HAProxy


def haproxy(options):
    def start(directory, port, back, direct):
        back = back.replace("unix:", "unix@")
        apps = "".join(
            f"fcgi-app {name}\n  docroot /srv\n  path-info ^({prefix})(/.*)?$\n{options}"
            f"backend b_{name}\n  use-fcgi-app {name}\n  http-reuse always\n"
            f"  option abortonclose\n  server s {back} proto fcgi pool-max-conn 1\n"
            for name, prefix in (("root", ""), ("mnt", "/mnt"))
        )
        uses = "  use_backend b_mnt if { path_beg /mnt/ }\n  default_backend b_root\n"
        return fronts.haproxy(directory, port, uses + apps)

    return start


# ---- lighttpd


def lighttpd(kind):
    module, option = ("scgi", "scgi") if kind == "uwsgi" else ("fastcgi", "fastcgi")

    def start(directory, port, back, direct):
        host, back_port = back.rsplit(":", 1)
        to = f'"host" => "{host}", "port" => {back_port}'
        if host == "unix":
            to = f'"socket" => "{back_port}"'
        to += ', "check-local" => "disable"'
        stream = 'server.stream-request-body = 1\nserver.stream-response-body = 1\n'
        return fronts.lighttpd(
            directory,
            port,
            f'server.modules = ("mod_{module}")\n{stream if direct else ""}'
            + ('scgi.protocol = "uwsgi"\n' if kind == "uwsgi" else "")
            + f'$HTTP["url"] =^ "/mnt/" {{ {option}.server = ("/mnt" => (({to}))) }}\n'
            f'else {{ {option}.server = ("/" => (({to}, "fix-root-scriptname" => "enable"))) }}\n',
        )

    return start


def cgi_fcgi(directory, port, back, direct):
    """cgi-fcgi is a CGI program: lighttpd starts it for each request."""
    site = directory.parent / f"{directory.name}-site"
    site.mkdir()
    script = site / "app"
    script.write_text(f"#!{fronts.CGI_FCGI} -f\n-bind -connect {path_of(back)}\n")
    script.chmod(0o755)
    stream = 'server.stream-request-body = 1\nserver.stream-response-body = 1\n'
    return fronts.lighttpd(
        directory,
        port,
        'server.modules = ("mod_cgi", "mod_alias")\n'
        f'alias.url = ("/app" => "{script}")\n'
        '$HTTP["url"] =^ "/app" { cgi.assign = ("" => "") }\n'
        + (stream if direct else ""),
    )


# ---- Caddy, h2o, uWSGI's router


def caddy(directory, port, back, direct):
    back = back.replace("unix:", "unix/")
    flush = "flush_interval -1" if direct else ""
    proxy = f"reverse_proxy {back} {{\n {flush}\n transport fastcgi {{\n root /srv\n %s\n }}\n}}\n"
    return fronts.caddy(
        directory,
        port,
        f"handle /mnt/* {{\n{proxy % 'split /mnt'}}}\nhandle {{\n{proxy % ''}}}\n",
    )


def h2o(directory, port, back, direct):
    host, back_port = back.rsplit(":", 1)
    to = f"host: {host}, port: {back_port}, type: tcp"
    if host == "unix":
        to = f"port: {back_port}, type: unix"
    return fronts.h2o(directory, port, f"      /:\n        fastcgi.connect: {{{to}}}\n")


def router(directory, port, back, direct):
    return fronts.router(directory, port, path_of(back))


NGINX = {"path": MERGED, "host": "h.example", "room": 7900}
# Apache joins cookies as any header, and refuses %2F unless AllowEncodedSlashes is said.
APACHE = {"path": MERGED, "cookies": "a=1, b=2", "slash": None}
# They say how long a body is before they send it, and keep none back to find out.
UNCOUNTED = dict.fromkeys(
    [(size, name) for size in ("small", "large") for name in ("whole", "direct")], 411
)
# mod_proxy_fcgi frames responses itself.
APACHE_FCGI = {**APACHE, "length": False, "mounts": mounted("/wsgi")}
# It checks no password and passes none on; REMOTE_USER is what the client says.
# Chunked bodies are kept back to count them, and must fit its buffer.
HAPROXY = {
    "authorization": None, "mounts": mounted("/mnt"),
    "chunked": {("large", "whole"): 400, ("large", "direct"): 400},
}  # fmt: skip
# It takes responses in whole, unless told to stream, and has them end in peace.
LIGHTTPD = {
    "path": MERGED, "room": 1900, "mounts": mounted("/mnt"),
    "gone": {"whole": "all", "direct": "early"},
}  # fmt: skip

ROWS = [
    Row("nginx-uwsgi", "uwsgi", nginx("uwsgi", NGINX_UWSGI), **NGINX, mounts=NGINX_UWSGI_MOUNTS),
    Row(
        "nginx-fastcgi", "fastcgi", nginx("fastcgi", NGINX_FASTCGI), **NGINX,
        mounts=NGINX_FASTCGI_MOUNTS,
    ),
    Row(
        "nginx-fastcgi-kept", "fastcgi", nginx("fastcgi", NGINX_FASTCGI, kept=True), **NGINX,
        mounts=NGINX_FASTCGI_MOUNTS, keeps=True,
    ),
    Row(
        "apache-uwsgi", "uwsgi", apache(["proxy_uwsgi"], APACHE_UWSGI), **APACHE,
        mounts=[*mounted("/uw"), ("/environ/mnt/x", "", "/environ/mnt/x")],
        chunked=UNCOUNTED,
    ),
    # It waits for a response even when its client left in the middle of a body.
    Row(
        "mod-uwsgi", "uwsgi", apache(["uwsgi"], MOD_UWSGI, proxy=()), **APACHE,
        mounts=mounted("/mnt"), chunked=UNCOUNTED, cut=False,
        options=["--body-timeout", "3"],
    ),
    Row("apache-fcgi", "fastcgi", apache_fcgi(""), **APACHE_FCGI),
    Row("apache-fcgi-reuse", "fastcgi", apache_fcgi("enablereuse=on"), **APACHE_FCGI, keeps=True),
    Row("haproxy", "fastcgi", haproxy("  no option keep-conn\n"), **HAPROXY),
    Row(
        "haproxy-mpxs", "fastcgi",
        haproxy("  option keep-conn\n  option mpxs-conns\n  option get-values\n"), **HAPROXY,
        keeps=True, shares=True,
    ),
    Row("lighttpd-uwsgi", "uwsgi", lighttpd("uwsgi"), **LIGHTTPD),
    Row("lighttpd-fastcgi", "fastcgi", lighttpd("fastcgi"), **LIGHTTPD),
    # lighttpd ends a CGI program whose client has left, if that has not written all by then.
    # cgi-fcgi relies on a record's header coming in one read, which a long response cannot promise.
    Row(
        "cgi-fcgi", "fastcgi", cgi_fcgi, base="/app", path=MERGED, room=1900, large=False,
        cut=False, gone={"whole": "all or early", "direct": "early"},
    ),
    Row("caddy", "fastcgi", caddy, cookies="a=1, b=2", mounts=mounted("/mnt"), cut=False),
    Row("h2o", "fastcgi", h2o, path=RESOLVED, cookies="a=1;b=2", cut=False, uploads=False),
    # It passes on bytes: no Content-Length, then the end of the connection is the response's.
    Row(
        "uwsgi-router", "uwsgi", router, path=RESOLVED, cookies="a=1, b=2", cut=False,
        continues=False,
    ),
]  # fmt: skip


# ---- a row, with servers behind it


class Side:
    """A server and the front end before it."""

    def __init__(self, row, directory, gate, direct, options, back="127.0.0.1:0"):
        directory.mkdir()
        self.row, self.name, self.gate = row, directory.name, gate
        self.server = harness.Server(
            ["behind:app", "--bind", f"{row.protocol}://{back}", *row.options, *options],
            env=gate.env,
        )
        back = self.server.address.partition("://")[2]
        try:
            self.front = row.start(directory / "front", fronts.free_port(), back, direct)
        except BaseException:
            self.server.end()
            raise
        self.port = self.front.port

    def ask(self, request, method="GET"):
        """Reads while it sends: a response may come, and the sending fail, before all is sent."""
        if isinstance(request, str):
            request = request.encode("latin-1")
        with Client(self.port) as client:

            def send():
                with contextlib.suppress(OSError):
                    client.send(request)

            sender = threading.Thread(target=send)
            sender.start()
            try:
                return client.response(method)
            finally:
                with contextlib.suppress(OSError):
                    client.sock.shutdown(socket.SHUT_RDWR)
                sender.join()

    def get(self, target, headers="", method="GET"):
        """`target` is without what this front end needs before it."""
        return self.ask(request(self.row.base + target, headers, method), method)

    def peers(self):
        """The front end's ports of its connections to the server."""
        found = set()
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            local, remote, state = line.split()[1:4]
            if state == "01" and int(local.partition(":")[2], 16) == self.server.port:
                found.add(int(remote.partition(":")[2], 16))
        return found

    def settle(self):
        """
        What was reset is a connection for others, too. When the reset comes together with the last
        bytes, HAProxy learns of it from the next request, which it answers 502 or not at all.
        """
        if self.row.shares:
            harness.until(self.serves, "the front end has a new connection")

    def serves(self):
        with contextlib.suppress(Broken):
            return self.get("/file").status == 200

    def end(self):
        try:
            self.front.stop()
        finally:
            self.server.end()


def request(target, headers="", method="GET"):
    return f"{method} {target} HTTP/1.1\r\nHost: h.example:81\r\n{headers}\r\n"


class Behind:
    """The servers of one row, each started when it is first asked for."""

    OPTIONS = {
        "whole": ["--max-body", "21m", "--no-threads", "6"],
        "direct": ["--max-body", "21m", "--no-threads", "6", "--request-buffering", "off"],
        "mounted": ["--script-name", "/at"],
    }

    def __init__(self, row, directory, gate):
        directory.chmod(0o755)  # Apache's processes are those of another user
        self.row, self.directory, self.gate = row, directory, gate
        self.sides = {}

    def side(self, name):
        if name not in self.sides:
            self.sides[name] = Side(
                self.row, self.directory / name, self.gate, name == "direct", self.OPTIONS[name]
            )
        return self.sides[name]

    def end(self):
        with contextlib.ExitStack() as stack:
            for side in self.sides.values():
                stack.callback(side.end)
