"""Hosts for tests, over real sockets: one with a dedicated mux connection, one on stock ``h2``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from servehttp import RunningPlugin, start_plugin
from servehttp.carrier.frames import (
    PREFACE,
    frame,
    literal_field,
    settings_frame,
    window_update_frame,
)
from servehttp.wire.grpc import SERVE_HTTP, SERVE_HTTP_MUX, MessageReader, message_head
from servehttp.wire.protobuf import delimited, varint

from .wire_rig import Fields, Response, fields

TOKEN = "a-token-of-tests"


class Exchange:
    """One exchange at the host."""

    def __init__(self, send: Callable[[bytes], None], credit: Callable[[int], None]) -> None:
        self.response = Response()
        self.send = send
        self.credit = credit
        self.auto_credit = True
        self.has_parts = True
        self.credit_given = 0
        self.messages: list[bytes] = []
        self.status: str | None = None
        self._changed = asyncio.Event()

    def take(self, message: bytes) -> None:
        """A message of the plugin's: parts of a response, unless this is another RPC."""
        self.messages.append(message)
        size = self.response.take(message) if self.has_parts else 0
        if size and self.auto_credit:
            self.credit(size)
        self._changed.set()

    def reset_received(self, code: int) -> None:
        self.response.reset = code
        self._changed.set()

    async def until(self, condition: Callable[[Response], bool]) -> Response:
        """Waits until the response is like that."""
        while not condition(self.response):
            self._changed.clear()
            await self._changed.wait()
        return self.response

    async def until_body(self, size: int) -> Response:
        """Waits until so many bytes of the body have come."""
        return await self.until(lambda response: sum(map(len, response.chunks)) >= size)

    async def until_tunnel(self, size: int) -> Response:
        """Waits until so many bytes of a tunnel have come."""
        return await self.until(lambda response: len(response.tunnel) >= size)

    async def over(self) -> Response:
        """Waits for its end, or its reset."""
        return await self.until(lambda response: response.over)


