"""Handlers in memory."""

from __future__ import annotations

import os

import pytest

from servehttp import PluginRequest, ResponseWriter, ServeHTTPError
from servehttp.testing import call_handler


async def test_a_handler_sees_the_request_and_answers() -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        response.headers["X-Seen"] = f"{request.method} {request.url} {request.base_path}"
        response.headers.append("x-seen", f"{request.context['user']} {request.headers['x-m']}")
        response.trailers["x-end"] = str(request.content_length)
        response.write_head(201)
        async for chunk in request.body:
            await response.write(chunk)

    body = os.urandom(100_000)
    response = await call_handler(
        handler,
        method="PUT",
        url="/a?b",
        base_path="/plugins/p",
        headers={"X-M": "1"},
        body=body,
        context={"user": "ada"},
    )
    assert (response.status, response.body == body) == (201, True)
    assert response.headers.get_all("x-seen") == ["PUT /a?b /plugins/p", "ada 1"]
    assert response.trailers["x-end"] == "100000"


async def test_a_handler_that_writes_nothing_answers_200() -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        assert await request.text() == "grüße"

    response = await call_handler(handler, body="grüße")
    assert (response.status, response.text) == (200, "")


@pytest.mark.parametrize("writes_first", [False, True])
async def test_a_handler_that_fails_raises(writes_first: bool) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        if writes_first:
            await response.write("x")
        raise RuntimeError("broken")

    with pytest.raises(ServeHTTPError) as raised:
        await call_handler(handler)
    assert raised.value.code == "handler-failed"


async def test_a_head_that_http_does_not_allow_raises() -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        response.write_head(42)

    with pytest.raises(ServeHTTPError, match="a response with the status 42"):
        await call_handler(handler)
