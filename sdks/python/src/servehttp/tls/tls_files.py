"""The certificates of a plugin, in files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Union

from ..errors import ServeHTTPError
from .subject_alt_names import FORMS, is_subject_alt_name

Path = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class TlsFiles:
    """TLS by files in PEM, for ``serve_plugin(…, tls=TlsFiles(…))``.

    They are looked at for each new connection, so that a certificate that was replaced counts from
    then on, however it was: written, renamed, or behind another link, as Kubernetes does it. A file
    that is broken or half written changes nothing, which the log says.
    """

    cert_file: Path
    """The plugin's certificate, with those between it and the authority's behind it."""
    key_file: Path
    """Its key, not encrypted."""
    ca_file: Path | None = None
    """Who may have signed a host's certificate. Where it is given, a host must show one (mTLS)."""
    subject_alt_names: Sequence[str] = ()
    """Names of which a host's certificate must have one: DNS names, and SPIFFE IDs such as
    ``spiffe://example.org/ns/hosts/sa/host``, ``spiffe://example.org/ns/*`` for all below, and
    ``spiffe://example.org`` for a whole trust domain. Empty: whatever the authority has signed."""

    def __post_init__(self) -> None:
        """Raises ServeHTTPError ``invalid-argument`` for what would let in whom it should not."""
        if isinstance(self.subject_alt_names, str):
            raise _invalid("subject_alt_names is a text: give a list of them")
        for name in self.subject_alt_names:
            if not is_subject_alt_name(name):
                raise _invalid(f"subject_alt_names has {name!r}: allowed are {FORMS}")
        if self.subject_alt_names and self.ca_file is None:
            raise _invalid(
                "subject_alt_names needs an authority that hosts must be certified by: "
                "ca_file, SERVEHTTP_TLS_CA_FILE"
            )


@dataclass(frozen=True)
class TlsVariables:
    """What the environment says of TLS."""

    cert_file: str | None = None
    key_file: str | None = None
    ca_file: str | None = None
    subject_alt_names: str | None = None


def tls_of_environment(variables: TlsVariables) -> TlsFiles | None:
    """The files that the variables name; None where none is set.

    Raises ServeHTTPError ``invalid-argument`` for one that is empty, which by mistake would let
    everybody in.
    """
    given = {
        "SERVEHTTP_TLS_CERT_FILE": variables.cert_file,
        "SERVEHTTP_TLS_KEY_FILE": variables.key_file,
        "SERVEHTTP_TLS_CA_FILE": variables.ca_file,
        "SERVEHTTP_TLS_SUBJECT_ALT_NAMES": variables.subject_alt_names,
    }
    for name, value in given.items():
        if value is not None and not value.strip():
            raise _invalid(f"{name} is empty: give it a value, or leave it out")
    if all(value is None for value in given.values()):
        return None
    if variables.cert_file is None or variables.key_file is None:
        raise _invalid("TLS needs SERVEHTTP_TLS_CERT_FILE and SERVEHTTP_TLS_KEY_FILE")
    names = variables.subject_alt_names
    return TlsFiles(
        variables.cert_file,
        variables.key_file,
        variables.ca_file,
        () if names is None else tuple(name.strip() for name in names.split(",")),
    )


def _invalid(message: str) -> ServeHTTPError:
    return ServeHTTPError("invalid-argument", message)
