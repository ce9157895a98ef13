"""Says when a handler blocks the event loop, and where."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback

from ..limits import BLOCKED_SECONDS


class LoopWatch:
    """A thread that looks whether the loop still turns, and logs the stack of one that does not."""

    def __init__(self, logger: logging.Logger, blocked_seconds: float = BLOCKED_SECONDS) -> None:
        self._loop = asyncio.get_running_loop()
        self._logger = logger
        self._blocked_seconds = blocked_seconds
        self._loop_thread = threading.get_ident()
        self._stopped = threading.Event()
        self._turned = threading.Event()
        threading.Thread(target=self._watch, name="servehttp-watch", daemon=True).start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stopped.set()
        self._turned.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._blocked_seconds / 2):
            self._turned.clear()
            asked = time.monotonic()
            try:
                self._loop.call_soon_threadsafe(self._turned.set)
            except RuntimeError:
                # The loop is closed.
                return
            if self._turned.wait(self._blocked_seconds):
                continue
            frame = sys._current_frames().get(self._loop_thread)  # pyright: ignore[reportPrivateUsage]
            stack = "".join(traceback.format_stack(frame)[-12:]) if frame is not None else ""
            self._logger.warning(
                "the event loop has been blocked for %.1f seconds: use await, or asyncio.to_thread",
                time.monotonic() - asked,
                extra={"stack": stack},
            )
            # Once for each time that it stands still.
            self._turned.wait()
