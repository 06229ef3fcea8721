# SPDX-License-Identifier: MIT
"""Starting, watching and ending one server process, and talking with the applications in it."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
APPS = HERE / "apps"
LISTENING = re.compile(r"listening on (\S+)")
SANITIZER = re.compile(
    r"ERROR: AddressSanitizer|runtime error:|ERROR: LeakSanitizer|WARNING: ThreadSanitizer"
    r"|stack smashing detected|Assertion .* failed"
)
# Long enough for a sanitized build on a busy machine; only a failing test ever waits for it.
PATIENCE = float(os.environ.get("YMO_TEST_PATIENCE", "20"))


def server_path():
    path = pathlib.Path(os.environ.get("YMO_SERVER", ROOT / "build" / "yimmo-wsgi"))
    return path if path.is_absolute() else pathlib.Path.cwd() / path


def sanitized():
    """Is the server under test built with a sanitizer? Its memory figures mean nothing then."""
    return any(
        name in server_path().read_bytes() for name in (b"__asan_init", b"__tsan_init")
    )


def clean_env(extra=None):
    """The environment of a server: nothing of ours or of a virtual environment leaks in."""
    env = {
        k: v
        for k, v in os.environ.items()
        if k == "PYTHONMALLOC"  # how a sanitized run sees Python's objects
        or (not k.startswith(("YIMMO_", "PYTHON", "YMO_TEST_")) and k != "VIRTUAL_ENV")
    }
    env["PYTHONPATH"] = str(APPS)
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    for key, value in (extra or {}).items():
        if value is None:
            env.pop(key, None)
        else:
            env[key] = str(value)
    return env


def run_cli(*args, env=None, cwd=None, timeout=PATIENCE, preexec_fn=None):
    """Run the server where it is expected to end by itself; returns a CompletedProcess."""
    done = subprocess.run(
        [str(server_path()), *map(str, args)],
        env=clean_env(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=timeout,
        text=True,
        errors="replace",
        preexec_fn=preexec_fn,
    )
    assert done.returncode >= 0, f"died of signal {-done.returncode}:\n{done.stderr}"
    assert not SANITIZER.search(done.stderr), done.stderr
    return done


def until(condition, what, timeout=PATIENCE):
    """Poll `condition` until it is true; its value. Fails the test after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {timeout:g} s: {what}")
        time.sleep(0.005)


