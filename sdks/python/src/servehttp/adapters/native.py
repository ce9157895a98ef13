"""Native handlers: ``async def serve_http(request, response)``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

from ..errors import RequestAborted, ServeHTTPError
from ..exchange.exchange import OPEN, Exchange
from ..exchange.request import PluginRequest
from ..exchange.response import ResponseWriter
from ..exchange.start_task import start_task

ServeHTTP = Callable[[PluginRequest, ResponseWriter], Awaitable[Any]]
"""Answers one request."""


class NativeService:
    """Calls the handler in a task of its own, which is cancelled when the exchange is given up."""

    def __init__(self, handler: ServeHTTP, logger: logging.Logger) -> None:
        self._handler: Callable[[PluginRequest, ResponseWriter], Awaitable[object]] = handler
        self.logger = logger
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        return len(self._tasks)

    async def startup(self) -> None:
        pass

    async def shutdown(self) -> None:
        pass

    def start(self, exchange: Exchange) -> None:
        task = start_task(self._loop, self._run(exchange))
        if task.done():
            return
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

        def cancel(error: RequestAborted) -> None:
            # A handler that waits for its body is told by the body.
            if not exchange.body.is_awaited_by(task):
                task.cancel(error.code)

        exchange.on_abort = cancel

    async def _run(self, exchange: Exchange) -> None:
        try:
            response = ResponseWriter(exchange)
            result = await self._handler(PluginRequest(exchange), response)
            if exchange.state == OPEN and isinstance(result, (str, bytes, dict, list, tuple)):
                kind = type(cast("object", result)).__name__
                raise ServeHTTPError(
                    "handler-failed",
                    f"the handler returned a {kind} and wrote nothing: write to its second "
                    "argument, the response",
                )
            response.handler_returned()
        except asyncio.CancelledError:
            exchange.give_up()
        except KeyboardInterrupt:
            exchange.give_up()
            raise
        except BaseException as error:
            # SystemExit, too: no handler ends the process.
            exchange.threw(error)
