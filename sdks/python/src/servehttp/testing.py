"""Calls a handler in memory: no process, no socket, and the code that a plugin runs.

from servehttp.testing import call_handler

response = await call_handler(serve_http, url="/notes", context={"user": "ada"})
assert response.status == 200
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

from .adapters.native import NativeService, ServeHTTP
from .carrier.channel import MORE
from .errors import ServeHTTPError
from .exchange.exchange import Exchange, Service
from .exchange.header_list import HeaderList, HeadersInput, fields_of, header_list_of
from .wire.header_fields import Field, HeaderSection
from .wire.request_init import RequestInit
from .wire.request_parts import RequestParts

__all__ = ["TestResponse", "call_handler"]


class TestResponse:
    """What a handler has answered, whole."""

    # No class of tests, which pytest would take it for by its name.
    __test__ = False

    def __init__(self, status: int, headers: HeaderList, body: bytes, trailers: HeaderList) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.trailers = trailers

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode()


async def call_handler(
    handler: ServeHTTP,
    *,
    method: str = "GET",
    url: str = "/",
    headers: HeadersInput = (),
    body: bytes | str = b"",
    context: Mapping[str, str] | None = None,
    base_path: str = "",
) -> TestResponse:
    """Calls a handler with one request, and returns its response once that has ended.

    Raises ServeHTTPError ``handler-failed`` where a host would answer 500, or break the transfer.
    """
    data = body.encode() if isinstance(body, str) else body
    init = RequestInit()
    init.method = method.encode("latin-1")
    init.url = url.encode("latin-1")
    init.base_path = base_path.encode("latin-1")
    init.request_uri = init.base_path + init.url
    init.host = b"plugin.test"
    init.remote_addr = b"192.0.2.1:50000"
    init.request_id = b"test"
    init.content_length = len(data)
    init.context = dict(context or {})
    init.headers = HeaderSection(tuple(fields_of(headers)))
    channel = _MemoryChannel()
    exchange = _MemoryExchange(channel, NativeService(handler, logging.getLogger("servehttp")))
    exchange.receive(_parts(init, data))
    await channel.over.wait()
    if exchange.failure is not None:
        raise exchange.failure
    return TestResponse(
        exchange.status,
        header_list_of(exchange.fields),
        bytes(exchange.written),
        header_list_of(exchange.trailers),
    )


def _parts(init: RequestInit, body: bytes) -> RequestParts:
    parts = RequestParts()
    parts.init = init
    parts.chunk = body or None
    parts.end = []
    return parts


class _MemoryChannel:
    """Takes everything. Says when the response is over."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    def send(self, head: bytes, chunk: bytes, tail: bytes, kind: int) -> bool:
        if kind != MORE:
            self.over.set()
        return True

    async def room(self) -> None:
        pass

    def taken(self, size: int) -> None:
        pass

    def reset(self, error: ServeHTTPError) -> None:
        self.over.set()


class _MemoryExchange(Exchange):
    """Keeps what the handler answers, once the exchange has found nothing wrong with it."""

    def __init__(self, channel: _MemoryChannel, service: Service) -> None:
        super().__init__(channel, service)
        self.status = 0
        self.fields: list[Field] = []
        self.trailers: list[Field] = []
        self.written = bytearray()

    def head(self, status: int, fields: Iterable[Field], reason: bytes = b"") -> bytes:
        kept = list(fields)
        head = super().head(status, kept, reason)
        self.status, self.fields = status, kept
        return head

    def write(self, data: bytes, last: bool, trailers: Iterable[Field] = ()) -> bool:
        kept = list(trailers)
        self.written += data
        self.trailers = kept
        return super().write(data, last, kept)
