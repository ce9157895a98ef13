"""The plugin's end of an exchange on the stream carrier: one ServeHTTP RPC."""

from __future__ import annotations

import asyncio

from ..errors import ErrorCode, RequestAborted, ServeHTTPError
from ..limits import HALF_OPEN_SECONDS, STREAM_MESSAGE_BYTES_MAX, WAITING_BYTES_MAX
from ..wire.grpc import OK_TRAILERS, MessageReader, error_trailers, message_head
from ..wire.protobuf import malformed, varint
from ..wire.request_parts import read_request_parts
from .channel import MORE, Accept, Receiver
from .frames import CANCEL, ENHANCE_YOUR_CALM, INTERNAL_ERROR, NO_ERROR, PROTOCOL_ERROR
from .h2_stream import H2Stream
from .part_order import (
    HOST_DONE,
    OPEN,
    OVER,
    TUNNEL,
    UNOPENED,
    advance_request,
    after_host,
    after_plugin,
    is_request_over,
    plugin_has_ended,
)
from .room import Room

_REASON_GRACE_SECONDS = 0.02
"""How long to wait for the reset that says why a request stopped; it follows the end at once."""

_reset_reasons: dict[int, ErrorCode] = {
    ENHANCE_YOUR_CALM: "deadline",
    INTERNAL_ERROR: "host-stopping",
    PROTOCOL_ERROR: "protocol-violation",
}


class StreamExchange:
    """open -> closed [_close]: everything was sent, or either end has given up"""

    def __init__(self, stream: H2Stream, accept: Accept) -> None:
        self._stream = stream
        self._order = UNOPENED
        self._progress = OPEN
        self._closed = False
        self._room = Room()
        self._messages = MessageReader(STREAM_MESSAGE_BYTES_MAX)
        stream.end_of_stream = self
        self._receiver: Receiver = accept(self)

    # -- Channel

    def send(self, head: bytes, chunk: bytes, tail: bytes, kind: int) -> bool:
        if self._closed or plugin_has_ended(self._progress):
            return True
        tag = b"\x3a" if self._progress in (TUNNEL, HOST_DONE) else b"\x22"
        if kind != MORE:
            self._progress = after_plugin(self._progress, kind)
        size = len(chunk)
        parts = b"".join((head, tag, varint(size), chunk, tail)) if size else head + tail
        self._stream.write(message_head(len(parts)) + parts)
        if self._progress == OVER:
            self._finish()
            return True
        return self._stream.waiting_bytes < WAITING_BYTES_MAX

    async def room(self) -> None:
        await self._room.wait()

    def taken(self, size: int) -> None:
        self._stream.taken(size)

    def reset(self, error: ServeHTTPError) -> None:
        if self._closed:
            return
        stream = self._stream
        self._closed = True
        self._room.open()
        if error.code == "request-not-needed" and plugin_has_ended(self._progress):
            stream.end(OK_TRAILERS)
            self._close_half_open()
        elif stream.waiting_bytes:
            stream.reset(INTERNAL_ERROR)
        else:
            stream.end(error_trailers(error))
            self._close_half_open()

    # -- StreamEnd

    def data_received(self, data: bytes) -> int:
        if self._closed:
            return len(data)
        body_bytes = 0
        try:
            for message, begin, end in self._messages.push(data):
                body_bytes += self._take_message(message, begin, end)
        except ServeHTTPError as violation:
            self.give_up(RequestAborted(violation.code, str(violation)))
        # Bytes of the body are given back as the handler takes them, the others at once. A chunk
        # counts when it is complete, so the sum may be below 0 for a moment.
        return len(data) - body_bytes

    def end_received(self) -> None:
        if not self._closed and not is_request_over(self._order, self._progress):
            asyncio.get_running_loop().call_later(_REASON_GRACE_SECONDS, self._was_cut)

    def closed(self, code: int | None) -> None:
        if code is None:
            error = RequestAborted("host-stopping", "the connection to the host was lost")
        else:
            reason = _reset_reasons.get(code, "client-disconnected")
            error = RequestAborted(reason, f"the host gave the exchange up: {reason}")
        self._abort(error)

    def has_room(self) -> None:
        if self._stream.waiting_bytes * 2 <= WAITING_BYTES_MAX:
            self._room.open()

    def give_up(self, error: RequestAborted) -> None:
        """Gives the exchange up and tells both ends."""
        if not self._closed:
            self.reset(error)
            self._room.close(error)
            self._receiver.abort(error)

    def _take_message(self, data: bytes, begin: int, end: int) -> int:
        try:
            parts = read_request_parts(data, begin, end)
        except IndexError:
            raise malformed("a field beyond its message") from None
        if parts.reset is not None:
            self._abort(parts.reset)
            self._stream.reset(CANCEL)
            return 0
        self._order = advance_request(self._order, parts, self._progress)
        if parts.tunnel_end:
            self._progress = after_host(self._progress)
        if self._closed:
            return 0
        self._receiver.receive(parts)
        if self._progress == OVER:
            self._finish()
        return len(parts.chunk or b"") + len(parts.tunnel_chunk or b"")

    def _was_cut(self) -> None:
        if not self._closed:
            self._abort(RequestAborted("client-disconnected", "the request stopped before its end"))
            self._stream.reset(CANCEL)

    def _finish(self) -> None:
        if not self._closed:
            self._closed = True
            self._room.open()
            self._stream.end(OK_TRAILERS)
            if not is_request_over(self._order, self._progress):
                self._close_half_open()

    def _abort(self, error: RequestAborted) -> None:
        if not self._closed:
            self._closed = True
            self._room.close(error)
            self._receiver.abort(error)

    def _close_half_open(self) -> None:
        """A host that has its response may go on with its request for a while."""
        asyncio.get_running_loop().call_later(HALF_OPEN_SECONDS, self._stream.reset, NO_ERROR)
