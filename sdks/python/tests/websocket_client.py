"""Clients of WebSockets: through a host, and straight to a server."""

from __future__ import annotations

import asyncio
from typing import Any

import wsproto
from wsproto.events import Request
from wsproto.extensions import PerMessageDeflate

from .host_rig import Exchange, Host
from .wire_rig import END, HIJACKABLE, init, tunnel_chunk


class WebSocketClient:
    """Frames what is sent, and reads events from what comes. It offers to compress."""

    def __init__(self, path: str, protocols: list[str]) -> None:
        self._socket = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        self._request = Request(
            host="example.org",
            target=path,
            subprotocols=protocols,
            extensions=[PerMessageDeflate()],
        )

    def handshake(self) -> bytes:
        """The request, as HTTP/1.1 has it."""
        return self._socket.send(self._request)

    async def next(self) -> Any:
        """The next event."""
        while True:
            for event in self._socket.events():
                return event
            self._socket.receive_data(await self.read())

    def send(self, event: Any) -> None:
        """Sends an event."""
        self.write(self._socket.send(event))

    async def read(self) -> bytes:
        """Bytes of the server's."""
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        """Bytes for the server."""
        raise NotImplementedError


class HostedClient(WebSocketClient):
    """Through the host."""

    def __init__(self, host: Host, path: str, protocols: list[str]) -> None:
        super().__init__(path, protocols)
        lines = self.handshake().split(b"\r\n")[1:-2]
        pairs = [line.split(b": ", 1) for line in lines]
        headers = [(name, value) for name, value in pairs if name.lower() != b"host"]
        self.exchange: Exchange = host.open(init("GET", path, headers, more=HIJACKABLE) + END)
        self._read = 0

    async def read(self) -> bytes:
        at = self._read
        response = await self.exchange.until_tunnel(at + 1)
        self._read = len(response.tunnel)
        return response.tunnel[at:]

    def write(self, data: bytes) -> None:
        for at in range(0, len(data), 60_000):
            self.exchange.send(tunnel_chunk(data[at : at + 60_000]))


class DirectClient(WebSocketClient):
    """Straight to a server that listens on a port."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str
    ) -> None:
        super().__init__(path, [])
        self._reader = reader
        self._writer = writer
        self.write(self.handshake())

    @classmethod
    async def connect(cls, port: int, path: str) -> DirectClient:
        """Opens a connection and asks for a WebSocket."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        return cls(reader, writer, path)

    async def read(self) -> bytes:
        return await self._reader.read(65_536)

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def close(self) -> None:
        """Closes the connection."""
        self._writer.close()
