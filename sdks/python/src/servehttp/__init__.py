"""Python plugins for servehttp: a process of their own that serves HTTP behind a host.

import asyncio
from servehttp import serve_plugin

async def serve_http(request, response):
    response.headers["content-type"] = "text/plain"
    await response.end("hello")

asyncio.run(serve_plugin(serve_http))
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 -- pip sees to it, but not everybody installs by pip
    raise ImportError(
        "servehttp needs Python 3.10 or later, and this is Python "
        + ".".join(map(str, sys.version_info[:3]))
    )

from .adapters.native import ServeHTTP
from .errors import ErrorCode, RequestAborted, ServeHTTPError
from .exchange.body import BodyIterator
from .exchange.header_list import HeaderList, HeadersInput
from .exchange.request import PluginRequest
from .exchange.response import Chunk, ResponseWriter
from .exchange.tunnel import Tunnel
from .serve.serve_plugin import RunningPlugin, serve_plugin, start_plugin
from .tls.tls_files import TlsFiles
from .version import __version__

__all__ = [
    "BodyIterator",
    "Chunk",
    "ErrorCode",
    "HeaderList",
    "HeadersInput",
    "PluginRequest",
    "RequestAborted",
    "ResponseWriter",
    "RunningPlugin",
    "ServeHTTP",
    "ServeHTTPError",
    "TlsFiles",
    "Tunnel",
    "__version__",
    "serve_plugin",
    "start_plugin",
]
