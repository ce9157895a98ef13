"""One WebSocket to an ASGI application: ``wsproto`` frames it on a connection that was taken over."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Request,
    TextMessage,
)  # fmt: skip
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from ..errors import ServeHTTPError
from ..exchange.exchange import Exchange
from ..exchange.tunnel import Tunnel
from ..wire.request_init import RequestInit
from .asgi_scope import headers, scope

_MESSAGE_BYTES_MAX = 16_777_216
"""The longest message of a WebSocket, as in uvicorn: 16 MiB."""


def is_websocket(init: RequestInit) -> bool:
    """Whether the request asks for a WebSocket."""
    return any(
        name == b"upgrade" and value.lower() == b"websocket" for name, value in init.headers.lower
    )


class WebSocketCycle:
    """connecting -> open [websocket.accept] -> closed; connecting -> refused [websocket.close, or a
    response of the application's own]"""

    def __init__(self, exchange: Exchange, state: dict[str, Any] | None) -> None:
        self._exchange = exchange
        init = exchange.init
        self._socket = WSConnection(ConnectionType.SERVER)
        scheme = "wss" if init.scheme == b"https" else "ws"
        self._scope = scope(init, "websocket", scheme, {"websocket.http.response": {}}, state)
        self._scope["subprotocols"] = []
        self._state = "connecting"
        self._connect_told = False
        self._tunnel: Tunnel | None = None
        self._received: deque[dict[str, Any]] = deque()
        self._pieces: list[bytes] = []
        self._texts: list[str] = []
        self._size = 0
        self._left = asyncio.Event()
        exchange.on_abort = lambda error: self._left.set()

    async def run(self, app: Callable[[Any, Any, Any], Awaitable[Any]]) -> None:
        exchange = self._exchange
        try:
            if self._handshake():
                await app(self._scope, self.receive, self.send)
                if self._state == "open":
                    await self._close(1000, "")
                elif self._state == "connecting" and exchange.failure is None:
                    exchange.fail("the ASGI application returned without accepting or closing")
        except asyncio.CancelledError:
            exchange.give_up()
        except KeyboardInterrupt:
            exchange.give_up()
            raise
        except BaseException as error:
            if self._state == "open":
                exchange.logger.error(
                    "the handler failed",
                    exc_info=error,
                    extra={"requestId": exchange.request_id},
                )
                await self._close_quietly(1011)
            else:
                exchange.threw(error)
        finally:
            exchange.on_abort = None
            if self._tunnel is not None:
                self._tunnel.close()
            exchange.body.drop()

    async def receive(self) -> dict[str, Any]:
        """The next event."""
        if not self._connect_told:
            self._connect_told = True
            return {"type": "websocket.connect"}
        if self._tunnel is None:
            await self._left.wait()
            return _disconnect(1006)
        while not self._received:
            if self._state == "closed":
                return _disconnect(1006)
            try:
                data = await self._tunnel.read()
                self._socket.receive_data(data or None)
            except (ServeHTTPError, RemoteProtocolError, LocalProtocolError) as error:
                code = 1002 if isinstance(error, RemoteProtocolError) else 1006
                await self._close_quietly(code)
                return _disconnect(code)
            await self._take_events()
        message = self._received.popleft()
        if message["type"] == "websocket.disconnect":
            self._received.append(message)
        return message

    async def send(self, message: Mapping[str, Any]) -> None:
        """An event of the application's."""
        kind = message["type"]
        if self._exchange.abort_reason is not None:
            await asyncio.sleep(0)
            return
        if self._state == "connecting":
            await self._send_answer(kind, message)
        elif self._state == "response" and kind == "websocket.http.response.body":
            more = bool(message.get("more_body", False))
            if not self._exchange.write(bytes(message.get("body", b"")), not more):
                await self._exchange.room()
            if not more:
                self._state = "refused"
        elif self._state == "open" and kind == "websocket.send":
            await self._send_message(message)
        elif self._state == "open" and kind == "websocket.close":
            await self._close(int(message.get("code", 1000)), str(message.get("reason") or ""))
        elif self._state == "closed":
            # The client was faster. The application is told by `receive`.
            await asyncio.sleep(0)
        else:
            raise self._misused(kind)

    async def _send_answer(self, kind: str, message: Mapping[str, Any]) -> None:
        if kind == "websocket.accept":
            extra = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
            accepted = self._socket.send(
                AcceptConnection(subprotocol=message.get("subprotocol"), extra_headers=extra)
            )
            self._tunnel = self._exchange.hijack()
            self._state = "open"
            await self._tunnel.write(accepted)
        elif kind == "websocket.close":
            self._exchange.commit(self._exchange.head(403, ()))
            self._exchange.write(b"", True)
            self._state = "refused"
            self._left.set()
        elif kind == "websocket.http.response.start":
            fields = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
            self._exchange.commit(self._exchange.head(int(message["status"]), fields))
            self._state = "response"
        else:
            raise self._misused(kind)

    async def _send_message(self, message: Mapping[str, Any]) -> None:
        data: bytes | str | None = message.get("bytes")
        if data is None:
            data = message.get("text")
        if isinstance(data, str):
            await self._write(self._socket.send(TextMessage(data)))
        elif isinstance(data, bytes):
            await self._write(self._socket.send(BytesMessage(data)))
        else:
            raise self._exchange.fail("a WebSocket message has neither bytes nor text")

    async def _take_events(self) -> None:
        for event in self._socket.events():
            if isinstance(event, (TextMessage, BytesMessage)):
                self._size += len(event.data)
                if self._size > _MESSAGE_BYTES_MAX:
                    await self._close(1009, "the message is too long")
                    self._received.append(_disconnect(1009))
                    return
                if isinstance(event, TextMessage):
                    self._texts.append(event.data)
                else:
                    self._pieces.append(bytes(event.data))
                if event.message_finished:
                    self._take_message(isinstance(event, TextMessage))
            elif isinstance(event, Ping):
                await self._write(self._socket.send(event.response()))
            elif isinstance(event, CloseConnection):
                if self._socket.state == ConnectionState.REMOTE_CLOSING:
                    await self._write(self._socket.send(event.response()))
                self._state = "closed"
                code = int(event.code)
                self._received.append(_disconnect(code, event.reason or ""))

    def _take_message(self, is_text: bool) -> None:
        message: dict[str, Any] = {"type": "websocket.receive"}
        if is_text:
            message["text"] = "".join(self._texts)
        else:
            message["bytes"] = b"".join(self._pieces)
        self._texts.clear()
        self._pieces.clear()
        self._size = 0
        self._received.append(message)

    def _handshake(self) -> bool:
        """Reads the request. What is no handshake is refused."""
        init = self._exchange.init
        try:
            self._socket.initiate_upgrade_connection(headers(init), init.url.decode("latin-1"))
        except (RemoteProtocolError, LocalProtocolError):
            self._exchange.commit(self._exchange.head(400, ((b"content-type", b"text/plain"),)))
            self._exchange.write(b"this is no WebSocket handshake\n", True)
            return False
        for event in self._socket.events():
            if isinstance(event, Request):
                self._scope["subprotocols"] = event.subprotocols
        return True

    async def _close(self, code: int, reason: str) -> None:
        self._state = "closed"
        await self._write(self._socket.send(CloseConnection(code=code, reason=reason)))

    async def _close_quietly(self, code: int) -> None:
        try:
            if self._state == "open":
                await self._close(code, "")
        except (ServeHTTPError, LocalProtocolError):
            pass
        self._state = "closed"

    async def _write(self, data: bytes) -> None:
        if self._tunnel is not None:
            await self._tunnel.write(data)

    def _misused(self, kind: str) -> ServeHTTPError:
        text = f"the ASGI application sent {kind!r}, which is not allowed there"
        return self._exchange.fail(text)


def _disconnect(code: int, reason: str = "") -> dict[str, Any]:
    return {"type": "websocket.disconnect", "code": code, "reason": reason}
