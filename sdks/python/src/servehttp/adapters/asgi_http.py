"""One HTTP request to an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

from ..errors import RequestAborted, ServeHTTPError
from ..exchange.exchange import COMMITTED, OPEN, Exchange
from ..wire.header_fields import Field
from ..wire.response_parts import known_init_part
from .asgi_scope import scope


class HttpCycle:
    """A response begins with its first body, so that a small one is a single message to the host.

    awaiting -> started [http.response.start] -> body [http.response.body] -> done
    """

    __slots__ = (
        "_done", "_end_told", "_exchange", "_head", "_scope", "_trailers", "_waiter",
        "_with_trailers",
    )  # fmt: skip

    def __init__(self, exchange: Exchange, state: dict[str, Any] | None) -> None:
        self._exchange = exchange
        init = exchange.init
        extensions: dict[str, dict[str, Any]] = {
            "http.response.trailers": {},
            "http.response.early_hint": {},
        }
        self._scope = scope(init, "http", init.scheme.decode("latin-1"), extensions, state)
        self._scope["method"] = init.method.decode("latin-1").upper()
        # What goes out with the first piece of the body.
        self._head: bytes | None = None
        self._with_trailers = False
        self._trailers: list[Field] | None = None
        self._done = False
        # Whether `receive` has told the end of the request's body.
        self._end_told = False
        self._waiter: asyncio.Event | None = None

    async def run(self, app: Callable[[Any, Any, Any], Awaitable[Any]]) -> None:
        exchange = self._exchange
        try:
            result: object = await app(self._scope, self.receive, self.send)
            if exchange.failure is None and not self._done:
                what = "starting" if exchange.state == OPEN and self._head is None else "completing"
                exchange.fail(f"the ASGI application returned without {what} its response")
            elif result is not None:
                exchange.logger.warning(
                    "the ASGI application should return None, and returned a %s",
                    type(result).__name__,
                    extra={"requestId": exchange.request_id},
                )
        except asyncio.CancelledError:
            exchange.give_up()
        except KeyboardInterrupt:
            exchange.give_up()
            raise
        except BaseException as error:
            exchange.threw(error)
        finally:
            exchange.on_abort = None
            exchange.body.drop()

    async def receive(self) -> dict[str, Any]:
        """The next event: a piece of the body, or that the client is gone."""
        body = self._exchange.body
        if self._is_over():
            return {"type": "http.disconnect"}
        if not self._end_told:
            try:
                chunk = await body.next()
            except ServeHTTPError:
                return {"type": "http.disconnect"}
            self._end_told = body.is_exhausted
            return {
                "type": "http.request",
                "body": chunk or b"",
                "more_body": not self._end_told,
            }
        if self._waiter is None:
            self._waiter = asyncio.Event()
            self._exchange.on_abort = self._wake
        await self._waiter.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        """An event of the response. Events out of order make the exchange fail."""
        kind = message["type"]
        exchange = self._exchange
        if exchange.abort_reason is not None:
            # The application is told by `receive`. It must not run the loop hot meanwhile.
            await asyncio.sleep(0)
            return
        if kind == "http.response.start" and self._head is None and exchange.state == OPEN:
            self._start(message)
            return
        if kind == "http.response.body" and (self._head is not None or exchange.state == COMMITTED):
            if not self._write(message):
                try:
                    await exchange.room()
                except RequestAborted:
                    pass
            return
        if kind == "http.response.trailers" and self._with_trailers and self._trailers is not None:
            self._trailers.extend(self._fields(message.get("headers", ())))
            if not message.get("more_trailers", False):
                self._end(b"", self._trailers)
            return
        if kind == "http.response.early_hint" and self._head is None:
            links = [(b"link", _bytes(link)) for link in message.get("links", ())]
            exchange.informational(103, links)
            return
        raise self._misplaced(kind)

    def _start(self, message: Mapping[str, Any]) -> None:
        status = message["status"]
        if not isinstance(status, int):
            raise self._misused(f"a status is an int, and this is {type(status).__name__}")
        headers = message.get("headers", ())
        try:
            fields = tuple(headers)
        except TypeError as error:
            raise self._misused(f"headers are pairs of bytes: {error}") from None
        self._head = known_init_part(status, fields) or self._exchange.head(
            status, self._fields(fields)
        )
        self._with_trailers = bool(message.get("trailers", False))

    def _write(self, message: Mapping[str, Any]) -> bool:
        """Writes a piece of the body. Returns whether there is room for more."""
        exchange = self._exchange
        if self._done or self._trailers is not None:
            raise self._misplaced("http.response.body")
        data = message.get("body", b"")
        if not isinstance(data, bytes):
            data = _bytes_or_none(data)
            if data is None:
                name = type(message["body"]).__name__
                raise self._misused(f"a body is bytes, and this is {name}")
        if self._head is not None:
            exchange.commit(self._head)
            self._head = None
        if message.get("more_body", False):
            # The head of a response that begins with an empty body must not wait for the next one.
            return exchange.write(data, False) if data else exchange.flush()
        if self._with_trailers:
            self._trailers = []
            return exchange.write(data, False)
        return self._end(data, ())

    def _end(self, data: bytes, trailers: Iterable[Field]) -> bool:
        self._done = True
        room = self._exchange.write(data, True, trailers)
        if self._waiter is not None:
            self._waiter.set()
        return room

    def _is_over(self) -> bool:
        return self._done or self._exchange.failure is not None

    def _wake(self, error: RequestAborted) -> None:
        if self._waiter is not None:
            self._waiter.set()

    def _fields(self, headers: object) -> list[Field]:
        try:
            pairs = cast("Iterable[tuple[object, object]]", headers)
            return [(_bytes(name), _bytes(value)) for name, value in pairs]
        except (TypeError, ValueError) as error:
            raise self._misused(f"headers are pairs of bytes: {error}") from None

    def _misplaced(self, kind: str) -> ServeHTTPError:
        return self._misused(f"the ASGI application sent {kind!r}, which is not allowed there")

    def _misused(self, text: str) -> ServeHTTPError:
        if self._exchange.failure is None and not self._done:
            return self._exchange.fail(text)
        self._exchange.logger.error(text, extra={"requestId": self._exchange.request_id})
        return ServeHTTPError("handler-failed", text)


def _bytes(value: object) -> bytes:
    data = _bytes_or_none(value)
    if data is None:
        raise TypeError(f"{value!r} is not bytes")
    return data


def _bytes_or_none(value: object) -> bytes | None:
    if isinstance(value, bytes):
        return value
    if isinstance(value, bytearray):
        return bytes(value)
    return cast("memoryview[int]", value).tobytes() if isinstance(value, memoryview) else None
