# SPDX-License-Identifier: MIT
"""
What TLS costs: handshakes, requests on kept connections, throughput and memory of this server
beside others, in one run, and beside itself without TLS. The same application, certificates and
threads; the server on one CPU, the load (tlsload.c) on another. All agree on AES-128-GCM, X25519.

Compare CPU time; what is done per second also depends on the load generator's CPU. One of "full" or
"resumed" is a connection with a handshake and one request. Rounds are interleaved, medians printed;
"x ours" is CPU time (of "idle": memory) divided by that of yimmo-wsgi.
"""

import argparse
import json
import os
import pathlib
import resource
import ssl
import statistics
import subprocess
import sys
import tempfile
from collections import namedtuple

from bench import strace_calls
from measure import (
    HERE, PYTHON, Server, free_port, json_option, memory, missing, our_server, total_cpu,
    write_json,
)  # fmt: skip

THREADS = "4"
DOWN, UP = 16 << 20, 16 << 20

# count: what a line of the table is about, of tlsload's counts.
Case = namedtuple("Case", "cert version mode connections path body count")
CASES = {
    "full, ECDSA, 1.3": Case("ecdsa", "1.3", "full", 32, "/", 0, "requests"),
    "full, ECDSA, 1.2": Case("ecdsa", "1.2", "full", 32, "/", 0, "requests"),
    "full, RSA, 1.3": Case("rsa", "1.3", "full", 32, "/", 0, "requests"),
    "full, RSA, 1.2": Case("rsa", "1.2", "full", 32, "/", 0, "requests"),
    "resumed, 1.3": Case("ecdsa", "1.3", "resumed", 32, "/", 0, "requests"),
    "resumed, 1.2": Case("ecdsa", "1.2", "resumed", 32, "/", 0, "requests"),
    "requests": Case("ecdsa", "1.3", "keep", 64, "/", 0, "requests"),
    "requests, 1.2": Case("ecdsa", "1.2", "keep", 64, "/", 0, "requests"),
    "down": Case("ecdsa", "1.3", "keep", 4, f"/?{DOWN}", 0, "down"),
    "up, 128 KiB": Case("ecdsa", "1.3", "keep", 4, "/count", 128 << 10, "up"),
    "up, 16 MiB": Case("ecdsa", "1.3", "keep", 4, "/count", UP, "up"),
    "idle": Case("ecdsa", "1.3", "hold", 10_000, "/", 0, None),
}
OURS, PLAIN = "yimmo-wsgi", "yimmo-wsgi-plain"

NGINX = """
{user}
worker_processes 1;
error_log stderr error;
pid {where}/nginx.pid;
events {{ worker_connections 20000; }}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {where}/body;
    proxy_temp_path {where}/proxy;
    uwsgi_temp_path {where}/uwsgi;
    fastcgi_temp_path {where}/fastcgi;
    scgi_temp_path {where}/scgi;
    keepalive_requests 1000000000;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {cert};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        location / {{
            uwsgi_pass unix:{where}/uwsgi.sock;
            include /etc/nginx/uwsgi_params;
        }}
    }}
}}
"""


# ---- servers ----------------------------------------------------------------------------------


def yimmo(app, port, cert, key, _):
    secure = ["--tls-cert", cert, "--tls-key", key] if cert else []
    return [
        our_server(), "-l", "WARNING", "-t", THREADS, "--host", "127.0.0.1", "--port", str(port),
        "--max-connections", "20000", "--idle-timeout", "600", "--max-body", "1G", *secure, app,
    ]  # fmt: skip


def yimmo_plain(app, port, _cert, _key, where):
    return yimmo(app, port, None, None, where)


def gunicorn(app, port, cert, key, _):
    return [
        PYTHON, "-m", "gunicorn", "-k", "gthread", "-w", "1", "--threads", THREADS,
        "--worker-connections", "20000", "--keep-alive", "600", "--log-level", "warning",
        "--certfile", cert, "--keyfile", key, "-b", f"127.0.0.1:{port}", app,
    ]  # fmt: skip


