"""The order of parts (exchange.proto), and which side of an exchange has sent everything."""

from __future__ import annotations

from typing import Final

from ..errors import ServeHTTPError
from ..limits import CHUNK_BYTES_MAX
from ..wire.request_parts import RequestParts
from .channel import ENDS, HIJACKS, TUNNEL_ENDS

# The request: unopened -> body [init] -> ended [end] -> tunnel-ended [tunnel_end, once hijacked].
UNOPENED: Final = 0
BODY: Final = 1
ENDED: Final = 2
TUNNEL_ENDED: Final = 3

# The exchange, as `advance-exchange.ts` of the contract has it:
#   open -> over [end]; open -> tunnel [hijack]; tunnel -> plugin-done, host-done -> over [tunnel_end]
OPEN: Final = 0
TUNNEL: Final = 1
HOST_DONE: Final = 2
PLUGIN_DONE: Final = 3
OVER: Final = 4


def advance_request(order: int, parts: RequestParts, progress: int) -> int:
    """Applies one message of the host's. Raises ServeHTTPError ``protocol-violation``."""
    following = order
    if parts.init is not None:
        if following != UNOPENED:
            raise _violation("init", order)
        following = BODY
    if parts.chunk is not None:
        if following != BODY:
            raise _violation("chunk", order)
        _check_size(parts.chunk)
    if parts.end is not None:
        if following != BODY:
            raise _violation("end", order)
        following = ENDED
    if parts.tunnel_chunk is not None:
        if following != ENDED or progress not in (TUNNEL, PLUGIN_DONE):
            raise _violation("tunnel_chunk", order)
        _check_size(parts.tunnel_chunk)
    if parts.tunnel_end:
        if following != ENDED or progress not in (TUNNEL, PLUGIN_DONE):
            raise _violation("tunnel_end", order)
        following = TUNNEL_ENDED
    if following == order and parts.chunk is None and parts.tunnel_chunk is None:
        raise ServeHTTPError("protocol-violation", "a request message without parts")
    return following


def after_plugin(progress: int, kind: int) -> int:
    """The plugin has sent parts of this kind."""
    if kind == ENDS:
        return OVER
    if kind == HIJACKS:
        return TUNNEL
    if kind == TUNNEL_ENDS:
        return OVER if progress == HOST_DONE else PLUGIN_DONE
    return progress


def after_host(progress: int) -> int:
    """The host has ended its way of a tunnel."""
    return OVER if progress == PLUGIN_DONE else HOST_DONE


def plugin_has_ended(progress: int) -> bool:
    """Whether the plugin has nothing more to send."""
    return progress >= PLUGIN_DONE


def is_request_over(order: int, progress: int) -> bool:
    """Whether nothing more can come from the host."""
    return order == TUNNEL_ENDED or (order == ENDED and progress not in (TUNNEL, PLUGIN_DONE))


_names = ("unopened", "body", "ended", "tunnel-ended")


def _violation(part: str, order: int) -> ServeHTTPError:
    return ServeHTTPError("protocol-violation", f'request {part} in state "{_names[order]}"')


def _check_size(chunk: bytes) -> None:
    if not 0 < len(chunk) <= CHUNK_BYTES_MAX:
        raise ServeHTTPError(
            "protocol-violation",
            f"a request chunk of {len(chunk)} bytes: allowed are 1 to {CHUNK_BYTES_MAX}",
        )
