"""The messages of ServeHTTPMux (mux.proto)."""

from __future__ import annotations

from ..errors import RequestAborted
from .protobuf import malformed, read_span, read_varint, skip, varint
from .request_parts import RequestParts, read_request_parts, read_reset

RequestFrame = tuple[int, "RequestParts | None", int, "RequestAborted | None"]
"""The id of the exchange, parts of the request, credit in bytes, and a reset."""


def read_frames(data: bytes, at: int, end: int) -> list[RequestFrame]:
    """Reads a ServeHTTPMuxRequest. Raises ServeHTTPError ``protocol-violation``."""
    frames: list[RequestFrame] = []
    try:
        while at < end:
            tag, at = read_varint(data, at)
            if tag == 0x0A:
                begin, at = read_span(data, at, end)
                frames.append(_read_frame(data, begin, at))
            else:
                at = skip(data, tag, at, end)
    except IndexError:
        raise malformed("a field beyond its message") from None
    return frames


def _read_frame(data: bytes, at: int, end: int) -> RequestFrame:
    exchange_id = credit = 0
    parts: RequestParts | None = None
    reset: RequestAborted | None = None
    while at < end:
        tag = data[at]
        at += 1
        if tag == 0x08:
            exchange_id, at = read_varint(data, at)
        elif tag == 0x12:
            begin, at = read_span(data, at, end)
            if parts is not None:
                raise malformed("parts twice in one frame")
            parts = read_request_parts(data, begin, at)
        elif tag == 0x18:
            credit, at = read_varint(data, at)
        elif tag == 0x22:
            begin, at = read_span(data, at, end)
            reset = read_reset(data, begin, at)
        else:
            tag, at = read_varint(data, at - 1)
            at = skip(data, tag, at, end)
    if exchange_id == 0:
        raise malformed("a frame without an exchange")
    return exchange_id, parts, credit, reset


def parts_frame(id_field: bytes, parts: bytes) -> bytes:
    """A frame with parts. ``id_field`` is that of ``exchange_id_field``."""
    size = varint(len(parts))
    length = len(id_field) + 1 + len(size) + len(parts)
    return b"".join((b"\x0a", varint(length), id_field, b"\x12", size, parts))


def credit_frame(id_field: bytes, credit_bytes: int) -> bytes:
    """A frame by which the host may send so much more."""
    content = id_field + b"\x18" + varint(credit_bytes)
    return b"\x0a" + varint(len(content)) + content


def reset_frame(id_field: bytes, reset: bytes) -> bytes:
    """A frame that gives the exchange up. ``reset`` is a Reset."""
    content = id_field + b"\x22" + varint(len(reset)) + reset
    return b"\x0a" + varint(len(content)) + content


def exchange_id_field(exchange_id: int) -> bytes:
    """What every frame of the exchange begins with."""
    return b"\x08" + varint(exchange_id)


DRAINING = b"\x10\x01"
