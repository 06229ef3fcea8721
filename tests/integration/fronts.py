# SPDX-License-Identifier: MIT
"""Front ends as Debian has them, started in the foreground on loopback by the tests."""

import contextlib
import getpass
import os
import pathlib
import shutil
import signal
import socket
import subprocess

from harness import PATIENCE, clean_env, until


def which(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


NGINX = which("nginx")
APACHE = which("apache2")
APACHE_MODULES = pathlib.Path("/usr/lib/apache2/modules")
LIGHTTPD = which("lighttpd")
UWSGI = which("uwsgi-core")
HAPROXY = which("haproxy")
CADDY = which("caddy")
H2O = which("h2o")
CGI_FCGI = which("cgi-fcgi")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def kill_group(process):
    """A process started with start_new_session, and those that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Front:
    """A front end that listens on `port`. Ended with `stop`."""

    def __init__(self, command, port, log, env=None):
        assert command[0], "a front end is not installed; ./dev test does that on Debian"
        self.port = port
        self.log = log
        with log.open("a") as err:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stderr=err, env=clean_env(env),
                start_new_session=True,
            )  # fmt: skip

    def wait(self):
        until(self.answers, "the front end listens")
        return self

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        """That it cannot end is its own affair."""
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            kill_group(self.process)


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


def apache(directory, port, modules, lines):
    """Apache with `lines` of configuration, beside what it needs to run at all."""
    directory.mkdir()
    log = directory / "error.log"
    modules = ["mpm_event", "authz_core", *modules]
    loads = "".join(f"LoadModule {m}_module {APACHE_MODULES}/mod_{m}.so\n" for m in modules)
    (directory / "apache.conf").write_text(
        f"ServerRoot {directory}\nPidFile {directory}/pid\nErrorLog {log}\nServerName localhost\n"
        f"Listen 127.0.0.1:{port}\n{loads}User www-data\nGroup www-data\n{lines}\n"
    )
    log.touch()
    command = [APACHE, "-DFOREGROUND", "-f", str(directory / "apache.conf")]
    return Front(command, port, log).wait()


def lighttpd(directory, port, lines):
    directory.mkdir()
    log = directory / "error.log"
    (directory / "lighttpd.conf").write_text(
        f'server.document-root = "{directory}"\nserver.errorlog = "{log}"\n'
        f'server.bind = "127.0.0.1"\nserver.port = {port}\n'
        f'server.upload-dirs = ("{directory}")\nserver.max-keep-alive-idle = 1\n{lines}\n'
    )
    log.touch()
    return Front([LIGHTTPD, "-D", "-f", str(directory / "lighttpd.conf")], port, log).wait()


def router(directory, port, back):
    """uWSGI's HTTP router, which passes a client's chunks on."""
    directory.mkdir()
    log = directory / "log"
    command = [
        UWSGI, "--master", "--plugin", "http", "--http", f"127.0.0.1:{port}", "--http-to", back,
        "--http-chunked-input", "--die-on-term", "--logto", str(log),
    ]  # fmt: skip
    log.touch()
    return Front(command, port, log).wait()


def haproxy(directory, port, lines):
    """HAProxy with `lines`, where the front end is named `f`."""
    directory.mkdir()
    log = directory / "log"
    (directory / "haproxy.cfg").write_text(
        "global\n  nbthread 1\n  stats socket {directory}/stats\n"
        "defaults\n  mode http\n  timeout connect 20s\n  timeout client 60s\n"
        "  timeout server 60s\n  timeout http-keep-alive 60s\n"
        f"frontend f\n  bind 127.0.0.1:{port}\n{lines}\n".replace("{directory}", str(directory))
    )
    return Front([HAPROXY, "-db", "-f", str(directory / "haproxy.cfg")], port, log).wait()


def caddy(directory, port, lines):
    """Caddy with `lines` about its one site."""
    directory.mkdir()
    (directory / "Caddyfile").write_text(
        f"{{\n admin off\n auto_https off\n}}\nhttp://:{port} {{\nbind 127.0.0.1\n{lines}\n}}\n"
    )
    command = [CADDY, "run", "--config", str(directory / "Caddyfile"), "--adapter", "caddyfile"]
    home = {"HOME": directory, "XDG_CONFIG_HOME": directory, "XDG_DATA_HOME": directory}
    return Front(command, port, directory / "log", home).wait()


def h2o(directory, port, lines):
    """h2o with `lines` of the paths of its one host."""
    directory.mkdir()
    log = directory / "log"
    (directory / "h2o.conf").write_text(
        f"listen: {{host: 127.0.0.1, port: {port}}}\nnum-threads: 1\n"
        f"user: {getpass.getuser()}\n"
        f"temp-buffer-path: {directory}\npid-file: {directory}/pid\n"
        f"hosts:\n  default:\n    paths:\n{lines}\n"
    )
    return Front([H2O, "-m", "worker", "-c", str(directory / "h2o.conf")], port, log).wait()
