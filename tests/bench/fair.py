# SPDX-License-Identifier: MIT
"""
How long fast requests take among 5 % slow ones, with several processes: this server beside others
with the same processes x threads and the same application. Rounds are interleaved and medians
printed; "x ours" is the p99 of the fast requests divided by ours in the same row.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile

from measure import (
    HERE, PYTHON, Server, free_port, json_option, missing, our_server, write_json,
)  # fmt: skip

SHAPES = [(2, 1), (2, 4)]

# Requests a second, chosen so that hardly ever all threads are in slow ones: then no order of
# serving could help, and all servers look alike.
RATES = {("sleeps", (2, 1)): 20, ("sleeps", (2, 4)): 100}
RATE = 40


def yimmo(app, port, processes, threads, _):
    return [
        our_server(), "-l", "WARNING", "-p", str(processes), "-t", str(threads),
        "--host", "127.0.0.1", "--port", str(port), app,
    ]  # fmt: skip


def gunicorn(app, port, processes, threads, _):
    return [
        PYTHON, "-m", "gunicorn", "--worker-class", "gthread", "-w", str(processes),
        "--threads", str(threads), "--keep-alive", "60", "--log-level", "warning",
        "-b", f"127.0.0.1:{port}", app,
    ]  # fmt: skip


def uwsgi(app, port, processes, threads, connection):
    module, _, name = app.partition(":")
    socket = "--http11-socket" if connection == "keep" else "--http-socket"
    return [
        "uwsgi", "--plugin", "python3", socket, f"127.0.0.1:{port}", "--master",
        "--processes", str(processes), "--threads", str(threads), "--enable-threads",
        "--thunder-lock", "--listen", "100", "--disable-logging", "--die-on-term",
        "--module", module, "--callable", name,
    ]  # fmt: skip


SERVERS = {"yimmo-wsgi": yimmo, "gunicorn": gunicorn, "uwsgi": uwsgi}


def build_load(where):
    path = f"{where}/mixload"
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-o", path,
         HERE / "mixload.c", "-lm"], check=True,
    )  # fmt: skip
    return path


def load(args, program, port, rate, connection):
    command = [
        program, str(port), str(args.seconds), str(rate), str(args.clients),
        str(args.slow_percent), connection,
    ]  # fmt: skip
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def median(rows):
    return {key: statistics.median(row[key] for row in rows) for key in rows[0]}


def scenarios(args):
    """(application, (processes, threads), connection, rate; 0 = closed loop)"""
    found = []
    for app, shape, connection in itertools.product(args.app, args.shape, args.connection):
        if args.load in ("open", "both"):
            rate = args.rate or RATES.get((app, shape), RATE)
            found.append((app, shape, connection, rate))
        if args.load in ("closed", "both"):
            found.append((app, shape, connection, 0))
    return found


def measure(args, program, name, scenario):
    app, (processes, threads), connection, rate = scenario
    port = free_port()
    command = SERVERS[name](f"mixed:{app}", port, processes, threads, connection)
    if name == "yimmo-wsgi":
        command[1:1] = args.option
    server = Server(command, port)
    try:
        return load(args, program, port, rate, connection)
    finally:
        server.stop()


def title(scenario):
    app, (processes, threads), connection, rate = scenario
    how = f"{rate:g}/s" if rate else "closed loop"
    return f"slow ones: {app}, {processes}x{threads}, {connection}, {how}"


def run(args):
    result = {}
    with tempfile.TemporaryDirectory(prefix="ymo-fair-") as where:
        program = build_load(where)
        for scenario in scenarios(args):
            rounds = {name: [] for name in args.only}
            for n in range(args.rounds):
                for name in args.only:
                    rounds[name].append(measure(args, program, name, scenario))
                    print(f"{title(scenario)}: round {n + 1}: {name}", file=sys.stderr)
            result[title(scenario)] = {name: median(rows) for name, rows in rounds.items()}
            show(title(scenario), result[title(scenario)])
    return result


def show(text, rows):
    print(f"\n{text}")
    print(
        f"{'server':16} {'fast':>7} {'p50 ms':>8} {'p90 ms':>8} {'p99 ms':>8} {'max ms':>8}"
        f" {'x ours':>7} {'slow p50':>9} {'errors':>7}"
    )
    ours = rows.get("yimmo-wsgi", {}).get("p99")
    for name, row in rows.items():
        ratio = f"{row['p99'] / ours:7.2f}" if ours else f"{'-':>7}"
        print(
            f"{name:16} {row['fast']:7.0f} {row['p50']:8.2f} {row['p90']:8.2f} {row['p99']:8.2f}"
            f" {row['max']:8.2f} {ratio} {row['slow_p50']:9.2f} {row['errors']:7.0f}",
            flush=True,
        )


def words(text):
    return text.split(",")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", type=words, metavar="NAME[,NAME…]", default=list(SERVERS))
    parser.add_argument("--app", type=words, default=["sleeps", "computes"])
    parser.add_argument("--connection", type=words, default=["keep", "close"])
    parser.add_argument(
        "--shape", default=SHAPES, metavar="PxT[,…]",
        type=lambda text: [tuple(map(int, one.split("x"))) for one in words(text)],
    )  # fmt: skip
    parser.add_argument("--load", choices=["open", "closed", "both"], default="open")
    parser.add_argument("--rate", type=float, help="requests a second, open loop")
    parser.add_argument("--clients", type=int, default=8, help="and connections kept")
    parser.add_argument("--slow-percent", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--option", action="append", default=[], help="more options for ours")
    json_option(parser)
    args = parser.parse_args()
    if lacking := missing("cc"):
        raise SystemExit(f"fair: not installed: {', '.join(lacking)}")
    for name in args.only:
        if name not in SERVERS:
            raise SystemExit(f"no server {name!r}; there are: {', '.join(SERVERS)}")
    if missing("uwsgi"):
        args.only = [name for name in args.only if "uwsgi" not in name]
    result = run(args)
    write_json(args, result)


if __name__ == "__main__":
    main()
