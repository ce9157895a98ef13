"""A plugin on stock gRPC-python, on both carriers.

The modules of `servehttp.v1` are generated from the contract:

    protoc -I proto -I third_party/proto --python_out=DIR --grpc_python_out=DIR \
        --plugin=protoc-gen-grpc_python=$(command -v grpc_python_plugin) FILE.proto ...
"""

import hmac
import os
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from servehttp.v1 import exchange_pb2 as exchange
from servehttp.v1 import mux_pb2 as mux
from servehttp.v1 import plugin_pb2 as plugin
from servehttp.v1 import plugin_pb2_grpc


class ExamplePlugin(plugin_pb2_grpc.PluginServiceServicer):
    def __init__(self):
        self.cuts = 0  # Uploads that were cut off.
        self.changed = threading.Condition()

    def Describe(self, request, context):
        if 1 not in request.contract_versions:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "this plugin speaks version 1")
        return plugin.DescribeResponse(
            contract_version=1,
            serves_http=True,
            carriers=[plugin.CARRIER_STREAM, plugin.CARRIER_MUX],
            software="interop grpc-python",
        )

    def ServeHTTP(self, requests, context):
        """One exchange: reads the parts of a request, yields the parts of its response."""
        first = next(requests, None)
        if first is None:
            return  # A close before init: the host changed its mind.
        if first.init.url.endswith("?fail"):
            raise RuntimeError("as asked")
        answer = {
            "/headers": self.headers,
            "/cut": self.count_cuts,
            "/cut-off": self.cut_off,
            "/early": self.early,
            "/unfinished": self.unfinished,
        }.get(first.init.url, self.echo)
        yield from answer(first.init, read_body(first, requests))

    def ServeHTTPMux(self, batches, _context):
        """Many exchanges over one RPC."""
        yield mux.ServeHTTPMuxResponse()  # The hello.
        outbox = queue.SimpleQueue()
        reading = (batches, outbox, lambda requests: self.ServeHTTP(requests, None))
        threading.Thread(target=read_batches, args=reading, daemon=True).start()
        while (frame := outbox.get()) is not None:
            yield mux.ServeHTTPMuxResponse(frames=[frame])

    def headers(self, init, _body):
        yield exchange.ServeHTTPResponse(
            init=exchange.ResponseInit(
                status=200,
                headers=[field for field in init.headers if field.name.lower().startswith("x-")],
            ),
            chunk=f"{init.method} {init.url}".encode(),
            end=exchange.End(),
        )

    def echo(self, _init, body):
        link = exchange.HeaderField(name="Link", values=[b"</style.css>; rel=preload"])
        octets = 0
        whole = False
        try:
            yield exchange.ServeHTTPResponse(
                informational=[exchange.InformationalResponse(status=103, headers=[link])],
                init=exchange.ResponseInit(status=200),
                flush=True,
            )
            for chunk in body:
                octets += len(chunk)
                yield exchange.ServeHTTPResponse(chunk=chunk)
            whole = True
        finally:  # Also where gRPC stops asking for the response.
            with self.changed:
                self.cuts += not whole
                self.changed.notify_all()
        count = exchange.HeaderField(name="X-Bytes", values=[b"%d" % octets])
        yield exchange.ServeHTTPResponse(end=exchange.End(trailers=[count]))

    def cut_off(self, _init, _body):
        yield exchange.ServeHTTPResponse(init=exchange.ResponseInit(status=200), flush=True)
        with self.changed:
            self.changed.wait_for(lambda: self.cuts > 0)
        yield exchange.ServeHTTPResponse(chunk=b"the request was cut off", end=exchange.End())

    def count_cuts(self, _init, _body):
        yield exchange.ServeHTTPResponse(
            init=exchange.ResponseInit(status=200), chunk=b"%d" % self.cuts, end=exchange.End()
        )

    def early(self, _init, _body):
        yield exchange.ServeHTTPResponse(
            init=exchange.ResponseInit(status=413), chunk=b"too much", end=exchange.End()
        )

    def unfinished(self, _init, _body):
        yield exchange.ServeHTTPResponse(
            init=exchange.ResponseInit(status=200), chunk=b"half of it"
        )


