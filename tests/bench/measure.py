# SPDX-License-Identifier: MIT
"""What the measurements share: servers, process trees, /proc, how figures are kept."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TICK = os.sysconf("SC_CLK_TCK")
PYTHON = os.environ.get("YMO_BENCH_PYTHON", "/usr/bin/python3")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def our_server():
    path = pathlib.Path(os.environ.get("YMO_SERVER", ROOT / "build" / "yimmo-wsgi"))
    return str(path if path.is_absolute() else pathlib.Path.cwd() / path)


def build_floor(where):
    return build_c(where, "floor")


def build_c(where, name):
    path = pathlib.Path(where) / name
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-std=gnu11", "-O2", "-o", path, HERE / f"{name}.c"], check=True)
    return str(path)


def tree(pid):
    """The process and all its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def threads(pids):
    return [(pid, int(tid)) for pid in pids for tid in os.listdir(f"/proc/{pid}/task")]


def cpu(pid):
    """
    (user, system) CPU seconds of the process tree. Nanoseconds where the kernel keeps them
    (schedstat), split as the ticks say; the children that were waited for are in ticks only.
    """
    exact = user = system = waited = 0.0
    for one in tree(pid):
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        user += int(fields[11]) / TICK
        system += int(fields[12]) / TICK
        waited += (int(fields[13]) + int(fields[14])) / TICK
        for _, tid in threads([one]):
            try:
                text = pathlib.Path(f"/proc/{one}/task/{tid}/schedstat").read_text()
            except OSError:
                return user, system + waited
            exact += int(text.split()[0]) / 1e9
    return (user, system + waited) if not exact else (user, max(exact - user, 0.0) + waited)


def total_cpu(pid):
    return sum(cpu(pid))


def memory(pid, field):
    """A field of smaps_rollup (Rss, Pss, …) summed over the process tree, in KiB."""
    total = 0
    for one in tree(pid):
        for line in pathlib.Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith(f"{field}:"):
                total += int(line.split()[1])
    return total


class Server:
    """A server on a port of its own, pinned to one CPU, ended with its whole tree."""

    def __init__(self, command, port, cpu_no=None, env=None, unlimited_files=False):
        if cpu_no is not None:
            command = ["taskset", "-c", str(cpu_no), *command]
        self.log = tempfile.TemporaryFile()
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("YIMMO_", "PYTHON"))}
        environ.update({"PYTHONPATH": str(HERE), **(env or {})})
        self.process = subprocess.Popen(
            command,
            cwd=HERE,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self.pid, self.port = self.process.pid, port
        self.wait()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 5)

    def wait(self):
        deadline = time.monotonic() + 20
        while True:
            try:
                with self.connect() as sock:
                    sock.settimeout(10)
                    sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                    if sock.recv(4096).startswith(b"HTTP/1.1 200"):
                        return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                text = self.log.read().decode(errors="replace")
                self.stop()
                raise SystemExit(f"{self.process.args} does not serve:\n{text[-2000:]}")
            time.sleep(0.05)

    def stop(self):
        everyone = tree(self.pid)
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in everyone[1:]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.log.close()


def json_option(parser):
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")


def write_json(args, result):
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(result, indent=2) + "\n", encoding="ascii")


def missing(*programs):
    return [name for name in programs if not shutil.which(name)]
