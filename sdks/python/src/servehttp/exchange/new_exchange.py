"""Makes exchanges, with a span where the application traces."""

from __future__ import annotations

import sys

from ..carrier.channel import Channel
from .exchange import Exchange, Service


def new_exchange(channel: Channel, service: Service) -> Exchange:
    """An exchange, which has a span of OpenTelemetry where a tracer provider is registered.

    Whoever has registered one has imported OpenTelemetry's API, so it is not imported here.
    """
    if "opentelemetry.trace" in sys.modules:
        from .traced_exchange import TracedExchange, current_tracer

        tracer = current_tracer()
        if tracer is not None:
            return TracedExchange(channel, service, tracer)
    return Exchange(channel, service)
