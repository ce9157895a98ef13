"""What every test file uses."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a test that is a coroutine, in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments: dict[str, Any] = {name: pyfuncitem.funcargs[name] for name in names}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), 60))
    return True


@pytest.fixture
def no_host_variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No host has started this process."""
    for name in ("ADDRESS", "TOKEN", "PLUGIN_ID", "HOST_FD"):
        monkeypatch.delenv(f"SERVEHTTP_{name}", raising=False)
    yield
