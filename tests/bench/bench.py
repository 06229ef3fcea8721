# SPDX-License-Identifier: MIT
"""
Requests per second, CPU time and system calls per request of this server beside others, in one
run: the same application, one CPU for the server, another one for wrk, keep-alive connections.
Compare CPU time and system calls; requests per second also depend on the load generator's CPU.

Rounds are interleaved and the medians printed, because a machine's speed drifts.
"""

import argparse
import functools
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from measure import (
    PYTHON, Server, build_floor, cpu, free_port, json_option, missing, our_server, threads, tree,
    write_json,
)  # fmt: skip

UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def gunicorn(app, port):
    return [
        PYTHON, "-m", "gunicorn", "-k", "gthread", "-w", "1", "--threads", "4",
        "--keep-alive", "60", "--log-level", "warning", "-b", f"127.0.0.1:{port}", app,
    ]  # fmt: skip


def uwsgi(app, port):
    module, _, name = app.partition(":")
    return [
        "uwsgi", "--plugin", "python3", "--http11-socket", f"127.0.0.1:{port}", "--master",
        "--processes", "1", "--enable-threads", "--threads", "64", "--listen", "100",
        "--disable-logging", "--die-on-term", "--module", module, "--callable", name,
    ]  # fmt: skip


def waitress(app, port):
    return [
        PYTHON, "-m", "waitress", "--listen", f"127.0.0.1:{port}", "--threads", "4",
        "--connection-limit", "1000", app,
    ]  # fmt: skip


def yimmo(threads_no):
    def command(app, port):
        return [
            our_server(), "-l", "WARNING", "-t", str(threads_no), "--host", "127.0.0.1",
            "--port", str(port), app,
        ]  # fmt: skip

    return command


def competitors(floor):
    hello, flask = "hello:app", "hello_flask:app"
    return {
        "floor": lambda port: [floor, str(port)],
        "yimmo-wsgi": lambda port: yimmo(1)(hello, port),
        "yimmo-wsgi-4t": lambda port: yimmo(4)(hello, port),
        "uwsgi": lambda port: uwsgi(hello, port),
        "waitress": lambda port: waitress(hello, port),
        "gunicorn": lambda port: gunicorn(hello, port),
        "flask-yimmo-wsgi": lambda port: yimmo(1)(flask, port),
        "flask-uwsgi": lambda port: uwsgi(flask, port),
        "flask-gunicorn": lambda port: gunicorn(flask, port),
    }


def wrk(args, port, seconds):
    command = [
        "taskset", "-c", str(args.wrk_cpu), "wrk", "-t1", f"-c{args.connections}",
        f"-d{seconds}s", "--latency", f"http://127.0.0.1:{port}/",
    ]  # fmt: skip
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = {
        "requests": int(re.search(r"(\d+) requests in", text).group(1)),
        "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
        "errors": 0,
    }
    for percent in ("50", "99"):
        match = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.M)
        if not match:
            raise SystemExit(f"wrk got no answers:\n{text}")
        found[f"p{percent}_ms"] = float(match.group(1)) * UNITS[match.group(2)]
    for pattern in (r"Non-2xx or 3xx responses: (\d+)", r"Socket errors: (.*)"):
        if match := re.search(pattern, text):
            found["errors"] += sum(map(int, re.findall(r"\d+", match.group(1))))
    return found


def count_calls(args, server):
    """
    System calls per request, from a run of its own. perf counts them almost for nothing; under
    strace a server with several threads sleeps and wakes more often than it does in earnest.
    """
    pids = tree(server.pid)
    perf = subprocess.run(
        ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "true"], capture_output=True
    ) if not missing("perf") else None  # fmt: skip
    if perf is None or perf.returncode != 0:
        total, _, done = strace_calls(server, functools.partial(calls_load, args, server))
        return total / done if total else None
    with tempfile.NamedTemporaryFile("r") as out:
        command = [
            "perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-o", out.name,
            "-p", ",".join(map(str, pids)),
        ]  # fmt: skip
        perf = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            done = calls_load(args, server)
        finally:
            perf.send_signal(signal.SIGINT)
            perf.communicate()
        for line in out:
            if "raw_syscalls" in line and line.split(",")[0].isdigit():
                return int(line.split(",")[0]) / done
    return None


def calls_load(args, server):
    return wrk(args, server.port, args.calls_seconds)["requests"]


def traced(tid):
    status = pathlib.Path(f"/proc/{tid}/status").read_text()
    return "\nTracerPid:\t0\n" not in status