def uwsgi_common(app):
    module, _, name = app.partition(":")
    return [
        "uwsgi", "--plugin", "python3,http", "--master", "--processes", "1", "--enable-threads",
        "--threads", THREADS, "--listen", "100", "--disable-logging", "--die-on-term",
        "--module", module, "--callable", name,
    ]  # fmt: skip


def uwsgi(app, port, cert, key, where):
    return [
        *uwsgi_common(app), "--https", f"127.0.0.1:{port},{cert},{key}", "--http-keepalive",
        "--http-timeout", "600", "--socket", f"{where}/uwsgi.sock",
    ]  # fmt: skip


def nginx(app, port, cert, key, where):
    """nginx is a child of uWSGI's, so that there is one process tree to be measured."""
    path = pathlib.Path(where) / "nginx.conf"
    # Its worker would become nobody, who may not use our socket.
    user = "user root;" if os.geteuid() == 0 else ""
    text = NGINX.format(user=user, where=where, port=port, cert=cert, key=key)
    path.write_text(text, encoding="utf-8")
    return [
        *uwsgi_common(app), "--socket", f"{where}/uwsgi.sock",
        "--attach-daemon", f"nginx -c {path} -e stderr -g 'daemon off;'",
    ]  # fmt: skip


SERVERS = {
    OURS: yimmo,
    PLAIN: yimmo_plain,
    "gunicorn": gunicorn,
    "uwsgi": uwsgi,
    "nginx+uwsgi": nginx,
}


class SecureServer(Server):
    def connect(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        sock = super().connect()
        try:
            return context.wrap_socket(sock)
        except BaseException:
            sock.close()
            raise


def make_certificates(where):
    kinds = {"ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}
    for name, kind in kinds.items():
        command = [
            "openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "30", "-subj",
            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
            f"{where}/{name}.key", "-out", f"{where}/{name}.crt",
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)


def build_load(where):
    path = f"{where}/tlsload"
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-o", path,
         HERE / "tlsload.c", "-lssl", "-lcrypto"], check=True,
    )  # fmt: skip
    return path


# ---- measuring --------------------------------------------------------------------------------


class Load:
    """tlsload, ready to begin."""

    def __init__(self, args, name, port, case, seconds):
        version = "plain" if name == PLAIN else case.version
        command = [
            "taskset", "-c", str(args.load_cpu), args.program, str(port), version, case.mode,
            str(min(case.connections, args.idle_connections)), str(seconds), case.path,
        ]  # fmt: skip
        if case.body:
            command.append(str(case.body))
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self.process.stdout.readline() != "ready\n":
            self.process.wait()
            raise RuntimeError(f"{name}: the load did not come up")

    def run(self):
        out = self.process.communicate("go\n")[0]
        if self.process.returncode != 0:
            raise RuntimeError(f"tlsload ended with status {self.process.returncode}")
        return json.loads(out) if out else {}


def warm_up(args, name, port, case):
    Load(args, name, port, case._replace(mode="full", connections=16), args.warm_up).run()


def idle(args, name, server, case):
    warm_up(args, name, server.port, case)
    before = memory(server.pid, "Rss")
    load = Load(args, name, server.port, case, 0)
    grown = memory(server.pid, "Rss") - before
    load.run()
    return {"bytes_each": grown * 1024 / min(case.connections, args.idle_connections)}


def busy(args, name, server, case):
    if case.mode != "keep":
        warm_up(args, name, server.port, case)
    load = Load(args, name, server.port, case, args.seconds)
    before = total_cpu(server.pid)
    found = load.run()
    used = total_cpu(server.pid) - before
    count = found[case.count] / (1 if case.count == "requests" else 1e6)
    if not count:
        raise RuntimeError(f"{name}: nothing was done")
    handshakes = found["handshakes"]
    return {
        "per_second": count / found["seconds"],
        "cpu_us": used * 1e6 / count,
        "resumed": found["resumed"] / handshakes if handshakes else 0.0,
        "errors": found["errors"] + found["lost"],
    }


