"""The seam between an exchange and its carrier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from ..errors import RequestAborted, ServeHTTPError
from ..wire.request_parts import RequestParts

MORE: Final = 0
"""More parts follow."""
ENDS: Final = 1
"""The last part is the response's end."""
HIJACKS: Final = 2
"""The parts are a hijack."""
TUNNEL_ENDS: Final = 3
"""The last part is the tunnel's end."""


class Channel(Protocol):
    """What an exchange sends to the host."""

    def send(self, head: bytes, chunk: bytes, tail: bytes, kind: int) -> bool:
        """Sends parts: those in front of a chunk, a chunk of at most 64 KiB or none, those behind it.

        ``kind`` is MORE, ENDS, HIJACKS or TUNNEL_ENDS. Returns whether there is room for more.
        """
        ...

    async def room(self) -> None:
        """Waits until there is room. Raises RequestAborted where the exchange was given up."""
        ...

    def taken(self, size: int) -> None:
        """The handler has taken so many bytes of the body or tunnel: the host may send more."""
        ...

    def reset(self, error: ServeHTTPError) -> None:
        """Gives the exchange up."""
        ...


class Receiver(Protocol):
    """What an exchange receives from the host. Parts come in the order of the contract."""

    def receive(self, parts: RequestParts, /) -> None:
        """Parts of one message. Must not raise."""
        ...

    def abort(self, error: RequestAborted, /) -> None:
        """The exchange was given up, by the host or because it was lost. The last call."""
        ...


Accept = Callable[[Channel], Receiver]
"""Called for each exchange that the host opens."""


class RpcStream(Protocol):
    """What mux needs of the RPC that carries it."""

    def write(self, message: bytes) -> None:
        """Sends one message."""
        ...

    def end(self, trailers: list[tuple[str, str]]) -> None:
        """Ends the RPC behind what was written."""
        ...