def strace_calls(server, load):
    """
    (number of calls, {name: calls per request}, number of requests) of what load() has the server
    do; it returns that number.
    """
    tids = [tid for _, tid in threads(tree(server.pid))]
    with tempfile.NamedTemporaryFile("r") as out:
        strace = subprocess.Popen(
            ["strace", "-qq", "-f", "-c", "-U", "name,calls", "-o", out.name,
             *(f"-p{tid}" for tid in tids)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            while strace.poll() is None and not all(map(traced, tids)):
                time.sleep(0.01)
            done = load()
        finally:
            strace.terminate()
            error = strace.communicate()[1].decode()
        calls = {}
        for line in out:
            fields = line.split()
            if len(fields) == 2 and fields[1].isdigit() and fields[0] != "total":
                calls[fields[0]] = int(fields[1])
    if not calls:
        print(f"strace counted nothing: {error.strip()}", file=sys.stderr)
    per = {name: n / done for name, n in calls.items() if n / done >= 0.01}
    return sum(calls.values()), dict(sorted(per.items(), key=lambda item: -item[1])), done


def measure(args, server):
    before = cpu(server.pid)
    found = wrk(args, server.port, args.seconds)
    after = cpu(server.pid)
    found["user_us"] = (after[0] - before[0]) * 1e6 / found["requests"]
    found["system_us"] = (after[1] - before[1]) * 1e6 / found["requests"]
    found["cpu_us"] = found["user_us"] + found["system_us"]
    return found


def run(args):
    with tempfile.TemporaryDirectory(prefix="ymo-bench-") as where:
        commands = competitors(build_floor(where))
        for name in args.only:
            if name not in commands:
                raise SystemExit(f"no server {name!r}; there are: {', '.join(commands)}")
        rounds = {name: [] for name in args.only}
        calls, names = {}, {}
        for n in range(args.rounds):
            for name in args.only:
                port = free_port()
                server = Server(commands[name](port), port, args.server_cpu)
                try:
                    wrk(args, port, args.warm_up)
                    rounds[name].append(measure(args, server))
                    if n == 0 and args.calls_seconds:
                        calls[name] = count_calls(args, server)
                    if n == 0 and args.names:
                        load = functools.partial(calls_load, args, server)
                        names[name] = strace_calls(server, load)[1]
                finally:
                    server.stop()
                print(
                    f"round {n + 1}: {name}: {rounds[name][-1]['cpu_us']:.2f} us/request",
                    file=sys.stderr,
                )
    result = {}
    for name, got in rounds.items():
        result[name] = {key: statistics.median(one[key] for one in got) for key in got[0]}
        result[name]["calls"] = calls.get(name)
        result[name]["calls_by_name"] = names.get(name, {})
    if "floor" in result:
        for row in result.values():
            row["cpu_ratio"] = row["cpu_us"] / result["floor"]["cpu_us"]
    return result


def show(result):
    print(
        f"{'server':18} {'req/s':>9} {'CPU us':>8} {'user':>7} {'sys':>7} {'x floor':>8}"
        f" {'calls':>7} {'p50 ms':>8} {'p99 ms':>8} {'errors':>7}"
    )
    for name, row in result.items():
        ratio = f"{row['cpu_ratio']:8.2f}" if "cpu_ratio" in row else f"{'-':>8}"
        calls = f"{row['calls']:7.2f}" if row["calls"] else f"{'-':>7}"
        print(
            f"{name:18} {row['rps']:9.0f} {row['cpu_us']:8.2f} {row['user_us']:7.2f}"
            f" {row['system_us']:7.2f} {ratio} {calls} {row['p50_ms']:8.2f} {row['p99_ms']:8.2f}"
            f" {row['errors']:7.0f}"
        )
    for name, row in result.items():
        if row["calls_by_name"]:
            each = ", ".join(f"{call} {n:.2f}" for call, n in row["calls_by_name"].items())
            print(f"under strace, {name}: {each}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="NAME[,NAME…]")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=1, metavar="SECONDS")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--server-cpu", type=int, default=0)
    parser.add_argument("--wrk-cpu", type=int, default=min(1, (os.cpu_count() or 1) - 1))
    parser.add_argument(
        "--calls-seconds", type=int, default=2, help="run that counts system calls; 0: none"
    )
    parser.add_argument("--names", action="store_true", help="which calls, by strace")
    json_option(parser)
    args = parser.parse_args()
    if lacking := missing("wrk", "taskset", "cc", *(["strace"] if args.names else [])):
        raise SystemExit(f"bench: not installed: {', '.join(lacking)}")
    if not args.only:
        args.only = list(competitors(""))
        if missing("uwsgi"):
            args.only = [name for name in args.only if "uwsgi" not in name]
    result = run(args)
    show(result)
    write_json(args, result)


if __name__ == "__main__":
    main()
