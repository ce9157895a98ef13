"""WSGI applications, over real sockets, on both carriers."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from servehttp.wire.protobuf import delimited

from .host_rig import serving
from .wire_rig import END, chunk, init

pytestmark = pytest.mark.parametrize("carrier", ["mux", "stream"])


async def test_m2_the_environment_says_what_was_asked(tmp_path: Path, carrier: str) -> None:
    seen: dict[str, Any] = {}

    def app(environ: Any, start_response: Any) -> list[bytes]:
        seen.update(environ)
        start_response("404 Not Here", [("X-A", "1"), ("X-A", "2")])
        return [b"not ", b"here"]

    async with serving(tmp_path, carrier, wsgi=app) as host:
        base = delimited(b"\x92\x01", b"/plugins/p")
        headers = [(b"Cookie", b"a=1"), (b"cookie", b"b=2"), (b"X_M", b"no"), (b"X-M", b"\xe9")]
        exchange = host.open(init("POST", "/a%20b?q=%20", headers, 4, base) + chunk(b"body") + END)
        response = await exchange.over()
    assert (response.status, response.body) == (404, b"not here")
    assert response.headers == [(b"X-A", b"1"), (b"X-A", b"2")]
    assert (seen["SCRIPT_NAME"], seen["PATH_INFO"]) == ("/plugins/p", "/a b")
    assert (seen["QUERY_STRING"], seen["CONTENT_LENGTH"]) == ("q=%20", "4")
    assert (seen["HTTP_COOKIE"], seen["HTTP_X_M"]) == ("a=1; b=2", "\xe9")
    assert (seen["HTTP_HOST"], seen["SERVER_PORT"]) == ("example.org", "80")
    assert seen["wsgi.input"].read() == b"body"


async def test_d1_input_and_output_stream(tmp_path: Path, carrier: str) -> None:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        while data := environ["wsgi.input"].read(10_000):
            yield data

    body = os.urandom(100_000)
    async with serving(tmp_path, carrier, wsgi=app) as host:
        exchange = host.open(init("POST", content_length=-1))
        for at in range(0, len(body), 10_000):
            exchange.send(chunk(body[at : at + 10_000]))
            await exchange.until_body(at + 10_000)
        exchange.send(END)
        assert (await exchange.over()).body == body


async def test_q7_an_upload_that_is_cut_off_raises_in_the_thread(
    tmp_path: Path, carrier: str
) -> None:
    loop = asyncio.get_running_loop()
    seen: asyncio.Queue[Any] = asyncio.Queue()
    closed = threading.Event()

    class Body:
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            yield b"first"
            try:
                self._stream.read()
            except OSError as error:
                loop.call_soon_threadsafe(seen.put_nowait, type(error))
                raise

        def close(self) -> None:
            closed.set()

    def app(environ: Any, start_response: Any) -> Body:
        start_response("200 OK", [])
        return Body(environ["wsgi.input"])

    async with serving(tmp_path, carrier, wsgi=app) as host:
        exchange = host.open(init("POST", content_length=-1) + chunk(b"half"))
        await exchange.until_body(5)
        host.cancel(exchange)
        assert issubclass(await seen.get(), ConnectionError)
        assert await asyncio.to_thread(closed.wait, 10)


MISTAKES = {
    "raise": "the handler failed",
    "no start": "the application did not call start_response",
    "text": "a WSGI body is bytes, and this is str",
    "status": "'fine' is no status, such as '200 OK'",
    "twice": "start_response was called twice",
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_f1_a_mistake_before_the_head_is_500_and_is_named(
    tmp_path: Path, carrier: str, mistake: str, caplog: pytest.LogCaptureFixture
) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        if mistake == "raise":
            raise ValueError("secret")
        if mistake != "no start":
            start_response("fine" if mistake == "status" else "200 OK", [])
        if mistake == "twice":
            start_response("200 OK", [])
        return ["text"] if mistake == "text" else [b"x"]

    async with serving(tmp_path, carrier, wsgi=app) as host:
        response = await host.open(init() + END).over()
        assert (response.status, response.reset is not None) == (0, True)
    assert [record.getMessage() for record in caplog.records] == [MISTAKES[mistake]]


async def test_requests_run_at_the_same_time(tmp_path: Path, carrier: str) -> None:
    together = threading.Barrier(8)

    def app(environ: Any, start_response: Any) -> list[bytes]:
        together.wait(20)
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    async with serving(tmp_path, carrier, wsgi=app, threads=8) as host:
        exchanges = [host.open(init(url=f"/{number}") + END) for number in range(8)]
        for number, exchange in enumerate(exchanges):
            assert (await exchange.over()).body == f"/{number}".encode()
