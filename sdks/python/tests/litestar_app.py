"""A Litestar application as its users write it."""

# pyright: basic
import asyncio
import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Any

from litestar import Litestar, MediaType, Request, WebSocket, delete, get, post, websocket
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.middleware.session.server_side import ServerSideSessionConfig
from litestar.params import Body
from litestar.response import Redirect, Response, ServerSentEvent
from litestar.static_files import create_static_files_router


@get("/url", name="url")
async def url(request: Request[Any, Any, Any]) -> list[str]:
    return [request.url.path, str(request.url_for("url")), request.method]


@delete("/url")
async def remove() -> None:
    pass


@post("/upload", media_type=MediaType.TEXT)
async def upload(
    data: Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)],
) -> str:
    file = data["file"]
    return f"{file.filename} {hashlib.sha256(await file.read()).hexdigest()}"


@get("/events")
async def events() -> ServerSentEvent:
    async def numbers() -> AsyncGenerator[str]:
        for number in range(3):
            yield str(number)
            await asyncio.sleep(0)

    return ServerSentEvent(numbers())


@get("/session")
async def session(request: Request[Any, Any, Any]) -> dict[str, Any]:
    request.session["count"] = request.session.get("count", 0) + 1
    return dict(request.session)


@get("/moved")
async def moved() -> Redirect:
    return Redirect("/url")


@websocket("/echo")
async def echo(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    async for text in socket.iter_data("text"):
        await socket.send_data(text, "text")


def litestar_app(directory: Path) -> Litestar:
    done: list[str] = []

    async def remember(text: str) -> None:
        done.append(text)

    @get("/background")
    async def background() -> Response[list[str]]:
        return Response([*done], background=BackgroundTask(remember, "ran"))

    static = create_static_files_router("/static", [directory], html_mode=True)
    return Litestar(
        [url, remove, upload, events, session, background, moved, echo, static],
        middleware=[ServerSideSessionConfig().middleware],
        openapi_config=None,
    )
