"""A connection that ``h2`` serves: Describe, health, the stream carrier, and mux of any other host."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from ..limits import CONNECTION_WINDOW_BYTES, LINGER_SECONDS, STREAM_WINDOW_BYTES, STREAMS_MAX
from .frames import NO_ERROR, REFUSED_STREAM, goaway_frame
from .h2_stream import H2Stream

ServeRpc = Callable[[H2Stream, dict[str, str]], None]
"""Serves an RPC: its stream, and the fields of its request. Sets ``end_of_stream``."""

_WIDEN_BYTES = 1_048_576


class H2Connection(asyncio.Protocol):
    """The plugin's end of a connection with any number of streams."""

    def __init__(
        self,
        transport: asyncio.Transport,
        serve: ServeRpc,
        on_lost: Callable[[H2Connection], None],
    ) -> None:
        self._transport = transport
        self._serve = serve
        self._on_lost = on_lost
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="latin-1")
        )
        self._h2.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW_BYTES,
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS_MAX,
                h2.settings.SettingCodes.MAX_FRAME_SIZE: 131_072,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 65_536,
            },
        )
        self._h2.max_inbound_frame_size = 131_072
        self._streams: dict[int, H2Stream] = {}
        self._turns: deque[H2Stream] = deque()
        self._paused = False
        self._closed = False
        self._planned = False
        self._draining = False
        self._loop = asyncio.get_running_loop()
        # Bytes that came since the connection's window was last widened.
        self._unsaid = 0
        transport.set_write_buffer_limits(high=262_144, low=65_536)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(CONNECTION_WINDOW_BYTES - 65_535)
        self.flush()

    # -- asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        if self._closed:
            return
        # What the streams say meanwhile goes out behind it, in one write.
        self._planned = True
        try:
            for event in self._h2.receive_data(data):
                self._take(event)
        except h2.exceptions.ProtocolError:
            self._write_ready()
            self._close()
            return
        self.flush()

    def eof_received(self) -> bool | None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._lose_streams()
        self._on_lost(self)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self.flush()

    def drain(self) -> None:
        """Takes no new streams; closes when those that are open have ended."""
        if not self._draining and not self._closed:
            self._draining = True
            # `h2` itself sends GOAWAY only as the end of everything, and streams still run.
            self._write_ready()
            self._transport.write(goaway_frame(self._h2.highest_inbound_stream_id, NO_ERROR))
            self._close_when_drained()

    def abort(self) -> None:
        """Closes the connection at once."""
        self._transport.abort()

    # -- for its streams

    def send_headers(self, stream_id: int, headers: list[tuple[str, str]], ends: bool) -> None:
        """Sends a header section."""
        try:
            self._h2.send_headers(stream_id, headers, end_stream=ends)
        except h2.exceptions.ProtocolError:
            return
        self._plan()

    def reset_stream(self, stream_id: int, code: int) -> None:
        """Sends RST_STREAM."""
        self._forget(stream_id)
        try:
            self._h2.reset_stream(stream_id, code)
        except h2.exceptions.ProtocolError:
            return
        self._plan()
        self._close_when_drained()

    def stream_ended(self, stream: H2Stream) -> None:
        """The plugin's way has ended. The host's may go on."""
        if stream.id not in self._streams or self._is_complete(stream.id):
            self._forget(stream.id)
            self._close_when_drained()

    def widen(self, stream_id: int, size: int) -> None:
        """Gives the host credit on a stream."""
        try:
            self._h2.increment_flow_control_window(size, stream_id)
        except (h2.exceptions.ProtocolError, ValueError, KeyError):
            # `h2` has read all that came before it tells of the first of it: a stream whose data is
            # taken here may be over there, and then it is a KeyError.
            return
        self._plan()

    def wants_turn(self, stream: H2Stream) -> None:
        """The stream has something to send."""
        if stream not in self._turns:
            self._turns.append(stream)
        self._plan()

    def flush(self) -> None:
        """Sends what the windows allow, a frame of each stream in turn."""
        self._planned = False
        if self._closed:
            return
        stuck: list[H2Stream] = []
        while self._turns and not self._paused:
            stream = self._turns.popleft()
            if stream.is_over:
                continue
            if not self._send_one(stream):
                if stream.has_waiting:
                    stuck.append(stream)
                continue
            self._turns.append(stream)
            self._write_ready()
        self._turns.extend(stuck)
        self._write_ready()

    def _send_one(self, stream: H2Stream) -> bool:
        try:
            trailers = stream.trailers_due()
            if trailers is not None:
                self._h2.send_headers(stream.id, trailers, end_stream=True)
                self.stream_ended(stream)
                return False
            window = self._h2.local_flow_control_window(stream.id)
            piece = stream.take_turn(min(window, self._h2.max_outbound_frame_size))
            if piece is None:
                return False
            self._h2.send_data(stream.id, piece)
        except h2.exceptions.ProtocolError:
            stream.gone(None)
            self._forget(stream.id)
            return False
        if stream.end_of_stream is not None:
            stream.end_of_stream.has_room()
        return True

    # -- what comes in

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.DataReceived):
            self._take_data(event)
        elif isinstance(event, h2.events.RequestReceived):
            fields: dict[str, str] = {}
            for name, value in event.headers:
                fields.setdefault(str(name), str(value))
            stream = H2Stream(self, event.stream_id)
            if self._draining:
                self._h2.reset_stream(event.stream_id, REFUSED_STREAM)
                return
            self._streams[event.stream_id] = stream
            self._serve(stream, fields)
        elif isinstance(event, h2.events.StreamEnded):
            ended = self._streams.get(event.stream_id)
            if ended is not None:
                if ended.end_of_stream is not None:
                    ended.end_of_stream.end_received()
                if ended.is_over:
                    self._forget(event.stream_id)
                    self._close_when_drained()
        elif isinstance(event, h2.events.StreamReset):
            reset = self._forget(event.stream_id)
            if reset is not None:
                reset.gone(int(event.error_code))
                self._close_when_drained()
        elif isinstance(event, h2.events.ConnectionTerminated) and event.error_code:
            self._close()

    def _take_data(self, event: h2.events.DataReceived) -> None:
        size = event.flow_controlled_length
        self._unsaid += size
        if self._unsaid >= _WIDEN_BYTES:
            self._h2.increment_flow_control_window(self._unsaid)
            self._unsaid = 0
        stream = self._streams.get(event.stream_id)
        if stream is None or stream.end_of_stream is None:
            return
        data = bytes(event.data)
        stream.taken(size - len(data) + stream.end_of_stream.data_received(data))

    def _lose_streams(self) -> None:
        for stream_id, stream in list(self._streams.items()):
            stream.gone(None)
            self._forget(stream_id)

    def _forget(self, stream_id: int) -> H2Stream | None:
        stream = self._streams.pop(stream_id, None)
        if stream is not None and stream.on_closed is not None:
            stream.on_closed()
        return stream

    def _is_complete(self, stream_id: int) -> bool:
        stream = self._h2.streams.get(stream_id)
        return stream is None or stream.closed

    def _write_ready(self) -> None:
        data = self._h2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def _plan(self) -> None:
        if not self._planned:
            self._planned = True
            self._loop.call_soon(self._flush_planned)

    def _flush_planned(self) -> None:
        if self._planned:
            self.flush()

    def _close_when_drained(self) -> None:
        if self._draining and not self._streams:
            self._loop.call_soon(self._close)

    def _close(self) -> None:
        if not self._closed:
            self.flush()
            self._closed = True
            if self._transport.can_write_eof():
                self._transport.write_eof()
                self._loop.call_later(LINGER_SECONDS, self._transport.close)
            else:
                self._transport.close()
            self._lose_streams()
