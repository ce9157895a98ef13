"""One stream of a connection that ``h2`` serves."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ..limits import CREDIT_STEP_BYTES

if TYPE_CHECKING:
    from .h2_connection import H2Connection

RESPONSE_HEADERS = [(":status", "200"), ("content-type", "application/grpc+proto")]


class StreamEnd(Protocol):
    """What is done with what comes on a stream. No method may raise."""

    def data_received(self, data: bytes) -> int:
        """Takes bytes; returns how many of them the host may send anew at once."""
        ...

    def end_received(self) -> None:
        """The host sends nothing more."""
        ...

    def closed(self, code: int | None) -> None:
        """The stream was reset with this code of HTTP/2; None where the connection is gone."""
        ...

    def has_room(self) -> None:
        """What waited to be sent has gone, or half of it."""
        ...


class H2Stream:
    """Sends what the windows allow, and gives the host credit.

    head -> body [write] -> ending [end] -> ended; any -> closed [reset, gone]
    """

    def __init__(self, connection: H2Connection, stream_id: int) -> None:
        self._connection = connection
        self.id = stream_id
        self.end_of_stream: StreamEnd | None = None
        # Called once, when the connection forgets the stream.
        self.on_closed: Callable[[], None] | None = None
        self._state = "head"
        self._waiting: deque[bytes | memoryview] = deque()
        self.waiting_bytes = 0
        self._trailers: list[tuple[str, str]] | None = None
        self._taken = 0

    @property
    def head_sent(self) -> bool:
        """Whether response headers have gone out."""
        return self._state != "head"

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be sent."""
        return self._state in ("ended", "closed")

    def write(self, data: bytes) -> None:
        """Sends bytes behind what waits."""
        if self._state not in ("head", "body"):
            return
        if self._state == "head":
            self._state = "body"
            self._connection.send_headers(self.id, RESPONSE_HEADERS, False)
        self._waiting.append(data)
        self.waiting_bytes += len(data)
        self._connection.wants_turn(self)

    def end(self, trailers: list[tuple[str, str]]) -> None:
        """Ends the stream behind what waits."""
        if self._state == "head":
            self._state = "ended"
            self._connection.send_headers(self.id, RESPONSE_HEADERS + trailers, True)
            self._connection.stream_ended(self)
        elif self._state == "body":
            self._state = "ending"
            self._trailers = trailers
            self._connection.wants_turn(self)

    def reset(self, code: int) -> None:
        """Closes the stream at once; what waits is dropped."""
        if self._state != "closed":
            self._state = "closed"
            self._drop()
            self._connection.reset_stream(self.id, code)

    def gone(self, code: int | None) -> None:
        """The host has reset the stream, or the connection is lost."""
        if self._state != "closed":
            self._state = "closed"
            self._drop()
            if self.end_of_stream is not None:
                self.end_of_stream.closed(code)

    def taken(self, size: int) -> None:
        """The host may send so many bytes more, sooner or later."""
        self._taken += size
        if self._taken >= CREDIT_STEP_BYTES and self._state != "closed":
            self._connection.widen(self.id, self._taken)
            self._taken = 0

    def take_turn(self, window: int) -> bytes | memoryview | None:
        """The next bytes to send, at most so many. None where nothing waits or nothing may go."""
        if not self._waiting or window <= 0:
            return None
        piece = self._waiting.popleft()
        if len(piece) > window:
            view = memoryview(piece)
            self._waiting.appendleft(view[window:])
            piece = view[:window]
        self.waiting_bytes -= len(piece)
        return piece

    @property
    def has_waiting(self) -> bool:
        """Whether bytes wait."""
        return bool(self._waiting)

    def trailers_due(self) -> list[tuple[str, str]] | None:
        """The trailers, once they are the next to be sent."""
        if self._waiting or self._state != "ending":
            return None
        self._state = "ended"
        return self._trailers

    def _drop(self) -> None:
        self._waiting.clear()
        self.waiting_bytes = 0
