"""A FastAPI application as its users write it."""

# pyright: basic
import asyncio
import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Any

from fastapi import (
    BackgroundTasks,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Query,
    Request,
    UploadFile,
    WebSocket,
)
from fastapi.responses import PlainTextResponse, RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.sessions import SessionMiddleware


def fastapi_app(directory: Path) -> FastAPI:
    app = FastAPI()
    app.add_middleware(SessionMiddleware, secret_key="of tests")
    app.mount("/static", StaticFiles(directory=directory, html=True))
    done: list[str] = []

    def who(x_user: str = Header()) -> str:
        return x_user

    @app.get("/items/{number}")
    async def item(
        number: int, user: Annotated[str, Depends(who)], q: str = Query(default="none")
    ) -> Any:
        if number > 9:
            raise HTTPException(status_code=418, detail="too many")
        return {"number": number, "q": q, "user": user}

    @app.post("/items")
    async def store(item: dict[str, Any]) -> Any:
        return {"got": item}

    @app.get("/moved", response_class=RedirectResponse)
    async def moved() -> Any:
        return RedirectResponse(app.url_path_for("store"))

    @app.post("/upload", response_class=PlainTextResponse)
    async def upload(file: UploadFile) -> str:
        return f"{file.filename} {hashlib.sha256(await file.read()).hexdigest()}"

    @app.get("/events")
    async def events() -> StreamingResponse:
        async def numbers() -> AsyncGenerator[str]:
            for number in range(3):
                yield f"data: {number}\n\n"
                await asyncio.sleep(0)

        return StreamingResponse(numbers(), media_type="text/event-stream")

    @app.get("/session")
    def session(request: Request) -> Any:
        # No coroutine: FastAPI runs it in a thread.
        request.session["count"] = request.session.get("count", 0) + 1
        return dict(request.session)

    async def remember(text: str) -> None:
        done.append(text)

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> Any:
        tasks.add_task(remember, "ran")
        return [*done]

    @app.websocket("/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(text)

    return app
