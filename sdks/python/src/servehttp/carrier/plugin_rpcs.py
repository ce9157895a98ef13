"""The RPCs that are not exchanges: Describe, and grpc.health.v1."""

from __future__ import annotations

from ..errors import ServeHTTPError
from ..limits import CONTRACT_VERSION
from ..wire import grpc
from ..wire.rpc_messages import (
    HEALTHY,
    NOT_SERVING,
    describe_response,
    no_common_version,
    read_contract_versions,
    read_health_service,
)
from .h2_stream import H2Stream

_REQUEST_BYTES_MAX = 65_536
_SERVICES = ("", "servehttp.v1.PluginService")


class _UnaryRpc:
    """Waits for the one message of its request."""

    def __init__(self, stream: H2Stream) -> None:
        self.stream = stream
        self._messages = grpc.MessageReader(_REQUEST_BYTES_MAX)
        self._answered = False

    def data_received(self, data: bytes) -> int:
        if not self._answered:
            try:
                for message, begin, end in self._messages.push(data):
                    if not self._answered:
                        self._answered = True
                        self.answer(message[begin:end])
            except ServeHTTPError as error:
                self._answered = True
                self.stream.end(grpc.error_trailers(error))
        return len(data)

    def answer(self, message: bytes) -> None:
        """Answers. May raise ServeHTTPError."""
        raise NotImplementedError

    def end_received(self) -> None:
        if not self._answered:
            self._answered = True
            self.stream.end(grpc.status_trailers(3, "the request has no message"))

    def closed(self, code: int | None) -> None:
        self._answered = True

    def has_room(self) -> None:
        pass

    def reply(self, message: bytes) -> None:
        """Sends one message."""
        self.stream.write(grpc.message_head(len(message)) + message)


class DescribeRpc(_UnaryRpc):
    """Says who the plugin is."""

    def __init__(self, stream: H2Stream, software: str) -> None:
        super().__init__(stream)
        self._software = software

    def answer(self, message: bytes) -> None:
        offered = read_contract_versions(message)
        if CONTRACT_VERSION not in offered:
            raise no_common_version(offered)
        self.reply(describe_response(self._software))
        self.stream.end(grpc.OK_TRAILERS)


class ServingState:
    """Whether the plugin serves, for health. serving -> not serving [stop]"""

    def __init__(self) -> None:
        self.serving = True
        self.watchers: set[HealthRpc] = set()

    def stop(self) -> None:
        """The plugin closes."""
        self.serving = False
        for watcher in list(self.watchers):
            watcher.changed()


class HealthRpc(_UnaryRpc):
    """Check, or Watch."""

    def __init__(self, stream: H2Stream, state: ServingState, watch: bool) -> None:
        super().__init__(stream)
        self._state = state
        self._watch = watch

    def answer(self, message: bytes) -> None:
        service = read_health_service(message)
        if service not in _SERVICES:
            self.stream.end(grpc.status_trailers(5, "there is no such service"))
            return
        self.reply(HEALTHY if self._state.serving else NOT_SERVING)
        if self._watch and self._state.serving:
            self._state.watchers.add(self)
        else:
            self.stream.end(grpc.OK_TRAILERS)

    def changed(self) -> None:
        """The plugin closes."""
        self._state.watchers.discard(self)
        self.reply(NOT_SERVING)
        self.stream.end(grpc.OK_TRAILERS)

    def closed(self, code: int | None) -> None:
        super().closed(code)
        self._state.watchers.discard(self)
