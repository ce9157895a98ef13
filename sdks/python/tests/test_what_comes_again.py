"""What is kept of one request or response never shows in another that differs from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from servehttp import ServeHTTPError
from servehttp.carrier.channel import ENDS, MORE, Channel
from servehttp.carrier.mux import PluginMux
from servehttp.limits import MUX_MESSAGE_BYTES_MAX
from servehttp.wire.mux_frames import read_frames
from servehttp.wire.protobuf import delimited, varint
from servehttp.wire.request_init import RequestInit, read_init
from servehttp.wire.request_parts import RequestParts
from servehttp.wire.response_parts import init_part, known_init_part

from .host_rig import serving
from .wire_rig import END, HIJACKABLE, context, fields, init

FIELDS = [(b"X-A", b"1"), (b"Accept", b"*/*")]


def read(data: bytes) -> dict[str, object]:
    """A head, as every attribute of it."""
    tag_and_length = len(data) - len(fields_of(data))
    found = read_init(data, tag_and_length, len(data))
    names = [name for name in RequestInit.__slots__ if name != "headers"]
    return {**{name: getattr(found, name) for name in names}, "headers": found.headers.pairs}


def fields_of(data: bytes) -> bytes:
    (content,) = fields(data)[1]
    assert isinstance(content, bytes)
    return content


HEADS = [
    init(),
    init("GET", "/a", FIELDS),
    init("GET", "/a", [*FIELDS, (b"X-B", b"2")]),
    init("GET", "/a", FIELDS[:1]),
    init("GET", "/ab", FIELDS),
    init("PUT", "/a", FIELDS, 3),
    init("PUT", "/a", FIELDS, -1),
    init("GET", "/a", FIELDS, more=context("user", "ann")),
    init("GET", "/a", FIELDS, more=context("user", "ann") + context("tenant", "x")),
    init("GET", "/a", FIELDS, more=HIJACKABLE),
    init("GET", "/a", FIELDS, more=HIJACKABLE + delimited(b"\x92\x01", b"/plugins/p")),
    init("GET", "/a", FIELDS, more=HIJACKABLE + delimited(b"\xaa\x01", b"abc-1")),
    init("GET", "/a", FIELDS, more=HIJACKABLE + delimited(b"\xaa\x01", b"abc-22")),
    init("GET", "/a", FIELDS, more=delimited(b"\xaa\x01", b"abc-1")),
    init(
        "GET", "/a", FIELDS, more=HIJACKABLE + delimited(b"\xaa\x01", b"abc-1") + context("a", "b")
    ),
    # Another host than ours may write fields in any order, and twice.
    init("GET", "/a", FIELDS, more=delimited(b"\x0a", b"POST") + delimited(b"\x62", b"other")),
    init("GET", "/a", FIELDS, more=delimited(b"\x4a", delimited(b"\x0a", b"X-C") + b"\x12\x01c")),
    delimited(b"\x0a", b""),
    delimited(b"\x0a", context("user", "bob")),
    delimited(b"\x0a", delimited(b"\x0a", b"GET")),
]


def test_a_head_is_read_alike_whatever_came_before_it() -> None:
    alone: list[dict[str, object]] = []
    for head in HEADS:
        # Nothing of it was in the request before.
        read(init("HEAD", "/other", [(b"Other", b"1")], 9, context("other", "x")))
        alone.append(read(head))
    assert alone[15]["method"] == b"POST" and alone[15]["request_id"] == b"other"
    assert alone[16]["headers"] == (*FIELDS, (b"X-C", b"c"))
    for index, head in enumerate(HEADS):
        for before in HEADS:
            read(before)
            assert read(head) == alone[index]
            assert read(head) == alone[index]


def test_more_header_fields_than_allowed_are_refused_at_any_place() -> None:
    many = [(b"x", b"1")] * 600
    behind = b"".join(delimited(b"\x4a", delimited(b"\x0a", b"y") + b"\x12\x011") for _ in many)
    for head in (init(headers=many * 2), init(headers=many, more=behind)):
        with pytest.raises(ServeHTTPError, match="more than 1000 header fields"):
            read(head)


def outcome(data: bytes) -> object:
    """What is read, or why not."""
    message = delimited(b"\x0a", b"\x08\x01" + delimited(b"\x12", data))
    try:
        read_frames(message, 0, len(message))
        return read(data)
    except ServeHTTPError as error:
        return str(error)


def test_a_cut_head_is_seen_to_be_cut_whatever_came_before_it() -> None:
    connection_id = delimited(b"\xaa\x01", b"abc-1")
    head = init("GET", "/a", FIELDS, more=HIJACKABLE + connection_id)
    content = fields_of(head)
    refused = 0
    for size in range(1, len(content)):
        cut = delimited(b"\x0a", content[:size])
        read(init("HEAD", "/other"))
        alone = outcome(cut)
        refused += isinstance(alone, str)
        read(head)
        assert outcome(cut) == alone
    assert refused > len(content) // 2


async def test_what_an_application_changes_is_changed_for_its_request_alone(tmp_path: Path) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            told = scope["extensions"]["servehttp"]["context"]
            seen.append((list(scope["headers"]), dict(told), dict(scope["extensions"])))
            scope["headers"].append((b"x-user", b"root"))
            told["user"] = "root"
            scope["extensions"]["more"] = {}
            headers = [(b"x-a", b"1")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            headers.append((b"x-late", b"1"))
            await send({"type": "http.response.body"})

    async with serving(tmp_path, "mux", asgi=app) as host:
        for _ in range(3):
            exchange = host.open(init("GET", "/a", FIELDS, more=context("user", "ann")) + END)
            assert (await exchange.over()).headers == [(b"x-a", b"1")]
    assert seen[0][1] == {"user": "ann"}
    assert seen[0][:2] == seen[1][:2] == seen[2][:2]
    assert seen[0][2].keys() == seen[2][2].keys()


def test_a_head_of_a_response_is_known_by_what_it_is() -> None:
    made = init_part(200, ((b"x-known", b"1"),))
    assert known_init_part(200, ((b"x-known", b"1"),)) == made
    assert known_init_part(201, ((b"x-known", b"1"),)) is None
    assert known_init_part(200, (("x-known", "1"),)) is None
    assert known_init_part(200, ([b"x-known", b"1"],)) is None
    with pytest.raises(ServeHTTPError):
        init_part(200, ((b"x-known", b"1\n"),))


class _Rpc:
    """Keeps the messages of a mux."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    def write(self, message: bytes) -> None:
        self.messages.append(message)

    def end(self, trailers: list[tuple[str, str]]) -> None:
        pass


class _LongHead:
    """Answers with a head of 100 KB and a short body."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def receive(self, parts: RequestParts, /) -> None:
        head = init_part(200, [(b"x", b"y" * 100_000)])
        self._channel.send(head, b"", b"", MORE)
        self._channel.send(b"", b"body", b"\x32\x00", ENDS)

    def abort(self, error: object, /) -> None:
        pass


async def test_no_message_of_mux_gets_too_long_however_long_the_heads_are() -> None:
    rpc = _Rpc()
    mux = PluginMux(rpc, _LongHead)
    mux.pause()
    for number in range(1, 31):
        message = delimited(b"\x0a", b"\x08" + varint(number) + delimited(b"\x12", init() + END))
        mux.receive_message(message, 0, len(message))
    mux.flush()
    assert len(rpc.messages) == 1
    mux.resume()
    assert max(map(len, rpc.messages)) < MUX_MESSAGE_BYTES_MAX
    found = [frame for message in rpc.messages for frame in fields(message).get(1, [])]
    assert len(found) == 60 and mux.exchange_count == 0
