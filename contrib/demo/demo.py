# SPDX-License-Identifier: MIT
"""What `./dev run` serves without an argument: one page that shows a WSGI server at work.

Plain PEP 3333 and the standard library. Start it by hand with

    yimmo-wsgi --pythonpath contrib/demo demo:application
"""

import hashlib
import html
import platform
import threading
import time

STYLE = """
:root { color-scheme: light dark; --line: #8884; --accent: #2a7; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2rem; border-bottom: 2px solid var(--accent); }
p.sub { margin-top: .2rem; opacity: .7; }
table { border-collapse: collapse; width: 100%; font: 13px/1.4 ui-monospace, monospace; }
td { border-bottom: 1px solid var(--line); padding: .2rem .5rem; vertical-align: top;
     word-break: break-all; }
td:first-child { white-space: nowrap; width: 1%; color: var(--accent); }
pre { border: 1px solid var(--line); border-radius: 6px; padding: .8rem; min-height: 1.5em; }
button, input { font: inherit; }
"""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>yimmo-wsgi demo</title><style>{style}</style></head><body>
<h1>It works.</h1>
<p class="sub">{software} · Python {python} · thread “{thread}”</p>

<h2>Streaming</h2>
<p>A generator yields a line every half second; each leaves the server when it is made.
<button id="start">Start</button></p>
<pre id="stream"></pre>

<h2>Upload</h2>
<form id="upload"><input type="file" name="file"> <button>Send</button></form>
<p>The file is the request's body; the application reads it in pieces and hashes it.</p>
<pre id="uploaded"></pre>

<h2>environ</h2>
<table>{rows}</table>
<script>
const base = {base};
const $ = id => document.getElementById(id);
$("start").onclick = () => {{
  const source = new EventSource(base + "/stream");
  $("stream").textContent = "";
  source.onmessage = e => $("stream").textContent += e.data + "\\n";
  source.addEventListener("end", () => source.close());
}};
$("upload").onsubmit = async e => {{
  e.preventDefault();
  const file = e.target.file.files[0];
  if (!file) return;
  $("uploaded").textContent = "…";
  const answer = await fetch(base + "/upload", {{method: "POST", body: file}});
  $("uploaded").textContent = await answer.text();
}};
</script></body></html>
"""


def application(environ, start_response):
    """Choose by path; each view is an application itself."""
    view = VIEWS.get(environ["PATH_INFO"] or "/", not_found)
    return view(environ, start_response)


def respond(start_response, status, content_type, text):
    body = text.encode("utf-8")
    headers = [("Content-Type", content_type + "; charset=utf-8")]
    start_response(status, headers + [("Content-Length", str(len(body)))])
    return [body]


def index(environ, start_response):
    rows = "".join(
        f"<tr><td>{html.escape(key)}</td><td>{html.escape(repr(value))}</td></tr>"
        for key, value in sorted(environ.items())
    )
    # Quoted for the script: the prefix is the operator's, but a page should not trust its URL.
    base = environ["SCRIPT_NAME"].replace("\\", "\\\\").replace('"', '\\"').replace("<", "\\x3c")
    page = PAGE.format(
        style=STYLE,
        software=html.escape(environ.get("SERVER_SOFTWARE", "")),
        python=platform.python_version(),
        thread=html.escape(threading.current_thread().name),
        rows=rows,
        base=f'"{base}"',
    )
    return respond(start_response, "200 OK", "text/html", page)


def stream(environ, start_response):
    """Server-sent events."""
    start_response(
        "200 OK", [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")]
    )
    return ticks(10)


def ticks(count):
    for number in range(1, count + 1):
        yield f"data: {time.strftime('%H:%M:%S')}  line {number} of {count}\n\n".encode()
        time.sleep(0.5)
    yield b"event: end\ndata: end\n\n"


def upload(environ, start_response):
    if environ["REQUEST_METHOD"] != "POST":
        return respond(start_response, "405 Method Not Allowed", "text/plain", "POST a body here\n")
    digest, size = hashlib.sha256(), 0
    for piece in iter(lambda: environ["wsgi.input"].read(65536), b""):
        digest.update(piece)
        size += len(piece)
    text = f"{size} bytes\nsha256 {digest.hexdigest()}\n"
    return respond(start_response, "200 OK", "text/plain", text)


def not_found(environ, start_response):
    return respond(start_response, "404 Not Found", "text/plain", "There is no such page here.\n")


VIEWS = {"/": index, "/stream": stream, "/upload": upload}
