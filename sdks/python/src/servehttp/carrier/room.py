"""Writers that wait until there is room."""

from __future__ import annotations

import asyncio

from ..errors import RequestAborted


class Room:
    """A place in which the writers of one exchange wait."""

    __slots__ = ("_error", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []
        self._error: RequestAborted | None = None

    async def wait(self) -> None:
        """Waits. Raises RequestAborted where the exchange is given up meanwhile."""
        if self._error is not None:
            raise self._error
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def open(self) -> None:
        """There is room: everybody goes on."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    def close(self, error: RequestAborted) -> None:
        """The exchange was given up."""
        self._error = error
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_exception(error)
