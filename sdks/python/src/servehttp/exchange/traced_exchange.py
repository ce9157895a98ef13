"""Exchanges with a span of OpenTelemetry. Imported only where the application traces."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterable
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace

from ..carrier.channel import Channel
from ..errors import RequestAborted, ServeHTTPError
from ..version import __version__
from ..wire.header_fields import Field
from ..wire.protobuf import read_span, read_varint
from ..wire.request_init import RequestInit
from ..wire.request_parts import RequestParts
from .exchange import Exchange, Service
from .tunnel import Tunnel

_METHODS = frozenset(
    ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE")
)
_NOT_REGISTERED = (trace.ProxyTracerProvider, trace.NoOpTracerProvider)


def current_tracer() -> trace.Tracer | None:
    """The tracer of the provider that the application has registered. None where there is none."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, _NOT_REGISTERED):
        return None
    return provider.get_tracer("servehttp", __version__)


class TracedExchange(Exchange):
    """Its span goes on from the request's ``traceparent``, and is the current one in the handler.

    It ends with the response, or with the connection that the handler took over. What a tracer
    raises changes nothing for the exchange.
    """

    __slots__ = ("_span", "_status", "_tracer")

    def __init__(self, channel: Channel, service: Service, tracer: trace.Tracer) -> None:
        super().__init__(channel, service)
        self._tracer = tracer
        self._span: trace.Span | None = None
        self._status: int | None = None

    @property
    def log_fields(self) -> dict[str, object]:
        ids = trace.INVALID_SPAN_CONTEXT if self._span is None else self._span.get_span_context()
        if not ids.is_valid:
            return super().log_fields
        return {
            "requestId": self.request_id,
            "trace_id": trace.format_trace_id(ids.trace_id),
            "span_id": trace.format_span_id(ids.span_id),
        }

    def receive(self, received: RequestParts) -> None:
        if received.init is None:
            super().receive(received)
        else:
            # Tasks that begin in it take it over, so that nothing is left behind here.
            contextvars.copy_context().run(self._begin, received, received.init)

    def _begin(self, received: RequestParts, init: RequestInit) -> None:
        try:
            parent = propagate.extract(_carrier(init))
            method = init.method.decode("latin-1")
            name = method if method in _METHODS else "HTTP"
            span = self._tracer.start_span(
                name, parent, trace.SpanKind.SERVER, attributes=_attributes(init, method)
            )
            otel_context.attach(trace.set_span_in_context(span, parent))
            self._span = span
        except Exception:
            self._span = None
        super().receive(received)

    def commit(self, head: bytes) -> None:
        super().commit(head)
        if self._span is not None and self._span.is_recording():
            begin, _ = read_span(head, 1, len(head))
            self._status, _ = read_varint(head, begin + 1)

    def write(self, data: bytes, last: bool, trailers: Iterable[Field] = ()) -> bool:
        room = super().write(data, last, trailers)
        if last:
            self._end()
        return room

    def hijack(self) -> Tunnel:
        tunnel = super().hijack()
        self._status = 101
        tunnel.on_close = self._end
        return tunnel

    def threw(self, thrown: BaseException) -> None:
        if thrown is not self.failure and self.abort_reason is None:
            self._record(thrown)
        super().threw(thrown)

    def abort(self, error: RequestAborted) -> None:
        span = self._span
        if span is not None and self.abort_reason is None:
            span.add_event("servehttp.cancelled", {"servehttp.error.code": error.code})
            if error.code != "client-disconnected":
                self._set_error(span, error.code, str(error))
        super().abort(error)
        self._end()

    def _fail(self, error: ServeHTTPError) -> None:
        super()._fail(error)
        if self._span is not None:
            self._set_error(self._span, error.code, str(error))
            self._status = self._status or 500
        self._end()

    def _record(self, thrown: BaseException) -> None:
        span = self._span
        if span is not None:
            span.record_exception(thrown)
            self._set_error(span, type(thrown).__name__, str(thrown))

    def _set_error(self, span: trace.Span, kind: str, message: str) -> None:
        # What was wrong first counts.
        if span.is_recording() and _status_of(span) is not trace.StatusCode.ERROR:
            span.set_attribute("error.type", kind)
            span.set_status(trace.StatusCode.ERROR, message)

    def _end(self) -> None:
        span, self._span = self._span, None
        if span is None:
            return
        if self._status is not None:
            span.set_attribute("http.response.status_code", self._status)
            if self._status >= 500:
                self._set_error(span, str(self._status), "")
        # There is no place to tell of an exporter that fails.
        with contextlib.suppress(Exception):
            span.end()


def _status_of(span: trace.Span) -> trace.StatusCode | None:
    status = getattr(span, "status", None)
    return getattr(status, "status_code", None)


def _carrier(init: RequestInit) -> dict[str, list[str]]:
    carrier: dict[str, list[str]] = {}
    for name, value in init.headers.lower:
        carrier.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    return carrier


def _attributes(init: RequestInit, method: str) -> dict[str, Any]:
    """By the semantic conventions for HTTP servers."""
    target = init.url if init.full_path else init.base_path + init.url
    path, _, query = target.decode("latin-1").partition("?")
    protocol = init.protocol.decode("latin-1").removeprefix("HTTP/")
    server, server_port = _split_port(init.host.decode("latin-1"))
    client, _ = _split_port(init.remote_addr.decode("latin-1"))
    agent = next((value for name, value in init.headers.lower if name == b"user-agent"), None)
    found: dict[str, Any] = {
        "http.request.method": method if method in _METHODS else "_OTHER",
        "url.scheme": init.scheme.decode("latin-1"),
        "url.path": path,
        "network.protocol.version": "2" if protocol == "2.0" else protocol,
        "servehttp.request.id": init.request_id.decode("latin-1"),
    }
    optional = {
        "http.request.method_original": None if method in _METHODS else method,
        "url.query": query or None,
        "server.address": server or None,
        "server.port": server_port,
        "client.address": client or None,
        "user_agent.original": None if agent is None else agent.decode("latin-1"),
    }
    found.update((name, value) for name, value in optional.items() if value is not None)
    return found


def _split_port(authority: str) -> tuple[str, int | None]:
    """Address and port. The address of IPv6 is without brackets."""
    address, _, port = authority.rpartition(":")
    if not port.isdigit() or authority.endswith("]"):
        address, port = authority, ""
    return address.strip("[]"), int(port) if port else None
