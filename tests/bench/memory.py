# SPDX-License-Identifier: MIT
"""
What ten thousand idle connections cost the server's process in memory, and what a gigabyte up and
down costs it in CPU time and memory.
"""

import argparse
import resource
import socket
import time

from measure import Server, free_port, json_option, memory, our_server, total_cpu, write_json

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
GIB = 1 << 30


def ours(app, *options):
    port = free_port()
    command = [our_server(), "-l", "WARNING", "--port", str(port), "--host", "127.0.0.1"]
    return Server([*command, *options, app], port)


def ask(sock):
    sock.sendall(REQUEST)
    if not sock.recv(4096).startswith(b"HTTP/1.1 200"):
        raise SystemExit("memory: an answer is not a 200")


def idle(n, active):
    """Growth per kept connection after one request on each (`active`), or with none made."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < n + 200:
        n = hard - 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = ours("hello:app", "--max-connections", str(n + 100), "--idle-timeout", "600")
    socks = []
    try:
        # What the first requests cost once is no cost of a connection.
        for _ in range(200):
            with socket.create_connection(("127.0.0.1", server.port)) as sock:
                ask(sock)
        before = {field: memory(server.pid, field) for field in ("Rss", "Pss")}
        for _ in range(n):
            sock = socket.create_connection(("127.0.0.1", server.port))
            socks.append(sock)
            if active:
                ask(sock)
        # Round trips on the last ones say that all the others have been accepted.
        ask(socks[-1])
        after = {field: memory(server.pid, field) for field in ("Rss", "Pss")}
    finally:
        for sock in socks:
            sock.close()
        server.stop()
    return {
        "connections": n,
        **{f"{f.lower()}_bytes_each": (after[f] - before[f]) * 1024 / n for f in before},
    }


def large(direction, tmp_dir):
    server = ours("large:app", "--max-body", "2G", "--tmp-dir", tmp_dir)
    block = bytes(1 << 20)
    try:
        with open(f"/proc/{server.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
        rss, used, start = memory(server.pid, "Rss"), total_cpu(server.pid), time.monotonic()
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            if direction == "up":
                sock.sendall(b"POST /count HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % GIB)
                for _ in range(GIB >> 20):
                    sock.sendall(block)
                sock.recv(4096)
            else:
                sock.sendall(b"GET /?%d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" % GIB)
                view, left = bytearray(1 << 20), GIB
                while got := sock.recv_into(view):
                    left -= got
                if left > 0:
                    raise SystemExit(f"memory: {left} bytes are missing")
        seconds = time.monotonic() - start
        peak = 0
        with open(f"/proc/{server.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    peak = int(line.split()[1])
        return {
            "seconds": seconds,
            "cpu_seconds": total_cpu(server.pid) - used,
            "peak_growth_kib": peak - rss,
        }
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--tmp-dir", default="/tmp", help="for the upload's temporary file")
    json_option(parser)
    args = parser.parse_args()
    result = {
        "idle after a request": idle(args.connections, active=True),
        "idle, never spoke": idle(args.connections, active=False),
        "1 GiB up": large("up", args.tmp_dir),
        "1 GiB down": large("down", args.tmp_dir),
    }
    for name, row in result.items():
        print(f"{name}: " + ", ".join(f"{k} {v:.6g}" for k, v in row.items()))
    write_json(args, result)


if __name__ == "__main__":
    main()
