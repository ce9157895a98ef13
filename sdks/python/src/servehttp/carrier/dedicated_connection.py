"""A connection of one mux RPC (mux.proto, step 9): as much of HTTP/2 (RFC 9113) as that needs.

``h2`` serves every other connection. A batch of mux costs one write here, and a read one look at the
head of a frame, which decisions/012 measures.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from ..errors import ServeHTTPError
from ..limits import CONNECTION_WINDOW_BYTES, LINGER_SECONDS, MUX_MESSAGE_BYTES_MAX
from ..wire.grpc import MessageReader, message_head
from .channel import Accept
from .frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    GOAWAY,
    HEADERS,
    INITIAL_WINDOW_BYTES,
    PADDED,
    PING,
    PREFACE,
    PROTOCOL_ERROR,
    PUSH_PROMISE,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    SETTINGS_INITIAL_WINDOW_SIZE,
    SETTINGS_MAX_FRAME_SIZE,
    WINDOW_UPDATE,
    frame,
    goaway_frame,
    literal_field,
    settings_frame,
    window_update_frame,
)  # fmt: skip
from .mux import PluginMux

_STREAM = 1
_DATA_FRAME_BYTES_MAX = 1_114_112
_CONTROL_FRAME_BYTES_MAX = 16_384
_ANSWER_BYTES_MAX = 65_536

_OPENING = (
    settings_frame(
        ((1, 0), (3, 1), (4, CONNECTION_WINDOW_BYTES), (5, _DATA_FRAME_BYTES_MAX), (6, 131_072))
    )
    + window_update_frame(0, CONNECTION_WINDOW_BYTES - INITIAL_WINDOW_BYTES)
    + frame(
        HEADERS,
        END_HEADERS,
        _STREAM,
        b"\x88" + literal_field("content-type", "application/grpc+proto"),
    )
)


class Violation(Exception):
    """The host broke HTTP/2. ``code`` is that of RFC 9113, section 7."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class DedicatedConnection(asyncio.Protocol):
    """The plugin's end. open -> closed [_close, connection_lost]"""

    def __init__(
        self, transport: asyncio.Transport, on_lost: Callable[[DedicatedConnection], None]
    ) -> None:
        self._transport = transport
        self._on_lost = on_lost
        self._closed = False
        self._paused = False
        # Frames that are not all there.
        self._pieces: list[bytes] = []
        self._held = 0
        self._needed = 0
        self._messages = MessageReader(MUX_MESSAGE_BYTES_MAX)
        # What we may send, and what has come since the host last heard of it.
        self._window = INITIAL_WINDOW_BYTES
        self._stream_window = INITIAL_WINDOW_BYTES
        self._initial_window = INITIAL_WINDOW_BYTES
        self._frame_bytes_max = 16_384
        self._unsaid = 0
        self._unsent: deque[bytes | memoryview] = deque()
        self._trailers: bytes | None = None
        self._answer_bytes = 0
        transport.set_write_buffer_limits(high=524_288, low=131_072)
        transport.write(_OPENING)
        self.mux: PluginMux | None = None

    def start(self, data: bytes, accept: Accept) -> None:
        """Serves the RPC; ``data`` is what came so far, from the preface on."""
        self.mux = PluginMux(self, accept)
        self.data_received(data[len(PREFACE) :])

    # -- RpcStream

    def write(self, message: bytes) -> None:
        if not self._closed:
            self._send(message_head(len(message)) + message)

    def end(self, trailers: list[tuple[str, str]]) -> None:
        if self._closed or self._trailers is not None:
            return
        block = b"".join(literal_field(name, value) for name, value in trailers)
        self._trailers = frame(HEADERS, END_HEADERS | END_STREAM, _STREAM, block)
        if self._unsent:
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.abort)
        else:
            self._finish()

    # -- asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        if self._closed:
            return
        if self._held:
            self._pieces.append(data)
            self._held += len(data)
            if self._held < self._needed:
                return
            data = b"".join(self._pieces)
            self._pieces.clear()
            self._held = 0
        try:
            at = self._take_frames(data)
        except Violation as violation:
            self._transport.write(goaway_frame(_STREAM, violation.code))
            error = ServeHTTPError("protocol-violation", f"the host broke HTTP/2: {violation}")
            if self.mux is not None:
                self.mux.fail(error)
            self._close()
            return
        if self.mux is not None:
            # One write for all that was read at once.
            self.mux.flush()
        if at < len(data) and not self._closed:
            self._pieces.append(data[at:] if at else data)
            self._held = len(data) - at

    def eof_received(self) -> bool | None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._pieces.clear()
        self._unsent.clear()
        if self.mux is not None:
            self.mux.lost()
        self._on_lost(self)

    def pause_writing(self) -> None:
        self._paused = True
        self._tell_mux()

    def resume_writing(self) -> None:
        self._paused = False
        self._answer_bytes = 0
        self._tell_mux()

    def abort(self) -> None:
        """Closes the connection at once."""
        self._transport.abort()

    # -- what comes in

    def _take_frames(self, data: bytes) -> int:
        at, end = 0, len(data)
        while at + 9 <= end:
            size = data[at] << 16 | data[at + 1] << 8 | data[at + 2]
            kind = data[at + 3]
            if size > (_DATA_FRAME_BYTES_MAX if kind == DATA else _CONTROL_FRAME_BYTES_MAX):
                raise Violation(FRAME_SIZE_ERROR, f"a frame of {size} bytes")
            behind = at + 9 + size
            if behind > end:
                self._needed = behind - at
                return at
            flags = data[at + 4]
            stream = int.from_bytes(data[at + 5 : at + 9], "big") & 0x7FFF_FFFF
            if kind == DATA:
                self._take_data(data, at + 9, behind, flags, stream)
            else:
                self._take_frame(kind, flags, stream, data[at + 9 : behind])
            if self._closed:
                return end
            at = behind
        self._needed = 9
        return at

    def _take_data(self, data: bytes, begin: int, end: int, flags: int, stream: int) -> None:
        if stream != _STREAM:
            raise Violation(PROTOCOL_ERROR, f"DATA on stream {stream}")
        size = end - begin
        self._unsaid += size
        if self._unsaid > CONNECTION_WINDOW_BYTES:
            raise Violation(FLOW_CONTROL_ERROR, "more bytes than the window allows")
        if flags & PADDED:
            if size == 0 or data[begin] >= size:
                raise Violation(PROTOCOL_ERROR, "more padding than bytes")
            end -= data[begin]
            begin += 1
        mux = self.mux
        if mux is not None and end > begin:
            content = data if begin == 0 and end == len(data) else data[begin:end]
            try:
                for message, at, behind in self._messages.push(content):
                    mux.receive_message(message, at, behind)
            except ServeHTTPError as error:
                mux.fail(error)
        if self._unsaid * 2 > CONNECTION_WINDOW_BYTES:
            self._transport.write(
                window_update_frame(0, self._unsaid) + window_update_frame(_STREAM, self._unsaid)
            )
            self._unsaid = 0
        if flags & END_STREAM and mux is not None:
            mux.host_ended()

    def _take_frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == WINDOW_UPDATE:
            if len(payload) != 4:
                raise Violation(FRAME_SIZE_ERROR, "a WINDOW_UPDATE of another length than 4")
            self._widen(stream, int.from_bytes(payload, "big") & 0x7FFF_FFFF)
        elif kind == SETTINGS:
            if stream != 0 or len(payload) % 6:
                raise Violation(FRAME_SIZE_ERROR, "SETTINGS that can't be")
            if not flags & ACK:
                self._take_settings(payload)
        elif kind == PING:
            if stream != 0 or len(payload) != 8:
                raise Violation(FRAME_SIZE_ERROR, "a PING that can't be")
            if not flags & ACK:
                self._answer(frame(PING, ACK, 0, payload))
        elif kind == HEADERS:
            if stream != _STREAM:
                self._answer(frame(RST_STREAM, 0, stream, REFUSED_STREAM.to_bytes(4, "big")))
            elif flags & END_STREAM and self.mux is not None:
                self.mux.host_ended()
        elif kind == RST_STREAM:
            if stream == _STREAM:
                if self.mux is not None:
                    self.mux.lost()
                self._close()
        elif kind == GOAWAY:
            if len(payload) < 8 or int.from_bytes(payload[4:8], "big") != 0:
                if self.mux is not None:
                    self.mux.lost()
                self._close()
        elif kind in (PUSH_PROMISE, CONTINUATION):
            raise Violation(PROTOCOL_ERROR, f"a frame of type {kind}")

    def _take_settings(self, payload: bytes) -> None:
        for at in range(0, len(payload), 6):
            name = int.from_bytes(payload[at : at + 2], "big")
            value = int.from_bytes(payload[at + 2 : at + 6], "big")
            if name == SETTINGS_INITIAL_WINDOW_SIZE:
                if value > 0x7FFF_FFFF:
                    raise Violation(FLOW_CONTROL_ERROR, "a window that can't be")
                self._stream_window += value - self._initial_window
                self._initial_window = value
            elif name == SETTINGS_MAX_FRAME_SIZE:
                self._frame_bytes_max = min(max(value, 16_384), 0xFF_FFFF)
        self._answer(frame(SETTINGS, ACK, 0, b""))
        self._send_unsent()

    def _widen(self, stream: int, size: int) -> None:
        if stream == 0:
            self._window += size
        elif stream == _STREAM:
            self._stream_window += size
        if max(self._window, self._stream_window) > 0x7FFF_FFFF:
            raise Violation(FLOW_CONTROL_ERROR, "a window that can't be")
        self._send_unsent()

    def _answer(self, data: bytes) -> None:
        """Answers what the host may ask for without end. Who does not read the answers is cut off."""
        if self._paused:
            self._answer_bytes += len(data)
            if self._answer_bytes > _ANSWER_BYTES_MAX:
                self._transport.abort()
                return
        self._transport.write(data)

    # -- what goes out

    def _send(self, data: bytes) -> None:
        size = len(data)
        if (
            not self._unsent
            and size <= self._window
            and size <= self._stream_window
            and size <= self._frame_bytes_max
        ):
            self._window -= size
            self._stream_window -= size
            self._transport.write(frame(DATA, 0, _STREAM, data))
            return
        self._unsent.append(data)
        self._send_unsent()

    def _send_unsent(self) -> None:
        had = bool(self._unsent)
        while self._unsent:
            size = min(
                len(self._unsent[0]), self._window, self._stream_window, self._frame_bytes_max
            )
            if size <= 0:
                break
            piece = memoryview(self._unsent.popleft())
            if size < len(piece):
                self._unsent.appendleft(piece[size:])
            self._window -= size
            self._stream_window -= size
            self._transport.write(frame(DATA, 0, _STREAM, piece[:size]))
        self._tell_mux()
        if had and not self._unsent and self._trailers is not None:
            self._finish()

    def _tell_mux(self) -> None:
        if self.mux is None:
            return
        if self._paused or self._unsent:
            self.mux.pause()
        else:
            self.mux.resume()

    def _finish(self) -> None:
        if self._trailers is not None and not self._closed:
            self._transport.write(self._trailers)
            self._close()

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        # To close while the host still sends could take away again what was written.
        if self._transport.can_write_eof():
            self._transport.write_eof()
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.close)
        else:
            self._transport.close()
