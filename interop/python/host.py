"""A host on stock gRPC-python, on both carriers: checks a plugin that serves what every peer here serves.

    host.py TARGET TOKEN CARRIER CHECK

Says so where the plugin does as the contract says, and fails otherwise.
"""

import hashlib
import os
import queue
import sys
import traceback

import grpc
from servehttp.v1 import exchange_pb2 as exchange
from servehttp.v1 import mux_pb2 as mux
from servehttp.v1 import plugin_pb2 as plugin
from servehttp.v1 import plugin_pb2_grpc

CHUNK_BYTES = 60_000


class StreamExchange:
    """One exchange as one RPC."""

    def __init__(self, stub, metadata):
        self.requests = queue.SimpleQueue()
        self.call = stub.ServeHTTP(iter(self.requests.get, None), metadata=metadata)

    def send(self, **parts):
        self.requests.put(exchange.ServeHTTPRequest(**parts))
        if "end" in parts:
            self.requests.put(None)

    def receive(self):
        return next(self.call)

    def leave(self):
        self.call.cancel()


class ExchangeReset(Exception):
    """The plugin gave the exchange up."""


class MuxExchange:
    """One exchange as frames of an RPC that could carry more of them."""

    def __init__(self, stub, metadata):
        self.batches = queue.SimpleQueue()
        self.call = stub.ServeHTTPMux(iter(self.batches.get, None), metadata=metadata)
        self.credit_bytes = 262_144
        self.received = []
        self.exchange_id = 1

    def send(self, **parts):
        octets = len(parts.get("chunk", b""))
        while self.credit_bytes < octets:
            self.read_batch()
        self.credit_bytes -= octets
        self.send_frame(parts=exchange.ServeHTTPRequest(**parts))

    def receive(self):
        while not self.received:
            self.read_batch()
        parts = self.received.pop(0)
        if parts.chunk:
            self.send_frame(credit_bytes=len(parts.chunk))
        return parts

    def read_batch(self):
        for frame in next(self.call).frames:
            self.credit_bytes += frame.credit_bytes
            if frame.HasField("reset"):
                raise ExchangeReset(frame.reset)
            if frame.HasField("parts"):
                self.received.append(frame.parts)

    def leave(self):
        """Gives the exchange up. The RPC lives on: another exchange can follow."""
        self.send_frame(reset=exchange.Reset(code=exchange.RESET_CODE_CALLER_LEFT))
        self.exchange_id += 1

    def send_frame(self, **fields):
        frame = mux.RequestFrame(exchange_id=self.exchange_id, **fields)
        self.batches.put(mux.ServeHTTPMuxRequest(frames=[frame]))


def request_init(method, url, headers=()):
    return exchange.RequestInit(
        method=method,
        url=url,
        request_uri=f"/plugins/example{url}",
        protocol="HTTP/1.1",
        protocol_major=1,
        protocol_minor=1,
        headers=headers,
        content_length=0 if method == "GET" else -1,
        request_id="python",
        scheme="http",
    )


def read_all(one):
    """The response's parts, up to its end."""
    while True:
        parts = one.receive()
        yield parts
        if parts.HasField("end"):
            return


def describe(stub, metadata, _open):
    answer = stub.Describe(plugin.DescribeRequest(contract_versions=[1]), metadata=metadata)
    assert answer.contract_version == 1, answer
    assert answer.serves_http, answer
    assert plugin.CARRIER_MUX in answer.carriers, answer


def refuse_strangers(stub, _metadata, _open):
    try:
        stub.Describe(plugin.DescribeRequest(contract_versions=[1]))
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED, error
    else:
        raise AssertionError("a host without the token was let in")


def headers(_stub, _metadata, open_exchange):
    one = open_exchange()
    field = exchange.HeaderField(name="X-M", values=[b"a", b"caf\xe9"])
    one.send(init=request_init("GET", "/headers", [field]), end=exchange.End())
    parts = list(read_all(one))
    values = [
        value
        for part in parts
        for field in part.init.headers
        if field.name.lower() == "x-m"
        for value in field.values
    ]
    assert values == [b"a", b"caf\xe9"], values
    assert b"".join(part.chunk for part in parts) == b"GET /headers", parts


def echo(_stub, _metadata, open_exchange):
    one = open_exchange()
    one.send(init=request_init("POST", "/echo"))
    head = one.receive()
    while not head.HasField("init"):
        assert [interim.status for interim in head.informational] == [103], head
        head = one.receive()
    assert head.init.status == 200, head
    sent, echoed, octets = hashlib.sha256(), hashlib.sha256(), 0
    for _ in range(20):
        chunk = os.urandom(CHUNK_BYTES)
        one.send(chunk=chunk)
        sent.update(chunk)
        octets += len(chunk)
        received = 0
        while received < len(chunk):
            parts = one.receive()
            echoed.update(parts.chunk)
            received += len(parts.chunk)
    one.send(end=exchange.End())
    trailers = [field for parts in read_all(one) for field in parts.end.trailers]
    assert echoed.digest() == sent.digest()
    assert [(field.name.lower(), *field.values) for field in trailers] == [
        ("x-bytes", b"%d" % octets)
    ], trailers


def early(_stub, _metadata, open_exchange):
    one = open_exchange()
    one.send(init=request_init("POST", "/early"))
    statuses = [parts.init.status for parts in read_all(one) if parts.HasField("init")]
    assert statuses == [413], statuses


def cut_off(_stub, _metadata, open_exchange):
    one = open_exchange()
    one.send(init=request_init("POST", "/echo"))
    one.send(chunk=b"half of it")
    while one.receive().chunk != b"half of it":
        pass
    one.leave()
    other = one if isinstance(one, MuxExchange) else open_exchange()
    other.send(init=request_init("GET", "/cut-off"), end=exchange.End())
    text = b"".join(parts.chunk for parts in read_all(other))
    assert text == b"the request was cut off", text


def unfinished(_stub, _metadata, open_exchange):
    one = open_exchange()
    one.send(init=request_init("GET", "/unfinished"), end=exchange.End())
    try:
        parts = list(read_all(one))
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.INTERNAL, error
    except ExchangeReset as error:
        assert error.args[0].code == exchange.RESET_CODE_HANDLER_FAILED, error
    else:
        raise AssertionError(f"a response without an end looks complete: {parts}")


def main():
    target, token, carrier, check = sys.argv[1:]
    metadata = (("authorization", f"Bearer {token}"),)
    kind = {"stream": StreamExchange, "mux": MuxExchange}[carrier]
    checks = (describe, refuse_strangers, headers, echo, early, cut_off, unfinished)
    by_name = {function.__name__: function for function in checks}
    with grpc.insecure_channel(target) as channel:
        stub = plugin_pb2_grpc.PluginServiceStub(channel)
        by_name[check](stub, metadata, lambda: kind(stub, metadata))
    print("as the contract says", flush=True)


try:
    main()
except Exception:
    traceback.print_exc()
    os._exit(1)
os._exit(0)  # Not by the way of the interpreter, which would wait for requests that nobody sends any more.
