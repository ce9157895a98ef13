"""The names of which a host's certificate must have one."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

_SPIFFE_ID_BYTES_MAX = 2_048
_DOMAIN = r"spiffe://[a-z0-9._\-]{1,255}"
_SEGMENT = r"/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._\-]+"
_ID = re.compile(rf"{_DOMAIN}(?:{_SEGMENT})+")
_PATTERN = re.compile(rf"{_DOMAIN}(?:{_SEGMENT})*(?:/\*)?")
_DNS_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_\-]{1,63}(?:\.[A-Za-z0-9_\-]{1,63})*")

FORMS = (
    'DNS names and SPIFFE IDs: "host.example.org", "spiffe://example.org/ns/hosts/sa/host", '
    '"spiffe://example.org/ns/hosts/*", or "spiffe://example.org" for its whole trust domain'
)
"""What may stand in a list of names, for messages."""


def is_subject_alt_name(text: str) -> bool:
    """Whether the text may stand in a list of names: a DNS name; a SPIFFE ID, for all below it with
    ``/*`` at its end; a trust domain, for all that is in it."""
    if text.startswith("spiffe:"):
        return len(text) <= _SPIFFE_ID_BYTES_MAX and _PATTERN.fullmatch(text) is not None
    return _DNS_NAME.fullmatch(text) is not None and not _is_address(text)


def has_subject_alt_name(certificate: dict[str, Any], names: Sequence[str]) -> bool:
    """Whether a certificate, as ``getpeercert()`` gives it, has one of the names.

    A SPIFFE ID counts only where the certificate has one URI and no other, with a path (X509-SVID,
    section 5.2). A DNS name is one of its DNS names, where ``*`` may stand for the first label.
    """
    found: Sequence[tuple[str, str]] = certificate.get("subjectAltName", ())
    uris = [value for kind, value in found if kind == "URI"]
    dns_names = [value.lower() for kind, value in found if kind == "DNS"]
    is_svid = len(uris) == 1 and len(uris[0]) <= _SPIFFE_ID_BYTES_MAX and _ID.fullmatch(uris[0])
    for name in names:
        if name.startswith("spiffe:"):
            if is_svid and _is_member(uris[0], name):
                return True
        elif any(_is_named(name.lower(), own) for own in dns_names):
            return True
    return False


def names_of(certificate: dict[str, Any]) -> str:
    """The names of a certificate, for messages."""
    found: Sequence[tuple[str, str]] = certificate.get("subjectAltName", ())
    return ", ".join(f"{kind}:{value}" for kind, value in found) or "no name but its subject"


def _is_member(identity: str, pattern: str) -> bool:
    if pattern.endswith("/*"):
        return identity.startswith(pattern[:-1])
    if "/" not in pattern[len("spiffe://") :]:
        return identity.startswith(f"{pattern}/")
    return identity == pattern


def _is_named(name: str, own: str) -> bool:
    if own.startswith("*."):
        first, _, rest = name.partition(".")
        return bool(first) and rest == own[2:]
    return name == own


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
