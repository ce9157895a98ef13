"""Header fields as a handler sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Union, cast

from ..wire.header_fields import Field

HeadersInput = Union["HeaderList", Mapping[str, str], Iterable[tuple[str, str]]]
"""What is taken for headers: pairs of name and value, or a mapping."""


class HeaderList:
    """Header fields: several values a name, order kept, names compared without regard to case.

    Values are text of one character a byte (Latin-1). Iteration gives pairs of name and value, one
    for each value.
    """

    __slots__ = ("_pairs",)

    def __init__(self, fields: HeadersInput = ()) -> None:
        self._pairs = _pairs_of(fields)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of that name."""
        lower = name.lower()
        for other, value in self._pairs:
            if other.lower() == lower:
                return value
        return default

    def get_all(self, name: str) -> list[str]:
        """All values of that name, in order."""
        lower = name.lower()
        return [value for other, value in self._pairs if other.lower() == lower]

    def set(self, name: str, value: str) -> None:
        """This value in place of all of that name."""
        lower = name.lower()
        for index, (other, _) in enumerate(self._pairs):
            if other.lower() == lower:
                self._pairs[index] = (name, value)
                self._pairs[index + 1 :] = [
                    pair for pair in self._pairs[index + 1 :] if pair[0].lower() != lower
                ]
                return
        self._pairs.append((name, value))

    def append(self, name: str, value: str) -> None:
        """One more value."""
        self._pairs.append((name, value))

    def delete(self, name: str) -> None:
        """Removes all values of that name."""
        lower = name.lower()
        self._pairs = [pair for pair in self._pairs if pair[0].lower() != lower]

    def has(self, name: str) -> bool:
        """Whether there is a value of that name."""
        return self.get(name) is not None

    def items(self) -> list[tuple[str, str]]:
        """Pairs of name and value."""
        return list(self._pairs)

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: str) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        self.delete(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.has(name)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(list(self._pairs))

    def __len__(self) -> int:
        return len(self._pairs)

    def __repr__(self) -> str:
        return f"HeaderList({self._pairs!r})"


def header_list_of(fields: Iterable[Field]) -> HeaderList:
    """Fields of the wire as a list."""
    return HeaderList((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields)


def fields_of(headers: HeadersInput) -> list[Field]:
    """A list as fields of the wire. Raises UnicodeEncodeError for text that is not Latin-1."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in _pairs_of(headers)]


def _pairs_of(headers: HeadersInput) -> list[tuple[str, str]]:
    if isinstance(headers, HeaderList):
        return headers.items()
    if isinstance(headers, Mapping):
        return list(cast("Mapping[str, str]", headers).items())
    return [(name, value) for name, value in headers]
