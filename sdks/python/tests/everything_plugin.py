"""The routes of interop/src/engines/engine-plugin.ts, for a host to hold a Python plugin to.

| request | answer |
|---|---|
| `GET /engine` | the name and version of the interpreter |
| `POST /echo` | each chunk as it comes |
| `POST /hash` | the SHA-256 of the body |
| `GET /events` | an event at once and one for each `/next-event`, until the client leaves |
| `GET /next-event` | how many listen |
| `GET /around` | an informational response, a body, a trailer |
| `GET /broken` | half a body; behind `GET /break` the handler raises |
| `POST /cut` | answers at once and reads the body; `GET /was-cut` waits until one was cut off |
| `POST /early` | 413, without reading the body |
| `GET /left` | waits until a client of `/events` has left, then says why |
| upgrade at `/websocket` | a WebSocket that gives back each message |
"""

from __future__ import annotations

import asyncio
import hashlib
import platform
from collections.abc import AsyncIterator

import wsproto
import wsproto.events

from servehttp import PluginRequest, RequestAborted, ResponseWriter, serve_plugin


class Plugin:
    """What its handlers know of each other."""

    def __init__(self) -> None:
        self.listeners: set[asyncio.Queue[None]] = set()
        self.left: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.cut: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.breaking = asyncio.Event()

    async def __call__(self, request: PluginRequest, response: ResponseWriter) -> None:
        handler = getattr(self, "at_" + request.url[1:].replace("-", "_"), None)
        if handler is None:
            response.write_head(404)
            return
        await handler(request, response)

    async def at_engine(self, request: PluginRequest, response: ResponseWriter) -> None:
        await response.end(f"python {platform.python_version()}")

    async def at_echo(self, request: PluginRequest, response: ResponseWriter) -> None:
        async for chunk in request.body:
            await response.write(chunk)

    async def at_hash(self, request: PluginRequest, response: ResponseWriter) -> None:
        digest = hashlib.sha256()
        async for chunk in request.body:
            digest.update(chunk)
        await response.end(digest.hexdigest())

    async def at_events(self, request: PluginRequest, response: ResponseWriter) -> None:
        response.headers["content-type"] = "text/event-stream"
        number = 0
        next_event: asyncio.Queue[None] = asyncio.Queue()
        next_event.put_nowait(None)
        self.listeners.add(next_event)
        try:
            while True:
                await next_event.get()
                number += 1
                await response.write(f"data: {number}\n\n")
        except asyncio.CancelledError:
            reason = request.abort_reason
            self.left.set_result("nothing" if reason is None else reason.code)
            raise
        finally:
            self.listeners.discard(next_event)

    async def at_next_event(self, request: PluginRequest, response: ResponseWriter) -> None:
        for queue in self.listeners:
            queue.put_nowait(None)
        await response.end(str(len(self.listeners)))

    async def at_around(self, request: PluginRequest, response: ResponseWriter) -> None:
        await response.informational(103, [("Link", "</style.css>; rel=preload")])
        await response.write("in between")
        response.trailers["X-Trailer"] = "behind"

    async def at_broken(self, request: PluginRequest, response: ResponseWriter) -> None:
        await response.write("half of it")
        await self.breaking.wait()
        raise ValueError("no more")

    async def at_break(self, request: PluginRequest, response: ResponseWriter) -> None:
        self.breaking.set()

    async def at_cut(self, request: PluginRequest, response: ResponseWriter) -> None:
        await response.flush()
        try:
            await request.bytes()
        except RequestAborted:
            self.cut.set_result("cut off")
            raise

    async def at_was_cut(self, request: PluginRequest, response: ResponseWriter) -> None:
        await response.end(await self.cut)

    async def at_early(self, request: PluginRequest, response: ResponseWriter) -> None:
        response.write_head(413)
        await response.end("too much")

    async def at_left(self, request: PluginRequest, response: ResponseWriter) -> None:
        await response.end(await self.left)

    async def at_websocket(self, request: PluginRequest, response: ResponseWriter) -> None:
        tunnel = await response.hijack()
        socket = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
        headers = [(name.encode(), value.encode()) for name, value in request.headers]
        socket.initiate_upgrade_connection(
            [*headers, (b"host", request.host.encode())], request.url
        )
        async for answer in _echo(socket, aiter(tunnel)):
            await tunnel.write(answer)


async def _echo(
    socket: wsproto.WSConnection, received: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """What a WebSocket answers that gives back each message."""
    while True:
        text, data = "", b""
        for event in socket.events():
            if isinstance(event, wsproto.events.Request):
                yield socket.send(wsproto.events.AcceptConnection())
            elif isinstance(event, wsproto.events.BytesMessage):
                data += event.data
                if event.message_finished:
                    yield socket.send(wsproto.events.BytesMessage(data))
                    data = b""
            elif isinstance(event, wsproto.events.TextMessage):
                text += event.data
                if event.message_finished:
                    yield socket.send(wsproto.events.TextMessage(text))
                    text = ""
            elif isinstance(event, wsproto.events.CloseConnection):
                yield socket.send(event.response())
                return
        socket.receive_data(await anext(received))


async def main() -> None:
    await serve_plugin(Plugin())


if __name__ == "__main__":
    asyncio.run(main())
