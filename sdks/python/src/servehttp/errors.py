"""The errors of this package: one class with a closed set of codes, and one subclass to catch."""

from __future__ import annotations

from typing import Literal

ErrorCode = Literal[
    "already-committed",
    "already-ended",
    "already-hijacked",
    "already-read",
    "body-too-large",
    "client-disconnected",
    "deadline",
    "handler-failed",
    "hijack-not-possible",
    "host-stopping",
    "invalid-argument",
    "overload",
    "plugin-closing",
    "protocol-violation",
    "request-not-needed",
    "unauthenticated",
]


class ServeHTTPError(Exception):
    """What this package raises. ``code`` says what happened, the message says it in words."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code: ErrorCode = code


class RequestAborted(ServeHTTPError):
    """The exchange was given up: the upload was cut off, the client left, a time ran out, the host went.

    Raised by the request's body, and by writes. ``code`` says why: ``client-disconnected``,
    ``deadline``, ``host-stopping``, ``plugin-closing``, ``handler-failed`` or
    ``protocol-violation``.
    """
