"""The messages of the plugin's direction (exchange.proto), each part encoded."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import ErrorCode, ServeHTTPError
from .header_fields import Field, write_fields
from .protobuf import delimited, varint

FLUSH = b"\x28\x01"
HIJACK = b"\x1a\x00"
END = b"\x32\x00"
TUNNEL_END = b"\x40\x01"


def init_part(status: int, fields: Iterable[Field], reason: bytes = b"") -> bytes:
    """The final head. Raises ServeHTTPError ``invalid-argument`` for a field that is not allowed."""
    return delimited(b"\x12", _head(status, fields, reason))


def informational_part(status: int, fields: Iterable[Field]) -> bytes:
    """An interim response. Raises as ``init_part`` does."""
    return delimited(b"\x0a", _head(status, fields, b""))


def _head(status: int, fields: Iterable[Field], reason: bytes) -> bytes:
    pieces = [b"\x08", varint(status), *write_fields(b"\x12", fields)]
    if reason:
        pieces.append(delimited(b"\x1a", reason))
    return b"".join(pieces)


def chunk_part(chunk: bytes | memoryview) -> bytes:
    """1 byte to 64 KiB of the body."""
    return b"".join((b"\x22", varint(len(chunk)), chunk))


def tunnel_chunk_part(chunk: bytes | memoryview) -> bytes:
    """1 byte to 64 KiB of a tunnel."""
    return b"".join((b"\x3a", varint(len(chunk)), chunk))


def end_part(trailers: Iterable[Field]) -> bytes:
    """The end with its trailers. Raises as ``init_part`` does."""
    content = b"".join(write_fields(b"\x0a", trailers))
    return delimited(b"\x32", content)


def extend_head_part(milliseconds: int) -> bytes:
    """The plugin asks for more time until its head."""
    return b"\x48" + varint(milliseconds)


_reset_numbers: dict[ErrorCode, int] = {
    "plugin-closing": 4,
    "handler-failed": 5,
    "protocol-violation": 6,
    "request-not-needed": 7,
    "overload": 8,
}


def reset_message(error: ServeHTTPError) -> bytes:
    """A Reset. A message travels only with a violation, which is about the host's own frames."""
    message = b"\x08" + varint(_reset_numbers.get(error.code, 5))
    if error.code == "protocol-violation":
        message += delimited(b"\x12", str(error)[:256].encode())
    return message
