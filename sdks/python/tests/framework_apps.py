"""Applications as their frameworks' users write them. Nothing in them knows of servehttp."""

# pyright: basic
from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any


def starlette_app(directory: Path) -> Any:
    from starlette.applications import Starlette
    from starlette.background import BackgroundTask
    from starlette.middleware import Middleware
    from starlette.middleware.sessions import SessionMiddleware
    from starlette.requests import Request
    from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
    from starlette.routing import Mount, Route, WebSocketRoute
    from starlette.staticfiles import StaticFiles
    from starlette.websockets import WebSocket

    done: list[str] = []

    async def url(request: Request) -> JSONResponse:
        return JSONResponse([request.url.path, str(request.url_for("url")), request.method])

    async def upload(request: Request) -> PlainTextResponse:
        form = await request.form()
        file: Any = form["file"]
        digest = hashlib.sha256(await file.read()).hexdigest()
        return PlainTextResponse(f"{file.filename} {digest}")

    async def events(request: Request) -> StreamingResponse:
        async def all_events() -> AsyncGenerator[str]:
            for number in range(3):
                yield f"data: {number}\n\n"
                await asyncio.sleep(0)

        return StreamingResponse(all_events(), media_type="text/event-stream")

    async def session(request: Request) -> JSONResponse:
        request.session["count"] = request.session.get("count", 0) + 1
        return JSONResponse(dict(request.session))

    async def remember(text: str) -> None:
        done.append(text)

    async def background(request: Request) -> JSONResponse:
        return JSONResponse(done, background=BackgroundTask(remember, "ran"))

    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(text)

    return Starlette(
        routes=[
            Route("/url", url, methods=["GET", "DELETE"]),
            Route("/upload", upload, methods=["POST"]),
            Route("/events", events),
            Route("/session", session),
            Route("/background", background),
            WebSocketRoute("/echo", echo),
            Mount("/static", StaticFiles(directory=directory, html=True)),
        ],
        middleware=[Middleware(SessionMiddleware, secret_key="of tests")],
    )


def flask_app(directory: Path) -> Any:
    from flask import Flask, Response, redirect, request, send_from_directory, session, url_for

    app = Flask("framework_app")
    app.secret_key = "of tests"

    def url() -> Any:
        return {"path": request.path, "url": request.url, "for": url_for("url"), "ip": "x"}

    def upload() -> str:
        file = request.files["file"]
        return f"{file.filename} {hashlib.sha256(file.read()).hexdigest()}"

    def stream() -> Response:
        def numbers() -> Generator[str]:
            for number in range(3):
                yield f"data: {number}\n\n"

        return Response(numbers(), mimetype="text/event-stream")

    def count() -> Any:
        session["count"] = session.get("count", 0) + 1
        return dict(session)

    def moved() -> Any:
        return redirect(url_for("url"))

    def static_file(name: str) -> Any:
        return send_from_directory(directory, name)

    app.add_url_rule("/url", view_func=url, methods=["GET", "DELETE"])
    app.add_url_rule("/upload", view_func=upload, methods=["POST"])
    app.add_url_rule("/events", view_func=stream)
    app.add_url_rule("/session", view_func=count)
    app.add_url_rule("/moved", view_func=moved)
    app.add_url_rule("/static-files/<path:name>", view_func=static_file)
    return app.wsgi_app


def django_asgi_app(directory: Path) -> Any:
    set_django_up()
    from django.core.asgi import get_asgi_application

    return get_asgi_application()


def django_wsgi_app(directory: Path) -> Any:
    set_django_up()
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def set_django_up() -> None:
    import django
    from django.conf import settings
    from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
    from django.urls import path

    def url(request: Any) -> Any:
        return JsonResponse(
            [request.path, request.path_info, request.build_absolute_uri()], safe=False
        )

    def upload(request: Any) -> Any:
        file = request.FILES["file"]
        return HttpResponse(f"{file.name} {hashlib.sha256(file.read()).hexdigest()}".encode())

    def events(request: Any) -> Any:
        numbers = (f"data: {number}\n\n" for number in range(3))
        return StreamingHttpResponse(numbers, content_type="text/event-stream")

    def count(request: Any) -> Any:
        request.session["count"] = request.session.get("count", 0) + 1
        return JsonResponse(dict(request.session))

    if not settings.configured:
        settings.configure(
            SECRET_KEY="of tests" * 10,
            ALLOWED_HOSTS=["*"],
            ROOT_URLCONF="tests.framework_urls",
            MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
            SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        )
        import sys
        from types import ModuleType

        urls: Any = ModuleType("tests.framework_urls")
        urls.urlpatterns = [
            path("url", url),
            path("upload", upload),
            path("events", events),
            path("session", count),
        ]
        sys.modules["tests.framework_urls"] = urls
        django.setup()
