"""TLS of a plugin that listens, with the certificates as they are when a host connects."""

from __future__ import annotations

import logging
import os
import ssl
import time
from collections.abc import Callable

from ..errors import ServeHTTPError
from .subject_alt_names import has_subject_alt_name, names_of
from .tls_files import TlsFiles

_TELL_SECONDS = 1.0
"""A log is told of hosts that are refused once in so many seconds."""


class ServerTls:
    """Reads the files again where they have changed. What can't be used changes nothing."""

    def __init__(self, files: TlsFiles, logger: logging.Logger) -> None:
        """Raises ServeHTTPError ``invalid-argument`` where the files can't be used."""
        self._files = files
        self._logger = logger
        self._told: str | None = None
        self._told_at = -_TELL_SECONDS
        try:
            self._stamp = self._stamp_now()
            self.context: ssl.SSLContext = self._read()
            """For the server; each connection is moved to the newest one at its first message."""
        except _Unusable as error:
            raise ServeHTTPError("invalid-argument", f"tls can't be used: {error}") from error
        self._newest = self.context
        self.context.sni_callback = self._use_newest

    def refusal_of(self, connection: ssl.SSLObject) -> str | None:
        """Why the host on this connection is not let in; None where it is."""
        if self._files.ca_file is not None and connection.session_reused:
            return "this plugin resumes no sessions"
        names = self._files.subject_alt_names
        certificate = connection.getpeercert() or {}
        if not names or has_subject_alt_name(certificate, names):
            return None
        why = (
            f"it is for {names_of(certificate)}, which is none of the names that this plugin "
            "allows (subject_alt_names)"
        )
        self._tell(f"a host's certificate was refused: {why}")
        return why

    def _use_newest(
        self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext
    ) -> None:
        # Called whether or not the host asks for a name.
        try:
            stamp = self._stamp_now()
            if stamp != self._stamp:
                self._newest = self._read()
                self._stamp = stamp
                self._told = None
                self._logger.info("new connections use the new certificate")
        except _Unusable as error:
            if self._told != str(error):
                self._told = str(error)
                self._logger.warning("%s; the certificates from before stay in use", error)
        connection.context = self._newest

    def _stamp_now(self) -> tuple[object, ...]:
        """What changes with each change to the files."""
        stamps: list[int] = []
        for name, path in self._paths():
            found = _opened(name, path, lambda path=path: os.stat(path))  # type: ignore[misc]
            stamps += [found.st_dev, found.st_ino, found.st_size]
            stamps += [found.st_mtime_ns, found.st_ctime_ns]
        return tuple(stamps)

    def _paths(self) -> list[tuple[str, str]]:
        files = self._files
        named = [("cert_file", files.cert_file), ("key_file", files.key_file)]
        if files.ca_file is not None:
            named.append(("ca_file", files.ca_file))
        return [(name, os.fspath(path)) for name, path in named]

    def _read(self) -> ssl.SSLContext:
        try:
            return self._read_once()
        except _Unusable:
            # The files may just be exchanged, of which only the first was the old one.
            return self._read_once()

    def _read_once(self) -> ssl.SSLContext:
        cert, key, *ca = self._paths()
        for name, path in (cert, *ca):
            _check_certificates(name, path)
        context = _TellingContext(ssl.PROTOCOL_TLS_SERVER)
        context.on_refusal = self._on_failure
        context.set_alpn_protocols(["h2"])
        # Hosts resume no sessions, and one would outlive the certificates that it began with.
        context.num_tickets = 0
        context.options |= ssl.OP_NO_TICKET
        try:
            # Without a password, OpenSSL would ask at the terminal for that of an encrypted key.
            context.load_cert_chain(cert[1], key[1], password="")
        except (ssl.SSLError, OSError, ValueError) as error:
            raise _Unusable(f"{cert[0]} {cert[1]}, {key[0]} {key[1]}: {_fault(error)}") from error
        for name, path in ca:
            context.verify_mode = ssl.CERT_REQUIRED
            try:
                context.load_verify_locations(cafile=path)
            except (ssl.SSLError, OSError) as error:
                raise _Unusable(f"{name} {path}: {_fault(error)}") from error
        return context

    def _on_failure(self, error: ssl.SSLError) -> None:
        reason = getattr(error, "verify_message", "") or error.reason or str(error)
        self._tell(f"a host was refused: {reason.replace('_', ' ').lower()}")

    def _tell(self, message: str) -> None:
        now = time.monotonic()
        if now - self._told_at >= _TELL_SECONDS:
            self._told_at = now
            self._logger.warning("%s", message)


_NO_TLS = ("HTTP_REQUEST", "WRONG_VERSION_NUMBER")
"""Who does not speak TLS understands no alert."""


class _Unusable(Exception):
    """Files that can't be used."""


class _TellingObject(ssl.SSLObject):
    """Lets the alert out by which OpenSSL refuses a host: asyncio and uvloop close the connection of a
    handshake that failed, and leave what was to be written."""

    _failure: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        if self._failure is not None:
            raise self._failure
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self._failure = error
            context = self.context
            if isinstance(context, _TellingContext) and context.on_refusal is not None:
                context.on_refusal(error)
            if error.reason in _NO_TLS:
                raise
            # To wait for more is to write first.
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "the alert goes first") from error


class _TellingContext(ssl.SSLContext):
    sslobject_class = _TellingObject
    on_refusal: Callable[[ssl.SSLError], None] | None = None


def _opened(name: str, path: str, read: Callable[[], os.stat_result]) -> os.stat_result:
    try:
        return read()
    except FileNotFoundError as error:
        raise _Unusable(f"{name} {path}: no such file") from error
    except PermissionError as error:
        raise _Unusable(f"{name} {path}: no permission to read it") from error
    except OSError as error:
        raise _Unusable(f"{name} {path}: {error.strerror}") from error


def _check_certificates(name: str, path: str) -> None:
    """OpenSSL takes what it finds, and so would use a file that was half written."""
    try:
        with open(path, encoding="latin-1") as file:
            pem = file.read()
    except OSError as error:
        raise _Unusable(f"{name} {path}: {(error.strerror or str(error)).lower()}") from error
    begun = pem.count("-----BEGIN CERTIFICATE-----")
    if begun == 0:
        raise _Unusable(f"{name} {path}: no certificate in PEM")
    if begun != pem.count("-----END CERTIFICATE-----"):
        raise _Unusable(f"{name} {path}: it ends, or is broken, within a certificate")


def _fault(error: Exception) -> str:
    """OpenSSL's words are for those who know OpenSSL."""
    reason = getattr(error, "reason", None) or str(error)
    if reason == "KEY_VALUES_MISMATCH":
        return "the key is not the certificate's"
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, ssl.SSLError):
        return "no certificate and key in PEM, or an encrypted key"
    return str(reason)