class MuxHost(asyncio.Protocol):
    """A host with a connection of its own for mux, as our host makes it."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._transport: asyncio.Transport | None = None
        self._data = b""
        self._reader = MessageReader(1_048_576)
        self._exchanges: dict[int, Exchange] = {}
        self._next_id = 1
        self.draining = asyncio.Event()
        self.status: str | None = None
        self.lost = asyncio.Event()
        self.hello = asyncio.Event()
        self.consumes = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        headers = [
            (":method", "POST"), (":path", SERVE_HTTP_MUX), (":authority", "localhost"),
            (":scheme", "http"), ("content-type", "application/grpc+proto"), ("te", "trailers"),
            ("authorization", f"Bearer {self._token}"), ("servehttp-connection", "dedicated"),
        ]  # fmt: skip
        block = b"".join(literal_field(name, value) for name, value in headers)
        settings = settings_frame(((1, 0), (4, 16_777_216), (5, 1_114_112), (2, 0)))
        opening = window_update_frame(0, 16_777_216 - 65_535) + frame(1, 4, 1, block)
        transport.write(PREFACE + settings + opening)

    def data_received(self, data: bytes) -> None:
        self._data += data
        while len(self._data) >= 9:
            size = int.from_bytes(self._data[:3], "big")
            if len(self._data) < 9 + size:
                return
            kind, payload = self._data[3], self._data[9 : 9 + size]
            flags = self._data[4]
            self._data = self._data[9 + size :]
            if kind == 0:
                self.write_raw(window_update_frame(0, size) + window_update_frame(1, size))
                for message, begin, end in self._reader.push(payload):
                    self._take(message[begin:end])
            elif kind == 1 and flags & 1:
                at = payload.index(b"grpc-status") + len(b"grpc-status")
                self.status = payload[at + 1 : at + 1 + payload[at]].decode()
            elif kind == 4 and not flags & 1:
                self.write_raw(frame(4, 1, 0, b""))

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()

    def write_raw(self, data: bytes) -> None:
        """Writes frames of HTTP/2."""
        assert self._transport is not None
        self._transport.write(data)

    def send_message(self, message: bytes) -> None:
        """Sends a ServeHTTPMuxRequest."""
        data = message_head(len(message)) + message
        self.write_raw(frame(0, 0, 1, data))

    def send_frame(self, exchange_id: int, content: bytes) -> None:
        """Sends one frame."""
        self.send_message(delimited(b"\x0a", b"\x08" + varint(exchange_id) + content))

    def open(self, parts: bytes) -> Exchange:
        """Opens an exchange with these parts."""
        exchange, message = self.prepare(parts)
        self.write_raw(frame(0, 0, 1, message))
        return exchange

    def prepare(self, parts: bytes) -> tuple[Exchange, bytes]:
        """An exchange, and the gRPC message that opens it."""
        exchange_id = self._next_id
        self._next_id += 1

        def send(more: bytes) -> None:
            self.send_frame(exchange_id, delimited(b"\x12", more))

        def credit(size: int) -> None:
            self.send_frame(exchange_id, b"\x18" + varint(size))

        exchange = Exchange(send, credit)
        self._exchanges[exchange_id] = exchange
        content = b"\x08" + varint(exchange_id) + delimited(b"\x12", parts)
        message = delimited(b"\x0a", content)
        return exchange, message_head(len(message)) + message

    def reset(self, exchange_id: int, code: int) -> None:
        """Gives an exchange up."""
        self.send_frame(exchange_id, delimited(b"\x22", b"\x08" + varint(code)))

    def cancel(self, exchange: Exchange, code: int = 1) -> None:
        """Gives an exchange up: the client left."""
        for exchange_id, other in self._exchanges.items():
            if other is exchange:
                self.reset(exchange_id, code)

    def close(self) -> None:
        """Goes."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, message: bytes) -> None:
        self.hello.set()
        found: Fields = fields(message)
        for data in found.get(1, []):
            assert isinstance(data, bytes)
            inner = fields(data)
            (exchange_id,) = inner[1]
            assert isinstance(exchange_id, int)
            exchange = self._exchanges[exchange_id]
            for parts in inner.get(2, []):
                assert isinstance(parts, bytes)
                exchange.take(parts)
            for credit in inner.get(3, []):
                assert isinstance(credit, int)
                exchange.credit_given += credit
            for reset in inner.get(4, []):
                assert isinstance(reset, bytes)
                code = fields(reset).get(1, [0])[0]
                assert isinstance(code, int)
                exchange.reset_received(code)
        if 2 in found:
            self.draining.set()


