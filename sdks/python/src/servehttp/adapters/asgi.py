"""ASGI 3 applications: HTTP, WebSockets and lifespan (https://asgi.readthedocs.io)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ..exchange.exchange import Exchange
from ..exchange.start_task import start_task
from .asgi_http import HttpCycle
from .asgi_lifespan import Lifespan
from .asgi_websocket import WebSocketCycle, is_websocket

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI 3 application."""


class AsgiService:
    """Calls the application in a task for each exchange. It is not cancelled when the client leaves:
    it gets ``http.disconnect``."""

    def __init__(self, app: ASGIApplication, logger: logging.Logger) -> None:
        self._app = app
        self.logger = logger
        self._loop = asyncio.get_running_loop()
        self._lifespan = Lifespan(app, logger)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        return len(self._tasks)

    async def startup(self) -> None:
        await self._lifespan.startup()

    async def shutdown(self) -> None:
        await self._lifespan.shutdown()

    def start(self, exchange: Exchange) -> None:
        state = self._lifespan.state
        init = exchange.init
        cycle: HttpCycle | WebSocketCycle
        if init.hijackable and init.headers.offers_upgrade and is_websocket(init):
            cycle = WebSocketCycle(exchange, state)
        else:
            cycle = HttpCycle(exchange, state)
        task = start_task(self._loop, cycle.run(self._app))
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
