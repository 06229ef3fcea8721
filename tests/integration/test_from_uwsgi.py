# SPDX-License-Identifier: MIT
"""docs/from-uwsgi.md: its example is carried out, and what it names is there."""

import json
import re
import socket
import subprocess
import textwrap

import pytest

import fronts
from harness import ROOT, clean_env, run_cli, until
from wire import Client, chunked, post, same

PAGE = (ROOT / "docs" / "from-uwsgi.md").read_text()
APPS = ROOT / "tests" / "integration" / "apps"
SITE = """
server {{
    listen 127.0.0.1:{port};
    server_name hello.example;
    client_max_body_size 100m;
    location / {{
        include /etc/nginx/uwsgi_params; uwsgi_param APP_STAGE prod; uwsgi_pass unix:{path};
    }}
}}
"""

# What an application finds with one server and not with the other, or found otherwise.
THEIRS = {"uwsgi.core", "uwsgi.node", "uwsgi.version"}
OURS = {"SCRIPT_NAME", "SERVER_SOFTWARE", "RAW_URI", "wsgi.input_terminated"}
OTHERS = {"wsgi.file_wrapper", "wsgi.input", "wsgi.errors", "REMOTE_PORT", "wsgi.multithread",
          "wsgi.multiprocess"}  # fmt: skip
# Empty, which the others take for absent.
EMPTY = {"CONTENT_LENGTH", "CONTENT_TYPE"}
# Headers that are none in WSGI: they have variables of their own, or tell of what has been decoded.
NO_HEADERS = {"HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_TRANSFER_ENCODING"}


def example(begins):
    """The indented block that begins so."""
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", PAGE, re.M)
    (block,) = [b for b in map(textwrap.dedent, blocks) if b.lstrip().startswith(begins)]
    return block.strip() + "\n"


def placed(text, directory):
    """The example for applications of the tests, which need no virtual environment."""
    text = re.sub(r"(?m)^ *(home|virtualenv)\b.*\n", "", text)
    text = text.replace("/run/hello", str(directory)).replace("/srv/hello", str(APPS))
    return text.replace("hello:app", "moving:app")


@pytest.fixture
def nginx(tmp_path, short_dir):
    short_dir.chmod(0o755)
    port = fronts.free_port()
    front = fronts.nginx(
        tmp_path / "nginx", port, SITE.format(port=port, path=short_dir / "uwsgi.sock")
    )
    yield front
    front.stop()


@pytest.fixture
def uwsgi(tmp_path, short_dir):
    """Start uWSGI with the page's uwsgi.ini; the process."""
    started = []

    def start():
        ini = tmp_path / "uwsgi.ini"
        text = placed(example("[uwsgi]"), short_dir)
        ini.write_text(text + "plugin = python3\ndisable-logging = true\n")
        assert fronts.UWSGI, "uWSGI is not installed; ./dev test does that on Debian"
        with (tmp_path / "uwsgi.log").open("w") as log:
            process = subprocess.Popen(
                [fronts.UWSGI, str(ini)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=clean_env(), start_new_session=True,
            )  # fmt: skip
        started.append(process)
        until((short_dir / "uwsgi.sock").exists, "uWSGI listens")
        return process

    yield start
    for process in started:
        fronts.kill_group(process)


def is_free(path):
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(str(path)) != 0


def ask(front, request, method="GET"):
    with Client(front.port) as client:
        return client.send(request).response(method)


def get(target, headers=""):
    return f"GET {target} HTTP/1.1\r\nHost: hello.example\r\n{headers}\r\n"


REQUESTS = {
    "plain": get("/"),
    "query": get("/a%20b/%C3%A4?c=d&e=%20", "Cookie: a=1\r\nX-Two: 1\r\nAccept: */*\r\n"),
    "post": post("/form", b"a=b&c=d", "Content-Type: application/x-www-form-urlencoded\r\n"),
    "large": post("/count", bytes(range(256)) * 8000),
    "chunked": chunked("/count", [b"abc", b"d" * 70_000]),
    "redirect": get("/redirect"),
    "missing": get("/missing"),
}


def answers(front):
    """Of all requests: status, the headers that matter, and what the application told."""
    found = {}
    for name, request in REQUESTS.items():
        response = ask(front, request)
        headers = {key: response.get(key) for key in ("Content-Type", "Location", "Set-Cookie")}
        found[name] = response.status, headers, json.loads(response.body)
    return found


def test_example_moves_with_nginx_as_it_is(nginx, uwsgi, serve, short_dir):
    process = uwsgi()
    until(lambda: ask(nginx, get("/")).status == 200, "uWSGI answers")
    before = answers(nginx)
    # Asked to end, one of its workers now and then does not.
    fronts.kill_group(process)
    until(lambda: is_free(short_dir / "uwsgi.sock"), "nobody listens")

    config = placed(example("wsgi:"), short_dir)
    server = serve(None, config=config, bind=False)
    assert server.address == f"uwsgi://unix:{short_dir}/uwsgi.sock"
    assert (short_dir / "uwsgi.sock").stat().st_mode & 0o777 == 0o660
    server.workers(2)
    after = answers(nginx)

    for name in REQUESTS:
        assert after[name][:2] == before[name][:2], name
        theirs, ours = before[name][2], after[name][2]
        assert same(ours.pop("body").encode(), theirs.pop("body").encode())
        assert ours["APP_STAGE"] == theirs["APP_STAGE"] == "prod"
        for key in EMPTY:
            if not ours.get(key):
                theirs.pop(key, None)
        assert set(theirs) - set(ours) - THEIRS - NO_HEADERS == set(), name
        assert set(ours) - set(theirs) - OURS == set(), name
        for key in set(ours) & set(theirs) - OTHERS - OURS:
            assert ours[key] == theirs[key], (name, key)


def test_check_finds_no_fault(tmp_path, short_dir):
    config = tmp_path / "yimmo.yml"
    config.write_text(placed(example("wsgi:"), short_dir))
    done = run_cli("-c", config, "--check-config")
    assert (done.returncode, done.stderr) == (0, "")


def rows():
    return re.findall(r"^\| (`.*?) \| (.*?) \|", PAGE, re.M)


def settings():
    """Their places in the file: whole, and without what is above."""
    text = (ROOT / "docs" / "settings.md").read_text()
    places = re.findall(r"^\| file \| `([\w.]+)` \|", text, re.M)
    return {part for p in places for part in (p, p.partition(".")[2], p.split(".")[-1])}


def test_page_names_settings_that_exist():
    known = settings()
    named = {
        word
        for _, here in rows()
        for word in re.findall(r"`((?:wsgi|server|tls)\.[\w.]+|[a-z]+_[a-z_]+)\b`?:?", here)
    }
    assert len(named) > 20
    assert named - known == set()


def test_page_has_many_options_once():
    options = [word for cell, _ in rows() for word in re.findall(r"`([a-z][\w-]*)`", cell)]
    assert len(options) > 100
    assert len(options) == len(set(options)), sorted(o for o in options if options.count(o) > 1)
