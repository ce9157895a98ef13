"""Header fields on the wire, and what a name and a value may be (RFC 9110, section 5)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import ServeHTTPError
from ..limits import FIELD_COUNT_MAX, FIELD_NAME_BYTES_MAX, FIELD_SECTION_BYTES_MAX
from .protobuf import delimited, malformed, read_span, read_varint, skip, varint

Field = tuple[bytes, bytes]

_token = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_value = re.compile(rb"[^\x00\r\n]*")

# What comes again is made once: the fields of a request are mostly those of the one before it, byte by
# byte, and those of a response too. A bounded number of them is kept, none of them long.
_SECTIONS_MAX = 256
_SECTION_BYTES_MAX = 4_096
_FIELDS_MAX = 1_024
_FIELD_BYTES_MAX = 512
_sections: dict[bytes, HeaderSection] = {}
_read: dict[bytes, tuple[Field, ...]] = {}
_written: dict[Field, bytes] = {}


class HeaderSection:
    """The header fields of a request, as pairs of name and value. It may be that of other requests, too."""

    __slots__ = ("lower", "offers_upgrade", "pairs")

    def __init__(self, pairs: tuple[Field, ...]) -> None:
        self.pairs = pairs
        """Names as they came."""
        self.lower: tuple[Field, ...] = tuple((name.lower(), value) for name, value in pairs)
        """Names in lower case."""
        self.offers_upgrade = any(name == b"upgrade" for name, _ in self.lower)
        """Whether there is an Upgrade."""


HEADER_TAG = 0x4A
"""The tag of a HeaderField in the head of a request."""
NO_FIELDS = HeaderSection(())
# What no section begins with: there is none yet.
_last_section: tuple[bytes, HeaderSection] = (b"\0", NO_FIELDS)


def read_section(data: bytes, at: int, end: int) -> tuple[HeaderSection, int]:
    """Reads the HeaderFields that stand here, each as the field 9 of its message; returns them with
    the offset behind them."""
    global _last_section
    encoded, section = _last_section
    behind = at + len(encoded)
    if data.startswith(encoded, at, end) and (behind == end or data[behind] != HEADER_TAG):
        return section, behind
    begin = at
    while at < end and data[at] == HEADER_TAG:
        size = data[at + 1]
        at += 2
        if size > 0x7F:
            size, at = read_varint(data, at - 1)
        at += size
    if at > end:
        raise malformed("a field beyond its message")
    encoded = data[begin:at]
    known = _sections.get(encoded)
    if known is None:
        known = HeaderSection(tuple(_fields_of(encoded, HEADER_TAG)))
        if len(encoded) <= _SECTION_BYTES_MAX:
            if len(_sections) >= _SECTIONS_MAX:
                _sections.clear()
            _sections[encoded] = known
    if len(encoded) <= _SECTION_BYTES_MAX:
        _last_section = encoded, known
    return known, at


def read_fields(data: bytes) -> list[Field]:
    """Reads the trailers of an End."""
    return _fields_of(data, 0x0A)


def _fields_of(data: bytes, field_tag: int) -> list[Field]:
    fields: list[Field] = []
    at, end = 0, len(data)
    while at < end:
        tag, at = read_varint(data, at)
        if tag == field_tag:
            begin, at = read_span(data, at, end)
            fields.extend(_read_field(data[begin:at]))
            if len(fields) > FIELD_COUNT_MAX:
                raise malformed(f"more than {FIELD_COUNT_MAX} header fields")
        else:
            at = skip(data, tag, at, end)
    return fields


def _read_field(data: bytes) -> tuple[Field, ...]:
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
    field = tuple((name, value) for value in values)
    if end <= _FIELD_BYTES_MAX:
        if len(_read) >= _FIELDS_MAX:
            _read.clear()
        _read[data] = field
    return field


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
    if len(encoded) <= _FIELD_BYTES_MAX:
        if len(_written) >= _FIELDS_MAX:
            _written.clear()
        _written[field] = encoded
    return encoded


def _refused(message: str) -> ServeHTTPError:
    return ServeHTTPError("invalid-argument", message)
