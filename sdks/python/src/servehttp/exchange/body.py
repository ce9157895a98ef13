"""The body of a request between the carrier, which brings it, and the handler, which reads it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from ..errors import ServeHTTPError
from ..wire.header_fields import Field


class Body:
    """What has come of a body, at most a window of it. A chunk that is taken makes room for another.

    The source: arriving -> complete [receive]; arriving -> cut [cut]. A body that is dropped takes
    everything and keeps nothing.
    """

    __slots__ = (
        "_ask", "_chunks", "_cut", "_dropping", "_taken", "_waiter", "_waiting_task", "trailers",
    )  # fmt: skip

    def __init__(self, taken: Callable[[int], None]) -> None:
        self._taken = taken
        self._chunks: deque[bytes] = deque()
        self._cut: ServeHTTPError | None = None
        self._dropping = False
        self._waiter: asyncio.Future[None] | None = None
        self._waiting_task: asyncio.Task[object] | None = None
        self._ask: Callable[[], None] | None = None
        self.trailers: list[Field] | None = None

    def ask_first(self, ask: Callable[[], None]) -> None:
        """Called when the handler first waits for the body: the client waits for a 100 (Continue)."""
        self._ask = ask

    # -- from the carrier

    def receive(self, chunk: bytes | None, trailers: list[Field] | None) -> None:
        """Parts of the body."""
        if self._cut is not None:
            return
        self._ask = None
        if chunk is not None:
            if self._dropping:
                self._taken(len(chunk))
            else:
                self._chunks.append(chunk)
        if trailers is not None:
            self.trailers = trailers
        self._wake()

    def cut(self, error: ServeHTTPError) -> None:
        """The rest won't come. What has come is discarded, unless the body is complete."""
        if self._cut is None and self.trailers is None:
            self._cut = error
            self._chunks.clear()
            self._wake()

    # -- for the handler

    @property
    def is_complete(self) -> bool:
        """Whether everything has come."""
        return self.trailers is not None

    @property
    def is_exhausted(self) -> bool:
        """Whether everything has come and was taken, or nothing more will be."""
        return not self._chunks and (self.trailers is not None or self._dropping)

    def is_awaited_by(self, task: asyncio.Task[object] | None) -> bool:
        """Whether the task waits for the body right now."""
        return self._waiter is not None and self._waiting_task is task

    def drop(self) -> None:
        """Discards the rest."""
        if not self._dropping:
            self._dropping = True
            if self._chunks:
                size = sum(map(len, self._chunks))
                self._chunks.clear()
                self._taken(size)
            if self._waiter is not None:
                self._wake()

    def next_now(self) -> bytes | None:
        """The next chunk, if it is there. None says nothing about the end."""
        if not self._chunks:
            return None
        chunk = self._chunks.popleft()
        self._taken(len(chunk))
        return chunk

    def take_all(self) -> bytes:
        """Everything that is there."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        if data:
            self._taken(len(data))
        return data

    async def next(self) -> bytes | None:
        """The next chunk, None at the end. Raises why the rest won't come."""
        while True:
            if self._chunks:
                return self.next_now()
            if self._cut is not None:
                raise self._cut
            if self.trailers is not None or self._dropping:
                return None
            if self._ask is not None:
                ask, self._ask = self._ask, None
                ask()
            await self.changed()

    async def changed(self) -> None:
        """Waits until something has come, or nothing will."""
        if self._waiter is None:
            self._waiter = asyncio.get_running_loop().create_future()
        waiter = self._waiter
        self._waiting_task = asyncio.current_task()
        # Shielded, because several may wait for the same.
        await asyncio.shield(waiter)

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        self._waiting_task = None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class BodyIterator:
    """``request.body``: the chunks, once. Leaving the loop discards nothing until the handler returns."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._began = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._began:
            raise ServeHTTPError("already-read", "the body of this request was read before")
        self._began = True
        return self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            chunk = await self._body.next()
            if chunk is None:
                return
            yield chunk
