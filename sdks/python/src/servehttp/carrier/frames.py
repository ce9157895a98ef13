"""The frames of HTTP/2 (RFC 9113, section 6) that the dedicated connection needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_HEAD_BYTES: Final = 9
INITIAL_WINDOW_BYTES: Final = 65_535

DATA: Final = 0x0
HEADERS: Final = 0x1
RST_STREAM: Final = 0x3
SETTINGS: Final = 0x4
PUSH_PROMISE: Final = 0x5
PING: Final = 0x6
GOAWAY: Final = 0x7
WINDOW_UPDATE: Final = 0x8
CONTINUATION: Final = 0x9

ACK: Final = 0x1
END_STREAM: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8

SETTINGS_INITIAL_WINDOW_SIZE: Final = 0x4
SETTINGS_MAX_FRAME_SIZE: Final = 0x5

NO_ERROR: Final = 0x0
PROTOCOL_ERROR: Final = 0x1
INTERNAL_ERROR: Final = 0x2
FLOW_CONTROL_ERROR: Final = 0x3
FRAME_SIZE_ERROR: Final = 0x6
REFUSED_STREAM: Final = 0x7
CANCEL: Final = 0x8
ENHANCE_YOUR_CALM: Final = 0xB
INADEQUATE_SECURITY: Final = 0xC


def frame(kind: int, flags: int, stream: int, payload: bytes | memoryview) -> bytes:
    """A whole frame."""
    size = len(payload)
    head = bytes((size >> 16, size >> 8 & 0xFF, size & 0xFF, kind, flags))
    return b"".join((head, stream.to_bytes(4, "big"), payload))


def settings_frame(settings: Iterable[tuple[int, int]]) -> bytes:
    """SETTINGS."""
    payload = b"".join(
        name.to_bytes(2, "big") + value.to_bytes(4, "big") for name, value in settings
    )
    return frame(SETTINGS, 0, 0, payload)


def window_update_frame(stream: int, size: int) -> bytes:
    """WINDOW_UPDATE."""
    return frame(WINDOW_UPDATE, 0, stream, size.to_bytes(4, "big"))


def goaway_frame(last_stream: int, code: int, why: str = "") -> bytes:
    """GOAWAY. ``why`` is for people."""
    payload = last_stream.to_bytes(4, "big") + code.to_bytes(4, "big") + why.encode()
    return frame(GOAWAY, 0, 0, payload)


def literal_field(name: str, value: str) -> bytes:
    """A header field in HPACK, never in a table (RFC 7541, section 6.2.2)."""
    return b"\x00" + _string(name.encode("ascii")) + _string(value.encode("latin-1"))


def _string(text: bytes) -> bytes:
    size = len(text)
    if size < 0x7F:
        return bytes((size,)) + text
    size -= 0x7F
    out = bytearray(b"\x7f")
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    out.append(size)
    return bytes(out) + text
