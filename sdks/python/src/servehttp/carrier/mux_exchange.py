"""An exchange on mux: order, credit both ways, and what waits to be sent."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ..errors import RequestAborted, ServeHTTPError
from ..limits import (
    CREDIT_BYTES_MAX,
    CREDIT_STEP_BYTES,
    GROWTH_AFTER_BYTES,
    WAITING_BYTES_MAX,
    WINDOW_BYTES,
)
from ..wire.mux_frames import credit_frame, parts_frame, reset_frame
from ..wire.request_parts import RequestParts
from ..wire.response_parts import reset_message
from .channel import MORE, Accept, Receiver
from .part_order import (
    HOST_DONE,
    OPEN,
    OVER,
    PLUGIN_DONE,
    TUNNEL,
    UNOPENED,
    advance_request,
    after_host,
    after_plugin,
    plugin_has_ended,
)
from .room import Room

if TYPE_CHECKING:
    from .mux import PluginMux

_Waiting = tuple[bytes, "bytes | memoryview", bytes, bytes]
"""Parts in front of a chunk, the chunk, parts behind it, and the tag of the chunk."""

_BODY_TAG = b"\x22"
_TUNNEL_TAG = b"\x3a"


class _Nobody:
    """Receives nothing: its exchange is over."""

    def receive(self, parts: RequestParts, /) -> None:
        pass

    def abort(self, error: RequestAborted, /) -> None:
        pass


_NOBODY = _Nobody()


class MuxExchange:
    """The plugin's end of one exchange.

    open -> closed [_close]: everything was sent, or either end has given up
    """

    __slots__ = (
        "_closed", "_credit", "_grown", "_id", "_id_field", "_last_frame", "_may_come", "_mux",
        "_order", "_progress", "_receiver", "_room", "_taken", "_taken_in_all", "_waiting",
        "_waiting_bytes", "in_turn",
    )  # fmt: skip

    def __init__(self, mux: PluginMux, exchange_id: int, id_field: bytes, accept: Accept) -> None:
        self._mux = mux
        self._id = exchange_id
        # The id as it stands in frames.
        self._id_field = id_field
        self._closed = False
        self._order = UNOPENED
        self._progress = OPEN
        self._credit = WINDOW_BYTES
        self._may_come = WINDOW_BYTES
        self._taken = 0
        self._taken_in_all = 0
        # By how much its window has grown.
        self._grown = 0
        self._waiting: deque[_Waiting] | None = None
        self._waiting_bytes = 0
        # A reset that goes behind what waits.
        self._last_frame: bytes | None = None
        self._room: Room | None = None
        # Whether it is in the mux's round of exchanges that have something to send.
        self.in_turn = False
        self._receiver: Receiver = accept(self)

    # -- what the exchange sends

    def send(self, head: bytes, chunk: bytes, tail: bytes, kind: int) -> bool:
        progress = self._progress
        if self._closed or progress >= PLUGIN_DONE:
            return True
        tag = _TUNNEL_TAG if progress in (TUNNEL, HOST_DONE) else _BODY_TAG
        if kind != MORE:
            self._progress = after_plugin(progress, kind)
        size = len(chunk)
        mux = self._mux
        if self._waiting or (size and (size > self._credit or not mux.has_room)):
            if self._waiting is None:
                self._waiting = deque()
            self._waiting.append((head, chunk, tail, tag))
            self._waiting_bytes += size + len(head) + len(tail)
            mux.wants_turn(self)
            return self._waiting_bytes < WAITING_BYTES_MAX
        self._credit -= size
        mux.put(parts_frame(self._id_field, head, tag, chunk, tail))
        if self._progress == OVER:
            self._close(None)
        return True

    async def room(self) -> None:
        if self._room is None:
            self._room = Room()
        await self._room.wait()

    def taken(self, size: int) -> None:
        self._taken += size
        self._taken_in_all += size
        if self._taken >= CREDIT_STEP_BYTES and not self._closed:
            if self._taken_in_all >= GROWTH_AFTER_BYTES and not self._grown:
                self._grown = self._mux.take_growth()
                self._taken += self._grown
            self._may_come += self._taken
            self._mux.put(credit_frame(self._id_field, self._taken))
            self._taken = 0

    def reset(self, error: ServeHTTPError) -> None:
        if self._closed:
            return
        frame = reset_frame(self._id_field, reset_message(error))
        if error.code == "request-not-needed" and plugin_has_ended(self._progress):
            # Behind the last bytes of the tunnel, which may still need credit.
            self._progress = OVER
            if self._waiting:
                self._last_frame = frame
                return
        self._mux.put(frame)
        self._close(None)

    def send_waiting(self) -> bool:
        """Sends the next of what waits. Returns whether it can send more at once."""
        waiting = self._waiting
        if not waiting:
            return False
        head, chunk, tail, tag = waiting[0]
        size = len(chunk)
        if size > self._credit:
            if self._credit == 0:
                return False
            view = memoryview(chunk)
            waiting[0] = (b"", view[self._credit :], tail, tag)
            chunk, tail, size = view[: self._credit], b"", self._credit
        else:
            waiting.popleft()
        self._credit -= size
        self._waiting_bytes -= size + len(head) + len(tail)
        self._mux.put(parts_frame(self._id_field, head, tag, chunk, tail))
        if self._room is not None and self._waiting_bytes * 2 <= WAITING_BYTES_MAX:
            self._room.open()
        if waiting:
            return self._credit > 0 or len(waiting[0][1]) == 0
        if self._progress == OVER:
            if self._last_frame is not None:
                self._mux.put(self._last_frame)
            self._close(None)
        return False

    # -- what the host sends

    def receive(
        self, parts: RequestParts | None, credit: int, reset: RequestAborted | None
    ) -> None:
        """Raises ServeHTTPError ``protocol-violation`` where the whole RPC can't go on."""
        if parts is not None:
            self._receive_parts(parts)
        if credit:
            self._credit += credit
            if self._credit > CREDIT_BYTES_MAX:
                raise ServeHTTPError("protocol-violation", "more credit than may be open")
            if self._waiting:
                self._mux.wants_turn(self)
        if reset is not None:
            self.abort(reset)

    def _receive_parts(self, parts: RequestParts) -> None:
        if parts.chunk is not None or parts.tunnel_chunk is not None:
            self._may_come -= len(parts.chunk or b"") + len(parts.tunnel_chunk or b"")
            if self._may_come < 0:
                raise ServeHTTPError("protocol-violation", "more bytes than the credit allows")
        if self._closed:
            return
        try:
            self._order = advance_request(self._order, parts, self._progress)
        except ServeHTTPError as violation:
            # Parts out of order end this exchange only.
            self.give_up(RequestAborted(violation.code, str(violation)))
            return
        if parts.tunnel_end:
            self._progress = after_host(self._progress)
        self._receiver.receive(parts)
        if self._progress == OVER and not self._waiting and not self._closed:
            self._close(None)

    def abort(self, error: RequestAborted) -> None:
        """The host has given the exchange up, or the RPC is over."""
        if not self._closed:
            receiver = self._receiver
            self._close(error)
            receiver.abort(error)

    def give_up(self, error: RequestAborted) -> None:
        """Gives the exchange up and tells both ends."""
        if not self._closed:
            self._mux.put(reset_frame(self._id_field, reset_message(error)))
            self.abort(error)

    def _close(self, error: RequestAborted | None) -> None:
        if self._closed:
            return
        self._closed = True
        self._waiting = None
        # No circle is left for the garbage collector, which decisions/012 measures.
        self._receiver = _NOBODY
        if self._room is not None:
            if error is None:
                self._room.open()
            else:
                self._room.close(error)
        self._mux.forget(self._id, self._grown)
