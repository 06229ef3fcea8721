# SPDX-License-Identifier: MIT
import pytest
import requests

pytestmark = pytest.mark.frameworks


def test_bottle(serve):
    server = serve("bottle_app:app")
    assert requests.get(f"{server.url}/hello/you", timeout=20).text == "Hello, you!"
    told = requests.post(
        f"{server.url}/form", data={"field": "x"}, files={"file": b"12345"}, timeout=20
    )
    assert told.json() == {"field": "x", "size": 5}
    assert requests.get(f"{server.url}/none", timeout=20).status_code == 404


def test_falcon(serve):
    server = serve("falcon_app:app")
    told = requests.get(f"{server.url}/hello/you?q=1", timeout=20).json()
    assert told == {"hello": "you", "query": "1"}
    told = requests.post(f"{server.url}/hello/me", json={"a": [1]}, timeout=20).json()
    assert told == {"got": {"a": [1]}, "name": "me"}
