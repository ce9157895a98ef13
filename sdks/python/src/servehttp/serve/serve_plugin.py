"""Serves a plugin: the public way in."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import ssl
import sys
from types import TracebackType
from typing import Any, cast

from ..adapters.asgi import ASGIApplication, AsgiService
from ..adapters.native import NativeService, ServeHTTP
from ..adapters.wsgi import WSGIApplication, WsgiService
from ..carrier.channel import Channel
from ..carrier.exchange_server import ExchangeServer
from ..errors import RequestAborted, ServeHTTPError
from ..exchange.exchange import Exchange, Service
from ..exchange.new_exchange import new_exchange
from ..limits import DRAIN_SECONDS, LINGER_SECONDS, WSGI_THREADS
from ..tls.server_tls import ServerTls
from ..tls.tls_files import TlsFiles
from ..version import __version__
from .listen import Listener, listen
from .loop_watch import LoopWatch
from .process_end import Signals, end_with_host
from .settings import HostVariables, read_settings, take_host_variables
from .stderr_log import plugin_logger

_POLL_SECONDS = 0.01


class RunningPlugin:
    """A plugin that is being served. open -> closing -> closed [close]"""

    def __init__(
        self,
        server: ExchangeServer,
        service: Service,
        listener: Listener,
        signals: Signals,
        plugin_id: str | None,
        drain_seconds: float,
    ) -> None:
        self._server = server
        self._service = service
        self._listener = listener
        self._watch = LoopWatch(service.logger)
        self._signals = signals
        self._drain_seconds = drain_seconds
        self._closing: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()
        self.plugin_id = plugin_id
        """What the host calls this plugin, where it says so."""
        signals.then(self._begin_close, listener.remove_file)

    @property
    def address(self) -> str:
        """Where it listens, as hosts write it: ``unix:/path``, or ``127.0.0.1:PORT``."""
        return str(self._listener.address)

    @property
    def in_flight(self) -> int:
        """How many handlers are running."""
        return self._service.running

    async def close(self) -> None:
        """Ends the plugin, as SIGTERM does.

        Takes no new exchanges, waits for those that run, gives up what is left after the drain time
        (``plugin-closing``), and closes its connections.
        """
        self._begin_close()
        await self._closed.wait()

    async def wait_closed(self) -> None:
        """Waits until the plugin is closed, by ``close`` or by a signal."""
        await self._closed.wait()

    async def __aenter__(self) -> RunningPlugin:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _begin_close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())

    async def _close(self) -> None:
        loop = asyncio.get_running_loop()
        self._listener.close()
        self._server.drain()
        deadline = loop.time() + self._drain_seconds
        # A host may have opened exchanges before it heard of the draining; so it is given a moment.
        while await self._is_busy(deadline) or not await self._is_closed(LINGER_SECONDS):
            if self._service.running == 0 and self._server.exchange_count == 0:
                break
            if loop.time() >= deadline:
                self._server.give_up(RequestAborted("plugin-closing", "the plugin is closing"))
                await self._is_closed(LINGER_SECONDS)
                break
        self._server.abort()
        try:
            await self._service.shutdown()
        except Exception:
            self._service.logger.exception("the application failed as it shut down")
        self._watch.stop()
        self._signals.restore()
        self._closed.set()

    async def _is_busy(self, deadline: float) -> bool:
        """Waits for what runs. Returns whether the time is over and something still runs."""
        loop = asyncio.get_running_loop()
        while self._service.running or self._server.exchange_count:
            if loop.time() >= deadline:
                return True
            await asyncio.sleep(_POLL_SECONDS)
        return False

    async def _is_closed(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._server.closed(), seconds)
        except asyncio.TimeoutError:
            return False
        return True


async def start_plugin(
    handler: ServeHTTP | None = None,
    *,
    asgi: ASGIApplication | None = None,
    wsgi: WSGIApplication | None = None,
    address: str | None = None,
    token: str | None = None,
    plugin_id: str | None = None,
    drain_seconds: float = DRAIN_SECONDS,
    logger: logging.Logger | None = None,
    tls: ssl.SSLContext | TlsFiles | None = None,
    threads: int = WSGI_THREADS,
) -> RunningPlugin:
    """Starts to serve a plugin; returns when it accepts exchanges. ``serve_plugin`` says what is what.

    Raises ServeHTTPError ``invalid-argument`` for an option that is not allowed, and for an address
    on which it can't listen.
    """
    variables = take_host_variables(os.environ)
    return await _start(
        variables,
        handler,
        asgi,
        wsgi,
        address,
        token,
        plugin_id,
        drain_seconds,
        logger,
        tls,
        threads,
    )


async def serve_plugin(
    handler: ServeHTTP | None = None,
    *,
    asgi: ASGIApplication | None = None,
    wsgi: WSGIApplication | None = None,
    address: str | None = None,
    token: str | None = None,
    plugin_id: str | None = None,
    drain_seconds: float = DRAIN_SECONDS,
    logger: logging.Logger | None = None,
    tls: ssl.SSLContext | TlsFiles | None = None,
    threads: int = WSGI_THREADS,
) -> None:
    """Serves a plugin until a signal or its host ends it: ``asyncio.run(serve_plugin(serve_http))``.

    Give one of: ``handler``, an ``async def serve_http(request, response)``; ``asgi``, an ASGI 3
    application; ``wsgi``, a WSGI application.

    ``address`` is where to listen, ``unix:/path`` or ``HOST:PORT``; default: ``SERVEHTTP_ADDRESS`` of
    the environment, which a host sets, else what follows ``--listen`` on the command line. ``token``
    is what a host must show; default: ``SERVEHTTP_TOKEN``, without it everybody is let in.
    ``plugin_id`` is what the host calls the plugin; default: ``SERVEHTTP_PLUGIN_ID``. These variables
    are removed from the environment. ``drain_seconds`` is how long SIGTERM waits for what runs.
    ``logger`` gets failures of handlers; default: JSON lines on standard error, which a host takes
    into its own log. ``tls`` serves TLS: ``TlsFiles``, or an ``ssl.SSLContext``; default, at a port: the
    files that ``SERVEHTTP_TLS_CERT_FILE``, ``SERVEHTTP_TLS_KEY_FILE`` and ``SERVEHTTP_TLS_CA_FILE`` name,
    with the names of ``SERVEHTTP_TLS_SUBJECT_ALT_NAMES``; else no TLS. ``threads`` is how many requests a WSGI application serves at
    once.

    A mistake in these, where ``address`` is not given, is one line on standard error and exit code 2.
    """
    try:
        plugin = await start_plugin(
            handler,
            asgi=asgi,
            wsgi=wsgi,
            address=address,
            token=token,
            plugin_id=plugin_id,
            drain_seconds=drain_seconds,
            logger=logger,
            tls=tls,
            threads=threads,
        )
    except ServeHTTPError as error:
        if address is None and error.code == "invalid-argument":
            # A person or a host reads this, and a traceback would only hide the message.
            print(error, file=sys.stderr, flush=True)
            raise SystemExit(2) from None
        raise
    try:
        await plugin.wait_closed()
    except asyncio.CancelledError:
        await plugin.close()
        raise


async def _start(
    variables: HostVariables,
    handler: ServeHTTP | None,
    asgi: Any,
    wsgi: Any,
    address: str | None,
    token: str | None,
    plugin_id: str | None,
    drain_seconds: float,
    logger: logging.Logger | None,
    tls: ssl.SSLContext | TlsFiles | None,
    threads: int,
) -> RunningPlugin:
    settings = read_settings(address, token, plugin_id, variables, sys.argv)
    log = plugin_logger(logger)
    wanted = tls if tls is not None else settings.tls
    own_tls = ServerTls(wanted, log) if isinstance(wanted, TlsFiles) else None
    context = own_tls.context if own_tls is not None else cast("ssl.SSLContext | None", wanted)
    service = _service(handler, asgi, wsgi, log, threads)
    await service.startup()

    def accept(channel: Channel) -> Exchange:
        return new_exchange(channel, service)

    refusal_of = None if own_tls is None else own_tls.refusal_of
    server = ExchangeServer(accept, settings.token, _software(), refusal_of)
    if context is not None:
        context.set_alpn_protocols(["h2"])
    signals = Signals()
    try:
        listener = await listen(settings.address, server.protocol, context)
        end_with_host(variables.host_fd, listener.remove_file)
    except BaseException:
        signals.restore()
        raise
    return RunningPlugin(server, service, listener, signals, settings.plugin_id, drain_seconds)


def _service(
    handler: ServeHTTP | None, asgi: Any, wsgi: Any, logger: logging.Logger, threads: int
) -> Service:
    given = [kind for kind in (handler, asgi, wsgi) if kind is not None]
    if len(given) != 1 or not callable(given[0]):
        raise ServeHTTPError(
            "invalid-argument",
            "give one handler: serve_plugin(serve_http), serve_plugin(asgi=app) or serve_plugin(wsgi=app)",
        )
    if asgi is not None:
        return AsgiService(asgi, logger)
    if wsgi is not None:
        return WsgiService(wsgi, logger, threads)
    return NativeService(cast("ServeHTTP", given[0]), logger)


def _software() -> str:
    loop = type(asyncio.get_running_loop()).__module__.split(".")[0]
    suffix = " uvloop" if loop == "uvloop" else ""
    return f"servehttp-python/{__version__} python/{platform.python_version()}{suffix}"
