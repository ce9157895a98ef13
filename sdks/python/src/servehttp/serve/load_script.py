"""Finds the application in a file, for those who name the file alone."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import ServeHTTPError
from .load_app import Kind, kind_of

_NAMES = ("app", "application", "serve_http")


def load_script(path: str) -> tuple[Callable[..., Any], Kind]:
    """Imports the file, and takes its ``app``, ``application`` or ``serve_http``, the first it has.

    What it is, ASGI, WSGI or a handler, is seen by how it can be called. Raises ServeHTTPError
    ``invalid-argument`` in one line where there is none, and what the file raises where it doesn't
    import.
    """
    file = Path(path)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if not file.is_file() or spec is None or spec.loader is None:
        raise ServeHTTPError("invalid-argument", f'there is no file "{path}"')
    # As for a script that Python runs: what lies beside it can be imported.
    sys.path.insert(0, str(file.resolve().parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    for name in _NAMES:
        app = getattr(module, name, None)
        if callable(app):
            return app, kind_of(app)
    wanted = "an app, an application (ASGI or WSGI) or a serve_http(request, response)"
    raise ServeHTTPError("invalid-argument", f'"{path}" has none of these: {wanted}')
