# SPDX-License-Identifier: MIT
"""
What a request costs the server behind a front end: over uwsgi and FastCGI, of this server beside
uWSGI, in one run. CPU time is that of the server behind alone: it has one CPU, nginx and the load
share another. "behind nginx": wrk asks nginx, which asks the server; "asked directly": gateload.c
sends what nginx would send, so that the server is never left waiting for it.

Both have one application thread, and neither logs; more threads or a master cost uWSGI more. Over
uwsgi each request is a connection; over FastCGI nginx keeps connections where the server can. The
floor (floor.c) understands nothing and sends a fixed answer: what the kernel needs. Rounds are
interleaved, medians printed; "ratio" is CPU time divided by that of uWSGI's in the same round, with
its smallest and largest; "floor" is what part of it the floor is. The floor goes to sleep after
each connection, and a server that finds several at once sleeps less: then it can be above 100 %.
"""

import argparse
import functools
import json
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
    Server, build_c, free_port, json_option, missing, our_server, total_cpu, write_json,
)  # fmt: skip

OURS, THEIRS, FLOOR = "yimmo-wsgi", "uwsgi", "floor"
# What nginx speaks, over what, and whether it is told to keep connections.
CASES = {
    "uwsgi, TCP": ("uwsgi", "tcp", False),
    "uwsgi, unix": ("uwsgi", "unix", False),
    "FastCGI kept, TCP": ("fastcgi", "tcp", True),
    "FastCGI kept, unix": ("fastcgi", "unix", True),
    "FastCGI, TCP": ("fastcgi", "tcp", False),
    "FastCGI, unix": ("fastcgi", "unix", False),
}
NGINX_WAY, DIRECT_WAY = "behind nginx", "asked directly"
WAYS = {"nginx": NGINX_WAY, "direct": DIRECT_WAY}

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
    hows = {"uwsgi": "once", "fastcgi": "fastcgi"}
    pairs = ((place.rpartition(":")[2], hows[key[0]]) for key, place in places.items())
    return [args.floor, *(text for pair in pairs for text in pair)]


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
        return self.name != FLOOR or case[0] == "uwsgi" or case[2]

    def wait(self):
        deadline = time.monotonic() + 20
        for (_, over), place in self.places.items():
            family = socket.AF_INET if over == "tcp" else socket.AF_UNIX
            where = place.rpartition(":")[2]
            address = ("127.0.0.1", int(where)) if over == "tcp" else where
            while not self.listens(family, address):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.log.seek(0)
                    text = self.log.read().decode(errors="replace")
                    raise SystemExit(f"{self.process.args} does not serve:\n{text[-2000:]}")
                time.sleep(0.05)

    def listens(self, family, address):
        with socket.socket(family) as sock:
            return sock.connect_ex(address) == 0


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

    def load(self, args, path, connections, seconds):
        """Requests that were answered with 200."""
        script = "done = function(s) io.write('done ', s.requests, ' ', s.errors.status, '\\n') end"
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
            lua.write(script)
            lua.flush()
            out = subprocess.run(
                ["taskset", "-c", str(args.load_cpu), "wrk", "-t1", f"-c{connections}",
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


def ask(args, front, back, how, seconds):
    """Requests of one load that were answered with 200."""
    title, way, connections = how
    if way == NGINX_WAY:
        return front.load(args, target(back.name, title), connections, seconds)
    protocol, over, kept = CASES[title]
    kept = kept and back.name != THEIRS
    out = subprocess.run(
        ["taskset", "-c", str(args.load_cpu), args.gateload, protocol + ("-kept" if kept else ""),
         back.places[protocol, over], str(connections), str(seconds)],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found = json.loads(out)
    if found["errors"] or not found["requests"]:
        raise RuntimeError(f"{back.name}, {title}: {out}")
    return found["requests"]


def measure(args, front, back, how):
    before, began = total_cpu(back.pid), time.monotonic()
    n = ask(args, front, back, how, args.seconds)
    return (total_cpu(back.pid) - before) * 1e6 / n, n / (time.monotonic() - began)


def runs(args):
    return [
        (title, WAYS[way], connections)
        for title in args.case
        for way in args.way
        for connections in args.connections
    ]


def run(args, front, backs):
    result = {}
    for how in runs(args):
        title = "{}, {}, {} connections".format(*how)
        rows = {name: [] for name, back in backs.items() if back.has(CASES[how[0]])}
        for name in rows:
            ask(args, front, backs[name], how, 1)
        for _ in range(args.rounds):
            for name, row in rows.items():
                row.append(measure(args, front, backs[name], how))
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
        if FLOOR in rows and name != FLOOR:
            found[name]["floor"] = statistics.median(
                least / mine for (mine, _), (least, _) in zip(row, rows[FLOOR])
            )
    return found


def show(title, found):
    print(f"\n{title}")
    for name, row in found.items():
        ratio = ""
        if "ratio" in row:
            ratio = "  ratio {:.2f} ({:.2f} to {:.2f})".format(row["ratio"], *row["ratios"])
        part = f"  floor {row['floor']:4.0%}" if "floor" in row else ""
        print(f"  {name:12} {row['cpu_us']:7.1f} CPU us {row['per_second']:9.0f}/s{part}{ratio}")
    sys.stdout.flush()


def calls(args, front, backs):
    for how in runs(args):
        for name, back in backs.items():
            if back.has(CASES[how[0]]):
                load = functools.partial(ask, args, front, back, how, 1)
                total, each, n = strace_calls(back, load)
                text = ", ".join(f"{call} {number:.2f}" for call, number in each.items())
                title = "{}, {}, {} connections".format(*how)
                print(f"{title}, under strace, {name}: {total / n:.2f} calls: {text}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--case", action="append", choices=list(CASES), help="repeatable; all of them otherwise"
    )
    parser.add_argument("--way", action="append", choices=list(WAYS), help="both otherwise")
    parser.add_argument(
        "--connections", action="append", type=int, help="repeatable; 1 and 16 otherwise"
    )
    parser.add_argument("--threads", type=int, default=1, help="of the application")
    parser.add_argument("--seconds", type=int, default=1)
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
    args.way = args.way or list(WAYS)
    args.connections = args.connections or [1, 16]
    with tempfile.TemporaryDirectory(prefix="ymo-gateway-") as where:
        args.floor, args.gateload = build_c(where, "floor"), build_c(where, "gateload")
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
