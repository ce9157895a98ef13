"""A request, as a handler reads it."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator, Mapping, MutableMapping
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from ..errors import RequestAborted, ServeHTTPError
from ..limits import BUFFERED_BODY_BYTES
from .body import BodyIterator
from .exchange import Exchange
from .header_list import HeaderList, header_list_of

_Bytes = bytes
_NO_CONTEXT: Mapping[str, str] = MappingProxyType({})


class PluginRequest:
    """A request. Texts are of one character a byte (Latin-1)."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._init = exchange.init
        self._headers: HeaderList | None = None
        self._body: BodyIterator | None = None

    @property
    def method(self) -> str:
        """The method in its own letter case: ``"GET"``."""
        return self._init.method.decode("latin-1")

    @property
    def url(self) -> str:
        """Path and query as the plugin sees them, at least ``/``; escapes as the client sent them."""
        return self._init.url.decode("latin-1")

    @property
    def request_uri(self) -> str:
        """The request target as the client sent it, without the host's secret query parameters."""
        return self._init.request_uri.decode("latin-1")

    @property
    def base_path(self) -> str:
        """Where the plugin is for its clients, without a slash at the end: ``/plugins/notes``.

        Empty where the plugin is at the root, or its host tells no base path.
        """
        return self._init.base_path.decode("latin-1")

    @property
    def protocol(self) -> str:
        """The client's protocol: ``"HTTP/1.0"``, ``"HTTP/1.1"`` or ``"HTTP/2.0"``."""
        return self._init.protocol.decode("latin-1")

    @property
    def scheme(self) -> Literal["http", "https"]:
        """How the client addressed the host."""
        return "https" if self._init.scheme == b"https" else "http"

    @property
    def host(self) -> str:
        """The client's Host or :authority, which is not among ``headers``. May be empty (HTTP/1.0)."""
        return self._init.host.decode("latin-1")

    @property
    def remote_address(self) -> str:
        """The client's address, ``"ip:port"``, IPv6 in brackets. Empty where it has none."""
        return self._init.remote_addr.decode("latin-1")

    @property
    def headers(self) -> HeaderList:
        """The header section without Host, hop-by-hop and framing fields."""
        if self._headers is None:
            self._headers = header_list_of(self._init.headers.pairs)
        return self._headers

    @property
    def content_length(self) -> int | None:
        """The declared length of the body in bytes: 0 without a body, None where it is not known."""
        return None if self._init.content_length < 0 else self._init.content_length

    @property
    def expect_continue(self) -> bool:
        """Whether the client waits for a 100 (Continue). The first read of the body sends it."""
        return self._init.expect_continue

    @property
    def hijackable(self) -> bool:
        """Whether ``response.hijack()`` can take over the client's connection."""
        return self._init.hijackable

    @property
    def deadline(self) -> datetime | None:
        """When the host gives up the exchange as a whole, in UTC. None for never."""
        if self._init.deadline_unix_ms == 0:
            return None
        return datetime.fromtimestamp(self._init.deadline_unix_ms / 1_000, timezone.utc)

    @property
    def id(self) -> str:
        """The host's name for this exchange in its logs."""
        return self._exchange.request_id

    @property
    def context(self) -> Mapping[str, str]:
        """What the host knows of the client beside the header section. No header can forge it."""
        return _NO_CONTEXT if self._init.context is None else MappingProxyType(self._init.context)

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger whose records carry the id of this exchange, and of its trace where it has one."""
        return _RequestLog(self._exchange.logger, self._exchange.log_fields)

    @property
    def abort_reason(self) -> RequestAborted | None:
        """Why the exchange was given up, once it was; its ``code`` says it in a word."""
        return self._exchange.abort_reason

    @property
    def body(self) -> BodyIterator:
        """The body, chunk by chunk, each of 1 byte to 64 KiB: ``async for chunk in request.body``.

        It can be read once. The client is slowed down to the pace of the reader. The iteration
        raises RequestAborted where the upload was cut off or the exchange was given up, so that an
        end is always the whole body; and ServeHTTPError ``already-read`` at a second use,
        ``request-not-needed`` after the response has ended, ``already-committed`` where the client
        waits for a 100 (Continue) and the response has begun without one.
        """
        if self._body is None:
            self._body = BodyIterator(self._exchange.body)
        return self._body

    @property
    def trailers(self) -> Trailers:
        """The trailer section, behind the body: ``await request.trailers``. Raises as ``body`` does."""
        return Trailers(self._exchange)

    async def bytes(self, limit_bytes: int = BUFFERED_BODY_BYTES) -> _Bytes:
        """Reads the whole body, up to a limit (1 MiB by default).

        Raises as ``body`` does, and ServeHTTPError ``body-too-large`` behind the limit; what is left
        of the body is then discarded.
        """
        body = self.body
        if self._init.content_length > limit_bytes:
            self._exchange.body.drop()
            raise _too_large(limit_bytes)
        chunks: list[_Bytes] = []
        size = 0
        async for chunk in body:
            size += len(chunk)
            if size > limit_bytes:
                self._exchange.body.drop()
                raise _too_large(limit_bytes)
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def text(self, limit_bytes: int = BUFFERED_BODY_BYTES) -> str:
        """Reads the whole body as UTF-8; bytes that are not UTF-8 become U+FFFD."""
        return (await self.bytes(limit_bytes)).decode("utf-8-sig", "replace")

    async def json(self, limit_bytes: int = BUFFERED_BODY_BYTES) -> Any:
        """Reads the whole body and parses it as JSON. Raises json.JSONDecodeError."""
        return json.loads(await self.text(limit_bytes))


class Trailers:
    """The trailers of a request, to be awaited."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __await__(self) -> Generator[Any, None, HeaderList]:
        return self._wait().__await__()

    async def _wait(self) -> HeaderList:
        body = self._exchange.body
        while body.trailers is None:
            reason = self._exchange.abort_reason or self._exchange.failure
            if reason is not None:
                raise reason
            if self._exchange.is_settled:
                raise ServeHTTPError("request-not-needed", "the response has ended")
            await body.changed()
        return header_list_of(body.trailers)


if TYPE_CHECKING:
    _LoggerAdapter = logging.LoggerAdapter[logging.Logger]
else:
    # No generic class on Python 3.10.
    _LoggerAdapter = logging.LoggerAdapter


class _RequestLog(_LoggerAdapter):
    """Adds the id of the exchange to what else a record says."""

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = {**(self.extra or {}), **kwargs.get("extra", {})}
        return msg, kwargs


def _too_large(limit_bytes: int) -> ServeHTTPError:
    return ServeHTTPError(
        "body-too-large",
        f"the body is longer than the limit of {limit_bytes} bytes: read it chunk by chunk, or give "
        "a higher limit_bytes",
    )
