"""Native handlers, over real sockets, on both carriers."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from servehttp import PluginRequest, RequestAborted, ResponseWriter, ServeHTTPError

from .host_rig import serving
from .wire_rig import (
    END,
    EXPECT_CONTINUE,
    HIJACKABLE,
    TUNNEL_END,
    chunk,
    context,
    init,
    trailers,
    tunnel_chunk,
)  # fmt: skip

pytestmark = pytest.mark.parametrize("carrier", ["mux", "stream"])


async def test_q1_everything_of_the_head_arrives(tmp_path: Path, carrier: str) -> None:
    seen: list[object] = []

    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        headers = request.headers
        seen.extend([request.method, request.url, request.request_uri, request.protocol])
        seen.extend([request.host, request.remote_address, request.scheme, request.id])
        seen.extend([headers.get_all("x-m"), headers["X-C"], request.content_length])
        seen.extend([dict(request.context), request.deadline, request.hijackable])

    async with serving(tmp_path, carrier, handler) as host:
        fields = [(b"X-M", b"1"), (b"x-m", b"2"), (b"X-C", b"caf\xe9")]
        more = context("user", "ren\u00e9") + b"\x58\xd0\x0f"
        exchange = host.open(init("PUT", "/a%2Fb?q", fields, -1, more) + END)
        response = await exchange.over()
    assert (response.status, response.body) == (200, b"")
    assert seen[:8] == [
        "PUT", "/a%2Fb?q", "/plugins/p/a%2Fb?q", "HTTP/1.1", "example.org", "127.0.0.1:4711",
        "http", "request-1",
    ]  # fmt: skip
    assert seen[8:12] == [["1", "2"], "caf\xe9", None, {"user": "ren\u00e9"}]
    assert str(seen[12]) == "1970-01-01 00:00:02+00:00" and seen[13] is False


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 3_000_000])
async def test_q3_p11_a_body_comes_back_as_it_went(tmp_path: Path, carrier: str, size: int) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        async for piece in request.body:
            await response.write(piece)

    body = os.urandom(size)
    async with serving(tmp_path, carrier, handler) as host:
        exchange = host.open(init("POST", content_length=-1))
        sent = 0
        for at in range(0, size, 65_536):
            piece = body[at : at + 65_536]
            exchange.send(chunk(piece))
            sent += len(piece)
            await exchange.until_body(sent)
        exchange.send(END)
        response = await exchange.over()
    assert hashlib.sha256(response.body).digest() == hashlib.sha256(body).digest()


async def test_p11_a_write_of_any_length_is_cut_into_chunks(tmp_path: Path, carrier: str) -> None:
    body = os.urandom(1_000_001)

    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        response.headers.append("X-A", "1")
        response.headers.append("x-a", "2")
        await response.end(bytearray(body))

    async with serving(tmp_path, carrier, handler) as host:
        response = await host.open(init() + END).over()
    assert response.body == body
    assert response.headers == [(b"X-A", b"1"), (b"x-a", b"2")]


async def test_q7_an_upload_that_is_cut_off_raises(tmp_path: Path, carrier: str) -> None:
    seen: asyncio.Queue[object] = asyncio.Queue()

    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        try:
            async for piece in request.body:
                seen.put_nowait(piece)
        except RequestAborted as error:
            seen.put_nowait(error.code)
            raise

    async with serving(tmp_path, carrier, handler) as host:
        exchange = host.open(init("POST", content_length=-1) + chunk(b"half"))
        assert await seen.get() == b"half"
        host.cancel(exchange)
        assert await seen.get() == "client-disconnected"


async def test_q8_p9_trailers_go_both_ways(tmp_path: Path, carrier: str) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        await response.write(await request.text())
        response.trailers["x-sum"] = (await request.trailers)["X-Check"]

    async with serving(tmp_path, carrier, handler) as host:
        exchange = host.open(init("POST", content_length=-1) + chunk(b"text"))
        exchange.send(trailers([(b"x-check", b"42")]))
        response = await exchange.over()
    assert (response.body, response.trailers) == (b"text", [(b"x-sum", b"42")])


@pytest.mark.parametrize("reads", [True, False])
async def test_q6_a_client_is_asked_for_its_body_at_the_first_read(
    tmp_path: Path, carrier: str, reads: bool
) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        assert request.expect_continue
        if reads:
            await response.end(await request.bytes())
        else:
            response.write_head(413)

    async with serving(tmp_path, carrier, handler) as host:
        exchange = host.open(init("POST", content_length=4, more=EXPECT_CONTINUE))
        if reads:
            await exchange.until(lambda response: response.informational == [100])
            exchange.send(chunk(b"body") + END)
        response = await exchange.over()
    assert (response.status, response.body) == ((200, b"body") if reads else (413, b""))
    assert response.informational == ([100] if reads else [])


async def test_p10_p12_interim_responses_and_flush_come_first(tmp_path: Path, carrier: str) -> None:
    go_on = asyncio.Event()

    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        await response.informational(103, [("link", "</a>")])
        response.write_head(201, {"x": "1"})
        await response.flush()
        await go_on.wait()

    async with serving(tmp_path, carrier, handler) as host:
        exchange = host.open(init() + END)
        response = await exchange.until(lambda response: response.flushes == 1)
        assert (response.informational, response.status, response.ended) == ([103], 201, False)
        assert response.headers == [(b"x", b"1")]
        go_on.set()
        assert (await exchange.over()).ended


@pytest.mark.parametrize("status", [-1, 0, 42, 99, 101, 1000, 65535])
async def test_p3_a_status_that_can_not_be_fails(tmp_path: Path, carrier: str, status: int) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        response.write_head(status)

    async with serving(tmp_path, carrier, handler) as host:
        response = await host.open(init() + END).over()
    assert (response.status, response.ended) == (0, False)


@pytest.mark.parametrize(
    "pair", [("x", "a\r\nb"), ("x", "a\0"), ("a b", "1"), ("", "1"), ("x", "\u20ac")]
)
async def test_p8_a_field_that_can_not_be_fails(
    tmp_path: Path, carrier: str, pair: tuple[str, str]
) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        response.headers.append(*pair)
        await response.end("x")

    async with serving(tmp_path, carrier, handler) as host:
        response = await host.open(init() + END).over()
    assert (response.status, response.ended) == (0, False)


async def test_white_space_around_a_value_is_no_part_of_it(tmp_path: Path, carrier: str) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        response.headers["x"] = " \ta b\t "

    async with serving(tmp_path, carrier, handler) as host:
        response = await host.open(init() + END).over()
    assert response.headers == [(b"x", b"a b")]


async def test_d2_an_early_answer_does_not_wait_for_the_upload(
    tmp_path: Path, carrier: str
) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        response.write_head(413)
        await response.end("too much")
        with pytest.raises(ServeHTTPError) as caught:
            await request.bytes()
        assert caught.value.code == "request-not-needed"

    async with serving(tmp_path, carrier, handler) as host:
        exchange = host.open(init("POST", content_length=-1) + chunk(b"x" * 100))
        response = await exchange.over()
        assert (response.status, response.body) == (413, b"too much")
        exchange.send(chunk(b"late"))
        assert (await host.open(init() + END).over()).status == 413


async def test_d3_the_handler_is_cancelled_when_the_client_leaves(
    tmp_path: Path, carrier: str
) -> None:
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        await response.write("first")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            reason = request.abort_reason
            seen.put_nowait("none" if reason is None else reason.code)
            with pytest.raises(RequestAborted):
                await response.write("more")
            raise

    async with serving(tmp_path, carrier, handler) as host:
        exchange = host.open(init() + END)
        await exchange.until(lambda response: response.body == b"first")
        host.cancel(exchange)
        assert await seen.get() == "client-disconnected"
        host.close()


async def test_f1_a_handler_that_raises_breaks_its_exchange_alone(
    tmp_path: Path, carrier: str
) -> None:
    go_on = asyncio.Event()

    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        if request.url == "/before":
            raise ValueError("secret")
        await response.write("half")
        await go_on.wait()
        if request.url == "/after":
            raise SystemExit(3)

    async with serving(tmp_path, carrier, handler) as host:
        before = await host.open(init(url="/before") + END).over()
        exchange = host.open(init(url="/after") + END)
        await exchange.until(lambda response: response.body == b"half")
        go_on.set()
        after = await exchange.over()
        fine = await host.open(init(url="/fine") + END).over()
    assert (before.status, before.reset is not None) == (0, True)
    assert (after.status, after.reset is not None, after.ended) == (200, True, False)
    assert (fine.status, fine.ended) == (200, True)


async def test_a_result_that_is_not_used_is_a_mistake(
    tmp_path: Path, carrier: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> object:
        return {"a": 1}

    async with serving(tmp_path, carrier, handler) as host:
        response = await host.open(init() + END).over()
    assert (response.status, response.reset is not None) == (0, True)
    (record,) = caplog.records
    assert record.getMessage().startswith("the handler returned a dict and wrote nothing: write to")


async def test_f4_parts_out_of_order_end_their_exchange_alone(tmp_path: Path, carrier: str) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        await response.end(await request.bytes())

    async with serving(tmp_path, carrier, handler) as host:
        broken = host.open(init("POST", content_length=-1))
        broken.send(init("POST"))
        assert (await broken.over()).reset is not None
        long = host.open(init("POST", content_length=-1) + chunk(b"x" * 65_537))
        assert (await long.over()).reset is not None
        assert (await host.open(init() + END).over()).ended


async def test_t1_t6_a_tunnel_carries_bytes_both_ways(tmp_path: Path, carrier: str) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        connection = await response.hijack()
        with pytest.raises(ServeHTTPError):
            await response.hijack()
        async for piece in connection:
            await connection.write(piece)
        await connection.write(b" bye")

    async with serving(tmp_path, carrier, handler) as host:
        more = HIJACKABLE + b"\x8a\x01\x04head"
        exchange = host.open(init(more=more) + END)
        await exchange.until(lambda response: response.tunnel == b"head")
        body = os.urandom(60_000)
        exchange.send(tunnel_chunk(body))
        await exchange.until(lambda response: response.tunnel == b"head" + body)
        exchange.send(TUNNEL_END)
        response = await exchange.until(lambda response: response.tunnel_ended)
    assert (response.hijacked, response.status) == (True, 0)
    assert response.tunnel == b"head" + body + b" bye"


async def test_t5_a_connection_that_can_not_be_taken_over_can_still_be_answered(
    tmp_path: Path, carrier: str
) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        with pytest.raises(ServeHTTPError) as caught:
            await response.hijack()
        await response.end(caught.value.code)

    async with serving(tmp_path, carrier, handler) as host:
        response = await host.open(init() + END).over()
    assert response.body == b"hijack-not-possible"


async def test_a_body_has_a_limit_where_it_is_buffered(tmp_path: Path, carrier: str) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        with pytest.raises(ServeHTTPError) as caught:
            await request.bytes(limit_bytes=10)
        response.write_head(413)
        await response.end(caught.value.code)

    async with serving(tmp_path, carrier, handler) as host:
        declared = await host.open(init("POST", content_length=11)).over()
        exchange = host.open(init("POST", content_length=-1) + chunk(b"x" * 11))
        counted = await exchange.over()
    assert declared.body == counted.body == b"body-too-large"


async def test_a_thousand_exchanges_leave_nothing_behind(tmp_path: Path, carrier: str) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        await response.end(request.url)

    tasks = len(asyncio.all_tasks())
    async with serving(tmp_path, carrier, handler) as host:
        for number in range(0, 1_000, 50):
            exchanges = [host.open(init(url=f"/{number + index}") + END) for index in range(50)]
            for index, exchange in enumerate(exchanges):
                assert (await exchange.over()).body == f"/{number + index}".encode()
    assert len(asyncio.all_tasks()) == tasks