class StreamHost(asyncio.Protocol):
    """A host on ``h2``, with a ServeHTTP RPC for each exchange, and RPCs of one message."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._transport: asyncio.Transport | None = None
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._readers: dict[int, MessageReader] = {}
        self._exchanges: dict[int, Exchange] = {}
        self._waiting: list[tuple[int, bytes]] = []
        self.lost = asyncio.Event()
        self.going = asyncio.Event()
        self._half_closed: set[int] = set()
        self._data: bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(16_777_216)
        self._write()

    def data_received(self, data: bytes) -> None:
        for event in self._h2.receive_data(self._without_goaway(data)):
            if isinstance(event, h2.events.DataReceived):
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                for message, begin, end in self._readers[event.stream_id].push(bytes(event.data)):
                    self._exchanges[event.stream_id].take(message[begin:end])
            elif isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                for name, value in event.headers:
                    if str(name) == "grpc-status":
                        exchange = self._exchanges[event.stream_id]
                        exchange.status = str(value)
                        self.half_close(exchange)
                        if exchange.status != "0":
                            exchange.reset_received(-int(value))
            elif isinstance(event, h2.events.StreamReset):
                if event.error_code:
                    self._exchanges[event.stream_id].reset_received(int(event.error_code))
        self._send_waiting()
        self._write()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()

    def call(self, path: str) -> Exchange:
        """Begins an RPC."""
        stream_id = self._h2.get_next_available_stream_id()
        self._h2.send_headers(
            stream_id,
            [
                (":method", "POST"),
                (":path", path),
                (":authority", "localhost"),
                (":scheme", "http"),
                ("content-type", "application/grpc+proto"),
                ("te", "trailers"),
                ("authorization", f"Bearer {self._token}"),
            ],
        )
        self._readers[stream_id] = MessageReader(1_048_576)

        def send(parts: bytes) -> None:
            self._waiting.append((stream_id, message_head(len(parts)) + parts))
            self._send_waiting()
            self._write()

        exchange = Exchange(send, lambda size: None)
        self._exchanges[stream_id] = exchange
        exchange.has_parts = path == SERVE_HTTP
        return exchange

    def open(self, parts: bytes) -> Exchange:
        """Opens an exchange with these parts."""
        exchange = self.call(SERVE_HTTP)
        exchange.send(parts)
        return exchange

    def cancel(self, exchange: Exchange, code: int = 8) -> None:
        """Gives an exchange up: the client left."""
        for stream_id, other in self._exchanges.items():
            if other is exchange:
                self._h2.reset_stream(stream_id, 8 if code == 1 else code)
                self._write()

    def half_close(self, exchange: Exchange) -> None:
        """Ends the host's way of an RPC."""
        for stream_id, other in self._exchanges.items():
            if other is exchange and stream_id not in self._half_closed:
                self._half_closed.add(stream_id)
                with suppress(h2.exceptions.ProtocolError):
                    self._h2.end_stream(stream_id)
                self._write()

    def _without_goaway(self, data: bytes) -> bytes:
        """`h2` takes any GOAWAY for the end of all streams."""
        self._data += data
        kept = b""
        while len(self._data) >= 9:
            size = 9 + int.from_bytes(self._data[:3], "big")
            if len(self._data) < size:
                break
            if self._data[3] == 7:
                self.going.set()
            else:
                kept += self._data[:size]
            self._data = self._data[size:]
        return kept

    def close(self) -> None:
        """Goes."""
        if self._transport is not None:
            self._transport.abort()

    def _send_waiting(self) -> None:
        still: list[tuple[int, bytes]] = []
        for stream_id, data in self._waiting:
            try:
                while data and not any(other == stream_id for other, _ in still):
                    size = min(self._h2.local_flow_control_window(stream_id), 16_384, len(data))
                    if size <= 0:
                        break
                    self._h2.send_data(stream_id, data[:size])
                    data = data[size:]
            except h2.exceptions.ProtocolError:
                continue
            if data:
                still.append((stream_id, data))
        self._waiting = still

    def _write(self) -> None:
        if self._transport is not None:
            self._transport.write(self._h2.data_to_send())


async def connect_mux(address: str, token: str = TOKEN) -> MuxHost:
    """Connects a host on mux."""
    loop = asyncio.get_running_loop()
    _, host = await loop.create_unix_connection(lambda: MuxHost(token), address[5:])
    return host


async def connect_stream(address: str, token: str = TOKEN) -> StreamHost:
    """Connects a host on stream."""
    loop = asyncio.get_running_loop()
    _, host = await loop.create_unix_connection(lambda: StreamHost(token), address[5:])
    return host


Host = MuxHost | StreamHost


@asynccontextmanager
async def serving(
    directory: Any, carrier: str, handler: Any = None, **options: Any
) -> AsyncGenerator[Host]:
    """A plugin in this process with a host on that carrier."""
    async with running(directory, handler, **options) as plugin:
        connect = connect_mux if carrier == "mux" else connect_stream
        host = await connect(plugin.address)
        try:
            yield host
        finally:
            host.close()


@asynccontextmanager
async def running(
    directory: Any, handler: Any = None, **options: Any
) -> AsyncGenerator[RunningPlugin]:
    """A plugin in this process."""
    options.setdefault("drain_seconds", 0.2)
    address = f"unix:{directory}/p.sock"
    plugin = await start_plugin(handler, address=address, token=TOKEN, **options)
    try:
        yield plugin
    finally:
        await plugin.close()
