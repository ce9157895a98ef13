"""The messages of the host's direction (exchange.proto)."""

from __future__ import annotations

from ..errors import ErrorCode, RequestAborted, ServeHTTPError
from .header_fields import Field, read_fields
from .protobuf import malformed, read_span, read_varint, skip
from .request_init import RequestInit, read_init


class RequestParts:
    """One message: what is not in it is None or False."""

    __slots__ = ("chunk", "end", "init", "reset", "tunnel_chunk", "tunnel_end")

    def __init__(self) -> None:
        self.init: RequestInit | None = None
        self.chunk: bytes | None = None
        self.end: list[Field] | None = None
        self.tunnel_chunk: bytes | None = None
        self.tunnel_end = False
        self.reset: RequestAborted | None = None


NO_TRAILERS: list[Field] = []
"""The trailers of an End without any. Never changed."""


def read_request_parts(data: bytes, at: int, end: int) -> RequestParts:
    """Reads a ServeHTTPRequest. IndexError where the data ends within a field."""
    parts = RequestParts()
    while at < end:
        tag = data[at]
        at += 1
        if tag == 0x0A:
            begin, at = read_span(data, at, end)
            if parts.init is not None:
                raise _twice("init")
            parts.init = read_init(data, begin, at)
        elif tag == 0x12:
            begin, at = read_span(data, at, end)
            if parts.chunk is not None:
                raise _twice("chunk")
            parts.chunk = data[begin:at]
        elif tag == 0x1A:
            begin, at = read_span(data, at, end)
            if parts.end is not None:
                raise _twice("end")
            parts.end = NO_TRAILERS if begin == at else read_fields(data[begin:at])
        elif tag == 0x22:
            begin, at = read_span(data, at, end)
            if parts.tunnel_chunk is not None:
                raise _twice("tunnel_chunk")
            parts.tunnel_chunk = data[begin:at]
        elif tag == 0x28:
            value, at = read_varint(data, at)
            parts.tunnel_end = value != 0
        elif tag == 0x32:
            begin, at = read_span(data, at, end)
            parts.reset = read_reset(data, begin, at)
        else:
            tag, at = read_varint(data, at - 1)
            at = skip(data, tag, at, end)
    return parts


def _twice(name: str) -> ServeHTTPError:
    """A part comes once in a message."""
    return malformed(f"{name} twice in one message")


_reset_codes: dict[int, ErrorCode] = {
    2: "deadline",
    3: "host-stopping",
    4: "plugin-closing",
    5: "handler-failed",
    6: "protocol-violation",
}


def read_reset(data: bytes, at: int, end: int) -> RequestAborted:
    """Reads a Reset. A code that is not known means that the client left."""
    code: ErrorCode = "client-disconnected"
    message = ""
    while at < end:
        tag, at = read_varint(data, at)
        if tag == 0x08:
            number, at = read_varint(data, at)
            code = _reset_codes.get(number, "client-disconnected")
        elif tag == 0x12:
            begin, at = read_span(data, at, end)
            message = data[begin : min(at, begin + 1_024)].decode("utf-8", "replace")
        else:
            at = skip(data, tag, at, end)
    return RequestAborted(code, message or f"the host gave the exchange up: {code}")
