"""Answers calls, and traces them."""

import asyncio

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from servehttp import PluginRequest, ResponseWriter, serve_plugin

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)


async def serve_http(request: PluginRequest, response: ResponseWriter) -> None:
    await response.end("found")


asyncio.run(serve_plugin(serve_http))
