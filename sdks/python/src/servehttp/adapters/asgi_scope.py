"""What an ASGI scope and a WSGI environment say of a request alike."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from ..wire.header_fields import Field
from ..wire.request_init import RequestInit


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


@lru_cache(maxsize=1_024)
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
    fields = init.headers.lower
    found = [(b"host", init.host), *fields] if init.host else [*fields]
    if init.content_length > 0:
        found.append((b"content-length", b"%d" % init.content_length))
    elif init.content_length < 0 and init.protocol == b"HTTP/1.1":
        found.append((b"transfer-encoding", b"chunked"))
    return found


_versions = {b"HTTP/1.0": "1.0", b"HTTP/2.0": "2"}


def scope(
    init: RequestInit,
    kind: str,
    scheme: str,
    extensions: dict[str, dict[str, Any]],
    state: dict[str, Any] | None,
) -> dict[str, Any]:
    """What the scopes of HTTP and of a WebSocket have in common."""
    path, query, base_path = paths(init)
    extensions["servehttp"] = {
        "id": init.request_id,
        "context": {} if init.context is None else init.context.copy(),
    }
    found: dict[str, Any] = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": _versions.get(init.protocol, "1.1"),
        "scheme": scheme,
        "path": (unquote_to_bytes(path) if b"%" in path else path).decode("utf-8", "replace"),
        "raw_path": path,
        "query_string": query,
        "root_path": _root_path(base_path) if base_path else "",
        "headers": headers(init),
        "client": address(init.remote_addr),
        "server": _server(init.host, scheme),
        "extensions": extensions,
    }
    if state is not None:
        found["state"] = state.copy()
    return found


@lru_cache(maxsize=256)
def _root_path(base_path: bytes) -> str:
    return decoded(base_path).decode("utf-8", "replace")


@lru_cache(maxsize=256)
def _server(host: bytes, scheme: str) -> tuple[str, int] | None:
    if not host:
        return None
    default = 443 if scheme in ("https", "wss") else 80
    return address(host) or (host.decode("latin-1").strip("[]"), default)
