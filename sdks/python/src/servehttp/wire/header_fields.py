"""Header fields on the wire, and what a name and a value may be (RFC 9110, section 5)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import ServeHTTPError
from ..limits import FIELD_COUNT_MAX, FIELD_NAME_BYTES_MAX, FIELD_SECTION_BYTES_MAX
from .protobuf import delimited, malformed, read_span, read_varint, skip, varint

Field = tuple[bytes, bytes]

ReadField = tuple[tuple[Field, ...], tuple[Field, ...]]
"""A HeaderField as pairs of name and value: as it came, and with the name in lower case."""

_token = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_value = re.compile(rb"[^\x00\r\n]*")

# Most fields of a request are those of the one before it, byte by byte, and most of a response too.
# What they mean is kept, a bounded number of them, none of them long.
_CACHED_MAX = 1_024
_CACHED_BYTES_MAX = 512
_read: dict[bytes, ReadField] = {}
_written: dict[Field, bytes] = {}


def read_field(data: bytes) -> ReadField:
    """Reads one HeaderField."""
    known = _read.get(data)
    if known is not None:
        return known
    name = b""
    values: list[bytes] = []
    at, end = 0, len(data)
    while at < end:
        tag, at = read_varint(data, at)
        if tag == 0x0A:
            begin, at = read_span(data, at, end)
            name = data[begin:at]
        elif tag == 0x12:
            begin, at = read_span(data, at, end)
            values.append(data[begin:at])
        else:
            at = skip(data, tag, at, end)
    lower = name.lower()
    field = tuple((name, value) for value in values), tuple((lower, value) for value in values)
    if end <= _CACHED_BYTES_MAX:
        if len(_read) >= _CACHED_MAX:
            _read.clear()
        _read[data] = field
    return field


def read_fields(data: bytes, at: int, end: int) -> list[Field]:
    """Reads the trailers of an End."""
    fields: list[Field] = []
    while at < end:
        tag, at = read_varint(data, at)
        if tag == 0x0A:
            begin, at = read_span(data, at, end)
            fields.extend(read_field(data[begin:at])[0])
            if len(fields) > FIELD_COUNT_MAX:
                raise malformed(f"more than {FIELD_COUNT_MAX} header fields")
        else:
            at = skip(data, tag, at, end)
    return fields


def write_fields(tag: bytes, fields: Iterable[Field]) -> list[bytes]:
    """Encodes header fields, each as the field ``tag`` of its message.

    Raises ServeHTTPError ``invalid-argument`` for a field that HTTP does not allow.
    """
    written: list[bytes] = []
    size = 0
    for field in fields:
        encoded = _written.get(field)
        if encoded is None:
            encoded = _write_field(field)
        size += len(encoded)
        written.append(tag)
        written.append(encoded)
    if len(written) > 2 * FIELD_COUNT_MAX:
        raise _refused(f"there are more than {FIELD_COUNT_MAX} header fields")
    if size > FIELD_SECTION_BYTES_MAX:
        raise _refused(f"the header fields have more than {FIELD_SECTION_BYTES_MAX} bytes")
    return written


def _write_field(field: Field) -> bytes:
    name, value = field
    # White space around a value is no part of it (RFC 9110, section 5.5). Django 5 writes some.
    value = value.strip(b" \t")
    if _token.fullmatch(name) is None or len(name) > FIELD_NAME_BYTES_MAX:
        raise _refused(f"{name[:64]!r} is no name of a header field")
    if _value.fullmatch(value) is None:
        raise _refused(f"the value of {name.decode('latin-1')} holds what no header field may hold")
    content = delimited(b"\x0a", name) + delimited(b"\x12", value)
    encoded = varint(len(content)) + content
    if len(encoded) <= _CACHED_BYTES_MAX:
        if len(_written) >= _CACHED_MAX:
            _written.clear()
        _written[field] = encoded
    return encoded


def _refused(message: str) -> ServeHTTPError:
    return ServeHTTPError("invalid-argument", message)
