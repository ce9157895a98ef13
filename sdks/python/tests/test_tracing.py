"""Spans of OpenTelemetry."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from servehttp import PluginRequest, ResponseWriter

from .host_rig import serving
from .wire_rig import END, HIJACKABLE, TUNNEL_END, init, tunnel_chunk

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
TRACEPARENT = (b"Traceparent", f"00-{TRACE_ID}-{PARENT_ID}-01".encode())


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    yield exporter
    provider.shutdown()


async def finished(exporter: InMemorySpanExporter) -> ReadableSpan:
    """The one span, once it has ended."""

    async def spans() -> ReadableSpan:
        while not exporter.get_finished_spans():
            await asyncio.sleep(0)
        (span,) = exporter.get_finished_spans()
        return span

    return await asyncio.wait_for(spans(), 10)


def ids(span: Any) -> tuple[str, str]:
    context = span.get_span_context()
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)


async def test_a_request_has_a_span_that_goes_on_from_where_it_comes(
    tmp_path: Path, exporter: InMemorySpanExporter
) -> None:
    seen: list[Any] = []

    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        await asyncio.sleep(0)
        seen.append(ids(trace.get_current_span()))
        seen.append(baggage.get_baggage("user"))
        response.write_head(404)

    async with serving(tmp_path, "mux", handler) as host:
        headers = [TRACEPARENT, (b"baggage", b"user=ada"), (b"User-Agent", b"me")]
        response = await host.open(init(url="/a?b=c", headers=headers) + END).over()
        span = await finished(exporter)
    assert response.status == 404
    assert (span.name, span.kind) == ("GET", SpanKind.SERVER)
    assert span.parent is not None and trace.format_span_id(span.parent.span_id) == PARENT_ID
    assert seen == [ids(span), "ada"]
    assert ids(span)[0] == TRACE_ID
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "http.response.status_code": 404,
        "url.scheme": "http",
        "url.path": "/a",
        "url.query": "b=c",
        "network.protocol.version": "1.1",
        "server.address": "example.org",
        "client.address": "127.0.0.1",
        "user_agent.original": "me",
        "servehttp.request.id": "request-1",
    }
    assert span.status.status_code is StatusCode.UNSET


async def test_a_handler_that_fails_is_an_error(
    tmp_path: Path, exporter: InMemorySpanExporter
) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        raise ValueError("no such note")

    async with serving(tmp_path, "stream", handler) as host:
        await host.open(init() + END).over()
        span = await finished(exporter)
    assert span.status.status_code is StatusCode.ERROR
    attributes = span.attributes or {}
    assert attributes["error.type"] == "ValueError"
    assert attributes["http.response.status_code"] == 500
    assert [event.name for event in span.events] == ["exception"]
    assert span.parent is None


async def test_a_span_lasts_as_long_as_a_connection_that_was_taken_over(
    tmp_path: Path, exporter: InMemorySpanExporter
) -> None:
    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        connection = await response.hijack()
        async for piece in connection:
            assert not exporter.get_finished_spans()
            await connection.write(piece)

    async with serving(tmp_path, "mux", handler) as host:
        exchange = host.open(init(more=HIJACKABLE) + END)
        await exchange.until(lambda response: response.hijacked)
        exchange.send(tunnel_chunk(b"hello"))
        exchange.send(TUNNEL_END)
        await exchange.until(lambda response: response.tunnel_ended)
        span = await finished(exporter)
    assert (span.attributes or {})["http.response.status_code"] == 101
    assert exchange.response.tunnel == b"hello" and span.status.status_code is StatusCode.UNSET


async def test_asgi_and_wsgi_applications_run_in_it(
    tmp_path: Path, exporter: InMemorySpanExporter
) -> None:
    seen: list[Any] = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        seen.append(ids(trace.get_current_span()))
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    def wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
        seen.append(ids(trace.get_current_span()))
        start_response("202 Accepted", [])
        return [b"ok"]

    applications: list[dict[str, Any]] = [{"asgi": asgi}, {"wsgi": wsgi}]
    for number, options in enumerate(applications):
        path = tmp_path / str(number)
        path.mkdir()
        exporter.clear()
        async with serving(path, "mux", **options) as host:
            await host.open(init(headers=[TRACEPARENT]) + END).over()
            span = await finished(exporter)
        assert seen.pop() == ids(span)
        assert (span.attributes or {})["http.response.status_code"] == 201 + number


async def test_the_log_of_a_request_names_its_trace(
    tmp_path: Path, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    records: list[logging.LogRecord] = []
    logger = logging.getLogger("test_tracing")
    handler_of_records = logging.StreamHandler(io.StringIO())
    monkeypatch.setattr(handler_of_records, "emit", records.append)
    logger.setLevel(logging.INFO)
    monkeypatch.setattr(logger, "handlers", [handler_of_records])

    async def handler(request: PluginRequest, response: ResponseWriter) -> None:
        request.log.info("here")

    for traces in (True, False):
        if not traces:
            # As in a process that has not imported OpenTelemetry.
            monkeypatch.delitem(sys.modules, "opentelemetry.trace")
        exporter.clear()
        records.clear()
        path = tmp_path / str(traces)
        path.mkdir()
        async with serving(path, "mux", handler, logger=logger) as host:
            await host.open(init(headers=[TRACEPARENT]) + END).over()
            found = vars(records[0])
            own = ids(await finished(exporter)) if traces else (TRACE_ID, PARENT_ID)
        assert (found["requestId"], found["trace_id"], found["span_id"]) == ("request-1", *own)
        assert bool(exporter.get_finished_spans()) is traces
