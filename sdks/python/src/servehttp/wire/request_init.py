"""The head of a request (RequestInit of exchange.proto)."""

from __future__ import annotations

from ..limits import FIELD_COUNT_MAX
from .header_fields import HEADER_TAG, NO_FIELDS, HeaderSection, read_section
from .protobuf import malformed, read_span, read_varint, signed64, skip, zigzag


class RequestInit:
    """The head of a request. Texts are bytes as they came, until somebody asks for them."""

    __slots__ = (
        "base_path", "content_length", "context", "deadline_unix_ms", "expect_continue", "full_path",
        "headers", "hijackable", "host", "method", "protocol", "remote_addr", "request_id",
        "request_uri", "scheme", "tunnel_head", "url",
    )  # fmt: skip

    def __init__(self) -> None:
        self.method = b"GET"
        self.url = b"/"
        self.request_uri = b""
        self.protocol = b"HTTP/1.1"
        self.host = b""
        self.remote_addr = b""
        self.headers = NO_FIELDS
        self.content_length = 0
        self.deadline_unix_ms = 0
        self.request_id = b""
        # It may be that of other requests, too: whoever passes it on copies it.
        self.context: dict[str, str] | None = None
        self.scheme = b"http"
        self.expect_continue = False
        self.hijackable = False
        self.tunnel_head = b""
        self.base_path = b""
        self.full_path = False


class _Known:
    """A part of a head as bytes, and a head that has it."""

    __slots__ = ("encoded", "init")

    def __init__(self, encoded: bytes, init: RequestInit) -> None:
        self.encoded = encoded
        self.init = init


# Most of a head is, byte by byte, what it was in the request before: in front of the client's address
# (fields 1 to 7), and behind the request's id (from 13 on). decisions/012 has what that spares. The id of
# the client's connection is last (field 21), which nobody asks for here and which differs.
_REMOTE_ADDR = 0x42
_REQUEST_ID = 0x62
_BEHIND_ID = 0x6A
_CONNECTION_ID = 0xAA
_CONNECTION_ID_TAG = b"\xaa\x01"
_TAG_END = 1 << 64
_KNOWN_BYTES_MAX = 1_024
_front = _back = _Known(b"", RequestInit())


def read_init(data: bytes, at: int, end: int) -> RequestInit:
    """Reads a RequestInit. IndexError where the data ends within a field."""
    global _front, _back
    init = RequestInit()
    known = _front
    size = len(known.encoded)
    if size and data.startswith(known.encoded, at, end):
        known_init = known.init
        init.method = known_init.method
        init.url = known_init.url
        init.request_uri = known_init.request_uri
        init.protocol = known_init.protocol
        init.host = known_init.host
        at += size
        # What follows in most heads. `_read_fields` would do it, too, and take twice as long.
        if at < end and data[at] == _REMOTE_ADDR and data[at + 1] < 0x80:
            begin = at + 2
            at = begin + data[at + 1]
            init.remote_addr = data[begin:at]
            if at < end and data[at] == HEADER_TAG:
                init.headers, at = read_section(data, at, end)
                if at < end and data[at] == _REQUEST_ID and data[at + 1] < 0x80:
                    begin = at + 2
                    at = begin + data[at + 1]
                    init.request_id = data[begin:at]
    else:
        begin = at
        at = _read_fields(init, data, at, end, 0, _REMOTE_ADDR)
        if at - begin <= _KNOWN_BYTES_MAX:
            _front = _Known(data[begin:at], init)
    at = _read_fields(init, data, at, end, _REMOTE_ADDR, _BEHIND_ID)
    known = _back
    if at < end and _is_all(known.encoded, data, at, end):
        known_init = known.init
        init.context = known_init.context
        init.scheme = known_init.scheme
        init.expect_continue = known_init.expect_continue
        init.hijackable = known_init.hijackable
        init.tunnel_head = known_init.tunnel_head
        init.base_path = known_init.base_path
        init.full_path = known_init.full_path
        return init
    begin = at
    at = _read_fields(init, data, at, end, _BEHIND_ID, _CONNECTION_ID)
    if at <= end and at - begin <= _KNOWN_BYTES_MAX and _is_all(data[begin:at], data, begin, end):
        _back = _Known(data[begin:at], init)
    # Hosts of ours write fields in the order of their numbers; others may not.
    at = _read_fields(init, data, at, end, 0, _TAG_END)
    if at > end:
        raise malformed("a field beyond its message")
    return init


def _is_all(known: bytes, data: bytes, at: int, end: int) -> bool:
    """Whether these bytes are there, and nothing behind them but the id of the client's connection."""
    behind = at + len(known)
    if not data.startswith(known, at, end):
        return False
    if behind == end:
        return True
    return (
        data.startswith(_CONNECTION_ID_TAG, behind, end)
        and behind + 2 < end
        and behind + 3 + data[behind + 2] == end
        and data[behind + 2] < 0x80
    )


def _read_fields(
    init: RequestInit, data: bytes, at: int, end: int, tag_min: int, tag_end: int
) -> int:
    """Reads fields until there is one with a tag outside of these bounds. Returns its offset."""
    while at < end:
        tag = data[at]
        behind = at + 1
        if tag > 0x7F:
            tag, behind = read_varint(data, at)
        if not tag_min <= tag < tag_end:
            return at
        if tag == HEADER_TAG:
            section, at = read_section(data, at, end)
            init.headers = section if init.headers is NO_FIELDS else _joined(init.headers, section)
        elif tag & 7 == 2:
            begin, at = read_span(data, behind, end)
            content = data[begin:at]
            if tag == _REMOTE_ADDR:
                init.remote_addr = content
            elif tag == _REQUEST_ID:
                init.request_id = content
            elif tag == 0x0A:
                init.method = content
            elif tag == 0x12:
                init.url = content
            elif tag == 0x1A:
                init.request_uri = content
            elif tag == 0x22:
                init.protocol = content
            elif tag == 0x3A:
                init.host = content
            elif tag == 0x6A:
                if init.context is None:
                    init.context = {}
                _read_context_entry(content, init.context)
            elif tag == 0x72:
                init.scheme = content
            elif tag == 0x8A:
                init.tunnel_head = content
            elif tag == 0x92:
                init.base_path = content
            elif tag < 8:
                raise malformed("a field with the number 0")
        elif tag & 7 == 0 and tag > 7:
            value, at = read_varint(data, behind)
            if tag == 0x50:
                init.content_length = zigzag(value)
            elif tag == 0x58:
                init.deadline_unix_ms = signed64(value)
            elif tag == 0x78:
                init.expect_continue = value != 0
            elif tag == 0x80:
                init.hijackable = value != 0
            elif tag == 0x98:
                init.full_path = value != 0
        else:
            at = skip(data, tag, behind, end)
    return at


def _joined(first: HeaderSection, second: HeaderSection) -> HeaderSection:
    """The fields of a section that has others in between, which no host of ours writes."""
    pairs = first.pairs + second.pairs
    if len(pairs) > FIELD_COUNT_MAX:
        raise malformed(f"more than {FIELD_COUNT_MAX} header fields")
    return HeaderSection(pairs)


def _read_context_entry(data: bytes, context: dict[str, str]) -> None:
    name = value = ""
    at, end = 0, len(data)
    while at < end:
        tag, at = read_varint(data, at)
        if tag in (0x0A, 0x12):
            begin, at = read_span(data, at, end)
            text = data[begin:at].decode("utf-8", "replace")
            if tag == 0x0A:
                name = text
            else:
                value = text
        else:
            at = skip(data, tag, at, end)
    context[name] = value
