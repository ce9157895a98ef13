"""The messages of Describe (plugin.proto) and of grpc.health.v1."""

from __future__ import annotations

from ..errors import ServeHTTPError
from ..limits import CONTRACT_VERSION
from .protobuf import delimited, malformed, read_span, read_varint, skip, varint


def read_contract_versions(data: bytes) -> list[int]:
    """The versions of a DescribeRequest."""
    versions: list[int] = []
    at, end = 0, len(data)
    try:
        while at < end:
            tag, at = read_varint(data, at)
            if tag == 0x08:
                version, at = read_varint(data, at)
                versions.append(version)
            elif tag == 0x0A:
                at, behind = read_span(data, at, end)
                while at < behind:
                    version, at = read_varint(data, at)
                    versions.append(version)
            else:
                at = skip(data, tag, at, end)
    except IndexError:
        raise malformed("a field beyond its message") from None
    return versions


def describe_response(software: str) -> bytes:
    """Serves HTTP, on stream and on mux."""
    carriers = b"\x1a\x02\x01\x02"
    version = b"\x08" + varint(CONTRACT_VERSION)
    return version + b"\x10\x01" + carriers + delimited(b"\x22", software.encode()[:256])


def no_common_version(offered: list[int]) -> ServeHTTPError:
    """The host speaks other versions of the contract."""
    return ServeHTTPError(
        "invalid-argument",
        f"the host offers the contract versions {offered}, and this plugin speaks {CONTRACT_VERSION}",
    )


def read_health_service(data: bytes) -> str:
    """The service of a HealthCheckRequest."""
    service = ""
    at, end = 0, len(data)
    try:
        while at < end:
            tag, at = read_varint(data, at)
            if tag == 0x0A:
                begin, at = read_span(data, at, end)
                service = data[begin:at].decode("utf-8", "replace")
            else:
                at = skip(data, tag, at, end)
    except IndexError:
        raise malformed("a field beyond its message") from None
    return service


HEALTHY = b"\x08\x01"
NOT_SERVING = b"\x08\x02"
