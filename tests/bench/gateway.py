# SPDX-License-Identifier: MIT
"""
What a request costs the server behind a front end: nginx in front, over uwsgi and FastCGI, of this
server beside uWSGI, in one run. CPU time is that of the server behind alone: it has one CPU, nginx
and the load share another.

Both have one application thread, and neither logs. Over uwsgi each request is a connection; what
the kernel needs for one is the floor (floor.c), which understands nothing and sends a fixed answer.
Over FastCGI nginx keeps connections where the server can. Rounds are interleaved, medians printed;
"ratio" is CPU time divided by that of uWSGI's in the same round, with its smallest and largest.
"""

import argparse
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from bench import strace_calls
from measure import (
    Server, build_floor, free_port, json_option, missing, our_server, total_cpu, write_json,
)  # fmt: skip

OURS, THEIRS, FLOOR = "yimmo-wsgi", "uwsgi", "floor"
# What nginx speaks, over what, and whether it is told to keep connections.
CASES = {
    "uwsgi, TCP": ("uwsgi", "tcp", False),
    "uwsgi, unix": ("uwsgi", "unix", False),
    "FastCGI kept, TCP": ("fastcgi", "tcp", True),
    "FastCGI kept, unix": ("fastcgi", "unix", True),
    "FastCGI, TCP": ("fastcgi", "tcp", False),
}

NGINX = """
daemon off;
master_process off;
error_log {where}/error.log error;
pid {where}/nginx.pid;
events {{ worker_connections 4000; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {where}/body;
    proxy_temp_path {where}/proxy;
    uwsgi_temp_path {where}/uwsgi;
    fastcgi_temp_path {where}/fastcgi;
    scgi_temp_path {where}/scgi;
    {upstreams}
    server {{
        listen 127.0.0.1:{port};
        include /etc/nginx/uwsgi_params;
        include /etc/nginx/fastcgi_params;
        {locations}
    }}
}}
"""


def yimmo(places, args):
    binds = [f"--bind={protocol}://{place}" for (protocol, _), place in places.items()]
    return [our_server(), "-l", "WARNING", "-t", str(args.threads), *binds, "hello:app"]


def uwsgi(places, args):
    sockets = [
        text
        for (protocol, _), place in places.items()
        for text in (f"--{protocol}-socket", place.removeprefix("unix:"))
    ]
    threads = ["--enable-threads", "--threads", str(args.threads)] if args.threads > 1 else []
    return [
        "uwsgi", "--plugin", "python3", *sockets, *threads, "--listen", "100", "--disable-logging",
        "--die-on-term", "--module", "hello", "--callable", "app",
    ]  # fmt: skip


def floor(places, args):
    return [args.floor, places["uwsgi", "tcp"].rpartition(":")[2], "once"]


SERVERS = {OURS: yimmo, THEIRS: uwsgi, FLOOR: floor}


class Back(Server):
    """One of SERVERS, at all its places."""

    def __init__(self, name, args, where):
        self.name, self.places = name, {}
        for protocol in ("uwsgi", "fastcgi"):
            self.places[protocol, "tcp"] = f"127.0.0.1:{free_port()}"
            self.places[protocol, "unix"] = f"unix:{where}/{name}.{protocol}"
        command = SERVERS[name](self.places, args)
        port = int(self.places["uwsgi", "tcp"].rpartition(":")[2])
        super().__init__(command, port, args.server_cpu)

    def has(self, case):
        return self.name != FLOOR or case[:2] == ("uwsgi", "tcp")

    def wait(self):
        deadline = time.monotonic() + 20
        while True:
            try:
                return self.connect().close()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.log.seek(0)
                    text = self.log.read().decode(errors="replace")
                    raise SystemExit(f"{self.process.args} does not serve:\n{text[-2000:]}")
                time.sleep(0.05)


def target(name, title):
    return f"/{name}/{title.replace(', ', '-').replace(' ', '-')}"


def site(backs):
    upstreams, locations = [], []
    for name, back in backs.items():
        for title, (protocol, over, kept) in CASES.items():
            group = target(name, title).strip("/").replace("/", "_")
            keep = "keepalive 256;" if kept else ""
            upstreams.append(f"upstream {group} {{ server {back.places[protocol, over]}; {keep} }}")
            flag = "fastcgi_keep_conn on;" if kept else ""
            locations.append(
                f"location {target(name, title)} {{ {protocol}_pass {group}; {flag} }}"
            )
    return "\n    ".join(upstreams), "\n        ".join(locations)


