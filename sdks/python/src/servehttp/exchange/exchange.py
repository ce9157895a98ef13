"""One exchange from its carrier to whatever serves it, and back."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from ..carrier.channel import ENDS, HIJACKS, MORE, Channel
from ..errors import RequestAborted, ServeHTTPError
from ..limits import CHUNK_BYTES_MAX, INFORMATIONAL_COUNT_MAX
from ..wire import response_parts as parts
from ..wire.header_fields import Field
from ..wire.request_init import RequestInit
from ..wire.request_parts import RequestParts
from .body import Body
from .tunnel import Tunnel

OPEN: Final = 0
COMMITTED: Final = 1
ENDED: Final = 2
HIJACKED: Final = 3
FAILED: Final = 4


class Service(Protocol):
    """What serves exchanges: a native handler, an ASGI application, a WSGI one."""

    logger: logging.Logger

    @property
    def running(self) -> int:
        """How many handlers are running."""
        ...

    async def startup(self) -> None:
        """Before the plugin listens. Raises where the application can't start."""
        ...

    async def shutdown(self) -> None:
        """After the last exchange."""
        ...

    def start(self, exchange: Exchange) -> None:
        """Serves the exchange. Its body and its response begin now. Must not raise."""
        ...


class Exchange:
    """The response:

    open -> committed [commit]; open -> hijacked [hijack]; committed -> ended [write, last]
    open, committed, hijacked -> failed [fail, abort]
    """

    __slots__ = (
        "_channel", "_head", "_informational_count", "_service", "abort_reason", "body",
        "continue_due", "failure", "init", "on_abort", "state", "tunnel",
    )  # fmt: skip

    def __init__(self, channel: Channel, service: Service) -> None:
        self._channel = channel
        self._service = service
        self._head = b""
        self._informational_count = 0
        self.continue_due = False
        self.init = _NO_INIT
        self.body = Body(channel.taken)
        self.state = OPEN
        self.tunnel: Tunnel | None = None
        # Why the carrier gave the exchange up, and why it failed, for whatever reason.
        self.abort_reason: RequestAborted | None = None
        self.failure: ServeHTTPError | None = None
        self.on_abort: Callable[[RequestAborted], None] | None = None

    @property
    def logger(self) -> logging.Logger:
        """Where failures of this exchange are logged."""
        return self._service.logger

    @property
    def request_id(self) -> str:
        """The host's name for the exchange."""
        return self.init.request_id.decode("latin-1")

    @property
    def log_fields(self) -> dict[str, object]:
        """What each record of ``request.log`` says, with the trace that the request belongs to."""
        fields: dict[str, object] = {"requestId": self.request_id}
        parent = next((v for n, v in self.init.headers.lower if n == b"traceparent"), b"")
        found = _TRACEPARENT.fullmatch(parent.decode("latin-1"))
        if found is not None:
            fields.update(trace_id=found[1], span_id=found[2])
        return fields

    @property
    def is_settled(self) -> bool:
        """Whether the response is complete: ended, hijacked or given up."""
        return self.state >= ENDED

    # -- from the carrier

    def receive(self, received: RequestParts) -> None:
        init = received.init
        if init is not None:
            self.init = init
            if init.expect_continue:
                self.continue_due = True
                self.body.ask_first(self.ask_for_body)
            if received.chunk is not None:
                self.body.receive(received.chunk, received.end)
            elif received.end is not None:
                self.body.trailers = received.end
            self._service.start(self)
            return
        if received.chunk is not None or received.end is not None:
            self.body.receive(received.chunk, received.end)
        if self.tunnel is not None and (received.tunnel_chunk is not None or received.tunnel_end):
            self.tunnel.receive(received.tunnel_chunk, received.tunnel_end)

    def abort(self, error: RequestAborted) -> None:
        if self.abort_reason is not None:
            return
        self.abort_reason = error
        if self.state != ENDED:
            self.state = FAILED
            self.failure = error
        if self.on_abort is not None:
            self.on_abort(error)
        self.body.cut(error)
        if self.tunnel is not None:
            self.tunnel.abort(error)

    # -- for what serves it

    def head(self, status: int, fields: Iterable[Field], reason: bytes = b"") -> bytes:
        """The head of a response, for ``commit``.

        Raises ServeHTTPError ``handler-failed`` for a head that HTTP does not allow: the exchange
        has then failed.
        """
        if not 200 <= status <= 999:
            hint = "; hijack() takes a connection over" if status == 101 else ""
            raise self.fail(
                f"a response with the status {status}: a final status is 200 to 999{hint}"
            )
        try:
            return parts.init_part(status, fields, reason)
        except ServeHTTPError as error:
            raise self.fail(f"the response's headers: {error}") from None

    def commit(self, head: bytes) -> None:
        """Commits the head, which goes out with what follows."""
        self._head = head
        self.state = COMMITTED

    def write(self, data: bytes, last: bool, trailers: Iterable[Field] = ()) -> bool:
        """Writes to the body of a response that is committed. Returns whether there is room for more."""
        head, self._head = self._head, b""
        tail = b""
        kind = MORE
        if last:
            try:
                tail = parts.end_part(trailers) if trailers else parts.END
            except ServeHTTPError as error:
                raise self.fail(f"the response's trailers: {error}") from None
            kind = ENDS
            self.state = ENDED
        elif not data and not head:
            return True
        if len(data) > CHUNK_BYTES_MAX:
            view = memoryview(data)
            at = 0
            while len(data) - at > CHUNK_BYTES_MAX:
                self._channel.send(head, bytes(view[at : at + CHUNK_BYTES_MAX]), b"", MORE)
                head = b""
                at += CHUNK_BYTES_MAX
            data = bytes(view[at:])
        room = self._channel.send(head, data, tail, kind)
        if last and self.body.trailers is None:
            self.body.cut(_NOT_NEEDED)
        return room

    def flush(self) -> bool:
        """Everything that was written goes to the client now. Only once committed."""
        head, self._head = self._head, b""
        return self._channel.send(head + parts.FLUSH, b"", b"", MORE)

    async def room(self) -> None:
        """Waits until there is room. Raises RequestAborted."""
        await self._channel.room()

    def informational(self, status: int, fields: Iterable[Field]) -> None:
        """Sends an interim response. Raises ServeHTTPError."""
        if not 100 <= status <= 199 or status == 101:
            raise ServeHTTPError(
                "invalid-argument",
                f"informational({status}): the status is 100 or 102 to 199; 101 is what hijack() is for",
            )
        self.check_open()
        if status == 100:
            # A client waits for one 100 at the most, and only where it has said so.
            if not self.continue_due:
                return
            self.continue_due = False
        if self._informational_count >= INFORMATIONAL_COUNT_MAX - self.continue_due:
            raise ServeHTTPError(
                "invalid-argument",
                f"an exchange has at most {INFORMATIONAL_COUNT_MAX} informational responses",
            )
        encoded = parts.informational_part(status, fields)
        self._informational_count += 1
        self._channel.send(encoded, b"", b"", MORE)

    def ask_for_body(self) -> None:
        """Asks for the body that the client holds back. Raises ServeHTTPError."""
        if self.continue_due:
            if self.state == COMMITTED:
                self.body.cut(_TOO_LATE_TO_ASK)
                raise _TOO_LATE_TO_ASK
            self.informational(100, ())

    def extend_head(self, milliseconds: int) -> None:
        """Asks for more time until the head."""
        if self.state == OPEN:
            self._channel.send(parts.extend_head_part(milliseconds), b"", b"", MORE)

    def hijack(self) -> Tunnel:
        """Takes the client's connection over. Raises ServeHTTPError."""
        self.check_open()
        if not self.init.hijackable:
            raise ServeHTTPError(
                "hijack-not-possible",
                "this client's connection can't be taken over: the request is no upgrade that the "
                "host allows, or it came over HTTP/2",
            )
        self.state = HIJACKED
        self.body.drop()
        self.tunnel = Tunnel(self._channel, self.init.tunnel_head)
        self._channel.send(parts.HIJACK, b"", b"", HIJACKS)
        return self.tunnel

    def check_open(self) -> None:
        """Raises ServeHTTPError unless the response has still to begin."""
        self.check_writable()
        if self.state != OPEN:
            raise ServeHTTPError("already-committed", "the response's head is committed")

    def check_writable(self) -> None:
        """Raises ServeHTTPError unless the response can still be written."""
        if self.state == ENDED:
            raise ServeHTTPError("already-ended", "the response has ended")
        if self.state == HIJACKED:
            raise ServeHTTPError("already-hijacked", "the connection was taken over")
        if self.state == FAILED and self.failure is not None:
            raise self.failure

    def returned(self, trailers: Iterable[Field] = ()) -> None:
        """What served the exchange is done: what it left open is ended."""
        if self.tunnel is not None:
            self.tunnel.close()
        elif self.state == COMMITTED or self.state == OPEN:
            if self.state == OPEN:
                self.commit(self.head(200, ()))
            self.write(b"", True, trailers)
        self.body.drop()

    def threw(self, thrown: BaseException) -> None:
        """What served the exchange has failed: the client gets 500, or a broken transfer."""
        if thrown is self.failure or thrown is self.abort_reason:
            return
        chain = thrown.__cause__ or thrown.__context__
        if self.abort_reason is not None:
            if chain is not self.abort_reason:
                self.logger.warning(
                    "the handler failed after its exchange was given up (%s)",
                    self.abort_reason.code,
                    exc_info=thrown,
                    extra={"requestId": self.request_id},
                )
            return
        # What this package finds wrong says by itself what that is.
        known = isinstance(thrown, ServeHTTPError) and thrown.code == "handler-failed"
        self.logger.error(
            "%s",
            thrown if known else "the handler failed",
            exc_info=thrown,
            extra={"requestId": self.request_id},
        )
        self.give_up()

    def give_up(self) -> None:
        """Breaks the exchange off, unless its response has ended."""
        if self.state in (OPEN, COMMITTED, HIJACKED):
            self._fail(ServeHTTPError("handler-failed", "the handler failed"))

    def fail(self, message: str) -> ServeHTTPError:
        """The handler answered something impossible. Logs it; returns the error to raise."""
        self.logger.error(message, extra={"requestId": self.request_id})
        error = ServeHTTPError("handler-failed", message)
        self._fail(error)
        return error

    def _fail(self, error: ServeHTTPError) -> None:
        self.state = FAILED
        self.failure = error
        self._channel.reset(error)
        if self.tunnel is not None:
            self.tunnel.abort(error)
        self.body.cut(error)


_NO_INIT = RequestInit()
_TRACEPARENT = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_NOT_NEEDED = ServeHTTPError(
    "request-not-needed", "the response has ended, so the rest of the request's body doesn't come"
)
_TOO_LATE_TO_ASK = ServeHTTPError(
    "already-committed",
    "the client waits for a 100 (Continue), which can't follow the response's head: read the body, "
    "or call informational(100), before the first write",
)
