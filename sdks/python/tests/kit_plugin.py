"""The routes by which ``servehttp-conformance`` checks a plugin: docs/porting.md has them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from servehttp import PluginRequest, ResponseWriter, ServeHTTPError, serve_plugin

PERIOD_BYTES = 100_003
PIECE_BYTES = 65_536


class Digest(Protocol):
    """A hash of ``hashlib``, whose class has no public name."""

    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass
class Stepping:
    """A request of /steps."""

    key: str
    request: PluginRequest
    response: ResponseWriter
    state: Literal["running", "returned", "failed"] = "running"
    body: Literal["open", "ended", "cut"] = "open"
    read: int = 0
    written: int = 0
    digest: Digest = field(default_factory=hashlib.sha256)

    def seen(self) -> dict[str, object]:
        reason = self.request.abort_reason
        return {
            "state": self.state,
            "read": self.read,
            "readSha256": self.digest.hexdigest(),
            "body": self.body,
            "written": self.written,
            "aborted": "" if reason is None else reason.code,
        }


class Plugin:
    """What its handlers know of each other."""

    def __init__(self) -> None:
        self.requests: dict[str, Stepping] = {}
        self.gates: dict[str, asyncio.Event] = {}

    async def __call__(self, request: PluginRequest, response: ResponseWriter) -> None:
        path, _, query = request.url.partition("?")
        route, _, key = path[1:].partition("/")
        if route == "describe":
            await describe(request, response)
        elif route == "steps":
            await self.run_steps(Stepping(key, request, response), query)
        elif route == "seen" and key in self.requests:
            await response.end(json.dumps(self.requests[key].seen()))
        elif route == "go":
            self.gate(key).set()
        else:
            response.write_head(404)

    def gate(self, key: str) -> asyncio.Event:
        return self.gates.setdefault(key, asyncio.Event())

    async def run_steps(self, stepping: Stepping, query: str) -> None:
        self.requests[stepping.key] = stepping
        try:
            for step in query.split("&"):
                name, _, value = step.partition("=")
                await self.run_step(stepping, name, value)
        except BaseException:
            stepping.state = "failed"
            raise
        stepping.state = "returned"

    async def run_step(self, stepping: Stepping, name: str, value: str) -> None:
        response = stepping.response
        if name == "status":
            response.write_head(int(value))
        elif name == "header":
            response.headers.append(*pair_of(value))
        elif name == "trailer":
            response.trailers.append(*pair_of(value))
        elif name == "hint":
            await response.informational(int(value), [("Link", "</style.css>; rel=preload")])
        elif name == "flush":
            await response.flush()
        elif name == "write":
            await write(stepping, int(value))
        elif name == "read":
            await read(stepping)
        elif name == "echo":
            await read(stepping, response.write)
        elif name == "wait":
            await self.gate(stepping.key).wait()
        elif name == "tunnel":
            await tunnel(response)
        elif name == "fail":
            raise ValueError("a detail that no client may see")


async def describe(request: PluginRequest, response: ResponseWriter) -> None:
    digest = hashlib.sha256()
    body_bytes = 0
    async for chunk in request.body:
        digest.update(chunk)
        body_bytes += len(chunk)
    deadline = request.deadline
    described = {
        "method": request.method,
        "url": request.url,
        "basePath": request.base_path,
        "requestUri": request.request_uri,
        "protocol": request.protocol,
        "scheme": request.scheme,
        "host": request.host,
        "remoteAddress": request.remote_address,
        "contentLength": request.content_length,
        "deadlineMs": None if deadline is None else round(deadline.timestamp() * 1_000),
        "id": request.id,
        "context": dict(request.context),
        "headers": list(request.headers),
        "bodyBytes": body_bytes,
        "bodySha256": digest.hexdigest(),
        "trailers": list(await request.trailers),
    }
    await response.end(json.dumps(described))


def pair_of(value: str) -> tuple[str, str]:
    """``NAME:HEX``."""
    name, _, octets = value.partition(":")
    return name, bytes.fromhex(octets).decode("latin-1")


async def write(stepping: Stepping, size: int) -> None:
    end = stepping.written + size
    period = period_of(stepping.key, end)
    if size == 0:
        await stepping.response.write(b"")
    while stepping.written < end:
        at = stepping.written % PERIOD_BYTES
        piece = period[at : at + min(PIECE_BYTES, end - stepping.written)]
        await stepping.response.write(piece)
        stepping.written += len(piece)


def period_of(key: str, needed: int) -> bytes:
    """As many as are needed of the bytes that ``write`` repeats."""
    size = min(needed, PERIOD_BYTES)
    blocks = range(math.ceil(size / 32))
    return b"".join(hashlib.sha256(f"{key}:{at}".encode()).digest() for at in blocks)[:size]


async def read(stepping: Stepping, take: Callable[[bytes], Awaitable[None]] | None = None) -> None:
    try:
        async for chunk in stepping.request.body:
            stepping.digest.update(chunk)
            stepping.read += len(chunk)
            if take is not None:
                await take(chunk)
    except BaseException:
        stepping.body = "cut"
        raise
    stepping.body = "ended"


async def tunnel(response: ResponseWriter) -> None:
    """Gives back what the client sends; goes on with the next step where it can't."""
    try:
        connection = await response.hijack()
    except ServeHTTPError:
        return
    async for chunk in connection:
        await connection.write(chunk)
    connection.write_eof()


async def main() -> None:
    await serve_plugin(Plugin())


if __name__ == "__main__":
    asyncio.run(main())
