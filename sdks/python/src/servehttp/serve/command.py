"""The command ``servehttp-plugin``."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
import traceback
from collections.abc import Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from ..adapters.asgi_lifespan import LifespanFailed
from ..errors import ServeHTTPError
from ..limits import DRAIN_SECONDS, WSGI_THREADS
from ..version import __version__
from .load_app import Kind, load_app
from .load_script import load_script
from .serve_plugin import serve_plugin


def main(argv: Sequence[str] | None = None) -> None:
    """Serves an application. Exit code 2 for what was said wrong, 1 for what failed, 0 after an end."""
    parser = argparse.ArgumentParser(
        prog="servehttp-plugin",
        description="Serves an ASGI application, or a WSGI one, as a plugin of a servehttp host.",
    )
    parser.add_argument(
        "app",
        metavar="MODULE:APP",
        help="the application, such as main:app; or a file, such as main.py, with an app in it",
    )
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--wsgi", action="store_true", help="it is a WSGI application")
    kinds.add_argument(
        "--handler", action="store_true", help="it is a serve_http(request, response)"
    )
    parser.add_argument(
        "--listen",
        metavar="ADDRESS",
        help="where to listen, unix:/path or HOST:PORT, where no host starts it",
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=WSGI_THREADS,
        metavar="N",
        help="for WSGI (default: %(default)s)",
    )
    parser.add_argument(
        "--drain-seconds",
        type=float,
        default=DRAIN_SECONDS,
        metavar="S",
        help="(default: %(default)s)",
    )
    parser.add_argument("--version", action="version", version=__version__)
    given = parser.parse_args(argv)
    kind: Kind = "wsgi" if given.wsgi else "handler" if given.handler else "asgi"
    # The module is imported before there is a loop, as by any server.
    try:
        if given.app.endswith(".py"):
            app, kind = load_script(given.app)
        else:
            app = load_app(given.app, kind)
    except ServeHTTPError as error:
        _end(2, str(error))
    except SystemExit:
        raise
    except BaseException as error:
        traceback.print_exception(type(error), error, _from_the_module_on(error.__traceback__))
        _end(1, f'the module of "{given.app}" does not import')
    options: dict[str, Any] = {kind: app} if kind != "handler" else {"handler": app}
    try:
        _run(serve_plugin(**options, threads=given.threads, drain_seconds=given.drain_seconds))
    except LifespanFailed as error:
        _end(1, f"the application did not start: {error}")


def _from_the_module_on(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without what imports the module."""
    own = str(Path(__file__).parent)
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith((own, "<frozen importlib")) and Path(file) != _IMPORTLIB:
            break
        trace = trace.tb_next
    return trace


_IMPORTLIB = Path(importlib.__file__)


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    """On uvloop where it is installed."""
    try:
        uvloop: Any = importlib.import_module("uvloop")
    except ImportError:
        asyncio.run(coroutine)
        return
    if sys.version_info >= (3, 11):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(coroutine)
    else:
        uvloop.install()
        asyncio.run(coroutine)


def _end(code: int, line: str) -> NoReturn:
    print(line, file=sys.stderr, flush=True)
    raise SystemExit(code)
