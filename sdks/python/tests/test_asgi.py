"""ASGI applications, over real sockets, on both carriers."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    TextMessage,
)

from servehttp.adapters.asgi_lifespan import LifespanFailed
from servehttp.wire.protobuf import delimited

from .host_rig import running, serving
from .websocket_client import HostedClient
from .wire_rig import END, HIJACKABLE, chunk, context, init, trailers

pytestmark = pytest.mark.parametrize("carrier", ["mux", "stream"])

START = {"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1")]}


async def test_m2_the_scope_says_where_the_plugin_is(tmp_path: Path, carrier: str) -> None:
    seen: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            seen.append(scope)
            await send(START)
            await send({"type": "http.response.body", "body": b"hello"})

    async with serving(tmp_path, carrier, asgi=app) as host:
        base = delimited(b"\x92\x01", b"/sub/plugins/p") + context("user", "ann")
        headers = [(b"X-M", b"1"), (b"x-m", b"2")]
        response = await host.open(init("put", "/a%2Fb%20c?q=%20", headers, 3, base)).over()
        full = base + b"\x98\x01\x01"
        await host.open(init("GET", "/sub/plugins/p/x", more=full) + END).over()
    assert (response.status, response.body, response.headers) == (200, b"hello", [(b"x-a", b"1")])
    scope = seen[0]
    assert scope["path"] == "/sub/plugins/p/a/b c"
    assert scope["raw_path"] == b"/sub/plugins/p/a%2Fb%20c"
    assert (scope["root_path"], scope["query_string"]) == ("/sub/plugins/p", b"q=%20")
    assert (scope["method"], scope["http_version"], scope["scheme"]) == ("PUT", "1.1", "http")
    assert (scope["client"], scope["server"]) == (("127.0.0.1", 4711), ("example.org", 80))
    expected = [(b"host", b"example.org"), (b"x-m", b"1"), (b"x-m", b"2")]
    assert scope["headers"] == [*expected, (b"content-length", b"3")]
    assert scope["extensions"]["servehttp"]["context"] == {"user": "ann"}
    assert (seen[1]["path"], seen[1]["root_path"]) == ("/sub/plugins/p/x", "/sub/plugins/p")


async def test_d1_a_body_is_read_and_answered_piece_by_piece(tmp_path: Path, carrier: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        await send(START)
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            event = {"type": "http.response.body", "body": message["body"], "more_body": more}
            await send(event)
        assert await receive() == {"type": "http.disconnect"}

    body = os.urandom(100_000)
    async with serving(tmp_path, carrier, asgi=app) as host:
        exchange = host.open(init("POST", content_length=-1))
        for at in range(0, len(body), 10_000):
            exchange.send(chunk(body[at : at + 10_000]))
            await exchange.until_body(at + 10_000)
        exchange.send(END)
        assert (await exchange.over()).body == body


@pytest.mark.parametrize("cut", [True, False])
async def test_d3_q7_a_client_that_leaves_is_a_disconnect(
    tmp_path: Path, carrier: str, cut: bool
) -> None:
    seen: asyncio.Queue[Any] = asyncio.Queue()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        while (message := await receive())["type"] != "http.disconnect":
            seen.put_nowait(message["body"])
        seen.put_nowait(message)
        await send(START)
        await send({"type": "http.response.body"})
        seen.put_nowait("went on")

    async with serving(tmp_path, carrier, asgi=app) as host:
        exchange = host.open(init("POST", content_length=-1) + chunk(b"x") + (b"" if cut else END))
        assert await seen.get() == b"x"
        host.cancel(exchange)
        assert await seen.get() == {"type": "http.disconnect"}
        assert await seen.get() == "went on"


@pytest.mark.parametrize(
    ("messages", "line"),
    [
        ([], "the ASGI application returned without starting its response"),
        ([START], "the ASGI application returned without completing its response"),
        (
            [{"type": "http.response.body", "body": b"x"}],
            "the ASGI application sent 'http.response.body', which is not allowed there",
        ),
        (
            [START, START],
            "the ASGI application sent 'http.response.start', which is not allowed there",
        ),
        (
            [{"type": "http.response.start", "status": "200"}],
            "a status is an int, and this is str",
        ),
        (
            [{"type": "http.response.start", "status": 99}, {"type": "http.response.body"}],
            "a response with the status 99: a final status is 200 to 999",
        ),
        (
            [{"type": "http.response.start", "status": 200, "headers": [("a", "b")]}],
            "headers are pairs of bytes: 'a' is not bytes",
        ),
        (
            [{"type": "http.response.start", "status": 200, "headers": 1}],
            "headers are pairs of bytes: 'int' object is not iterable",
        ),
        (
            [{"type": "http.response.start", "status": 200, "headers": [(b"a b", b"c")]}],
            "the response's headers: b'a b' is no name of a header field",
        ),
        (
            [START, {"type": "http.response.body", "body": "text"}],
            "a body is bytes, and this is str",
        ),
        ([{"type": "no.such.thing"}], "the ASGI application sent 'no.such.thing', which is not"),
    ],
)
async def test_messages_out_of_order_make_the_exchange_fail_and_are_named(
    tmp_path: Path,
    carrier: str,
    messages: list[Any],
    line: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            for message in messages:
                await send(message)

    async with serving(tmp_path, carrier, asgi=app) as host:
        response = await host.open(init() + END).over()
    assert (response.status, response.reset is not None) == (0, True)
    (record,) = (record for record in caplog.records if record.name == "servehttp")
    assert record.getMessage().startswith(line)


async def test_p9_p10_trailers_and_early_hints(tmp_path: Path, carrier: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.early_hint", "links": [b"</a.css>"]})
            await send({**START, "trailers": True})
            await send({"type": "http.response.body", "body": b"x"})
            await send({"type": "http.response.trailers", "headers": [(b"x-t", b"2")]})

    async with serving(tmp_path, carrier, asgi=app) as host:
        exchange = host.open(init("POST", content_length=-1))
        exchange.send(trailers([]))
        response = await exchange.over()
    assert (response.informational, response.body) == ([103], b"x")
    assert response.trailers == [(b"x-t", b"2")]


async def test_the_lifespan_runs_around_everything(tmp_path: Path, carrier: str) -> None:
    seen: list[object] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            scope["state"]["db"] = "opened"
            seen.append((await receive())["type"])
            await send({"type": "lifespan.startup.complete"})
            seen.append((await receive())["type"])
            await send({"type": "lifespan.shutdown.complete"})
            return
        seen.append(scope["state"])
        await send(START)
        await send({"type": "http.response.body"})

    async with serving(tmp_path, carrier, asgi=app) as host:
        await host.open(init() + END).over()
    assert seen == ["lifespan.startup", {"db": "opened"}, "lifespan.shutdown"]


async def test_an_application_may_refuse_to_start(tmp_path: Path, carrier: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(LifespanFailed, match="no database"):
        async with running(tmp_path, asgi=app):
            pass


async def echo(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "websocket":
        return
    assert (await receive())["type"] == "websocket.connect"
    if "no" in scope["subprotocols"]:
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept", "subprotocol": (scope["subprotocols"] or [None])[0]})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "bye":
            await send({"type": "websocket.close", "code": 3001, "reason": "bye"})
        else:
            await send({**message, "type": "websocket.send"})
    assert message["type"] == "websocket.disconnect"


async def test_t2_a_websocket_talks_text_bytes_fragments_and_pings(
    tmp_path: Path, carrier: str
) -> None:
    async with serving(tmp_path, carrier, asgi=echo) as host:
        client = HostedClient(host, "/ws", ["chat"])
        accepted = await client.next()
        assert isinstance(accepted, AcceptConnection) and accepted.subprotocol == "chat"
        # To compress is the application's to decide, and ASGI has no way to say it.
        assert accepted.extensions == []
        for data in (b"", os.urandom(100_000)):
            client.send(BytesMessage(data))
            got = b""
            while len(got) < len(data) or not data:
                event = await client.next()
                assert isinstance(event, BytesMessage)
                got += bytes(event.data)
                if event.message_finished:
                    break
            assert got == data
        client.send(TextMessage("h\u00e9", message_finished=False))
        client.send(TextMessage("llo"))
        event = await client.next()
        assert isinstance(event, TextMessage) and event.data == "h\u00e9llo"
        client.send(Ping(b"p"))
        event = await client.next()
        assert isinstance(event, Pong) and bytes(event.payload) == b"p"
        client.send(TextMessage("bye"))
        event = await client.next()
        assert isinstance(event, CloseConnection) and (event.code, event.reason) == (3001, "bye")
        await client.exchange.until(lambda response: response.tunnel_ended)


async def test_t2_a_client_closes_a_websocket(tmp_path: Path, carrier: str) -> None:
    async with serving(tmp_path, carrier, asgi=echo) as host:
        client = HostedClient(host, "/ws", [])
        assert isinstance(await client.next(), AcceptConnection)
        client.send(CloseConnection(code=4000, reason="done"))
        event = await client.next()
        assert isinstance(event, CloseConnection) and event.code == 4000
        await client.exchange.until(lambda response: response.tunnel_ended)


async def test_t4_an_application_refuses_a_websocket(tmp_path: Path, carrier: str) -> None:
    async with serving(tmp_path, carrier, asgi=echo) as host:
        response = await HostedClient(host, "/ws", ["no"]).exchange.over()
        assert (response.status, response.hijacked) == (403, False)
        broken = [(b"connection", b"upgrade"), (b"upgrade", b"websocket")]
        response = await host.open(init(headers=broken, more=HIJACKABLE) + END).over()
        assert response.status == 400
