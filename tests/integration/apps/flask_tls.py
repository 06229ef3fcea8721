# SPDX-License-Identifier: MIT
"""flask_app with what a site behind https sets."""

from flask import request, url_for

from flask_app import create_app

app = create_app()
app.config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Strict")


@app.route("/secure")
def secure():
    return f"{request.is_secure} {request.scheme} {url_for('whoami', _external=True)}"
