"""A handler that blocks the event loop is named."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from servehttp import PluginRequest, ResponseWriter

from .host_rig import serving
from .wire_rig import END, init


class Unblock(logging.Handler):
    """Lets the handler go on once something was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.logged = threading.Event()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.logged.set()


async def test_a_handler_that_blocks_the_loop_is_logged_with_its_stack(tmp_path: Path) -> None:
    unblock = Unblock()
    logger = logging.getLogger("tests.loop_watch")
    logger.addHandler(unblock)

    async def the_culprit(request: PluginRequest, response: ResponseWriter) -> None:
        assert unblock.logged.wait(30)

    async with serving(tmp_path, "mux", the_culprit, logger=logger) as host:
        assert (await host.open(init() + END).over()).status == 200
    (record,) = unblock.records
    assert record.getMessage().startswith("the event loop has been blocked for ")
    assert "in the_culprit" in record.__dict__["stack"]
