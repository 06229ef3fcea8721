# SPDX-License-Identifier: MIT
"""Front ends as Debian has them, started in the foreground on loopback by the tests."""

import shutil
import socket
import subprocess

from harness import PATIENCE, clean_env, until

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Front:
    """A front end that listens on `port`. Ended with `stop`."""

    def __init__(self, command, port, log):
        self.port = port
        self.log = log
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=clean_env())

    def wait(self):
        until(self.answers, "the front end listens")
        return self

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


def nginx(directory, port, site):
    """nginx with `site` (text of an http block); its files are in `directory`."""
    directory.mkdir()
    temporary = "".join(
        f"{kind}_temp_path {directory}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (directory / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {directory}/pid;\n"
        f"error_log {directory}/error.log info;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{site}\n}}\n"
    )
    log = directory / "error.log"
    command = [NGINX, "-p", str(directory), "-e", str(log), "-c", f"{directory}/nginx.conf"]
    return Front(command, port, log).wait()
