# SPDX-License-Identifier: MIT
"""A front end that speaks uwsgi byte by byte, written after the protocol's description."""

import struct

import wire

# What nginx's uwsgi_params give, beside the request itself.
FRONT = {
    "REQUEST_SCHEME": "http",
    "REMOTE_ADDR": "192.0.2.7",
    "REMOTE_PORT": "4711",
    "SERVER_PORT": "80",
    "SERVER_NAME": "front.example",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "DOCUMENT_ROOT": "/var/www",
    "HTTP_HOST": "front.example",
}


def variables(target="/", method="GET", body=b"", **more):
    """Those of a request; `more` replaces or, with None, removes."""
    path, _, query = target.partition("?")
    found = {
        "REQUEST_METHOD": method,
        "REQUEST_URI": target,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": "",
        "CONTENT_LENGTH": str(len(body)) if body else "",
        **FRONT,
        **more,
    }
    return [(key, value) for key, value in found.items() if value is not None]


def packet(pairs, modifier1=0, modifier2=0):
    data = b""
    for pair in pairs:
        for text in pair:
            raw = text.encode("latin-1")
            data += struct.pack("<H", len(raw)) + raw
    return struct.pack("<BHB", modifier1, len(data), modifier2) + data


class Client(wire.Client):
    def ask(self, target="/", method="GET", body=b"", **more):
        return self.send(packet(variables(target, method, body, **more)) + body)

    def answer(self, method="GET"):
        """The one response of this connection, whose end is its end."""
        response = self.head()
        response.body = self.rest()
        assert not response.all("Transfer-Encoding") and not response.all("Connection")
        length = response.get("Content-Length")
        if method == "HEAD" or response.status in (204, 304):
            assert response.body == b""
        elif length is not None:
            assert len(response.body) == int(length)
        return response

    def request(self, target="/", method="GET", body=b"", **more):
        return self.ask(target, method, body, **more).answer(method)
