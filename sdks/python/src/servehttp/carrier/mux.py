"""The plugin's end of a ServeHTTPMux RPC (mux.proto)."""

from __future__ import annotations

import asyncio
from collections import deque

from ..errors import RequestAborted, ServeHTTPError
from ..limits import BATCH_BYTES_MAX, EXCHANGES_MAX, GROWTH_BYTES_MAX, WINDOW_GROWTH_BYTES
from ..wire.grpc import OK_TRAILERS, error_trailers
from ..wire.mux_frames import DRAINING, read_frames, reset_frame
from ..wire.response_parts import reset_message
from .channel import Accept, RpcStream
from .mux_exchange import MuxExchange


class PluginMux:
    """Accepts the exchanges that the host opens. What is ready in one turn of the loop is one message."""

    def __init__(self, stream: RpcStream, accept: Accept) -> None:
        self._loop = asyncio.get_running_loop()
        self._stream = stream
        self._accept = accept
        self._exchanges: dict[int, MuxExchange] = {}
        self._last_id = 0
        self._growth_left = GROWTH_BYTES_MAX
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        # Messages that got full, because what is no body needs no room.
        self._full: deque[bytes] = deque()
        self._turns: deque[MuxExchange] = deque()
        self._planned = False
        # Whether the stream takes no more for now.
        self._paused = False
        self._closed = False
        self._stream.write(b"")

    @property
    def exchange_count(self) -> int:
        """Exchanges that are open."""
        return len(self._exchanges)

    @property
    def has_room(self) -> bool:
        """Whether bytes of a body may go into the batch that is being made."""
        return not (
            self._batch_bytes >= BATCH_BYTES_MAX or self._paused or self._turns or self._full
        )

    def receive_message(self, data: bytes, begin: int, end: int) -> None:
        """Takes one message, which lies within the bytes. What its exchanges have to say at once waits
        for ``flush``."""
        self._planned = True
        try:
            for exchange_id, id_field, parts, credit, reset in read_frames(data, begin, end):
                exchange = self._exchanges.get(exchange_id)
                if exchange is None:
                    if exchange_id <= self._last_id:
                        continue
                    self._last_id = exchange_id
                    if parts is None:
                        if reset is not None:
                            continue
                        raise ServeHTTPError(
                            "protocol-violation",
                            f"a frame of exchange {exchange_id}, which was never opened",
                        )
                    if len(self._exchanges) >= EXCHANGES_MAX:
                        self._refuse(id_field)
                        continue
                    exchange = MuxExchange(self, exchange_id, id_field, self._accept)
                    self._exchanges[exchange_id] = exchange
                exchange.receive(parts, credit, reset)
                if self._closed:
                    return
        except ServeHTTPError as error:
            self.fail(error)

    def put(self, frame: bytes) -> None:
        """Adds a frame to the batch."""
        self._batch.append(frame)
        self._batch_bytes += len(frame)
        if self._batch_bytes > BATCH_BYTES_MAX:
            self._end_batch()
        if not self._planned:
            self._plan()

    def wants_turn(self, exchange: MuxExchange) -> None:
        """The exchange has something to send, and perhaps the credit for it."""
        if not exchange.in_turn:
            exchange.in_turn = True
            self._turns.append(exchange)
            self._plan()

    def flush(self) -> None:
        """Sends what is ready."""
        self._planned = False
        while not self._paused and not self._closed:
            if not self._full:
                self._fill()
                self._end_batch()
            if not self._full:
                return
            self._stream.write(self._full.popleft())

    def pause(self) -> None:
        """The stream takes no more for now."""
        self._paused = True

    def resume(self) -> None:
        """The stream takes more."""
        self._paused = False
        self.flush()

    def drain(self) -> None:
        """Tells the host to open no more exchanges here."""
        if not self._closed:
            self.put(DRAINING)

    def give_up(self, error: RequestAborted) -> None:
        """Gives up all exchanges. The RPC goes on until the host ends it."""
        for exchange in list(self._exchanges.values()):
            exchange.give_up(error)

    def take_growth(self) -> int:
        """By how much the window of an exchange may grow; 0 where others have taken all there is."""
        if self._growth_left < WINDOW_GROWTH_BYTES:
            return 0
        self._growth_left -= WINDOW_GROWTH_BYTES
        return WINDOW_GROWTH_BYTES

    def forget(self, exchange_id: int, grown: int) -> None:
        """The exchange is over, and its window with it."""
        self._growth_left += grown
        self._exchanges.pop(exchange_id, None)

    def host_ended(self) -> None:
        """The host sends nothing more: what is open is cut off."""
        self._close(RequestAborted("host-stopping", "the host ended the mux RPC"), OK_TRAILERS)

    def lost(self) -> None:
        """The connection is gone."""
        self._close(
            RequestAborted("host-stopping", "the connection to the host was lost"), OK_TRAILERS
        )

    def fail(self, error: ServeHTTPError) -> None:
        """The host broke a rule that holds for the whole RPC."""
        self._close(RequestAborted(error.code, str(error)), error_trailers(error))

    def _fill(self) -> None:
        """Lets exchanges that wait take turns until the batch is full."""
        turns = self._turns
        while turns and self._batch_bytes < BATCH_BYTES_MAX and not self._full:
            exchange = turns.popleft()
            if exchange.send_waiting():
                turns.append(exchange)
            else:
                exchange.in_turn = False

    def _end_batch(self) -> None:
        if self._batch:
            self._full.append(b"".join(self._batch))
            self._batch.clear()
            self._batch_bytes = 0

    def _plan(self) -> None:
        if not self._planned and not self._closed:
            self._planned = True
            self._loop.call_soon(self._flush_planned)

    def _flush_planned(self) -> None:
        if self._planned:
            self.flush()

    def _refuse(self, id_field: bytes) -> None:
        error = ServeHTTPError("overload", "more exchanges than one connection takes")
        self.put(reset_frame(id_field, reset_message(error)))

    def _close(self, error: RequestAborted, trailers: list[tuple[str, str]]) -> None:
        if self._closed:
            return
        self._closed = True
        self._batch.clear()
        self._full.clear()
        for exchange in list(self._exchanges.values()):
            exchange.abort(error)
        self._turns.clear()
        self._stream.end(trailers)
