"""gRPC over HTTP/2: messages behind a head of five bytes, and what a status says."""

from __future__ import annotations

from urllib.parse import quote

from ..errors import ErrorCode, ServeHTTPError

SERVE_HTTP = "/servehttp.v1.PluginService/ServeHTTP"
SERVE_HTTP_MUX = "/servehttp.v1.PluginService/ServeHTTPMux"
DESCRIBE = "/servehttp.v1.PluginService/Describe"
HEALTH_CHECK = "/grpc.health.v1.Health/Check"
HEALTH_WATCH = "/grpc.health.v1.Health/Watch"

MESSAGE_HEAD_BYTES = 5


def message_head(size: int) -> bytes:
    """The head of a message of so many bytes, not compressed."""
    return b"\x00" + size.to_bytes(4, "big")


class MessageReader:
    """Takes messages apart as their bytes come. What it returns lies within ``data``."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._pieces: list[bytes] = []
        self._held = 0
        self._needed = 0

    @property
    def within(self) -> bool:
        """Whether a message has begun that is not all there."""
        return self._held > 0

    def push(self, data: bytes) -> list[tuple[bytes, int, int]]:
        """Returns the messages that are complete, each as bytes with its begin and end.

        Raises ServeHTTPError ``protocol-violation`` for one that is compressed or too long.
        """
        if self._held:
            self._pieces.append(data)
            self._held += len(data)
            if self._held < self._needed:
                return []
            data = b"".join(self._pieces)
            self._pieces.clear()
            self._held = 0
        messages: list[tuple[bytes, int, int]] = []
        at, end = 0, len(data)
        while True:
            begin = at + MESSAGE_HEAD_BYTES
            if begin > end:
                self._needed = MESSAGE_HEAD_BYTES
                break
            if data[at]:
                raise ServeHTTPError("protocol-violation", "a compressed message")
            size = int.from_bytes(data[at + 1 : begin], "big")
            if size > self._bytes_max:
                raise ServeHTTPError(
                    "protocol-violation",
                    f"a message of {size} bytes; allowed are {self._bytes_max}",
                )
            behind = begin + size
            if behind > end:
                self._needed = behind - at
                break
            messages.append((data, begin, behind))
            at = behind
        if at < end:
            self._pieces.append(data[at:] if at else data)
            self._held = end - at
        return messages


_statuses: dict[ErrorCode, int] = {
    "protocol-violation": 3,
    "invalid-argument": 9,
    "plugin-closing": 14,
    "overload": 14,
    "unauthenticated": 16,
    "deadline": 4,
}

OK_TRAILERS: list[tuple[str, str]] = [("grpc-status", "0")]


def error_trailers(error: ServeHTTPError) -> list[tuple[str, str]]:
    """The trailers of an RPC that failed. What a handler said does not travel."""
    own = error.code in ("protocol-violation", "unauthenticated", "invalid-argument")
    message = str(error) if own else error.code
    return status_trailers(_statuses.get(error.code, 13), message)


def status_trailers(status: int, message: str) -> list[tuple[str, str]]:
    """The trailers of an RPC that ends with this status."""
    return [("grpc-status", str(status)), ("grpc-message", quote(message[:256], safe=" "))]


def is_grpc_with_protobuf(content_type: str) -> bool:
    """Whether the content type is one that this plugin speaks."""
    kind = content_type.split(";", 1)[0].strip().lower()
    return kind in ("application/grpc", "application/grpc+proto")
