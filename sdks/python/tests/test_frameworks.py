"""Published frameworks, unchanged: what a client sees is what it sees of uvicorn, or of wsgiref."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import uvicorn

from .framework_apps import django_asgi_app, django_wsgi_app, fastapi_app, flask_app, starlette_app
from .host_rig import Host, serving
from .wire_rig import END, chunk, init

Seen = tuple[int, list[tuple[str, str]], bytes]
"""A status, the header fields that the application chose, and a body."""

FORM = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n" + os.urandom(100_000) + b"\r\n--b--\r\n"
)
MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}
JSON = {"Content-Type": "application/json"}

Call = tuple[str, str, dict[str, str], bytes]
COMMON: list[Call] = [
    ("GET", "/url?a=1&b=%20", {}, b""),
    ("GET", "/nowhere", {}, b""),
    ("POST", "/upload", MULTIPART, FORM),
    ("GET", "/events", {}, b""),
    ("GET", "/session", {}, b""),
]
STARLETTE: list[Call] = [
    *COMMON,
    ("DELETE", "/url", {}, b""),
    ("PUT", "/url", {}, b""),
    ("HEAD", "/static/page.html", {}, b""),
    ("GET", "/static/page.html", {"Range": "bytes=2-5"}, b""),
    ("GET", "/static/../secret", {}, b""),
    ("GET", "/background", {}, b""),
]
FASTAPI: list[Call] = [
    ("GET", "/items/3?q=caf%C3%A9", {"X-User": "ann"}, b""),
    ("GET", "/items/three", {"X-User": "ann"}, b""),
    ("GET", "/items/10", {"X-User": "ann"}, b""),
    ("GET", "/items/3", {}, b""),
    ("POST", "/items", JSON, b'{"a": [1, 2]}'),
    ("POST", "/items", JSON, b'{"a": [1'),
    ("GET", "/moved", {}, b""),
    ("GET", "/openapi.json", {}, b""),
]
FLASK: list[Call] = [
    *COMMON,
    ("DELETE", "/url", {}, b""),
    ("GET", "/moved", {}, b""),
    ("GET", "/static-files/page.html", {"Range": "bytes=2-5"}, b""),
]

# What a server adds, and what differs from one call to the next.
_OWN = ("date", "server", "connection", "transfer-encoding", "content-length", "set-cookie")


@pytest.mark.parametrize(
    ("make", "kind", "calls"),
    [
        (starlette_app, "asgi", STARLETTE),
        (fastapi_app, "asgi", FASTAPI),
        (django_asgi_app, "asgi", COMMON),
        (flask_app, "wsgi", FLASK),
        (django_wsgi_app, "wsgi", COMMON),
    ],
    ids=["starlette", "fastapi", "django-asgi", "flask", "django-wsgi"],
)
@pytest.mark.parametrize("carrier", ["mux", "stream"])
async def test_a_framework_answers_as_it_does_on_its_own_server(
    tmp_path: Path, make: Callable[[Path], Any], kind: str, calls: list[Call], carrier: str
) -> None:
    (tmp_path / "page.html").write_text("<p>a page</p>")
    async with directly(make(tmp_path), kind) as port:
        expected = [await asyncio.to_thread(call_directly, port, *call) for call in calls]
    async with serving(tmp_path, carrier, **{kind: make(tmp_path)}) as host:
        found = [await call_plugin(host, *call) for call in calls]
    for call, ours, theirs in zip(calls, found, expected, strict=True):
        assert (call[:2], ours) == (call[:2], theirs)


async def call_plugin(
    host: Host, method: str, url: str, headers: dict[str, str], body: bytes
) -> Seen:
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    exchange = host.open(init(method, url, fields, len(body)))
    for at in range(0, len(body), 50_000):
        exchange.send(chunk(body[at : at + 50_000]))
    exchange.send(END)
    response = await exchange.over()
    assert response.ended
    pairs = [(name.decode().lower(), value.decode("latin-1")) for name, value in response.headers]
    # The host sends no body where HTTP has none.
    return response.status, _chosen(pairs), b"" if method == "HEAD" else response.body


def call_directly(port: int, method: str, url: str, headers: dict[str, str], body: bytes) -> Seen:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, url, body or None, {"Host": "example.org", **headers})
    response = connection.getresponse()
    data = response.read()
    pairs = [(name.lower(), value) for name, value in response.getheaders()]
    connection.close()
    return response.status, _chosen(pairs), data


def _chosen(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(pair for pair in pairs if pair[0] not in _OWN)


@asynccontextmanager
async def directly(app: Any, kind: str) -> AsyncGenerator[int]:
    """The application on a server of its own. Gives the port."""
    if kind == "wsgi":
        server = make_server("127.0.0.1", 0, app, handler_class=_Quiet)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            await asyncio.to_thread(server.shutdown)
            thread.join()
            server.server_close()
        return
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        uvicorn_server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="auto"))
        thread = threading.Thread(target=uvicorn_server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            uvicorn_server.should_exit = True
            await asyncio.to_thread(thread.join)


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass
