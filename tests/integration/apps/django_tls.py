# SPDX-License-Identifier: MIT
"""Django in one file, told to live behind https."""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import path

settings.configure(
    SECRET_KEY="not a secret",
    ALLOWED_HOSTS=["localhost"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    SECURE_SSL_REDIRECT=True,
    SECURE_HSTS_SECONDS=3600,
    SESSION_COOKIE_SECURE=True,
    CSRF_COOKIE_SECURE=True,
)
django.setup()


def secure(request):
    facts = {"secure": request.is_secure(), "url": request.build_absolute_uri()}
    return JsonResponse({**facts, "token": get_token(request)})


def visits(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(str(request.session["visits"]))


urlpatterns = [path("secure", secure), path("visits", visits)]
app = get_wsgi_application()