def start(args, name, case, where):
    cert, key = f"{args.certs}/{case.cert}.crt", f"{args.certs}/{case.cert}.key"
    app = "large:app" if case.count in ("up", "down") else "hello:app"
    port = free_port()
    kind = Server if name == PLAIN else SecureServer
    return kind(SERVERS[name](app, port, cert, key, where), port, args.server_cpu)


def once(args, name, case):
    with tempfile.TemporaryDirectory(prefix="ymo-tls-") as where:
        server = start(args, name, case, where)
        try:
            return (idle if case.mode == "hold" else busy)(args, name, server, case)
        finally:
            server.stop()


def calls(args, name):
    """System calls per request on kept connections, by strace."""
    case = CASES["requests"]
    with tempfile.TemporaryDirectory(prefix="ymo-tls-") as where:
        server = start(args, name, case, where)
        try:
            load = Load(args, name, server.port, case, 2)
            return strace_calls(server, lambda: load.run()["requests"])[1]
        finally:
            server.stop()


def run(args):
    result = {}
    for title in args.case:
        rounds = {name: [] for name in args.only}
        for n in range(args.rounds):
            for name in args.only:
                try:
                    rounds[name].append(once(args, name, CASES[title]))
                except RuntimeError as exc:
                    print(f"{title}: {exc}", file=sys.stderr)
                print(f"{title}: round {n + 1}: {name}", file=sys.stderr)
        result[title] = {
            name: {key: statistics.median(one[key] for one in rows) for key in rows[0]}
            for name, rows in rounds.items()
            if rows
        }
        show(title, result[title])
    return result


def show(title, rows):
    case = CASES[title]
    key = "cpu_us" if case.count else "bytes_each"
    unit = {"requests": "", "up": " (MB)", "down": " (MB)", None: ""}[case.count]
    print(f"\n{title}{unit}")
    ours = rows.get(OURS, {}).get(key)
    for name, row in rows.items():
        ratio = f"{row[key] / ours:6.2f} x ours" if ours else ""
        if case.count:
            resumed = f"  resumed {row['resumed']:4.0%}" if case.mode == "resumed" else ""
            errors = f"  errors {row['errors']:.0f}" if row["errors"] else ""
            print(
                f"  {name:18} {row['per_second']:9.0f}/s {row['cpu_us']:9.1f} CPU us {ratio}"
                f"{resumed}{errors}",
                flush=True,
            )
        else:
            print(f"  {name:18} {row[key]:9.0f} bytes each {ratio}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="NAME[,NAME…]")
    parser.add_argument(
        "--case", action="append", choices=list(CASES), help="repeatable; all of them otherwise"
    )
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--warm-up", type=int, default=1, metavar="SECONDS")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle-connections", type=int, default=5000)
    parser.add_argument("--server-cpu", type=int, default=0)
    parser.add_argument("--load-cpu", type=int, default=min(1, (os.cpu_count() or 1) - 1))
    parser.add_argument(
        "--names", action="store_true", help="system calls per request only, by strace"
    )
    json_option(parser)
    args = parser.parse_args()
    needed = ["taskset", "cc", "openssl", *(["strace"] if args.names else [])]
    if lacking := missing(*needed):
        raise SystemExit(f"tls: not installed: {', '.join(lacking)}")
    programs = {"uwsgi": ["uwsgi"], "nginx+uwsgi": ["uwsgi", "nginx"]}
    args.only = args.only or [n for n in SERVERS if not missing(*programs.get(n, []))]
    for name in args.only:
        if name not in SERVERS:
            raise SystemExit(f"no server {name!r}; there are: {', '.join(SERVERS)}")
    args.case = args.case or list(CASES)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    args.idle_connections = min(args.idle_connections, hard - 200)
    with tempfile.TemporaryDirectory(prefix="ymo-tls-") as args.certs:
        make_certificates(args.certs)
        args.program = build_load(args.certs)
        if args.names:
            for name in args.only:
                each = ", ".join(f"{call} {n:.2f}" for call, n in calls(args, name).items())
                print(f"under strace, {name}: {each}")
            return
        write_json(args, run(args))


if __name__ == "__main__":
    main()
