"""JSON lines on standard error, with the names and levels of pino. A host takes them into its log."""

from __future__ import annotations

import json
import logging
import sys
import traceback

from ..limits import LOG_LINE_BYTES_MAX

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """A record as one line that hosts don't cut: where it is too long, its texts are shortened."""

    def format(self, record: logging.LogRecord) -> str:
        extra = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        line = ""
        for length_max in (1_000_000, 2_000, 500, 100):
            fields: dict[str, object] = {
                "level": max(10, record.levelno + 10),
                "time": int(record.created * 1_000),
                **{name: _shown(value, length_max) for name, value in extra.items()},
            }
            if record.exc_info and record.exc_info[1] is not None:
                fields["err"] = _error(record.exc_info[1], length_max)
            fields["msg"] = _cut(record.getMessage(), length_max)
            line = json.dumps(fields, ensure_ascii=False)
            if len(line.encode("utf-8", "replace")) <= LOG_LINE_BYTES_MAX:
                break
        return line


def plugin_logger(given: logging.Logger | None) -> logging.Logger:
    """The logger to use: the given one, else ``servehttp``, which writes JSON lines on standard error
    unless the application has set up logging."""
    if given is not None:
        return given
    logger = logging.getLogger("servehttp")
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger


def _error(error: BaseException, length_max: int) -> dict[str, object]:
    stack = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    # The end of a traceback says what happened.
    shown = stack if len(stack) <= length_max else "…" + stack[-length_max:]
    return {"type": type(error).__name__, "message": _cut(_text(error), length_max), "stack": shown}


def _shown(value: object, length_max: int) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _cut(_text(value), length_max)


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f"a {type(value).__name__}"


def _cut(text: str, length_max: int) -> str:
    return text if len(text) <= length_max else text[:length_max] + "…"
