"""A client's connection that the plugin took over: raw bytes both ways."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from ..carrier.channel import MORE, TUNNEL_ENDS, Channel
from ..errors import ServeHTTPError
from ..limits import CHUNK_BYTES_MAX
from ..wire.response_parts import TUNNEL_END


class Tunnel:
    """The client's connection, with back-pressure both ways. Each way ends on its own.

    ``async for chunk in connection`` gives the client's bytes until the client ends its way.
    """

    def __init__(self, channel: Channel, head: bytes) -> None:
        self._channel = channel
        self._chunks: deque[tuple[bytes, bool]] = deque()
        if head:
            self._chunks.append((head, False))
        self._client_ended = False
        self._ended = False
        self._closed = False
        self._error: ServeHTTPError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.on_close: Callable[[], None] | None = None
        """Called when both ways have ended here."""

    async def read(self) -> bytes:
        """The next bytes of the client's, 1 byte to 64 KiB; empty where the client has ended its way.

        Bytes that came with the upgrade request come first. Raises RequestAborted where the
        connection broke or the exchange was given up.
        """
        while True:
            if self._chunks:
                chunk, counts = self._chunks.popleft()
                if counts:
                    self._channel.taken(len(chunk))
                return chunk
            if self._error is not None:
                raise self._error
            if self._client_ended or self._closed:
                return b""
            if self._waiter is None:
                self._waiter = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._waiter)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._all()

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Writes bytes to the client; waits while there is no room. Raises as ``read`` does."""
        if self._error is not None:
            raise self._error
        if self._ended:
            raise ServeHTTPError("already-ended", "this end of the connection has ended")
        room = True
        view = memoryview(data)
        for at in range(0, len(view), CHUNK_BYTES_MAX):
            room = self._channel.send(b"", bytes(view[at : at + CHUNK_BYTES_MAX]), b"", MORE)
        if not room:
            await self._channel.room()

    def write_eof(self) -> None:
        """Ends the plugin's way; the client's goes on."""
        if not self._ended:
            self._ended = True
            self._channel.send(b"", b"", TUNNEL_END, TUNNEL_ENDS)

    def close(self) -> None:
        """Ends both ways, behind what was written."""
        if not self._closed and self._error is None:
            self._closed = True
            self.write_eof()
            if not self._client_ended:
                self._channel.reset(
                    ServeHTTPError("request-not-needed", "the plugin closed the tunnel")
                )
            self._wake()
            if self.on_close is not None:
                self.on_close()

    # -- from the exchange

    def receive(self, chunk: bytes | None, ends: bool) -> None:
        """Parts of the client's way."""
        if chunk is not None:
            if self._closed:
                self._channel.taken(len(chunk))
            else:
                self._chunks.append((chunk, True))
        if ends:
            self._client_ended = True
        self._wake()

    def abort(self, error: ServeHTTPError) -> None:
        """The exchange was given up."""
        if self._error is None and not self._closed:
            self._error = error
            self._chunks.clear()
            self._wake()

    async def _all(self) -> AsyncIterator[bytes]:
        while True:
            chunk = await self.read()
            if not chunk:
                return
            yield chunk

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
