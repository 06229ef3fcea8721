# SPDX-License-Identifier: MIT
"""
Processes and threads: throughput and tail latency of a Flask application that computes, of one that
waits, and of one that does a little of both; and the memory of four Django workers with and without
preload. Ratios to 1 process x 1 thread of the same run; the machine has as many CPUs as it has.
"""

import argparse
import os
import socket

from bench import wrk
from measure import Server, free_port, json_option, memory, our_server, tree, write_json

SHAPES = [(1, 1), (1, 4), (1, 16), (2, 1), (2, 4), (2, 16), (4, 1), (4, 4)]
WORKLOADS = {"computes": "mixture:computes", "waits": "mixture:waits", "both": "mixture:both"}


def ours(app, *options):
    port = free_port()
    command = [our_server(), "-l", "WARNING", "--host", "127.0.0.1", "--port", str(port)]
    return Server([*command, *options, app], port)


def shapes(args):
    """requests per second and p99 for each number of processes and threads."""
    result = {}
    for name, app in WORKLOADS.items():
        rows = {}
        for processes, threads in SHAPES:
            server = ours(app, "-p", str(processes), "-t", str(threads))
            try:
                wrk(args, server.port, 1)
                found = wrk(args, server.port, args.seconds)
            finally:
                server.stop()
            rows[f"{processes}x{threads}"] = found
        result[name] = rows
    return result


def show_shapes(result):
    for name, rows in result.items():
        base = rows["1x1"]
        print(f"\n{name:10} {'req/s':>10} {'ratio':>7} {'p50 ms':>8} {'p99 ms':>8}")
        for shape, row in rows.items():
            print(
                f"{shape:10} {row['rps']:10.0f} {row['rps'] / base['rps']:7.2f} "
                f"{row['p50_ms']:8.1f} {row['p99_ms']:8.1f}"
            )


def request(port):
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        while sock.recv(65536):
            pass


def pss(preload, n=4):
    """KiB of the whole tree after each worker has served some requests."""
    server = ours("django_site:application", "-p", str(n), *(["--preload"] if preload else []))
    try:
        for _ in range(400):
            request(server.port)
        return {
            "pss": memory(server.pid, "Pss"),
            "rss": memory(server.pid, "Rss"),
            "processes": len(tree(server.pid)),
        }
    finally:
        server.stop()


def show_pss(result):
    print(f"\n{'Django, 4 workers':20} {'PSS MiB':>8} {'RSS MiB':>8} {'processes':>10}")
    for name, row in result.items():
        print(f"{name:20} {row['pss'] / 1024:8.1f} {row['rss'] / 1024:8.1f} {row['processes']:10}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="of each run")
    parser.add_argument("--connections", type=int, default=32)
    json_option(parser)
    parser.add_argument("--only", choices=["shapes", "pss"])
    args = parser.parse_args()
    args.wrk_cpu = f"0-{os.cpu_count() - 1}"
    result = {}
    if args.only != "pss":
        result["shapes"] = shapes(args)
        show_shapes(result["shapes"])
    if args.only != "shapes":
        result["pss"] = {"preload off": pss(False), "preload on": pss(True)}
        show_pss(result["pss"])
    write_json(args, result)


if __name__ == "__main__":
    main()
