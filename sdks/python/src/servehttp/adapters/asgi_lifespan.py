"""The lifespan of an ASGI application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any


class LifespanFailed(Exception):
    """The application said that it can't start."""


class Lifespan:
    """waiting -> started [startup] -> stopped [shutdown]; an application without lifespan has none."""

    def __init__(
        self, app: Callable[[Any, Any, Any], Awaitable[Any]], logger: logging.Logger
    ) -> None:
        self._app = app
        self._logger = logger
        self._state: dict[str, Any] = {}
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answer: asyncio.Future[str | None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._supported = False

    @property
    def state(self) -> dict[str, Any] | None:
        """What the application keeps for its requests, once it has started."""
        return self._state if self._supported else None

    async def startup(self) -> None:
        """Raises LifespanFailed with what the application says."""
        problem = await self._ask("lifespan.startup")
        if problem is not None:
            raise LifespanFailed(problem)

    async def shutdown(self) -> None:
        """Waits for the application to put its things away."""
        if self._supported and self._task is not None and not self._task.done():
            problem = await self._ask("lifespan.shutdown")
            if problem is not None:
                self._logger.error("the application failed as it shut down: %s", problem)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ask(self, event: str) -> str | None:
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        self._events.put_nowait({"type": event})
        if self._task is None:
            self._task = loop.create_task(self._run())
        return await self._answer

    async def _run(self) -> None:
        scope: dict[str, Any] = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self._state,
        }
        try:
            await self._app(scope, self._events.get, self._send)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            if self._supported:
                self._logger.error("the application's lifespan failed", exc_info=error)
            # Before the startup was answered it means that the application has no lifespan.
        self._reply(None)

    async def _send(self, message: Mapping[str, Any]) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            self._supported = True
            self._reply(None)
        elif kind == "lifespan.shutdown.complete":
            self._reply(None)
        elif kind in ("lifespan.startup.failed", "lifespan.shutdown.failed"):
            self._reply(str(message.get("message") or "it gave no reason"))

    def _reply(self, problem: str | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(problem)
