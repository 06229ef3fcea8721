# SPDX-License-Identifier: MIT
import hashlib
import threading

import pytest
import requests

from wire import Client, chunked

pytestmark = pytest.mark.frameworks


@pytest.fixture
def flask(serve, gate):
    return serve("flask_app:app", "--no-threads", "2", env=gate.env)


def test_hello(flask):
    assert requests.get(flask.url, timeout=20).text == "<p>Hello, World!</p>"


def test_factory(serve, gate):
    server = serve('flask_app:create_app("x")', env=gate.env)
    assert requests.get(server.url, timeout=20).status_code == 200


def test_session(flask):
    with requests.Session() as session:
        assert session.get(f"{flask.url}/whoami", timeout=20).text == "nobody"
        session.post(f"{flask.url}/login", data={"user": "Zoë"}, timeout=20)
        assert session.get(f"{flask.url}/whoami", timeout=20).text == "Zoë"


@pytest.mark.parametrize("size", [0, 1000, 5_000_000])
def test_upload(flask, size):
    data = bytes(i % 251 for i in range(size))
    told = requests.post(
        f"{flask.url}/upload",
        files={"file": ("a b.bin", data)},
        data={"note": "ünï"},
        timeout=20,
    ).json()
    assert told == {
        "name": "a b.bin",
        "size": size,
        "sha": hashlib.sha256(data).hexdigest(),
        "note": "ünï",
    }


def test_chunked_json(flask):
    """Werkzeug reads a body without Content-Length only because of wsgi.input_terminated."""
    with Client(flask.port) as client:
        client.send(chunked("/json", [b'{"a": ', b"[1, 2]}"], "Content-Type: application/json\r\n"))
        assert client.response().body.strip() == b'{"a":[1,2]}'


def test_streaming(flask, gate):
    with Client(flask.port) as client:
        client.get("/stream?word=line")
        for n in range(3):
            gate.accept("flask-stream").release()
            if n == 0:
                assert client.head().status == 200
            assert client.chunk() == b"line %d\n" % n
        assert client.chunk() == b""


def test_send_file_with_ranges(flask):
    from harness import APPS

    data = (APPS / "flask_app.py").read_bytes()
    response = requests.get(f"{flask.url}/file", timeout=20)
    assert response.content == data
    part = requests.get(f"{flask.url}/file", headers={"Range": "bytes=10-19"}, timeout=20)
    assert part.status_code == 206 and part.content == data[10:20]
    again = requests.get(
        f"{flask.url}/file", headers={"If-None-Match": response.headers["ETag"]}, timeout=20
    )
    assert again.status_code == 304 and again.content == b""


def test_broken_view(flask):
    response = requests.get(f"{flask.url}/broken", timeout=20)
    assert response.status_code == 500
    flask.wait_log("RuntimeError: the view failed")


def test_many_at_once(flask):
    wrong = []

    def work():
        with requests.Session() as session:
            for _ in range(50):
                if session.get(flask.url, timeout=20).text != "<p>Hello, World!</p>":
                    wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
