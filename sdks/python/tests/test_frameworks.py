"""Published frameworks, unchanged: what a client sees is what it sees of uvicorn, or of gunicorn."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from wsproto.events import CloseConnection, TextMessage

from . import fastapi_app, framework_apps, litestar_app
from .host_rig import Host, serving
from .websocket_client import DirectClient, HostedClient, WebSocketClient
from .wire_rig import END, chunk, init

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
    # The second one sends the cookie of the first.
    ("GET", "/session", {}, b""),
    ("GET", "/session", {}, b""),
]
STATIC: list[Call] = [
    ("HEAD", "/static/page.html", {}, b""),
    ("GET", "/static/page.html", {"Range": "bytes=2-5"}, b""),
    ("GET", "/static/../secret", {}, b""),
]
# The second one tells that the first one's has run.
BACKGROUND: list[Call] = [("GET", "/background", {}, b"")] * 2
STARLETTE: list[Call] = [
    *COMMON,
    *STATIC,
    *BACKGROUND,
    ("DELETE", "/url", {}, b""),
    ("PUT", "/url", {}, b""),
]
FASTAPI: list[Call] = [
    *COMMON[1:],
    *STATIC,
    *BACKGROUND,
    ("GET", "/items/3?q=caf%C3%A9", {"X-User": "ann"}, b""),
    ("GET", "/items/three", {"X-User": "ann"}, b""),
    ("GET", "/items/10", {"X-User": "ann"}, b""),
    ("GET", "/items/3", {}, b""),
    ("POST", "/items", JSON, b'{"a": [1, 2]}'),
    ("POST", "/items", JSON, b'{"a": [1'),
    ("GET", "/moved", {}, b""),
    ("GET", "/openapi.json", {}, b""),
]
LITESTAR: list[Call] = [
    *COMMON,
    *STATIC,
    *BACKGROUND,
    ("DELETE", "/url", {}, b""),
    ("PUT", "/url", {}, b""),
    ("GET", "/moved", {}, b""),
]
FLASK: list[Call] = [
    *COMMON,
    ("DELETE", "/url", {}, b""),
    ("GET", "/moved", {}, b""),
    ("GET", "/static-files/page.html", {"Range": "bytes=2-5"}, b""),
]

# What a server adds, and what differs from one call to the next.
_OWN = ("date", "server", "connection", "transfer-encoding", "content-length", "set-cookie")


@dataclass
class Seen:
    """A response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def of_the_application(self) -> object:
        """Without what a server adds."""
        chosen = sorted(pair for pair in self.headers if pair[0] not in _OWN)
        return self.status, chosen, self.body


CARRIERS = pytest.mark.parametrize("carrier", ["mux", "stream"])


@pytest.mark.parametrize(
    ("make", "calls"),
    [
        (framework_apps.starlette_app, STARLETTE),
        (fastapi_app.fastapi_app, FASTAPI),
        (litestar_app.litestar_app, LITESTAR),
        (framework_apps.django_asgi_app, COMMON),
    ],
    ids=["starlette", "fastapi", "litestar", "django"],
)
@CARRIERS
async def test_a_framework_answers_as_it_does_on_uvicorn(
    tmp_path: Path, make: Callable[[Path], Any], calls: list[Call], carrier: str
) -> None:
    (tmp_path / "page.html").write_text("<p>a page</p>")
    async with on_uvicorn(make(tmp_path)) as port:
        expected = await directly(port, calls)
    async with serving(tmp_path, carrier, asgi=make(tmp_path)) as host:
        assert await by_plugin(host, calls) == expected


@pytest.mark.parametrize(
    ("name", "calls"), [("flask_app", FLASK), ("django_wsgi_app", COMMON)], ids=["flask", "django"]
)
@CARRIERS
async def test_a_framework_answers_as_it_does_on_gunicorn(
    tmp_path: Path, name: str, calls: list[Call], carrier: str
) -> None:
    (tmp_path / "page.html").write_text("<p>a page</p>")
    async with on_gunicorn(f"tests.framework_apps:{name}({str(tmp_path)!r})") as port:
        expected = await directly(port, calls)
    app = getattr(framework_apps, name)(tmp_path)
    async with serving(tmp_path, carrier, wsgi=app) as host:
        assert await by_plugin(host, calls) == expected


