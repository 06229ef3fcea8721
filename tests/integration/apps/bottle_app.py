# SPDX-License-Identifier: MIT
import bottle

app = bottle.Bottle()


@app.route("/hello/<name>")
def hello(name):
    return f"Hello, {name}!"


@app.post("/form")
def form():
    upload = bottle.request.files.get("file")
    return {"field": bottle.request.forms.field, "size": len(upload.file.read())}
