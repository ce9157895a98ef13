"""The messages of the plugin's direction (exchange.proto), each part encoded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from ..errors import ErrorCode, ServeHTTPError
from .header_fields import Field, write_fields
from .protobuf import delimited, varint

FLUSH = b"\x28\x01"
HIJACK = b"\x1a\x00"
END = b"\x32\x00"
TUNNEL_END = b"\x40\x01"


# Most heads are those of a response before. A bounded number of them is kept, none of them long.
_HEADS_MAX = 512
_HEAD_BYTES_MAX = 1_024
_heads: dict[tuple[int, tuple[Field, ...]], bytes] = {}


def init_part(status: int, fields: Iterable[Field], reason: bytes = b"") -> bytes:
    """The final head. Raises ServeHTTPError ``invalid-argument`` for a field that is not allowed."""
    if reason:
        return delimited(b"\x12", _head(status, fields, reason))
    key = status, tuple(fields)
    known = _heads.get(key)
    if known is None:
        known = delimited(b"\x12", _head(status, key[1], b""))
        if len(known) <= _HEAD_BYTES_MAX:
            if len(_heads) >= _HEADS_MAX:
                _heads.clear()
            _heads[key] = known
    return known


def known_init_part(status: int, fields: tuple[object, ...]) -> bytes | None:
    """The head that ``init_part`` has made of the same before, whatever the fields are made of."""
    try:
        return _heads.get((status, cast("tuple[Field, ...]", fields)))
    except TypeError:
        # Something that can't be the key of a dictionary, such as a list.
        return None


def informational_part(status: int, fields: Iterable[Field]) -> bytes:
    """An interim response. Raises as ``init_part`` does."""
    return delimited(b"\x0a", _head(status, fields, b""))


def _head(status: int, fields: Iterable[Field], reason: bytes) -> bytes:
    pieces = [b"\x08", varint(status), *write_fields(b"\x12", fields)]
    if reason:
        pieces.append(delimited(b"\x1a", reason))
    return b"".join(pieces)


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
