# SPDX-License-Identifier: MIT
"""Front ends as Debian has them, started in the foreground on loopback by the tests."""

import pathlib
import shutil
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


def apache(directory, port, modules, lines):
    """Apache with `lines` of configuration, beside what it needs to run at all."""
    directory.mkdir()
    log = directory / "error.log"
    modules = ["mpm_event", "authz_core", *modules]
    loads = "".join(f"LoadModule {m}_module {APACHE_MODULES}/mod_{m}.so\n" for m in modules)
    (directory / "apache.conf").write_text(
        f"ServerRoot {directory}\nPidFile {directory}/pid\nErrorLog {log}\nServerName localhost\n"
        f"Listen 127.0.0.1:{port}\n{loads}User www-data\n{lines}\n"
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
        f'server.upload-dirs = ("{directory}")\n{lines}\n'
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
