"""What the options, the environment and the command line of a plugin say."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Union

from ..errors import ServeHTTPError
from ..tls.tls_files import TlsFiles, TlsVariables, tls_of_environment


@dataclass(frozen=True)
class UnixAddress:
    """A unix socket."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True)
class TcpAddress:
    """A host and a port, 0 for a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


ListenAddress = Union[UnixAddress, TcpAddress]


@dataclass(frozen=True)
class HostVariables:
    """What a host tells a plugin that it starts."""

    address: str | None
    token: str | None
    plugin_id: str | None
    host_fd: str | None
    tls: TlsVariables


def take_host_variables(environment: MutableMapping[str, str]) -> HostVariables:
    """Reads the variables of a host and removes them: programs that the plugin starts inherit the rest."""

    def take(*names: str) -> list[str | None]:
        return [environment.pop(f"SERVEHTTP_{name}", None) for name in names]

    tls = take("TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_CA_FILE", "TLS_SUBJECT_ALT_NAMES")
    address, token, plugin_id, host_fd = take("ADDRESS", "TOKEN", "PLUGIN_ID", "HOST_FD")
    return HostVariables(address, token, plugin_id, host_fd, TlsVariables(*tls))


@dataclass(frozen=True)
class Settings:
    """Where the plugin listens, and what a host must show."""

    address: ListenAddress
    token: str | None
    plugin_id: str | None
    tls: TlsFiles | None = None
    """Of the environment, for a port: a socket's file is guarded by its permissions."""


def read_settings(
    address: str | None,
    token: str | None,
    plugin_id: str | None,
    variables: HostVariables,
    argv: Sequence[str],
) -> Settings:
    """Puts options, environment and command line together, in this order.

    An empty variable counts as one that is not set, except for the token and TLS. Raises
    ServeHTTPError ``invalid-argument`` in one line.
    """
    found = parse_address(address or variables.address or _address_of(argv))
    return Settings(
        found,
        _checked_token(token if token is not None else variables.token),
        plugin_id or variables.plugin_id or None,
        tls_of_environment(variables.tls) if isinstance(found, TcpAddress) else None,
    )


def parse_address(text: str) -> ListenAddress:
    """Reads ``unix:/path``, or ``HOST:PORT`` with IPv6 in brackets.

    Raises ServeHTTPError ``invalid-argument``.
    """
    if text.startswith("unix:") and len(text) > 5 and "\0" not in text:
        return UnixAddress(text[5:])
    match = re.fullmatch(r"(?:\[([^\]]+)\]|([^\[\]:]+)):([0-9]{1,5})", text)
    if match is not None:
        bracketed, plain, digits = match.groups()
        host = bracketed or plain
        if int(digits) <= 65_535 and (_is_ipv6(host) if bracketed else _is_host(host)):
            return TcpAddress(host, int(digits))
    raise ServeHTTPError(
        "invalid-argument",
        f'the address {json.dumps(text)} is neither "unix:/path" nor "HOST:PORT" (IPv6 as '
        '"[::1]:PORT", port 0 for a free one)',
    )


def _address_of(argv: Sequence[str]) -> str:
    """What follows ``--listen``, as the next argument or behind ``=``."""
    for index, argument in enumerate(argv):
        if argument.startswith("--listen=") and len(argument) > 9:
            return argument[9:]
        if argument == "--listen" and index + 1 < len(argv) and argv[index + 1]:
            return argv[index + 1]
    script = argv[0] if argv and argv[0] not in ("", "-c") else "plugin.py"
    raise ServeHTTPError(
        "invalid-argument",
        "This is a servehttp plugin: let a host start it, or run it by hand as: "
        f"python {script} --listen 127.0.0.1:50051",
    )


def _checked_token(token: str | None) -> str | None:
    """A token that is empty by mistake must not let everybody in."""
    if token is not None and re.fullmatch(r"[!-~]+", token) is None:
        raise ServeHTTPError(
            "invalid-argument",
            "the token must be visible ASCII characters, at least one; leave it out to let everybody in",
        )
    return token


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def _is_host(text: str) -> bool:
    """An IPv4 address or a name. Digits and dots alone are meant to be an address."""
    try:
        return ipaddress.ip_address(text).version == 4
    except ValueError:
        name = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.\-]*", text)
        return name is not None and re.fullmatch(r"[0-9.]+", text) is None
