# SPDX-License-Identifier: MIT
"""wsgi.file_wrapper with files, positions, lengths, and things that only look like files."""

import io
import os
import tempfile

TEXT = [("Content-Type", "text/plain")]
closed = []

SIZE = 300_000
DATA = bytes(i * 7 % 251 for i in range(SIZE))
PATH = os.path.join(tempfile.mkdtemp(prefix="ymo-files-"), "data")
with open(PATH, "wb") as _file:
    _file.write(DATA)


class Watched(io.FileIO):
    def close(self):
        if not self.closed:
            closed.append(self.name)
        super().close()


class Lies(io.BytesIO):
    """Its descriptor leads to other bytes than its read(), as with a decompressing file."""

    def __init__(self):
        super().__init__(b"what read() gives")
        self.other = open(PATH, "rb")

    def fileno(self):
        return self.other.fileno()

    def close(self):
        self.other.close()
        super().close()


class NoFile:
    """read() only: what PEP 3333 asks of a file-like object, no more."""

    def __init__(self, data):
        self.data = io.BytesIO(data)

    def read(self, n):
        return self.data.read(n)


def pipe(data):
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    return open(reader, "rb")


def app(environ, start_response):
    wrap = environ["wsgi.file_wrapper"]
    name = environ["PATH_INFO"][1:]
    headers = list(TEXT)
    if name == "closed":
        start_response("200 OK", TEXT)
        return [b"%d" % len(closed)]
    if name == "remove":
        os.unlink(PATH)
        os.rmdir(os.path.dirname(PATH))
        start_response("200 OK", TEXT)
        return [b"removed"]
    if name == "whole":
        result = wrap(open(PATH, "rb"))
    elif name == "watched":
        result = wrap(Watched(PATH))
    elif name == "buffered":
        file = open(PATH, "rb")
        file.read(10)  # the descriptor is further ahead than the file's own position
        result = wrap(file)
    elif name == "position":
        file = open(PATH, "rb", buffering=0)
        file.seek(1000)
        result = wrap(file)
    elif name == "length":
        headers.append(("Content-Length", "5000"))
        file = open(PATH, "rb")
        file.seek(100)
        result = wrap(file, 4096)
    elif name == "length-too-long":
        headers.append(("Content-Length", str(SIZE + 10)))
        result = wrap(open(PATH, "rb"))
    elif name == "end":
        file = open(PATH, "rb")
        file.seek(0, os.SEEK_END)
        result = wrap(file)
    elif name == "bytesio":
        result = wrap(io.BytesIO(DATA), 8192)
    elif name == "read-only":
        result = wrap(NoFile(DATA))
    elif name == "lies":
        result = wrap(Lies())
    elif name == "temporary":
        file = tempfile.NamedTemporaryFile()
        file.write(b"temporary")
        file.seek(0)
        result = wrap(file)
    elif name == "pipe":
        result = wrap(pipe(b"through a pipe"))
    elif name == "iterated":
        # Not the result object itself: middleware iterates it.
        result = (block for block in wrap(open(PATH, "rb"), 65536))
    elif name == "text-file":
        result = wrap(open(PATH, encoding="latin-1"))
    elif name == "closed-file":
        file = open(PATH, "rb")
        file.close()
        result = wrap(file)
    start_response("200 OK", headers)
    return result