@pytest.mark.parametrize(
    "make",
    [framework_apps.starlette_app, fastapi_app.fastapi_app, litestar_app.litestar_app],
    ids=["starlette", "fastapi", "litestar"],
)
@CARRIERS
async def test_a_websocket_of_a_framework_talks_as_it_does_on_uvicorn(
    tmp_path: Path, make: Callable[[Path], Any], carrier: str
) -> None:
    async with on_uvicorn(make(tmp_path)) as port:
        direct = await DirectClient.connect(port, "/echo")
        expected = await talk(direct)
        direct.close()
    async with serving(tmp_path, carrier, asgi=make(tmp_path)) as host:
        assert await talk(HostedClient(host, "/echo", [])) == expected


async def talk(client: WebSocketClient) -> list[object]:
    """Says three things, and closes."""
    seen: list[object] = [type(await client.next())]
    for text in ("", "h\u00e9llo", "x" * 70_000):
        client.send(TextMessage(text))
        got = ""
        while True:
            event = await client.next()
            assert isinstance(event, TextMessage)
            got += event.data
            if event.message_finished:
                break
        seen.append(got)
    client.send(CloseConnection(code=4000, reason="done"))
    event = await client.next()
    assert isinstance(event, CloseConnection)
    return [*seen, event.code, event.reason]


async def directly(port: int, calls: list[Call]) -> list[object]:
    """What a server on that port answers, as the application says it."""

    async def call(method: str, url: str, headers: dict[str, str], body: bytes) -> Seen:
        return await asyncio.to_thread(call_port, port, method, url, headers, body)

    return await visit(calls, call)


async def by_plugin(host: Host, calls: list[Call]) -> list[object]:
    """The same of a plugin."""

    async def call(method: str, url: str, headers: dict[str, str], body: bytes) -> Seen:
        return await call_plugin(host, method, url, headers, body)

    return await visit(calls, call)


async def visit(calls: list[Call], call: Callable[..., Awaitable[Seen]]) -> list[object]:
    """Makes the calls one after the other, with the cookie that came last."""
    seen: list[object] = []
    cookie: dict[str, str] = {}
    for method, url, headers, body in calls:
        answer = await call(method, url, {**headers, **cookie}, body)
        for name, value in answer.headers:
            if name == "set-cookie":
                cookie = {"Cookie": value.split(";", 1)[0]}
        seen.append((method, url, answer.of_the_application()))
    return seen


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
    return Seen(response.status, pairs, b"" if method == "HEAD" else response.body)


def call_port(port: int, method: str, url: str, headers: dict[str, str], body: bytes) -> Seen:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, url, body or None, {"Host": "example.org", **headers})
    response = connection.getresponse()
    data = response.read()
    pairs = [(name.lower(), value) for name, value in response.getheaders()]
    connection.close()
    return Seen(response.status, pairs, data)


@asynccontextmanager
async def on_uvicorn(app: Any) -> AsyncGenerator[int]:
    """The application on uvicorn, in a thread. Gives the port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        config = uvicorn.Config(app, log_level="error", lifespan="auto", ws="wsproto")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await asyncio.to_thread(thread.join)


@asynccontextmanager
async def on_gunicorn(target: str) -> AsyncGenerator[int]:
    """The application on gunicorn, with threads. Gives the port, which takes connections at once."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        command = [sys.executable, "-m", "gunicorn", f"--bind=fd://{listening.fileno()}"]
        process = await asyncio.create_subprocess_exec(
            *command,
            "--threads=4",
            "--log-level=error",
            "--no-control-socket",
            target,
            cwd=Path(__file__).parent.parent,
            pass_fds=(listening.fileno(),),
        )
        try:
            yield listening.getsockname()[1]
        finally:
            # At once: its workers wait for nobody.
            process.send_signal(signal.SIGQUIT)
            await process.wait()
