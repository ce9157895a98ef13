"""WSGI applications (PEP 3333), on threads, streaming both ways."""

from __future__ import annotations

import asyncio
import contextvars
import io
import logging
import sys
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, TypeVar
from wsgiref.util import FileWrapper

from ..errors import RequestAborted, ServeHTTPError
from ..exchange.body import Body
from ..exchange.exchange import OPEN, Exchange
from ..wire.header_fields import Field
from ..wire.request_init import RequestInit
from .asgi_scope import address, decoded, headers, paths

WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""A WSGI application."""

_Result = TypeVar("_Result")


class WsgiService:
    """Runs the application in one of so many threads for each exchange."""

    def __init__(self, app: WSGIApplication, logger: logging.Logger, threads: int) -> None:
        self._app = app
        self.logger = logger
        self._loop = asyncio.get_running_loop()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="servehttp-wsgi")
        self._running = 0

    @property
    def running(self) -> int:
        return self._running

    async def startup(self) -> None:
        pass

    async def shutdown(self) -> None:
        # A thread that hangs must not keep the process: those that run are left alone.
        self._executor.shutdown(wait=False, cancel_futures=True)

    def start(self, exchange: Exchange) -> None:
        self._running += 1
        request = _Request(exchange, self._loop, self._done)
        self._executor.submit(contextvars.copy_context().run, request.run, self._app)

    def _done(self) -> None:
        self._running -= 1


class _Request:
    """One call of the application. Everything but ``run`` and what it calls is for the loop."""

    def __init__(
        self, exchange: Exchange, loop: asyncio.AbstractEventLoop, done: Callable[[], None]
    ) -> None:
        self._exchange = exchange
        self._loop = loop
        self._done = done
        self._head: tuple[int, bytes, list[Field]] | None = None
        self._head_sent = False
        self._environ = environ(exchange.init, _input(exchange.body, self._wait))

    def run(self, app: WSGIApplication) -> None:
        """In a thread."""
        try:
            last = self._call(app)
        except BaseException as error:
            self._loop.call_soon_threadsafe(self._failed, error)
        else:
            self._loop.call_soon_threadsafe(self._returned, last)

    def _call(self, app: WSGIApplication) -> bytes:
        """Returns the last piece of the body, if there is only one."""
        result = app(self._environ, self._start_response)
        try:
            if isinstance(result, (list, tuple)) and not self._head_sent:
                pieces = [_checked(piece) for piece in result]
                self._check_head()
                return b"".join(pieces)
            for piece in result:
                if _checked(piece):
                    self._write(piece)
            self._check_head()
            return b""
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _start_response(
        self, status: str, response_headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if exc_info is not None:
            try:
                if self._head_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._head is not None:
            raise ServeHTTPError("handler-failed", "start_response was called twice")
        code, _, reason = status.partition(" ")
        if not code.isdigit():
            raise ServeHTTPError("handler-failed", f"{status!r} is no status, such as '200 OK'")
        fields = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in response_headers
        ]
        self._head = int(code), reason.encode("latin-1"), fields
        return self._write

    def _write(self, piece: bytes) -> None:
        """Sends a piece of the body; returns when there is room for another."""
        self._check_head()
        self._head_sent = True
        self._wait(self._send(_checked(piece)))

    async def _send(self, piece: bytes) -> None:
        self._commit()
        self._exchange.check_writable()
        if not self._exchange.write(piece, False):
            await self._exchange.room()

    def _commit(self) -> None:
        if self._exchange.state == OPEN and self._head is not None:
            status, reason, fields = self._head
            usual = reason == _usual_reasons.get(status, b"")
            self._exchange.commit(self._exchange.head(status, fields, b"" if usual else reason))

    def _returned(self, last: bytes) -> None:
        self._done()
        exchange = self._exchange
        try:
            if exchange.failure is None:
                self._commit()
                exchange.write(last, True)
        except ServeHTTPError as error:
            exchange.threw(error)
        exchange.body.drop()

    def _failed(self, error: BaseException) -> None:
        self._done()
        self._exchange.threw(error)
        self._exchange.body.drop()

    def _check_head(self) -> None:
        if self._head is None:
            raise ServeHTTPError("handler-failed", "the application did not call start_response")

    def _wait(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        """In the thread: runs something in the loop and waits for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


class _BodyStream(io.RawIOBase):
    """The body as a file, for ``wsgi.input``."""

    def __init__(
        self, body: Body, wait: Callable[[Coroutine[Any, Any, bytes | None]], bytes | None]
    ) -> None:
        self._body = body
        self._wait = wait
        self._rest = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest and not self._ended:
            try:
                chunk = self._wait(self._body.next())
            except RequestAborted as error:
                # What applications and frameworks take for a client that has gone.
                raise ConnectionResetError(str(error)) from error
            if chunk is None:
                self._ended = True
            else:
                self._rest = memoryview(chunk)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def _input(
    body: Body, wait: Callable[[Coroutine[Any, Any, bytes | None]], bytes | None]
) -> io.BufferedIOBase:
    if body.is_complete:
        return io.BytesIO(body.take_all())
    return io.BufferedReader(_BodyStream(body, wait), 65_536)


def environ(init: RequestInit, body: io.BufferedIOBase) -> dict[str, Any]:
    """The environment of a request. Texts are of one character a byte."""
    path, query, base_path = paths(init)
    script_name = decoded(base_path).decode("latin-1")
    path_info = decoded(path[len(base_path) :]).decode("latin-1")
    default = 443 if init.scheme == b"https" else 80
    server = address(init.host) or (init.host.decode("latin-1") or "localhost", default)
    client = address(init.remote_addr)
    scheme = init.scheme.decode("latin-1")
    found: dict[str, Any] = {
        "REQUEST_METHOD": init.method.decode("latin-1"),
        "SCRIPT_NAME": script_name,
        "PATH_INFO": path_info,
        "QUERY_STRING": query.decode("latin-1"),
        "REQUEST_URI": init.request_uri.decode("latin-1"),
        "RAW_URI": init.request_uri.decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": init.protocol.decode("latin-1"),
        "REMOTE_ADDR": client[0] if client else "",
        "REMOTE_PORT": str(client[1]) if client else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "servehttp.id": init.request_id.decode("latin-1"),
        "servehttp.context": dict(init.context or ()),
    }
    for name, value in headers(init):
        if name == b"content-length":
            key = "CONTENT_LENGTH"
        elif name == b"content-type":
            key = "CONTENT_TYPE"
        elif b"_" in name:
            # It would look like the same name with a dash.
            continue
        else:
            key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
        text = value.decode("latin-1")
        if key in found and key.startswith("HTTP_"):
            found[key] += ("; " if key == "HTTP_COOKIE" else ",") + text
        else:
            found[key] = text
    return found


def _checked(piece: object) -> bytes:
    if isinstance(piece, bytes):
        return piece
    raise ServeHTTPError(
        "handler-failed", f"a WSGI body is bytes, and this is {type(piece).__name__}"
    )


_usual_reasons = {status.value: status.phrase.encode() for status in HTTPStatus}
