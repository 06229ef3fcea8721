# SPDX-License-Identifier: MIT
import hashlib

from flask import Flask, Response, jsonify, request, send_file, session, stream_with_context

import gatelib


def create_app(secret="not a secret"):
    app = Flask(__name__)
    app.secret_key = secret

    @app.route("/")
    def hello():
        return "<p>Hello, World!</p>"

    @app.route("/login", methods=["POST"])
    def login():
        session["user"] = request.form["user"]
        return "", 204

    @app.route("/whoami")
    def whoami():
        return session.get("user", "nobody")

    @app.route("/upload", methods=["POST"])
    def upload():
        file = request.files["file"]
        data = file.read()
        return jsonify(
            name=file.filename,
            size=len(data),
            sha=hashlib.sha256(data).hexdigest(),
            note=request.form["note"],
        )

    @app.route("/json", methods=["POST"])
    def json_():
        return jsonify(request.get_json())

    @app.route("/stream")
    def stream():
        @stream_with_context
        def lines():
            for i in range(3):
                gatelib.wait("flask-stream")
                yield f"{request.args['word']} {i}\n"

        return Response(lines(), mimetype="text/plain")

    @app.route("/file")
    def file():
        return send_file(__file__, conditional=True)

    @app.route("/broken")
    def broken():
        raise RuntimeError("the view failed")

    return app


app = create_app()
