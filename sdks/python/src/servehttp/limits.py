"""Every bound of this package, with its unit and its reason. Units are the last word of each name."""

from __future__ import annotations

from typing import Final

CONTRACT_VERSION: Final = 1
"""The version of the contract that this package speaks."""

CHUNK_BYTES_MAX: Final = 65_536
"""A chunk of a body or a tunnel (exchange.proto)."""

WINDOW_BYTES: Final = 262_144
"""The credit that each direction of an exchange on mux starts with (mux.proto, step 4)."""

CREDIT_STEP_BYTES: Final = 65_536
"""Credit is given back in steps of this: a frame for each small chunk would cost more than it moves."""

CREDIT_BYTES_MAX: Final = 16_777_216
"""The credit that may be open in one direction of an exchange on mux."""

WINDOW_GROWTH_BYTES: Final = 786_432
"""How much the window of an exchange grows when its handler keeps up: to 1 MiB, for bulk."""

GROWTH_AFTER_BYTES: Final = 16_777_216
"""What a handler must have taken before its window grows; a client that stalls never gets there."""

GROWTH_BYTES_MAX: Final = 16_777_216
"""What all windows of one connection may grow by together."""

BATCH_BYTES_MAX: Final = 262_144
"""What one message of mux holds at most, so that no batch delays the next for long."""

WAITING_BYTES_MAX: Final = 131_072
"""What waits of one exchange before its writer waits. The writer goes on when half of it has gone."""

MUX_MESSAGE_BYTES_MAX: Final = 1_048_576
"""A message of mux that is longer is refused unread."""

STREAM_MESSAGE_BYTES_MAX: Final = 327_680
"""A message of ServeHTTP: a chunk and two header sections. A longer one is refused unread."""

FIELD_COUNT_MAX: Final = 1_000
"""Header fields in one section."""

FIELD_NAME_BYTES_MAX: Final = 256
"""The name of a header field."""

FIELD_SECTION_BYTES_MAX: Final = 131_072
"""A header or trailer section on the wire."""

INFORMATIONAL_COUNT_MAX: Final = 16
"""Interim responses in one exchange."""

EXCHANGES_MAX: Final = 16_384
"""Exchanges at once on one connection of mux; the next is refused with OVERLOAD."""

STREAMS_MAX: Final = 256
"""Exchanges at once on one connection of the stream carrier. A host opens more connections."""

STREAM_WINDOW_BYTES: Final = 1_048_576
"""What a host may send on one stream before the handler has read it."""

CONNECTION_WINDOW_BYTES: Final = 16_777_216
"""What a host may send on one connection before it was read off the socket."""

BUFFERED_BODY_BYTES: Final = 1_048_576
"""The longest body that ``read()``, ``text()`` and ``json()`` take where no limit is given."""

DRAIN_SECONDS: Final = 10.0
"""How long a closing plugin waits for its handlers."""

HANDSHAKE_SECONDS: Final = 10.0
"""How long a TLS handshake may take."""

LINGER_SECONDS: Final = 1.0
"""How long a connection that is done with may take to bring its last bytes to the host."""

HALF_OPEN_SECONDS: Final = 10.0
"""How long a host that has its response may go on with its request before the stream is reset."""

BLOCKED_SECONDS: Final = 1.0
"""An event loop that stands still for so long is logged with the stack that blocks it."""

LOG_LINE_BYTES_MAX: Final = 8_192
"""The longest line that is logged on standard error; hosts cut lines of output behind that."""

WSGI_THREADS: Final = 32
"""Threads for a WSGI application, where no number is given."""
