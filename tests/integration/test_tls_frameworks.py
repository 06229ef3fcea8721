# SPDX-License-Identifier: MIT
"""Flask and Django over https: they see that it is, and their secure cookies come back."""

import re

import pytest
import requests

pytestmark = pytest.mark.frameworks


@pytest.fixture
def both(serve, pki):
    """A server with an https and an http listener: (its https URL, its http URL)."""

    def start(app):
        server = serve(
            app,
            *pki.local.options,
            *("--bind", "https://127.0.0.1:0", "--bind", "http://127.0.0.1:0"),
            bind=False,
        )
        server.wait_log("listening on ", count=2)
        ports = dict(re.findall(r"listening on (https?)://127\.0\.0\.1:(\d+)", server.log()))
        return [f"{scheme}://localhost:{ports[scheme]}" for scheme in ("https", "http")]

    return start


@pytest.fixture
def session(pki):
    with requests.Session() as session:
        session.verify = str(pki.ca)
        session.trust_env = False
        yield session


def test_flask(both, session):
    https, http = both("flask_tls:app")
    assert session.get(f"{https}/secure", timeout=20).text == f"True https {https}/whoami"
    assert session.get(f"{http}/secure", timeout=20).text == f"False http {http}/whoami"
    reply = session.post(f"{https}/login", data={"user": "alice"}, timeout=20)
    assert reply.status_code == 204 and "Secure" in reply.headers["Set-Cookie"]
    assert session.get(f"{https}/whoami", timeout=20).text == "alice"
    files = {"file": ("name.bin", b"x" * 2_000_000)}
    reply = session.post(f"{https}/upload", files=files, data={"note": "n"}, timeout=20)
    assert reply.json()["size"] == 2_000_000


def test_django(both, session):
    https, http = both("django_tls:app")
    facts = session.get(f"{https}/secure", timeout=20)
    assert facts.json()["secure"] is True and facts.json()["url"] == f"{https}/secure"
    assert "max-age=3600" in facts.headers["Strict-Transport-Security"]
    for n in ("1", "2"):
        # Its check of forgeries wants a referrer, over https only.
        headers = {"X-CSRFToken": facts.json()["token"], "Referer": f"{https}/secure"}
        reply = session.post(f"{https}/visits", headers=headers, timeout=20)
        assert reply.status_code == 200 and reply.text == n
        assert "Secure" in reply.headers["Set-Cookie"]
    away = session.get(f"{http}/visits", allow_redirects=False, timeout=20)
    assert away.status_code == 301 and away.headers["Location"].startswith("https://")
    assert "Strict-Transport-Security" not in away.headers
