"""The smallest correct plugin on stock grpc.aio: it echoes."""

import asyncio
import contextlib
import hmac
import os
import signal

import grpc
from servehttp.v1 import exchange_pb2 as exchange
from servehttp.v1 import plugin_pb2 as plugin
from servehttp.v1 import plugin_pb2_grpc


class Plugin(plugin_pb2_grpc.PluginServiceServicer):
    cuts = 0  # Uploads that were cut off.

    async def Describe(self, request, context):
        if 1 not in request.contract_versions:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "this plugin speaks version 1")
        carriers = [plugin.CARRIER_STREAM]
        return plugin.DescribeResponse(
            contract_version=1, serves_http=True, carriers=carriers, software="smallest grpc.aio"
        )

    async def ServeHTTP(self, messages, context):
        """One exchange. An exception ends the RPC with UNKNOWN: the host answers 500."""
        message = await anext(aiter(messages), None)
        if message is None:
            return  # A close before init: the host has changed its mind.
        url = message.init.url
        if url.endswith("?fail"):
            raise RuntimeError("as asked")
        head = exchange.ResponseInit(status=200)
        if url == "/cut":
            text = str(self.cuts).encode()
            yield exchange.ServeHTTPResponse(init=head, chunk=text, end=exchange.End())
            return
        ended = False
        try:
            yield exchange.ServeHTTPResponse(init=head, flush=True)  # Before the body has come.
            while True:  # The loop waits for the client, yield for room: that is the back-pressure.
                if message.chunk:  # 64 KiB at most: what is longer has to be cut.
                    yield exchange.ServeHTTPResponse(chunk=message.chunk)
                if message.HasField("end"):
                    ended = True
                    yield exchange.ServeHTTPResponse(end=exchange.End())
                    return
                # A host that gives up looks like a quiet end of the messages: only `end` proves one.
                message = await anext(aiter(messages), None)
                if message is None:
                    raise EOFError("the upload was cut off")
        finally:
            self.cuts += not ended


async def health(_request, _context):
    return b"\x08\x01"  # SERVING, where grpcio-health-checking is not at hand.


class RefuseStrangers(grpc.aio.ServerInterceptor):
    def __init__(self, token):
        self.expected = f"Bearer {token}".encode()

    async def intercept_service(self, continuation, details):
        given = dict(details.invocation_metadata).get("authorization", "").encode()
        if hmac.compare_digest(given, self.expected):
            return await continuation(details)
        return grpc.stream_stream_rpc_method_handler(refuse)


async def refuse(_messages, context):
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is missing or wrong")


async def main():
    address = os.environ["SERVEHTTP_ADDRESS"]
    token = os.environ.pop("SERVEHTTP_TOKEN", "")
    server = grpc.aio.server(interceptors=[RefuseStrangers(token)] if token else [])
    plugin_pb2_grpc.add_PluginServiceServicer_to_server(Plugin(), server)
    check = grpc.unary_unary_rpc_method_handler(health)
    handler = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check})
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(address)
    await server.start()
    terminate = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate.set)
    await terminate.wait()
    await server.stop(grace=60)  # GOAWAY; what runs ends.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(address.removeprefix("unix:"))


asyncio.run(main())
