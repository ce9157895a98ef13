"""Tasks whose first step runs at once, where Python can do that."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine


def start_task(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[object, object, None]
) -> asyncio.Task[None]:
    """Runs a coroutine as a task.

    From Python 3.12 on its first step runs before this returns. A handler that never waits is then
    done, and costs no turn of the loop.
    """
    if sys.version_info >= (3, 12):
        return asyncio.Task(coroutine, loop=loop, eager_start=True)
    return loop.create_task(coroutine)
