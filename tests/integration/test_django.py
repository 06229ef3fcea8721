# SPDX-License-Identifier: MIT
"""A Django project made as its tutorial makes one: migrations, admin, static files, sqlite."""

import json
import os
import re
import subprocess

import pytest
import requests

from harness import clean_env
from wire import Client

pytestmark = pytest.mark.frameworks

SETTINGS = """
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1"]
STATIC_URL = "/static/"
"""

WSGI = """
from django.contrib.staticfiles.handlers import StaticFilesHandler
application = StaticFilesHandler(application)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    from harness import Server

    # The server's own interpreter, as the server tells it.
    probe = Server(["interpreter:app", "--host", "127.0.0.1", "--port", "0"])
    with Client(probe.port) as client:
        python = json.loads(client.request("/facts").text)["executable"]
    probe.end()
    where = tmp_path_factory.mktemp("django")
    env = clean_env({"PYTHONPATH": None})

    def run(*args, **more):
        done = subprocess.run(
            [python, *args],
            cwd=where,
            env={**env, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    run("-m", "django", "startproject", "mysite", ".")
    with open(where / "mysite" / "settings.py", "a", encoding="ascii") as file:
        file.write(SETTINGS)
    with open(where / "mysite" / "wsgi.py", "a", encoding="ascii") as file:
        file.write(WSGI)
    run("manage.py", "migrate")
    run(
        "manage.py",
        "createsuperuser",
        "--noinput",
        "--username=admin",
        "--email=a@example.com",
        DJANGO_SUPERUSER_PASSWORD="pass word",
    )
    return where


@pytest.fixture(params=["1", "3"])
def django(request, project, serve):
    return serve("mysite.wsgi", "-t", request.param, cwd=project, env={"PYTHONPATH": None})


def token(text):
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text).group(1)


def login(django, session):
    url = f"{django.url}/admin/login/?next=/admin/"
    page = session.get(url, timeout=20)
    form = {
        "csrfmiddlewaretoken": token(page.text),
        "username": "admin",
        "password": "pass word",
        "next": "/admin/",
    }
    return session.post(url, data=form, timeout=20)


def test_admin(django):
    with requests.Session() as session:
        page = login(django, session)
        assert page.status_code == 200 and page.url.endswith("/admin/")
        assert "Site administration" in page.text
        add = f"{django.url}/admin/auth/group/add/"
        name = f"grüppe {django.pid} {os.urandom(4).hex()}"
        form = {"csrfmiddlewaretoken": token(session.get(add, timeout=20).text), "name": name}
        page = session.post(add, data=form, timeout=20)
        assert page.status_code == 200 and name in page.text


def test_login_without_csrf_token_is_refused(django):
    response = requests.post(f"{django.url}/admin/login/", data={"username": "admin"}, timeout=20)
    assert response.status_code == 403


def test_static_files(django):
    response = requests.get(f"{django.url}/static/admin/css/base.css", timeout=20)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/css")
    assert len(response.content) == int(response.headers["Content-Length"]) > 1000
    again = requests.get(
        f"{django.url}/static/admin/css/base.css",
        headers={"If-Modified-Since": response.headers["Last-Modified"]},
        timeout=20,
    )
    assert again.status_code == 304
    assert requests.get(f"{django.url}/static/none.css", timeout=20).status_code == 404


def test_debug_page(django):
    response = requests.get(f"{django.url}/no/such/page", timeout=20)
    assert response.status_code == 404 and "DEBUG = True" in response.text