class Front:
    def __init__(self, backs, args, where):
        self.port = free_port()
        upstreams, locations = site(backs)
        text = NGINX.format(where=where, port=self.port, upstreams=upstreams, locations=locations)
        conf = pathlib.Path(where) / "nginx.conf"
        conf.write_text(text, encoding="ascii")
        self.process = subprocess.Popen(
            ["taskset", "-c", str(args.load_cpu), "nginx", "-e", "stderr", "-c", str(conf)]
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), 5).close()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("nginx does not come up") from None
                time.sleep(0.05)

    def load(self, args, path, seconds):
        """Requests that were answered with 200."""
        script = "done = function(s) io.write('done ', s.requests, ' ', s.errors.status, '\\n') end"
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
            lua.write(script)
            lua.flush()
            out = subprocess.run(
                ["taskset", "-c", str(args.load_cpu), "wrk", "-t1", f"-c{args.connections}",
                 f"-d{seconds}s", "-s", lua.name, f"http://127.0.0.1:{self.port}{path}"],
                check=True, capture_output=True, text=True,
            ).stdout  # fmt: skip
        requests, failed = out.partition("done ")[2].split()[:2]
        if int(failed) or not int(requests):
            raise RuntimeError(f"{path}: {failed} of {requests} requests failed")
        return int(requests)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def measure(args, front, name, back, title):
    path = target(name, title)
    front.load(args, path, 1)
    before, began = total_cpu(back.pid), time.monotonic()
    n = front.load(args, path, args.seconds)
    return (total_cpu(back.pid) - before) * 1e6 / n, n / (time.monotonic() - began)


def run(args, front, backs):
    result = {}
    for title in args.case:
        rows = {name: [] for name, back in backs.items() if back.has(CASES[title])}
        for n in range(args.rounds):
            for name in rows:
                rows[name].append(measure(args, front, name, backs[name], title))
            print(f"{title}: round {n + 1}", file=sys.stderr)
        result[title] = summary(rows)
        show(title, result[title])
    return result


def summary(rows):
    found = {}
    for name, row in rows.items():
        found[name] = {
            "cpu_us": statistics.median(cpu for cpu, _ in row),
            "per_second": statistics.median(rate for _, rate in row),
        }
        if THEIRS in rows and name != THEIRS:
            ratios = [mine / his for (mine, _), (his, _) in zip(row, rows[THEIRS])]
            found[name]["ratio"] = statistics.median(ratios)
            found[name]["ratios"] = [min(ratios), max(ratios)]
    return found


def show(title, found):
    print(f"\n{title}")
    for name, row in found.items():
        ratio = ""
        if "ratio" in row:
            ratio = "  ratio {:.2f} ({:.2f} to {:.2f})".format(row["ratio"], *row["ratios"])
        print(f"  {name:12} {row['cpu_us']:7.1f} CPU us {row['per_second']:9.0f}/s{ratio}")
    sys.stdout.flush()


def calls(args, front, backs):
    for title in args.case:
        for name, back in backs.items():
            if back.has(CASES[title]):
                path = target(name, title)
                total, each, n = strace_calls(back, lambda path=path: front.load(args, path, 2))
                text = ", ".join(f"{call} {number:.2f}" for call, number in each.items())
                print(f"{title}, under strace, {name}: {total / n:.2f} calls: {text}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--case", action="append", choices=list(CASES), help="repeatable; all of them otherwise"
    )
    parser.add_argument("--connections", type=int, default=32, help="of the load, to nginx")
    parser.add_argument("--threads", type=int, default=1, help="of the application")
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--server-cpu", type=int, default=0)
    parser.add_argument("--load-cpu", type=int, default=min(1, (os.cpu_count() or 1) - 1))
    parser.add_argument("--calls", action="store_true", help="system calls per request, by strace")
    json_option(parser)
    args = parser.parse_args()
    needed = ["taskset", "cc", "nginx", "wrk", *(["strace"] if args.calls else [])]
    if lacking := missing(*needed):
        raise SystemExit(f"gateway: not installed: {', '.join(lacking)}")
    args.case = args.case or list(CASES)
    with tempfile.TemporaryDirectory(prefix="ymo-gateway-") as where:
        args.floor = build_floor(where)
        names = [name for name in SERVERS if name != THEIRS or not missing("uwsgi")]
        backs, front = {}, None
        try:
            for name in names:
                backs[name] = Back(name, args, where)
            front = Front(backs, args, where)
            if args.calls:
                calls(args, front, backs)
            else:
                write_json(args, run(args, front, backs))
        finally:
            if front:
                front.stop()
            for back in backs.values():
                back.stop()


if __name__ == "__main__":
    main()
