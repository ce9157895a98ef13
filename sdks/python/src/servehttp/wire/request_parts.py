"""The messages of the host's direction (exchange.proto)."""

from __future__ import annotations

from ..errors import ErrorCode, RequestAborted
from ..limits import FIELD_COUNT_MAX
from .header_fields import Field, ReadField, read_field, read_fields
from .protobuf import malformed, read_span, read_varint, signed64, skip, zigzag


class RequestInit:
    """The head of a request. Texts are bytes as they came, until somebody asks for them."""

    __slots__ = (
        "base_path", "content_length", "context", "deadline_unix_ms", "expect_continue", "fields",
        "full_path", "hijackable", "host", "method", "protocol", "remote_addr", "request_id",
        "request_uri", "scheme", "tunnel_head", "url",
    )  # fmt: skip

    def __init__(self) -> None:
        self.method = b"GET"
        self.url = b"/"
        self.request_uri = b""
        self.protocol = b"HTTP/1.1"
        self.host = b""
        self.remote_addr = b""
        self.fields: list[ReadField] = []
        self.content_length = 0
        self.deadline_unix_ms = 0
        self.request_id = b""
        self.context: dict[str, str] | None = None
        self.scheme = b"http"
        self.expect_continue = False
        self.hijackable = False
        self.tunnel_head = b""
        self.base_path = b""
        self.full_path = False

    def headers(self) -> list[Field]:
        """Pairs of name and value, names as they came."""
        return [pair for field in self.fields for pair in field[0]]

    def lower_headers(self) -> list[Field]:
        """Pairs of name and value, names in lower case."""
        return [pair for field in self.fields for pair in field[1]]


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
            once(parts.init, "init")
            parts.init = _read_init(data, begin, at)
        elif tag == 0x12:
            begin, at = read_span(data, at, end)
            once(parts.chunk, "chunk")
            parts.chunk = data[begin:at]
        elif tag == 0x1A:
            begin, at = read_span(data, at, end)
            once(parts.end, "end")
            parts.end = NO_TRAILERS if begin == at else read_fields(data, begin, at)
        elif tag == 0x22:
            begin, at = read_span(data, at, end)
            once(parts.tunnel_chunk, "tunnel_chunk")
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


def _read_init(data: bytes, at: int, end: int) -> RequestInit:
    init = RequestInit()
    fields = init.fields
    while at < end:
        tag = data[at]
        at += 1
        if tag > 0x7F:
            tag, at = read_varint(data, at - 1)
        if tag & 7 == 2:
            size = data[at]
            at += 1
            if size > 0x7F:
                size, at = read_varint(data, at - 1)
            begin = at
            at += size
            if at > end:
                raise malformed("a field beyond its message")
            content = data[begin:at]
            if tag == 0x4A:
                fields.append(read_field(content))
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
            elif tag == 0x42:
                init.remote_addr = content
            elif tag == 0x62:
                init.request_id = content
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
            value, at = read_varint(data, at)
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
            at = skip(data, tag, at, end)
    if at > end:
        raise malformed("a field beyond its message")
    if len(fields) > FIELD_COUNT_MAX:
        raise malformed(f"more than {FIELD_COUNT_MAX} header fields")
    return init


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


def once(part: object, name: str) -> None:
    """A part comes once in a message."""
    if part is not None:
        raise malformed(f"{name} twice in one message")
