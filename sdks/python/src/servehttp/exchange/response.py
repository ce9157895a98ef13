"""A response, as a handler writes it."""

from __future__ import annotations

from typing import Union

from ..errors import ServeHTTPError
from .exchange import COMMITTED, OPEN, Exchange
from .header_list import HeaderList, HeadersInput, fields_of
from .tunnel import Tunnel

Chunk = Union[bytes, bytearray, memoryview, str]
"""A piece of a body. Text is written as UTF-8."""

_EXTEND_MS_MAX = 4_294_967_295


class ResponseWriter:
    """Where a handler writes its response. A handler that returns without ``end`` ends it, too."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._headers: HeaderList | None = None
        self._trailers: HeaderList | None = None
        self._warned = False

    @property
    def headers(self) -> HeaderList:
        """The header section. Changes have no effect once the head is committed."""
        if self._headers is None:
            self._headers = HeaderList()
        return self._headers

    @property
    def trailers(self) -> HeaderList:
        """The trailer section, which is sent with the end (RFC 9110, section 6.5)."""
        if self._trailers is None:
            self._trailers = HeaderList()
        return self._trailers

    @property
    def committed(self) -> bool:
        """Whether the head can't be changed any more."""
        return self._exchange.state != OPEN

    def write_head(
        self, status: int, headers: HeadersInput | None = None, reason: str = ""
    ) -> None:
        """Commits the head: the status, and these headers in place of those of the same names.

        1xx but 101 sends an informational response, and leaves the final one open. A second final
        head is ignored, with one line in the log. Raises ServeHTTPError ``handler-failed`` for a
        status outside 200 to 999 and for fields that HTTP does not allow; the client gets 500.
        """
        exchange = self._exchange
        if exchange.state != OPEN:
            if not self._warned and exchange.state == COMMITTED:
                self._warned = True
                exchange.logger.warning(
                    "write_head(%s) is ignored: the response's head is committed",
                    status,
                    extra={"requestId": exchange.request_id},
                )
            return
        if headers is not None:
            given = HeaderList(headers)
            for name, _ in given:
                self.headers.delete(name)
            for name, value in given:
                self.headers.append(name, value)
        if 100 <= status <= 199 and status != 101:
            exchange.informational(status, self._fields(self._headers))
        else:
            fields = self._fields(self._headers)
            exchange.commit(exchange.head(status, fields, reason.encode("latin-1")))

    async def write(self, chunk: Chunk) -> None:
        """Writes to the body; waits while the client takes no more. The first write commits 200.

        Raises RequestAborted where the exchange was given up, and ServeHTTPError ``already-ended``
        or ``already-hijacked``.
        """
        data = _to_bytes(chunk)
        self._prepare()
        if not self._exchange.write(data, False):
            await self._exchange.room()

    async def flush(self) -> None:
        """Sends everything that was written to the client now, at least the head."""
        self._prepare()
        if not self._exchange.flush():
            await self._exchange.room()

    async def informational(self, status: int, fields: HeadersInput = ()) -> None:
        """Sends an interim response, 100 or 102 to 199, at most 16 in an exchange."""
        self._exchange.informational(status, self._fields(fields))

    async def end(self, chunk: Chunk = b"") -> None:
        """Ends the response, with a last piece of the body and with the trailers."""
        data = _to_bytes(chunk)
        self._prepare()
        if not self._exchange.write(data, True, self._fields(self._trailers)):
            await self._exchange.room()

    async def hijack(self) -> Tunnel:
        """Takes over the client's connection, as for a WebSocket. ``headers`` are not sent.

        The connection ends when the handler returns. Raises ServeHTTPError ``already-hijacked``,
        ``already-committed``, and ``hijack-not-possible`` where the host does not allow it; the
        exchange can then still be answered.
        """
        return self._exchange.hijack()

    def extend_head_deadline(self, milliseconds: int) -> None:
        """Gives this exchange more time for its head, from now on, up to the host's own cap."""
        if not 0 < milliseconds <= _EXTEND_MS_MAX:
            raise ServeHTTPError(
                "invalid-argument",
                f"extend_head_deadline({milliseconds}): give milliseconds from 1 to {_EXTEND_MS_MAX}",
            )
        self._exchange.extend_head(milliseconds)

    def handler_returned(self) -> None:
        """What the handler left open is ended, with the headers and trailers that it has set."""
        if self._exchange.state == OPEN:
            self._prepare()
        self._exchange.returned(self._fields(self._trailers))

    def _prepare(self) -> None:
        exchange = self._exchange
        if exchange.state == OPEN:
            exchange.commit(exchange.head(200, self._fields(self._headers)))
        elif exchange.state != COMMITTED:
            exchange.check_writable()

    def _fields(self, headers: HeadersInput | None) -> list[tuple[bytes, bytes]]:
        if headers is None:
            return []
        try:
            return fields_of(headers)
        except (UnicodeEncodeError, AttributeError, TypeError, ValueError) as error:
            raise self._exchange.fail(
                f"a header field is no pair of Latin-1 texts: {error}"
            ) from None


def _to_bytes(chunk: Chunk) -> bytes:
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, str):
        return chunk.encode()
    try:
        return bytes(memoryview(chunk))
    except TypeError:
        raise ServeHTTPError(
            "invalid-argument", f"a chunk is bytes or str, and this is {type(chunk).__name__}"
        ) from None
