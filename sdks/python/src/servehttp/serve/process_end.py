"""How the process ends: by a signal, or with the host that started it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable

from ..errors import ServeHTTPError


def end_with_host(host_fd: str | None, before: Callable[[], None]) -> None:
    """Ends this process when the host that started it has ended.

    The host holds one end of a pipe, which the kernel closes however the host ends. A thread of its
    own reads the other end, so that a handler which blocks the event loop can't keep the process
    alive. ``before`` is called in that thread. Raises ServeHTTPError ``invalid-argument``.
    """
    if not host_fd:
        return
    try:
        fd = int(host_fd)
        os.fstat(fd)
        os.set_inheritable(fd, False)
        os.set_blocking(fd, True)
    except (ValueError, OSError, OverflowError):
        raise ServeHTTPError(
            "invalid-argument",
            f'SERVEHTTP_HOST_FD is "{host_fd}", which is not the number of an open pipe',
        ) from None

    def wait() -> None:
        try:
            while os.read(fd, 64):
                pass
        except OSError:
            pass
        try:
            before()
        finally:
            os._exit(1)

    threading.Thread(target=wait, name="servehttp-host", daemon=True).start()


class Signals:
    """SIGTERM and SIGINT close the plugin; a second one ends the process at once.

    Outside the main thread, which alone gets signals, it does nothing. waiting -> ending [a signal]
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._installed = threading.current_thread() is threading.main_thread()
        self._ending = False
        self._close: Callable[[], None] | None = None
        self._before_exit: Callable[[], None] | None = None
        if self._installed:
            for number in _SIGNALS:
                self._loop.add_signal_handler(number, self._on_signal, number)

    def then(self, close: Callable[[], None], before_exit: Callable[[], None]) -> None:
        """What a signal does from now on, or at once, where one has come already."""
        self._close = close
        self._before_exit = before_exit
        if self._ending:
            close()

    def restore(self) -> None:
        """Signals do what they did before."""
        if self._installed:
            self._installed = False
            for number in _SIGNALS:
                self._loop.remove_signal_handler(number)

    def _on_signal(self, number: int) -> None:
        if self._ending:
            if self._before_exit is not None:
                self._before_exit()
            os._exit(128 + number)
        self._ending = True
        if self._close is not None:
            self._close()


_SIGNALS = (signal.SIGTERM, signal.SIGINT)
