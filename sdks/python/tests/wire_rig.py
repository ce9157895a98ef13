"""The host's messages, written here for the tests, and the plugin's, read here."""

from __future__ import annotations

from dataclasses import dataclass, field

from servehttp.wire.protobuf import delimited, read_span, read_varint, varint

Fields = dict[int, list["int | bytes"]]


def fields(data: bytes) -> Fields:
    """The fields of any message by their number."""
    found: Fields = {}
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        if tag & 7 == 2:
            begin, at = read_span(data, at, len(data))
            found.setdefault(tag >> 3, []).append(data[begin:at])
        else:
            value, at = read_varint(data, at)
            found.setdefault(tag >> 3, []).append(value)
    return found


def init(
    method: str = "GET",
    url: str = "/",
    headers: list[tuple[bytes, bytes]] | None = None,
    content_length: int = 0,
    more: bytes = b"",
) -> bytes:
    """The init part of a request."""
    content = delimited(b"\x0a", method.encode()) + delimited(b"\x12", url.encode("latin-1"))
    content += delimited(b"\x1a", b"/plugins/p" + url.encode("latin-1"))
    content += delimited(b"\x22", b"HTTP/1.1") + b"\x28\x01\x30\x01"
    content += delimited(b"\x3a", b"example.org") + delimited(b"\x42", b"127.0.0.1:4711")
    for name, value in headers or []:
        content += delimited(b"\x4a", delimited(b"\x0a", name) + delimited(b"\x12", value))
    zigzag = content_length * 2 if content_length >= 0 else -content_length * 2 - 1
    content += b"\x50" + varint(zigzag) + delimited(b"\x62", b"request-1")
    content += delimited(b"\x72", b"http") + more
    return delimited(b"\x0a", content)


def chunk(data: bytes) -> bytes:
    """A chunk of the request's body."""
    return delimited(b"\x12", data)


END = b"\x1a\x00"
TUNNEL_END = b"\x28\x01"
HIJACKABLE = b"\x80\x01\x01"
EXPECT_CONTINUE = b"\x78\x01"


def trailers(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """The end of a request, with trailers."""
    return delimited(
        b"\x1a",
        b"".join(
            delimited(b"\x0a", delimited(b"\x0a", name) + delimited(b"\x12", value))
            for name, value in pairs
        ),
    )


def tunnel_chunk(data: bytes) -> bytes:
    """Bytes of the client's way of a tunnel."""
    return delimited(b"\x22", data)


def context(name: str, value: str) -> bytes:
    """An entry of the context, for ``init``."""
    return delimited(
        b"\x6a", delimited(b"\x0a", name.encode()) + delimited(b"\x12", value.encode())
    )


@dataclass
class Response:
    """What has come of a response."""

    informational: list[int] = field(default_factory=list[int])
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    chunks: list[bytes] = field(default_factory=list[bytes])
    flushes: int = 0
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    tunnel: bytes = b""
    ended: bool = False
    hijacked: bool = False
    tunnel_ended: bool = False
    reset: int | None = None

    @property
    def body(self) -> bytes:
        """All chunks."""
        return b"".join(self.chunks)

    def take(self, message: bytes) -> int:
        """Takes a ServeHTTPResponse; returns how many bytes of body or tunnel it had."""
        found = fields(message)
        size = 0
        for head in _messages(found, 1):
            self.informational.append(_numbers(fields(head), 1)[0])
        for head in _messages(found, 2):
            assert self.status == 0, "two heads"
            self.status = _numbers(fields(head), 1)[0]
            self.headers = _pairs(fields(head), 2)
        self.hijacked |= bool(_messages(found, 3))
        for data in _messages(found, 4):
            assert 0 < len(data) <= 65_536
            self.chunks.append(data)
            size += len(data)
        self.flushes += len(_numbers(found, 5))
        for end in _messages(found, 6):
            self.ended = True
            self.trailers = _pairs(fields(end), 1)
        for data in _messages(found, 7):
            assert 0 < len(data) <= 65_536
            self.tunnel += data
            size += len(data)
        self.tunnel_ended |= bool(_numbers(found, 8))
        return size

    @property
    def over(self) -> bool:
        """Whether nothing more comes."""
        return self.ended or self.reset is not None


def _messages(found: Fields, number: int) -> list[bytes]:
    return [value for value in found.get(number, []) if isinstance(value, bytes)]


def _numbers(found: Fields, number: int) -> list[int]:
    return [value for value in found.get(number, []) if isinstance(value, int)]


def _pairs(found: Fields, number: int) -> list[tuple[bytes, bytes]]:
    pairs: list[tuple[bytes, bytes]] = []
    for header in _messages(found, number):
        inner = fields(header)
        (name,) = _messages(inner, 1)
        pairs.extend((name, value) for value in _messages(inner, 2))
    return pairs
