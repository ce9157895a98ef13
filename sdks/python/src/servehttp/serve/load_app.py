"""Loads an application that is named ``module:app``."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any, Literal

from ..errors import ServeHTTPError

Kind = Literal["asgi", "wsgi", "handler"]


def load_app(target: str, kind: Kind) -> Callable[..., Any]:
    """Imports the module, from the working directory or from where Python finds it.

    Raises ServeHTTPError ``invalid-argument`` in one line where the module has no such application,
    or one of another kind; and what the module raises where it doesn't import.
    """
    module_name, colon, path = target.partition(":")
    if not module_name or (colon and not path):
        raise _invalid(f'"{target}" is no application: give MODULE:NAME, such as main:app')
    path = path or "app"
    if "" not in sys.path and "." not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            # A module that the application imports is missing, which its traceback says.
            raise
        raise _invalid(f'there is no module "{error.name}" here') from None
    for name in path.split("."):
        if not hasattr(found, name):
            raise _invalid(f'the module "{module_name}" has no "{path}"')
        found = getattr(found, name)
    if not callable(found):
        raise _invalid(f'"{target}" is a {type(found).__name__}, which can\'t be called')
    app: Callable[..., Any] = found
    _check_kind(target, kind, app)
    return app


def kind_of(app: Callable[..., Any]) -> Kind:
    """What an application is, by how it can be called."""
    if _takes(app, 3) and not _takes(app, 2):
        return "asgi"
    if _takes(app, 2) and not _takes(app, 3):
        return "handler" if _is_async(app) else "wsgi"
    return "asgi" if _is_async(app) else "wsgi"


def _check_kind(target: str, kind: Kind, app: Callable[..., Any]) -> None:
    if kind == "asgi" and _takes(app, 2) and not _takes(app, 3):
        hint = "--handler" if _is_async(app) else "--wsgi"
        what = "a handler of servehttp" if _is_async(app) else "a WSGI application"
        raise _invalid(f'"{target}" looks like {what}: start it with {hint}')
    if kind == "wsgi" and (_is_async(app) or (_takes(app, 3) and not _takes(app, 2))):
        raise _invalid(f'"{target}" looks like an ASGI application: leave out --wsgi')
    if kind == "handler" and _takes(app, 3) and not _takes(app, 2):
        raise _invalid(f'"{target}" looks like an ASGI application: leave out --handler')


def _is_async(app: Callable[..., Any]) -> bool:
    call: object = getattr(type(app), "__call__", None)
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(call)


def _takes(app: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(app).bind(*range(count))
    except TypeError:
        return False
    except ValueError:
        # Built in, with a signature that nobody knows.
        return True
    return True


def _invalid(message: str) -> ServeHTTPError:
    return ServeHTTPError("invalid-argument", message)
