"""Listens: at a port, or at a unix socket, whose file it takes over from a plugin that was killed."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import ssl
import stat
import sys
from collections.abc import Callable

from ..errors import ServeHTTPError
from ..limits import HANDSHAKE_SECONDS
from .settings import ListenAddress, TcpAddress, UnixAddress

_PATH_BYTES_MAX = 107 if sys.platform == "linux" else 103


class Listener:
    """Where the plugin listens."""

    def __init__(self, server: asyncio.AbstractServer, address: ListenAddress) -> None:
        self._server = server
        self.address = address
        self._inode = _inode(address)

    def close(self) -> None:
        """Takes no more connections, and removes the socket file."""
        self._server.close()
        self.remove_file()

    def remove_file(self) -> None:
        """Removes the socket file, unless it is another's by now."""
        if isinstance(self.address, UnixAddress) and self._inode is not None:
            if _inode(self.address) == self._inode:
                os.unlink(self.address.path)


async def listen(
    address: ListenAddress,
    protocol: Callable[[], asyncio.Protocol],
    tls: ssl.SSLContext | None,
) -> Listener:
    """Listens. Raises ServeHTTPError ``invalid-argument`` in one line that says why it can't."""
    loop = asyncio.get_running_loop()
    patience = None if tls is None else HANDSHAKE_SECONDS
    try:
        if isinstance(address, UnixAddress):
            sock = _bind(address.path)
            server = await loop.create_unix_server(
                protocol, sock=sock, ssl=tls, ssl_handshake_timeout=patience, backlog=1_024
            )
            return Listener(server, address)
        server = await loop.create_server(
            protocol,
            address.host,
            address.port,
            ssl=tls,
            ssl_handshake_timeout=patience,
            backlog=1_024,
        )
        host, port = server.sockets[0].getsockname()[:2]
        return Listener(server, TcpAddress(host, port))
    except OSError as error:
        shown = json.dumps(str(address))
        why = (
            _path_problem(address.path, error)
            if isinstance(address, UnixAddress)
            else _port_problem(error)
        )
        raise ServeHTTPError("invalid-argument", f"can't listen on {shown}: {why}") from error


def _bind(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        try:
            sock.bind(path)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not _is_cleared(path):
                raise
            sock.bind(path)
        sock.setblocking(False)
        return sock
    except BaseException:
        sock.close()
        raise


def _is_cleared(path: str) -> bool:
    """Removes a socket file on which no process listens. Says whether it did."""
    address = UnixAddress(path)
    before = _inode(address)
    if before is None:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
            return False
        except ConnectionRefusedError:
            # Only that proves that no process listens.
            pass
        except OSError:
            return False
    if _inode(address) != before:
        return False
    os.unlink(path)
    return True


def _inode(address: ListenAddress) -> tuple[int, int, int] | None:
    if not isinstance(address, UnixAddress):
        return None
    try:
        found = os.lstat(address.path)
    except OSError:
        return None
    if not stat.S_ISSOCK(found.st_mode):
        return None
    return found.st_dev, found.st_ino, found.st_ctime_ns


def _path_problem(path: str, error: OSError) -> str:
    size = len(os.fsencode(path))
    if size > _PATH_BYTES_MAX:
        return f"the path has {size} bytes, and the path of a socket can have {_PATH_BYTES_MAX}"
    if not os.path.isdir(os.path.dirname(path) or "."):
        return "its directory does not exist"
    if error.errno == errno.EADDRINUSE:
        if _inode(UnixAddress(path)) is None:
            return "there is a file that is not a socket"
        return "another process listens there"
    return _text(error)


def _port_problem(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "there is no host of that name"
    if error.errno == errno.EADDRINUSE:
        return "another process listens there"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine does not have that address"
    return _text(error)


def _text(error: OSError) -> str:
    return (error.strerror or str(error)).splitlines()[0].lower()
