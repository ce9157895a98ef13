"""What an ASGI scope and a WSGI environment say of a request alike."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from ..wire.header_fields import Field
from ..wire.request_parts import RequestInit


def paths(init: RequestInit) -> tuple[bytes, bytes, bytes]:
    """The path with the base path in front, still escaped; the query; and the base path.

    Frameworks take the root path off again, so the path has to have it.
    """
    path, _, query = init.url.partition(b"?")
    if init.base_path and not init.full_path:
        path = init.base_path + path
    return path, query, init.base_path


def decoded(path: bytes) -> bytes:
    """The path without its escapes."""
    return unquote_to_bytes(path) if b"%" in path else path


def address(text: bytes) -> tuple[str, int] | None:
    """The host and the port of "ip:port"."""
    host, colon, port = text.decode("latin-1").rpartition(":")
    if not colon or not port.isdigit():
        return None
    return host.strip("[]"), int(port)


def headers(init: RequestInit) -> list[Field]:
    """The header section as a server of HTTP would have it, names in lower case.

    The host tells Host and the framing in fields of their own.
    """
    fields = init.lower_headers()
    if init.content_length > 0:
        fields.append((b"content-length", b"%d" % init.content_length))
    elif init.content_length < 0 and init.protocol == b"HTTP/1.1":
        fields.append((b"transfer-encoding", b"chunked"))
    if init.host:
        fields.insert(0, (b"host", init.host))
    return fields


_versions = {b"HTTP/1.0": "1.0", b"HTTP/2.0": "2"}


def scope(
    init: RequestInit, kind: str, spec_version: str, scheme: str, state: dict[str, Any] | None
) -> dict[str, Any]:
    """What the scopes of HTTP and of a WebSocket have in common."""
    path, query, base_path = paths(init)
    found: dict[str, Any] = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": spec_version},
        "http_version": _versions.get(init.protocol, "1.1"),
        "scheme": scheme,
        "path": decoded(path).decode("utf-8", "replace"),
        "raw_path": path,
        "query_string": query,
        "root_path": decoded(base_path).decode("utf-8", "replace") if base_path else "",
        "headers": headers(init),
        "client": address(init.remote_addr),
        "server": _server(init.host, scheme),
        "extensions": {"servehttp": {"id": init.request_id, "context": init.context or {}}},
    }
    if state is not None:
        found["state"] = state.copy()
    return found


def _server(host: bytes, scheme: str) -> tuple[str, int] | None:
    if not host:
        return None
    default = 443 if scheme in ("https", "wss") else 80
    return address(host) or (host.decode("latin-1").strip("[]"), default)
