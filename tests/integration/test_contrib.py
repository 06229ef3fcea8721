# SPDX-License-Identifier: MIT
"""The files in contrib/ and the page about them: every setting exists, and what can run does."""

import json
import re
import shutil
import subprocess

import pytest

import fronts
from harness import ROOT, run_cli, server_path
from wire import Client

yaml = pytest.importorskip("yaml")

CONTRIB = ROOT / "contrib"
UNIT = CONTRIB / "systemd" / "yimmo-wsgi@.service"
ANALYZE = shutil.which("systemd-analyze")


def unit(path):
    """The settings of a unit, each with the list of its values."""
    found = {}
    for line in path.read_text().splitlines():
        if line and line[0] not in "#;[":
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def seconds(text):
    """30, "30" and "30s" as a number."""
    return int(str(text).rstrip("s"))


@pytest.fixture
def hello_yml(tmp_path):
    """The example's file, with its directories where this machine has them."""
    for name in ("srv/hello/venv", "run/yimmo-wsgi/hello"):
        (tmp_path / name).mkdir(parents=True)
    text = (CONTRIB / "systemd" / "hello.yml").read_text()
    text = text.replace("/srv/", f"{tmp_path}/srv/").replace("/run/", f"{tmp_path}/run/")
    path = tmp_path / "hello.yml"
    path.write_text(text)
    return path


# ---- systemd


def test_service_runs_what_there_is(hello_yml):
    service = unit(UNIT)
    (start,) = service["ExecStart"]
    check, kill = service["ExecReload"]
    assert start.split()[0] == check.split()[0] == "yimmo-wsgi"
    assert kill == "kill -HUP $MAINPID" and service["Type"] == ["notify"]
    for command in (start, check):
        args = [
            str(hello_yml) if word == "/etc/yimmo-wsgi/%i.yml" else word
            for word in command.split()[1:]
        ]
        assert str(hello_yml) in args
        done = run_cli(*args, "--check-config")
        assert (done.returncode, done.stderr) == (0, "")
    # Without a supervisor nobody answers the watchdog, nor reloads.
    assert "--supervise" in start.split() and service["WatchdogSec"]


def test_service_waits_for_requests_to_end(hello_yml):
    graceful = yaml.safe_load(hello_yml.read_text())["server"]["graceful_timeout"]
    service = unit(UNIT)
    assert seconds(service["TimeoutStopSec"][0]) > seconds(graceful)
    assert service["KillMode"] == ["mixed"]
    assert service["OOMPolicy"] == ["continue"]


