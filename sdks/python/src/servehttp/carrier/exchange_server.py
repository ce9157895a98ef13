"""The plugin's way in: connections, their token, and what is done with each RPC."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
from collections.abc import Callable
from typing import cast

import hpack

from ..errors import RequestAborted, ServeHTTPError
from ..limits import LINGER_SECONDS, MUX_MESSAGE_BYTES_MAX
from ..wire import grpc
from .channel import Accept
from .dedicated_connection import DedicatedConnection
from .frames import (
    END_HEADERS,
    HEADERS,
    INADEQUATE_SECURITY,
    PREFACE,
    goaway_frame,
    settings_frame,
)
from .h2_connection import H2Connection
from .h2_stream import H2Stream
from .mux import PluginMux
from .plugin_rpcs import DescribeRpc, HealthRpc, ServingState
from .stream_exchange import StreamExchange


class ExchangeServer:
    """Serves the connections of hosts. open -> draining [drain]"""

    def __init__(
        self,
        accept: Accept,
        token: str | None,
        software: str,
        refusal_of: Callable[[ssl.SSLObject], str | None] | None = None,
    ) -> None:
        """``refusal_of`` says why the host of a TLS connection is not let in."""
        self._accept = accept
        self._refusal_of = refusal_of
        self._token_hash = None if token is None else _hash(f"Bearer {token}")
        self._software = software
        self._state = ServingState()
        self._draining = False
        self._waiting: set[FirstBytes] = set()
        self._dedicated: set[DedicatedConnection] = set()
        self._h2: set[H2Connection] = set()
        self._muxes: set[PluginMux] = set()
        self._exchanges: set[StreamExchange] = set()
        self._all_closed: asyncio.Event = asyncio.Event()

    @property
    def exchange_count(self) -> int:
        """Exchanges that are open."""
        return len(self._exchanges) + sum(mux.exchange_count for mux in self._muxes)

    def protocol(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return FirstBytes(self._choose, self._waiting, self._refusal_of)

    def drain(self) -> None:
        """Takes no new exchanges. Connections close when their exchanges have ended."""
        self._draining = True
        self._state.stop()
        for silent in list(self._waiting):
            silent.abort()
        for mux in list(self._muxes):
            mux.drain()
        for connection in list(self._h2):
            connection.drain()
        self._check_closed()

    def give_up(self, error: RequestAborted) -> None:
        """Gives up all exchanges, and tells both their handlers and the host."""
        for mux in list(self._muxes):
            mux.give_up(error)
        for exchange in list(self._exchanges):
            exchange.give_up(error)

    def abort(self) -> None:
        """Closes all connections at once."""
        connections: list[DedicatedConnection | H2Connection | FirstBytes]
        connections = [*self._dedicated, *self._h2, *self._waiting]
        for connection in connections:
            connection.abort()

    async def closed(self) -> None:
        """Waits until all connections are closed. Only while draining."""
        await self._all_closed.wait()

    def _choose(self, transport: asyncio.Transport, data: bytes) -> None:
        fields = dedicated_fields(data)
        if fields is not None:
            dedicated = DedicatedConnection(transport, self._dedicated_lost)
            self._dedicated.add(dedicated)
            transport.set_protocol(dedicated)
            if not self._may_enter(fields):
                dedicated.end(grpc.error_trailers(_refusal()))
                return
            dedicated.start(data, self._accept)
            if dedicated.mux is not None:
                self._muxes.add(dedicated.mux)
                if self._draining:
                    dedicated.mux.drain()
        else:
            connection = H2Connection(transport, self._serve, self._h2_lost)
            self._h2.add(connection)
            transport.set_protocol(connection)
            connection.data_received(data)
            if self._draining:
                connection.drain()

    def _serve(self, stream: H2Stream, fields: dict[str, str]) -> None:
        if not self._may_enter(fields):
            stream.end(grpc.error_trailers(_refusal()))
            return
        if not grpc.is_grpc_with_protobuf(fields.get("content-type", "")):
            stream.end(grpc.status_trailers(12, "this plugin speaks gRPC with protobuf"))
            return
        path = fields.get(":path", "")
        if path == grpc.SERVE_HTTP:
            exchange = StreamExchange(stream, self._accept)
            self._exchanges.add(exchange)
            stream.on_closed = lambda: self._exchanges.discard(exchange)
        elif path == grpc.SERVE_HTTP_MUX:
            rpc = MuxRpc(stream)
            mux = rpc.start(self._accept)
            self._muxes.add(mux)
            stream.on_closed = lambda: self._muxes.discard(mux)
            if self._draining:
                mux.drain()
        elif path == grpc.DESCRIBE:
            stream.end_of_stream = DescribeRpc(stream, self._software)
        elif path in (grpc.HEALTH_CHECK, grpc.HEALTH_WATCH):
            stream.end_of_stream = HealthRpc(stream, self._state, path == grpc.HEALTH_WATCH)
        else:
            stream.end(grpc.status_trailers(12, "there is no such method"))

    def _may_enter(self, fields: dict[str, str]) -> bool:
        if self._token_hash is None:
            return True
        # Hashes have one length, so that the comparison takes the same time whatever was shown.
        return hmac.compare_digest(_hash(fields.get("authorization", "")), self._token_hash)

    def _dedicated_lost(self, connection: DedicatedConnection) -> None:
        self._dedicated.discard(connection)
        if connection.mux is not None:
            self._muxes.discard(connection.mux)
        self._check_closed()

    def _h2_lost(self, connection: H2Connection) -> None:
        self._h2.discard(connection)
        self._check_closed()

    def _check_closed(self) -> None:
        if self._draining and not self._dedicated and not self._h2:
            self._all_closed.set()


class MuxRpc:
    """A mux RPC on a stream that ``h2`` serves."""

    def __init__(self, stream: H2Stream) -> None:
        self._stream = stream
        self._messages = grpc.MessageReader(MUX_MESSAGE_BYTES_MAX)
        self._mux: PluginMux | None = None
        stream.end_of_stream = self

    def start(self, accept: Accept) -> PluginMux:
        """Says hello."""
        self._mux = PluginMux(self, accept)
        return self._mux

    def write(self, message: bytes) -> None:
        self._stream.write(grpc.message_head(len(message)) + message)
        if self._mux is not None and self._stream.has_waiting:
            self._mux.pause()

    def end(self, trailers: list[tuple[str, str]]) -> None:
        self._stream.end(trailers)

    def data_received(self, data: bytes) -> int:
        mux = self._mux
        if mux is not None:
            try:
                for message, begin, end in self._messages.push(data):
                    mux.receive_message(message, begin, end)
            except ServeHTTPError as error:
                mux.fail(error)
            mux.flush()
        return len(data)

    def end_received(self) -> None:
        if self._mux is not None:
            self._mux.host_ended()

    def closed(self, code: int | None) -> None:
        if self._mux is not None:
            self._mux.lost()

    def has_room(self) -> None:
        if self._mux is not None and not self._stream.has_waiting:
            self._mux.resume()


class FirstBytes(asyncio.Protocol):
    """A connection on which nothing has come yet: its first bytes say what it is for."""

    def __init__(
        self,
        choose: Callable[[asyncio.Transport, bytes], None],
        waiting: set[FirstBytes],
        refusal_of: Callable[[ssl.SSLObject], str | None] | None,
    ) -> None:
        self._choose = choose
        self._waiting = waiting
        self._refusal_of = refusal_of
        self._refused = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Those of uvloop are of no class of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._waiting.add(self)
        connection = transport.get_extra_info("ssl_object")
        if self._refusal_of is not None and connection is not None:
            why = self._refusal_of(connection)
            if why is not None:
                self._refuse(self._transport, why)

    def _refuse(self, transport: asyncio.Transport, why: str) -> None:
        """Nothing of such a host is looked at. It is told why by GOAWAY (RFC 9113, section 6.8)."""
        self._refused = True
        transport.write(settings_frame([]) + goaway_frame(0, INADEQUATE_SECURITY, why))
        # To close before the host has read it could take it away again, by a reset.
        asyncio.get_running_loop().call_later(LINGER_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._waiting.discard(self)
        if self._transport is not None:
            self._choose(self._transport, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.discard(self)

    def abort(self) -> None:
        """Closes the connection at once."""
        if self._transport is not None:
            self._transport.abort()


def dedicated_fields(data: bytes) -> dict[str, str] | None:
    """The fields of the request, where the connection is for one mux RPC (mux.proto, step 9).

    None for everything else, and where the request is not all there: a host writes it as one.
    """
    if not data.startswith(PREFACE):
        return None
    at = len(PREFACE)
    while at + 9 <= len(data):
        begin = at + 9
        end = begin + int.from_bytes(data[at : at + 3], "big")
        if data[at + 3] == HEADERS:
            stream = int.from_bytes(data[at + 5 : begin], "big")
            if data[at + 4] != END_HEADERS or stream != 1 or end > len(data):
                return None
            return _fields(data[begin:end])
        at = end
    return None


def _fields(block: bytes) -> dict[str, str] | None:
    decoder = hpack.Decoder()
    try:
        fields = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in decoder.decode(block, raw=True)
        }
    except hpack.HPACKError:
        # `h2` says what is wrong with it.
        return None
    wanted = (
        fields.get("servehttp-connection") == "dedicated"
        and fields.get(":path") == grpc.SERVE_HTTP_MUX
        and grpc.is_grpc_with_protobuf(fields.get("content-type", ""))
    )
    return fields if wanted else None


def _refusal() -> ServeHTTPError:
    return ServeHTTPError("unauthenticated", "the token is missing or wrong")


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("latin-1", "replace")).digest()
