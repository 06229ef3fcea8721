# SPDX-License-Identifier: MIT
"""Flask and Django behind front ends that have the certificate: they see https, and who asks."""

import pytest
import requests

import fronts

pytestmark = pytest.mark.frameworks

# Debian's nginx leaves the port out of HTTP_HOST.
NGINX = """
upstream back {{ server {back}; keepalive 4; }}
server {{
    listen 127.0.0.1:{port} ssl;
    listen 127.0.0.1:{plain};
    ssl_certificate {cert.chain};
    ssl_certificate_key {cert.key};
    client_max_body_size 100m;
    location / {{
        include /etc/nginx/{kind}_params;
        {kind}_param HTTP_HOST $http_host;
        {more}
        {kind}_pass back;
    }}
}}
"""
APACHE = """
Listen 127.0.0.1:{plain}
<VirtualHost 127.0.0.1:{port}>
    SSLEngine on
    SSLCertificateFile {cert.chain}
    SSLCertificateKeyFile {cert.key}
    ProxyPass "/" "{kind}://{back}/" {more}
</VirtualHost>
<VirtualHost 127.0.0.1:{plain}>
    ProxyPass "/" "{kind}://{back}/" {more}
</VirtualHost>
"""


def nginx(kind, more=""):
    def start(directory, port, **names):
        text = NGINX.format(port=port, kind=kind, more=more, **names)
        return fronts.nginx(directory, port, text)

    return kind, start


def apache(kind, more=""):
    def start(directory, port, **names):
        text = APACHE.format(port=port, kind=kind, more=more, **names)
        modules = ["socache_shmcb", "ssl", "proxy", f"proxy_{kind}"]
        return fronts.apache(directory, port, modules, text)

    return {"fcgi": "fastcgi"}.get(kind, kind), start


FRONTS = {
    "nginx-uwsgi": nginx("uwsgi"),
    "nginx-fastcgi": nginx("fastcgi", "fastcgi_keep_conn on;"),
    "apache-uwsgi": apache("uwsgi"),
    "apache-fastcgi": apache("fcgi", "enablereuse=on"),
}


@pytest.fixture(params=FRONTS)
def both(request, serve, pki, tmp_path):
    """A front end before an application: (its https URL, its http URL)."""
    started = []
    protocol, begin = FRONTS[request.param]

    def start(app):
        server = serve(app, "--protocol", protocol)
        back = server.address.partition("://")[2]
        port, plain = fronts.free_port(), fronts.free_port()
        tmp_path.chmod(0o755)
        started.append(
            begin(tmp_path / "front", port, plain=plain, cert=pki.local, back=back)
        )
        return f"https://localhost:{port}", f"http://localhost:{plain}"

    yield start
    for one in started:
        one.stop()


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
    for n in ("1", "2"):
        headers = {"X-CSRFToken": facts.json()["token"], "Referer": f"{https}/secure"}
        reply = session.post(f"{https}/visits", headers=headers, timeout=20)
        assert reply.status_code == 200 and reply.text == n
    away = session.get(f"{http}/visits", allow_redirects=False, timeout=20)
    assert away.status_code == 301 and away.headers["Location"].startswith("https://")