@pytest.mark.skipif(not ANALYZE, reason="systemd is not installed")
@pytest.mark.parametrize("kind", ["service", "socket"])
def test_systemd_finds_no_fault(tmp_path, kind):
    # It looks for the program, which need not be installed here.
    for name in ("service", "socket"):
        text = (CONTRIB / "systemd" / f"yimmo-wsgi@.{name}").read_text()
        text = text.replace("=yimmo-wsgi --", f"={server_path()} --")
        (tmp_path / f"yimmo-wsgi@hello.{name}").write_text(text)
    done = subprocess.run(
        [ANALYZE, "verify", "--man=no", f"./yimmo-wsgi@hello.{kind}"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    about_us = [line for line in done.stderr.splitlines() if "yimmo-wsgi@" in line]
    assert (done.returncode, about_us) == (0, [])


def test_socket_unit_and_server_agree():
    """What the socket unit tells its reader to configure is a good address."""
    text = (CONTRIB / "systemd" / "yimmo-wsgi@.socket").read_text()
    bind = re.search(r"^#\s+bind: (\S+)$", text, re.M).group(1)
    done = run_cli("hello:app", "--bind", bind, "--check-config")
    assert (bind, done.returncode) == ("fd:3", 0), done.stderr
    sockets, service = unit(CONTRIB / "systemd" / "yimmo-wsgi@.socket"), unit(UNIT)
    assert sockets["SocketGroup"] == service["Group"]
    assert "/hello/" in (CONTRIB / "systemd" / "hello.yml").read_text()


# ---- containers


def dockerfile():
    """The instructions of the Dockerfile, as pairs, with continued lines joined."""
    text = (CONTRIB / "container" / "Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.M)
    text = re.sub(r"\\\n", " ", text)
    return [line.split(None, 1) for line in text.splitlines() if line.strip()]


def check_environment(env, *args):
    done = run_cli(*args, "--check-config", env=env)
    assert (done.returncode, done.stderr) == (0, "")


def test_image_has_good_settings():
    (env,) = [rest for word, rest in dockerfile() if word == "ENV"]
    env = dict(pair.split("=", 1) for pair in env.split())
    assert env["YIMMO_WSGI_SUPERVISE"] == "on"
    check_environment(env, "hello:app")
    # The form with brackets: no shell comes between.
    (entry,) = [json.loads(rest) for word, rest in dockerfile() if word == "ENTRYPOINT"]
    (command,) = [json.loads(rest) for word, rest in dockerfile() if word == "CMD"]
    assert entry == ["yimmo-wsgi"]
    assert run_cli(*command).returncode == 0


def test_image_builds_with_the_packages_of_dev():
    wanted = re.search(r"^RUN_PACKAGES=\((.*?)\)", (ROOT / "dev").read_text(), re.M | re.S)
    build = [rest for word, rest in dockerfile() if word == "RUN"][0]
    assert set(wanted.group(1).split()) <= set(build.split())


def test_image_has_the_libraries_that_the_server_is_linked_with():
    if "(/usr/bin/python3)" not in run_cli("--version").stdout:
        pytest.skip("it was built with another Python than the image has")
    needed = re.findall(r"^\s+lib(\S+?)-?[\d.]*\.so\S* =>", ldd(), re.M)
    runs = [rest for word, rest in dockerfile() if word == "RUN"]
    installed = [re.sub(r"[^a-z]", "", word) for word in runs[-1].split()]
    aliases = {"z": "zlibg", "http_parser": "libhttpparser", "crypto": "libssl"}
    for name in needed:
        package = aliases.get(name, "lib" + re.sub(r"[^a-z]", "", name))
        assert package in installed, f"lib{name}"


def ldd():
    text = subprocess.run(["ldd", server_path()], capture_output=True, text=True).stdout
    # C's own, Debian's python3, and what only sanitizers and other builds of Python need.
    skip = r"lib(c|m|dl|util|pthread|rt|python[\d.]*|asan|tsan|ubsan|gcc_s|stdc\+\+|resolv)\.so"
    return "\n".join(line for line in text.splitlines() if not re.search(skip, line))


def test_compose_file():
    compose = yaml.safe_load((CONTRIB / "container" / "compose.yml").read_text())
    (service,) = compose["services"].values()
    (app,) = service["command"]
    check_environment(service["environment"], app)
    demo = CONTRIB / "container" / service["volumes"][0].split(":")[0]
    assert (demo / (app.split(":")[0] + ".py")).is_file()
    assert (CONTRIB / "container" / service["build"]["context"] / "Makefile.am").is_file()
    assert seconds(service["stop_grace_period"]) > seconds(
        service["environment"]["YIMMO_SERVER_GRACEFUL_TIMEOUT"]
    )


# ---- Kubernetes


@pytest.fixture(scope="module")
def kubernetes():
    """The objects of the file, by their kind."""
    text = (CONTRIB / "kubernetes" / "yimmo-wsgi.yml").read_text()
    return {thing["kind"]: thing for thing in yaml.safe_load_all(text)}


def test_pod_has_good_settings(kubernetes):
    pod = kubernetes["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    env = {row["name"]: row["value"] for row in container["env"]}
    check_environment(env, *container["args"])
    settings = yaml.safe_load(run_cli("--print-config", *container["args"], env=env).stdout)
    assert settings["wsgi"]["supervise"] is False and settings["wsgi"]["no_proc"] == 1
    assert settings["wsgi"]["port"] == container["ports"][0]["containerPort"]
    # YIMMO_WSGI_PORT would be a Service's.
    assert pod["enableServiceLinks"] is False


def test_pod_has_time_to_drain(kubernetes):
    pod = kubernetes["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    env = {row["name"]: row["value"] for row in container["env"]}
    command, wait = container["lifecycle"]["preStop"]["exec"]["command"]
    graceful = seconds(env["YIMMO_SERVER_GRACEFUL_TIMEOUT"])
    assert command == "sleep"
    assert pod["terminationGracePeriodSeconds"] > seconds(wait) + graceful


def test_objects_refer_to_each_other(kubernetes):
    deployment = kubernetes["Deployment"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    (container,) = deployment["template"]["spec"]["containers"]
    ports = [port["name"] for port in container["ports"]]
    assert deployment["selector"]["matchLabels"] == labels
    assert kubernetes["Service"]["spec"]["selector"] == labels
    assert kubernetes["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert [p["targetPort"] for p in kubernetes["Service"]["spec"]["ports"]] == ports
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] in ports
    volumes = [volume["name"] for volume in deployment["template"]["spec"]["volumes"]]
    assert [mount["name"] for mount in container["volumeMounts"]] == volumes


# ---- nginx


def nginx_site(name, upstream, port, static):
    """The site as it is, but for its addresses."""
    site = (CONTRIB / "nginx" / name).read_text()
    site, n = re.subn(r"server 127\.0\.0\.1:8081;", f"server {upstream};", site)
    assert n == 1
    site = site.replace("listen [::]:80;", "")
    site = site.replace("listen 80;", f"listen 127.0.0.1:{port};")
    site = site.replace("include uwsgi_params;", "include /etc/nginx/uwsgi_params;")
    return site.replace("/srv/hello/static/", f"{static}/")


@pytest.fixture
def nginx(tmp_path):
    """nginx(server, site) → the port of an nginx in front of it."""
    started = []

    def start(server, site="yimmo-wsgi.conf"):
        port = fronts.free_port()
        static = tmp_path / "static"
        static.mkdir()
        (static / "file.txt").write_text("not the application's")
        text = nginx_site(site, server.address.partition("://")[2], port, static)
        started.append(fronts.nginx(tmp_path / "nginx", port, text))
        return port

    yield start
    for front in started:
        front.stop()


HOST = "Host: hello.example\r\nX-Forwarded-For: 192.0.2.1\r\n"


@pytest.mark.parametrize("over", ["tcp", "unix"])
def test_site(serve, nginx, short_dir, over):
    bind = {"tcp": "127.0.0.1:0", "unix": f"unix:{short_dir}/http.sock"}[over]
    server = serve("service:app", "--bind", bind, "--no-proc", "2", bind=False)
    port = nginx(server)
    seen = []
    with Client(port) as client:
        client.send(f"GET /static/file.txt HTTP/1.1\r\n{HOST}\r\n".encode())
        assert client.response().text == "not the application's"
        for _ in range(3):
            client.send(f"GET /a%20b?c=d HTTP/1.1\r\n{HOST}\r\n".encode())
            seen.append(json.loads(client.response().text)["environ"])
    assert seen[0]["PATH_INFO"] == "/a b" and seen[0]["QUERY_STRING"] == "c=d"
    assert seen[0]["HTTP_HOST"] == "hello.example"
    assert seen[0]["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"  # not what the client said
    assert seen[0]["HTTP_X_FORWARDED_PROTO"] == "http"
    assert "HTTP_CONNECTION" not in seen[0]
    if over == "tcp":  # one connection for all
        assert len({environ["REMOTE_PORT"] for environ in seen}) == 1


@pytest.mark.parametrize("over", ["tcp", "unix"])
def test_site_over_uwsgi(serve, nginx, short_dir, over):
    bind = {"tcp": "127.0.0.1:0", "unix": f"unix:{short_dir}/uwsgi.sock"}[over]
    server = serve("service:app", "--bind", f"uwsgi://{bind}", "--no-proc", "2", bind=False)
    port = nginx(server, "yimmo-wsgi-uwsgi.conf")
    forged = "X-Forwarded-Proto: https\r\nProxy: http://evil\r\nX_Y: z\r\n"
    with Client(port) as client:
        client.send(f"GET /static/file.txt HTTP/1.1\r\n{HOST}\r\n".encode())
        assert client.response().text == "not the application's"
        for _ in range(3):
            client.send(f"GET /a%20b?c=d HTTP/1.1\r\n{HOST}{forged}\r\n".encode())
            seen = json.loads(client.response().text)["environ"]
            assert (seen["PATH_INFO"], seen["SCRIPT_NAME"]) == ("/a b", "")
            assert (seen["REQUEST_URI"], seen["QUERY_STRING"]) == ("/a%20b?c=d", "c=d")
            assert seen["HTTP_HOST"] == seen["SERVER_NAME"] == "hello.example"
            assert seen["HTTP_X_FORWARDED_FOR"] == seen["REMOTE_ADDR"] == "127.0.0.1"
            assert (seen["HTTP_X_FORWARDED_PROTO"], seen["wsgi.url_scheme"]) == ("http", "http")
            assert seen["SERVER_PORT"] == str(port)
            assert not {"HTTP_PROXY", "HTTP_X_Y", "CONTENT_TYPE", "CONTENT_LENGTH"} & set(seen)


# ---- the page


def ours():
    """All options, as written in --help."""
    text = run_cli("--help").stdout
    return set(re.findall(r"--[a-z][a-z-]*", text.replace("--[no-]", "--")))


def test_page_names_options_that_exist():
    text = (ROOT / "docs" / "deployment.md").read_text()
    tables = re.findall(r"^\|[^|]*\|([^|]*)\|[^|]*\|$", text[text.index("## Coming from") :], re.M)
    named = set(re.findall(r"--[a-z][a-z-]*", " ".join(tables)))
    named |= set(re.findall(r"(?<= )--[a-z][a-z-]*", " ".join(command_lines(text))))
    assert len(named) > 20
    assert not named - ours()


def command_lines(text):
    """Our own command lines in the page's examples."""
    return re.findall(r"^    yimmo-wsgi (.*)$", text, re.M)


def test_page_has_command_lines_that_are_accepted(hello_yml):
    for line in command_lines((ROOT / "docs" / "deployment.md").read_text()):
        words = line.split("#")[0].replace("/etc/yimmo-wsgi/hello.yml", str(hello_yml)).split()
        done = run_cli(*words, "--check-config")
        assert (done.returncode, done.stderr) == (0, ""), line


def test_page_names_files_that_exist():
    text = (ROOT / "docs" / "deployment.md").read_text()
    files = set(re.findall(r"contrib/[\w/@.-]*\w", text))
    assert len(files) > 5
    for name in files:
        assert (ROOT / name).exists(), name
    for variable in set(re.findall(r"YIMMO_\w+", text)):
        assert variable in run_cli("--help").stdout


def test_every_file_travels_with_the_source():
    listed = (CONTRIB / "local.mk").read_text()
    for path in CONTRIB.rglob("*"):
        if path.is_file() and path.name != "local.mk" and "__pycache__" not in path.parts:
            assert str(path.relative_to(ROOT)) in listed
