"""Lists and mappings that go on from others without copying them.

A plan on a kept run adds a few records to hundreds of thousands. Copies of all of them
would take most of its time, and the garbage collector would walk over each.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import SupportsIndex

Record = TypeVar("Record")
Key = TypeVar("Key")
Value = TypeVar("Value")


class Behind(list[Record]):
    """A list that goes on where another ends; that one stays as it is.

    The records behind are those of the list itself. What takes the place of a record
    of the other list is held beside both.
    """

    def __init__(self, before: Sequence[Record]) -> None:
        own: list[Record] = []
        instead: dict[int, Record] = {}
        if isinstance(before, Behind):
            own, before, instead = before.parts()
        super().__init__(own)
        self._before: Sequence[Record] = before
        self._instead = dict(instead)
        self._first = len(before)

    def parts(self) -> tuple[list[Record], Sequence[Record], dict[int, Record]]:
        """Records behind, the other list, and what is instead of its own."""
        return self.own, self._before, self._instead

    @property
    def own(self) -> list[Record]:
        """The records behind the other list."""
        return list.__getitem__(self, slice(None))

    def __len__(self) -> int:
        """Count all records."""
        return self._first + list.__len__(self)

    def __iter__(self) -> Iterator[Record]:
        """Walk over all records."""
        for place in range(self._first):
            yield self[place]
        yield from self.own

    def __getitem__(self, place: SupportsIndex | slice) -> Record:  # type: ignore[override]
        """Record by its place in the whole; some as a list."""
        if isinstance(place, slice):
            places = range(*place.indices(len(self)))
            return [self[at] for at in places]  # type: ignore[return-value]
        at = place.__index__()
        if at < 0:
            at += len(self)
        if at >= self._first:
            return list.__getitem__(self, at - self._first)
        if at < 0:
            message = "There is no record so far before the end."
            raise IndexError(message)
        return self._instead[at] if at in self._instead else self._before[at]

    def __setitem__(self, place: SupportsIndex | slice, record: Record) -> None:  # type: ignore[override]
        """Put a record in the place of another."""
        if isinstance(place, slice):
            message = "Records are exchanged one by one."
            raise TypeError(message)
        at = place.__index__()
        if at >= self._first:
            list.__setitem__(self, at - self._first, record)
        else:
            self._instead[at] = record


class Overlay(MutableMapping[Key, Value]):
    """A mapping that differs from another in few entries; that one stays as it is."""

    def __init__(self, below: Mapping[Key, Value]) -> None:
        own: dict[Key, Value] = {}
        gone: set[Key] = set()
        if isinstance(below, Overlay):
            own, below, gone = below.parts()
        self._own, self._gone = dict(own), set(gone)
        self._below: Mapping[Key, Value] = below

    def parts(self) -> tuple[dict[Key, Value], Mapping[Key, Value], set[Key]]:
        """Entries set here, the other mapping, and what is gone of it."""
        return self._own, self._below, self._gone

    def __getitem__(self, key: Key) -> Value:
        """Entry."""
        if key in self._own:
            return self._own[key]
        if key in self._gone:
            raise KeyError(key)
        return self._below[key]

    def __setitem__(self, key: Key, value: Value) -> None:
        """Set an entry."""
        self._own[key] = value

    def __delitem__(self, key: Key) -> None:
        """Take an entry away."""
        if key not in self:
            raise KeyError(key)
        self._own.pop(key, None)
        if key in self._below:
            self._gone.add(key)

    def __contains__(self, key: object) -> bool:
        """Whether there is an entry."""
        return key in self._own or (key not in self._gone and key in self._below)

    def __iter__(self) -> Iterator[Key]:
        """Walk over the keys; those that were set here come last."""
        for key in self._below:
            if key not in self._gone and key not in self._own:
                yield key
        yield from self._own

    def __len__(self) -> int:
        """Count the entries."""
        return sum(1 for _ in self)