def children(pid):
    """The living children of a process, in the order of their ids."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[1]) == pid and fields[0] not in "ZX":
            found.append(int(entry.name))
    return sorted(found)


def running(pid):
    """Is it there, and not merely waiting for its parent to hear of its end?"""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


class Server:
    """A running server. `address` is what it logged first, `port` its TCP port or None."""

    def __init__(self, args, env=None, cwd=None, preexec_fn=None, pass_fds=(), ready=True):
        self.ended = self.told_to_end = False
        self._log = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [str(server_path()), *map(str, args)],
            env=clean_env(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=preexec_fn,
            pass_fds=pass_fds,
            start_new_session=True,  # so that children it leaves behind can be ended with it
        )
        self.pid = self.process.pid
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()
        self.address = self.port = self.url = None
        if ready:
            self.address = self.wait_log(LISTENING).group(1)
            match = re.search(r":(\d+)/?$", self.address)
            if match:
                self.port = int(match.group(1))
                scheme = "https" if self.address.startswith("https:") else "http"
                self.url = f"{scheme}://127.0.0.1:{self.port}"

    def _collect(self):
        for line in self.process.stdout:
            with self._changed:
                self._log.append(line.decode("utf-8", "replace"))
                self._changed.notify_all()
        with self._changed:
            self._log.append("")
            self._changed.notify_all()

    def log(self):
        with self._changed:
            return "".join(self._log)

    def wait_log(self, pattern, timeout=PATIENCE, count=1):
        """Wait until the log holds `count` matches of `pattern`; the last of them."""
        pattern = re.compile(pattern)
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = list(pattern.finditer("".join(self._log)))
                if len(found) >= count:
                    return found[count - 1]
                left = deadline - time.monotonic()
                dead = self.process.poll() is not None and not self._reader.is_alive()
                if left <= 0 or dead:
                    state = f"exited with {self.process.returncode}" if dead else "is running"
                    raise AssertionError(
                        f"no {pattern.pattern!r} in the log; the server {state}:\n"
                        + "".join(self._log)
                    )
                self._changed.wait(min(left, 0.2))

    def send_signal(self, number):
        self.process.send_signal(number)
        self.told_to_end |= number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

    def workers(self, n=None):
        """
        The ids of its worker processes, of a server with a supervisor, once all of them serve and
        there are `n` of them. Not its template.
        """

        def ready():
            log = self.log()
            known = {int(m) for m in re.findall(r"worker (\d+) is ready", log)}
            pids = [pid for pid in children(self.pid) if f"template {pid} " not in log]
            return (pids,) if n in (None, len(pids)) and known.issuperset(pids) else None

        return until(ready, f"{n} workers serve")[0]

    def wait_worker_gone(self, pid):
        """Wait until the supervisor tells of a worker's end."""
        self.wait_log(rf"worker {pid} (has ended|exited|was killed)")

    def wait_exit(self, timeout=PATIENCE):
        """
        Wait for the end of the process and of all that it started (they hold its output); its
        return code (negative: a signal).
        """
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        assert not self._reader.is_alive(), f"some processes have not ended:\n{self.log()}"
        self.ended = True
        return code

    def stop(self, number=signal.SIGTERM, timeout=PATIENCE):
        self.send_signal(number)
        return self.wait_exit(timeout)

    def alive(self):
        return self.process.poll() is None

    def cpu(self):
        """CPU seconds used so far by the threads of the process, exact where the kernel can tell."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except OSError:  # not this kernel: clock ticks
                text = pathlib.Path(f"/proc/{self.pid}/stat").read_text()
                fields = text.rpartition(")")[2].split()
                return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return total / 1e9

    def memory(self, field="VmRSS"):
        """A field of /proc/PID/status, in KiB."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB", text, re.M).group(1))

    def reset_peak(self):
        """Make VmHWM start again from the present resident size."""
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def end(self):
        """Teardown: end it, and fail if it crashed at any time."""
        killed = False
        if self.process.poll() is None:
            if not self.told_to_end:  # a second signal would end it at once
                self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                killed = True
                self.process.kill()
                self.process.wait()
        self._reader.join(PATIENCE)
        orphans = self._reader.is_alive()  # somebody still holds the other end of its output
        if orphans:
            os.killpg(self.pid, signal.SIGKILL)
            self._reader.join()
        self.process.stdout.close()
        log = self.log()
        assert not SANITIZER.search(log), f"the server's log holds a fault:\n{log}"
        assert not killed, f"the server did not end on SIGTERM:\n{log}"
        assert not orphans, f"the server left children behind:\n{log}"
        if not self.ended:
            code = self.process.returncode
            assert code == 0, f"the server ended with {code}:\n{log}"


class Visit:
    """An application waiting at the gate (apps/gatelib.py)."""

    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rb")
        sock.settimeout(PATIENCE)
        self.tag = self.file.readline().decode().strip()

    def release(self, text="go"):
        """Let it continue; `text` is what its call returns."""
        self.sock.sendall(text.encode() + b"\n")
        self.close()

    def close(self):
        self.file.close()
        self.sock.close()


class Gate:
    """
    A meeting point of test and application: gatelib.wait("tag") in the application blocks until
    the test has accepted that visit and released it; gatelib.tell("tag") does not block for long.
    """

    def __init__(self, path):
        self.path = str(path)
        self.env = {"YMO_TEST_GATE": self.path}
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(64)
        self.waiting = []
        self.accepted = []  # kept: a visit that is forgotten here would be let go there

    def accept(self, tag, timeout=PATIENCE):
        """The next visit with this tag, or one of these tags; others stay queued."""
        tags = (tag,) if isinstance(tag, str) else tag
        deadline = time.monotonic() + timeout
        while True:
            for visit in self.waiting:
                if visit.tag in tags:
                    self.waiting.remove(visit)
                    self.accepted.append(visit)
                    return visit
            left = deadline - time.monotonic()
            seen = [v.tag for v in self.waiting]
            assert left > 0, f"no visit {tag!r} within {timeout:g} s; waiting are {seen}"
            self.listener.settimeout(left)
            try:
                sock, _ = self.listener.accept()
            except socket.timeout:
                continue
            self.waiting.append(Visit(sock))

    def heard(self, tag, timeout=PATIENCE):
        """Wait for a message of gatelib.tell."""
        self.accept(tag, timeout).close()

    def never(self, tag, after):
        """No visit with this tag has been made by the time `after` returns."""
        after()
        self.listener.setblocking(False)
        while True:
            try:
                sock, _ = self.listener.accept()
            except BlockingIOError:
                break
            sock.setblocking(True)
            self.waiting.append(Visit(sock))
        assert tag not in [v.tag for v in self.waiting]

    def close(self):
        for visit in self.waiting + self.accepted:
            visit.close()
        self.listener.close()
