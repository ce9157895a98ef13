#!/usr/bin/env bash
# Django 5.2.8 as a WSGI application: the value of each Set-Cookie that it gives to `start_response` begins with a space. A server
# that passes values on as they are sends two spaces behind the colon.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check Django==5.2.8
cat >cookie.py <<'PY'
from io import BytesIO

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="of no use")


def view(request):
    response = HttpResponse("body")
    response.set_cookie("a", "b")
    return response


urlpatterns = [path("", view)]
environ = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": "/",
    "SERVER_NAME": "a",
    "SERVER_PORT": "80",
    "wsgi.input": BytesIO(),
    "wsgi.url_scheme": "http",
}
get_wsgi_application()(environ, lambda status, headers: print([pair for pair in headers if pair[0] == "Set-Cookie"]))
PY
env/bin/python cookie.py | tee seen
[ "$(cat seen)" = "[('Set-Cookie', ' a=b; Path=/')]" ]