def read_body(first, rest):
    """The chunks of a body. Raises where the request stops without an end: it was cut off."""
    message = first
    while message is not None:
        if message.chunk:
            yield message.chunk
        if message.HasField("end"):
            return
        message = next(rest, None)
    raise EOFError("cut off")


class MuxExchange:
    """One exchange as frames of an RPC that carries more of them; a thread of its own answers it."""

    def __init__(self, exchange_id, outbox):
        self.exchange_id = exchange_id
        self.outbox = outbox
        self.received = queue.SimpleQueue()
        self.changed = threading.Condition()
        self.credit_bytes = 262_144
        self.aborted = False

    def accept(self, frame):
        if frame.HasField("parts"):
            self.received.put(frame.parts)
        with self.changed:
            self.credit_bytes += frame.credit_bytes
            self.changed.notify_all()
        if frame.HasField("reset"):
            self.abort()

    def abort(self):
        with self.changed:
            self.aborted = True
            self.changed.notify_all()
        self.received.put(None)

    def requests(self):
        """The parts that came. Gives credit as a chunk is taken, not as it arrives: that is the back-pressure."""
        while (parts := self.received.get()) is not None:
            if parts.chunk:
                self.send(credit_bytes=len(parts.chunk))
            yield parts

    def answer(self, serve):
        try:
            ended = False
            for parts in serve(self.requests()):
                self.take_credit(len(parts.chunk))
                self.send(parts=parts)
                ended = ended or parts.HasField("end")
            if not ended:
                raise EOFError("the handler stopped before the end of its response")
        except Exception:
            if not self.aborted:
                self.send(reset=exchange.Reset(code=exchange.RESET_CODE_HANDLER_FAILED))

    def take_credit(self, octets):
        with self.changed:
            self.changed.wait_for(lambda: self.aborted or self.credit_bytes >= octets)
            if self.aborted:
                raise ConnectionAbortedError("the host gave the exchange up")
            self.credit_bytes -= octets

    def send(self, **fields):
        self.outbox.put(mux.ResponseFrame(exchange_id=self.exchange_id, **fields))


def read_batches(batches, outbox, serve):
    exchanges = {}

    def run(one):
        one.answer(serve)
        del exchanges[one.exchange_id]

    try:
        for batch in batches:
            for frame in batch.frames:
                if frame.parts.HasField("init"):
                    one = MuxExchange(frame.exchange_id, outbox)
                    exchanges[frame.exchange_id] = one
                    threading.Thread(target=run, args=(one,), daemon=True).start()
                # There is none where the exchange is over: the frame is late, and ignored.
                if (one := exchanges.get(frame.exchange_id)) is not None:
                    one.accept(frame)
    except grpc.RpcError:
        pass  # The host is gone, or gave the RPC up.
    finally:
        for one in list(exchanges.values()):
            one.abort()
        outbox.put(None)


def healthy():
    """grpc.health.v1.Health, where grpcio-health-checking is not at hand: SERVING is field 1 of value 1."""
    check = grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"\x08\x01")
    return grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check})


class RefuseStrangers(grpc.ServerInterceptor):
    """Lets in only who knows the token, before any message is read."""

    def __init__(self, token):
        self.expected = f"Bearer {token}".encode()

    def intercept_service(self, continuation, details):
        given = dict(details.invocation_metadata).get("authorization", "").encode()
        if hmac.compare_digest(given, self.expected):
            return continuation(details)
        return grpc.stream_stream_rpc_method_handler(refuse)


def refuse(_requests, context):
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is missing or wrong")


def main():
    token = os.environ.get("SERVEHTTP_TOKEN")
    server = grpc.server(
        ThreadPoolExecutor(max_workers=100),  # An exchange on the stream carrier takes one.
        interceptors=[RefuseStrangers(token)] if token else [],
    )
    plugin_pb2_grpc.add_PluginServiceServicer_to_server(ExamplePlugin(), server)
    server.add_generic_rpc_handlers((healthy(),))
    server.add_insecure_port(os.environ["SERVEHTTP_ADDRESS"])
    server.start()
    server.wait_for_termination()


main()
