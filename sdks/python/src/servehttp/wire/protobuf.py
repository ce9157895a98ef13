"""The wire format of protobuf (https://protobuf.dev/programming-guides/encoding/)."""

from __future__ import annotations

from ..errors import ServeHTTPError


def malformed(what: str) -> ServeHTTPError:
    """A message that can't be read."""
    return ServeHTTPError("protocol-violation", f"malformed message: {what}")


def varint(value: int) -> bytes:
    """Encodes a number of 0 or more."""
    if value < 0x80:
        return ONE_BYTE[value]
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


ONE_BYTE = [bytes((value,)) for value in range(0x80)]


def delimited(tag: bytes, content: bytes) -> bytes:
    """A field of bytes, of text or of a nested message."""
    return tag + varint(len(content)) + content


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Reads a number; returns it with the offset behind it. IndexError where the data ends in it."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    second = data[at + 1]
    value = byte & 0x7F | (second & 0x7F) << 7
    if second < 0x80:
        return value, at + 2
    third = data[at + 2]
    value |= (third & 0x7F) << 14
    if third < 0x80:
        return value, at + 3
    at += 3
    shift = 21
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
        if shift > 63:
            raise malformed("a number of more than 10 bytes")


def read_span(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Reads the length of a delimited field; returns where its content begins and ends."""
    size = data[at]
    begin = at + 1
    if size > 0x7F:
        # Hosts of ours write the lengths of nested messages in four bytes, and most need two.
        if data[begin] > 0x7F and data[at + 2] == 0x80 and data[at + 3] == 0:
            size = size & 0x7F | (data[begin] & 0x7F) << 7
            begin = at + 4
        else:
            size, begin = read_varint(data, at)
    behind = begin + size
    if behind > end:
        raise malformed("a field beyond its message")
    return begin, behind


def skip(data: bytes, tag: int, at: int, end: int) -> int:
    """Skips a field that is not known; returns the offset behind it."""
    kind = tag & 7
    if tag >> 3 == 0:
        raise malformed("a field with the number 0")
    if kind == 0:
        at = read_varint(data, at)[1]
    elif kind == 2:
        at = read_span(data, at, end)[1]
    elif kind == 1:
        at += 8
    elif kind == 5:
        at += 4
    else:
        raise malformed(f"a field of the wire type {kind}")
    if at > end:
        raise malformed("a field beyond its message")
    return at


def signed64(value: int) -> int:
    """The number of an int64 or int32 field."""
    return value - 0x1_0000_0000_0000_0000 if value & 0x8000_0000_0000_0000 else value


def zigzag(value: int) -> int:
    """The number of a sint64 field."""
    return value >> 1 ^ -(value & 1)
