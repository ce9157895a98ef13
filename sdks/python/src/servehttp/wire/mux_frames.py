"""The messages of ServeHTTPMux (mux.proto)."""

from __future__ import annotations

from ..errors import RequestAborted
from .protobuf import malformed, read_span, read_varint, skip, varint
from .request_parts import RequestParts, read_request_parts, read_reset

RequestFrame = tuple[int, bytes, "RequestParts | None", int, "RequestAborted | None"]
"""The id of the exchange, the id as it stands in frames, parts of the request, credit in bytes, and a
reset."""


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
    id_field = b""
    parts: RequestParts | None = None
    reset: RequestAborted | None = None
    while at < end:
        tag = data[at]
        begin = at
        at += 1
        if tag == 0x08:
            exchange_id, at = read_varint(data, at)
            id_field = data[begin:at]
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
            tag, at = read_varint(data, begin)
            at = skip(data, tag, at, end)
    if exchange_id == 0:
        raise malformed("a frame without an exchange")
    return exchange_id, id_field, parts, credit, reset


def parts_frame(
    id_field: bytes, head: bytes, chunk_tag: bytes, chunk: bytes | memoryview, tail: bytes
) -> bytes:
    """A frame with parts: those in front of a chunk, the chunk if it is not empty, those behind it.

    ``id_field`` is the id as it stands in frames, with its tag.
    """
    size = len(chunk)
    pieces: tuple[bytes | memoryview, ...]
    if size:
        chunk_size = varint(size)
        size += len(head) + 1 + len(chunk_size) + len(tail)
        pieces = head, chunk_tag, chunk_size, chunk, tail
    else:
        size = len(head) + len(tail)
        pieces = head, tail
    parts_size = varint(size)
    length = varint(len(id_field) + 1 + len(parts_size) + size)
    return b"".join((b"\x0a", length, id_field, b"\x12", parts_size, *pieces))


def credit_frame(id_field: bytes, credit_bytes: int) -> bytes:
    """A frame by which the host may send so much more."""
    content = id_field + b"\x18" + varint(credit_bytes)
    return b"\x0a" + varint(len(content)) + content


def reset_frame(id_field: bytes, reset: bytes) -> bytes:
    """A frame that gives the exchange up. ``reset`` is a Reset."""
    content = id_field + b"\x22" + varint(len(reset)) + reset
    return b"\x0a" + varint(len(content)) + content


DRAINING = b"\x10\x01"
"""The plugin takes no more exchanges here."""
