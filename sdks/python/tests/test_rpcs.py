"""Describe, health, the token, and hosts that break the rules of HTTP/2 or of the frames."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from servehttp import PluginRequest, RequestAborted, ResponseWriter
from servehttp.carrier.frames import frame
from servehttp.wire.grpc import DESCRIBE, HEALTH_CHECK, HEALTH_WATCH, SERVE_HTTP_MUX, message_head
from servehttp.wire.protobuf import delimited, varint

from .host_rig import TOKEN, StreamHost, connect_mux, connect_stream, running, serving
from .wire_rig import END, chunk, fields, init


async def hello(request: PluginRequest, response: ResponseWriter) -> None:
    await response.end("hello")


async def call(host: object, path: str, message: bytes) -> tuple[str | None, list[bytes]]:
    """An RPC of one message."""
    assert isinstance(host, StreamHost)
    exchange = host.call(path)
    exchange.send(message)
    host.half_close(exchange)
    while exchange.status is None:
        await asyncio.sleep(0)
    return exchange.status, exchange.messages


async def test_describe_says_who_the_plugin_is(tmp_path: Path) -> None:
    async with serving(tmp_path, "stream", hello) as host:
        status, (message,) = await call(host, DESCRIBE, b"\x0a\x02\x01\x07")
        assert status == "0"
        described = fields(message)
        assert (described[1], described[2], described[3]) == ([1], [1], [b"\x01\x02"])
        assert b"servehttp-python/" in bytes(described[4][0])
        assert await call(host, DESCRIBE, b"\x08\x07") == ("9", [])


async def test_health_says_that_it_serves(tmp_path: Path) -> None:
    async with serving(tmp_path, "stream", hello) as host:
        assert await call(host, HEALTH_CHECK, b"") == ("0", [b"\x08\x01"])
        named = delimited(b"\x0a", b"servehttp.v1.PluginService")
        assert await call(host, HEALTH_CHECK, named) == ("0", [b"\x08\x01"])
        assert (await call(host, HEALTH_CHECK, delimited(b"\x0a", b"other")))[0] == "5"
        assert (await call(host, "/servehttp.v1.PluginService/Other", b""))[0] == "12"


async def test_l7_a_host_without_the_token_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, hello) as plugin:
        for token in ("", "wrong", TOKEN + "x"):
            stream = await connect_stream(plugin.address, token)
            assert (await call(stream, DESCRIBE, b"\x08\x01"))[0] == "16"
            mux = await connect_mux(plugin.address, token)
            await mux.lost.wait()
            assert mux.status == "16"


async def test_mux_works_on_a_connection_with_other_streams(tmp_path: Path) -> None:
    async with serving(tmp_path, "stream", hello) as host:
        assert isinstance(host, StreamHost)
        rpc = host.call(SERVE_HTTP_MUX)
        rpc.send(delimited(b"\x0a", b"\x08\x01" + delimited(b"\x12", init() + END)))
        while not any(b"hello" in message for message in rpc.messages):
            await asyncio.sleep(0)
        assert rpc.messages[0] == b""


@pytest.mark.parametrize(
    "message",
    [
        delimited(b"\x0a", b"\x08\x09\x18\x01"),
        delimited(b"\x0a", delimited(b"\x12", init() + END)),
        b"\x0a\x7f\x08",
        b"\x0f",
        delimited(b"\x0a", b"\x08\x01\x18" + varint(16_777_216)),
        b"".join(
            delimited(b"\x0a", b"\x08\x01" + delimited(b"\x12", chunk(b"x" * 65_000)))
            for _ in range(5)
        ),
    ],
    ids=["never opened", "no id", "cut", "no field", "credit", "more than the credit"],
)
async def test_f4_a_broken_frame_ends_the_rpc(tmp_path: Path, message: bytes) -> None:
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        try:
            await response.flush()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            reason = request.abort_reason
            seen.put_nowait("none" if reason is None else reason.code)
            raise

    async with running(tmp_path, handler) as plugin:
        host = await connect_mux(plugin.address)
        exchange = host.open(init("POST", content_length=-1))
        await exchange.until(lambda response: response.flushes == 1)
        host.send_message(message)
        await host.lost.wait()
        assert host.status == "3"
        assert await seen.get() == "protocol-violation"
        other = await connect_mux(plugin.address)
        await other.hello.wait()
        other.close()


@pytest.mark.parametrize(
    "octets",
    [frame(0, 0, 3, b"x"), frame(6, 0, 0, b"short"), frame(9, 4, 1, b""), b"\xff" * 9,
     frame(0, 0, 1, b"\x01\0\0\0\0"), frame(0, 8, 1, b"\x05x"), frame(8, 0, 1, b"\x7f\xff\xff\xff" * 1)],
)  # fmt: skip
async def test_a_host_that_breaks_http2_is_cut_off(tmp_path: Path, octets: bytes) -> None:
    async with running(tmp_path, hello) as plugin:
        host = await connect_mux(plugin.address)
        await host.hello.wait()
        host.write_raw(octets)
        await host.lost.wait()


async def test_p13_a_client_that_does_not_read_stops_the_writer(tmp_path: Path) -> None:
    written = 0

    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        nonlocal written
        for _ in range(400):
            await response.write(b"x" * 10_000)
            written += 10_000

    async with serving(tmp_path, "mux", handler) as host:
        exchange = host.open(init() + END)
        exchange.auto_credit = False
        await exchange.until(lambda response: len(response.body) == 262_144)
        assert written <= 262_144 + 131_072 + 10_000
        exchange.auto_credit = True
        exchange.credit(262_144)
        response = await exchange.over()
    assert len(response.body) == 4_000_000


async def test_the_window_of_a_handler_that_keeps_up_grows_once(tmp_path: Path) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        size = 0
        async for piece in request.body:
            size += len(piece)
            await response.write(str(size) + ",")

    async with serving(tmp_path, "mux", handler) as host:
        exchange = host.open(init("POST", content_length=-1))
        piece = b"x" * 65_536
        answered = 0
        for number in range(1, 300):
            exchange.send(chunk(piece))
            answered += len(f"{number * 65_536},")
            await exchange.until_body(answered)
        exchange.send(END)
        await exchange.over()
    assert exchange.credit_given == 299 * 65_536 + 786_432


async def test_a_message_may_come_byte_by_byte(tmp_path: Path) -> None:
    async with running(tmp_path, hello) as plugin:
        host = await connect_mux(plugin.address)
        await host.hello.wait()
        exchange, message = host.prepare(init() + END)
        for index in range(len(message)):
            host.write_raw(frame(0, 0, 1, message[index : index + 1]))
            if index % 7 == 0:
                await asyncio.sleep(0)
        assert (await exchange.over()).body == b"hello"
        host.close()


async def test_l5_closing_lets_what_runs_end(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        await response.flush()
        await go_on.wait()
        await response.end("whole")

    async with running(tmp_path, handler, drain_seconds=30) as plugin:
        mux = await connect_mux(plugin.address)
        stream = await connect_stream(plugin.address)
        exchanges = [mux.open(init() + END), stream.open(init() + END)]
        for exchange in exchanges:
            await exchange.until(lambda response: response.flushes == 1)
        closing = asyncio.create_task(plugin.close())
        await mux.draining.wait()
        await stream.going.wait()
        late = mux.open(init() + END)
        await late.until(lambda response: response.flushes == 1)
        go_on.set()
        for exchange in [*exchanges, late]:
            response = await exchange.over()
            assert (response.body, response.ended) == (b"whole", True)
        mux.close()
        await closing


async def test_l5_what_does_not_end_is_given_up(tmp_path: Path) -> None:
    seen: asyncio.Queue[RequestAborted | None] = asyncio.Queue()

    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        try:
            await response.flush()
            await asyncio.Event().wait()
        finally:
            seen.put_nowait(request.abort_reason)

    async with running(tmp_path, handler) as plugin:
        mux = await connect_mux(plugin.address)
        exchange = mux.open(init() + END)
        await exchange.until(lambda response: response.flushes == 1)
        await plugin.close()
        reason = await seen.get()
        assert reason is not None and reason.code == "plugin-closing"
        assert (await exchange.over()).reset == 4


async def test_health_watch_ends_when_the_plugin_closes(tmp_path: Path) -> None:
    async with running(tmp_path, hello) as plugin:
        host = await connect_stream(plugin.address)
        exchange = host.call(HEALTH_WATCH)
        exchange.send(b"")
        while not exchange.messages:
            await asyncio.sleep(0)
        await plugin.close()
        while exchange.status is None:
            await asyncio.sleep(0)
        assert exchange.messages == [b"\x08\x01", b"\x08\x02"]


def test_the_head_of_a_message_has_five_bytes() -> None:
    assert message_head(258) == b"\0\0\0\1\2"
