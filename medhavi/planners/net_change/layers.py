"""Sequences and mappings that go on from others without copying them.

A plan on a kept run adds a few records to hundreds of thousands. Copies of all of them
would take most of its time, and the garbage collector would walk over each.
"""

from __future__ import annotations

from collections.abc import MutableMapping, MutableSequence
from typing import TYPE_CHECKING, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Record = TypeVar("Record")
Key = TypeVar("Key")
Value = TypeVar("Value")


class Extension(MutableSequence[Record]):
    """A sequence that goes on where another ends; that one stays as it is.

    Records that take the place of one of the other sequence are held beside it.
    Records are appended and exchanged one by one; none is taken out.

    Parameters
    ----------
    before
        The sequence that is extended.
    """

    __slots__ = ("_before", "_exchanged", "_first", "_own")

    def __init__(self, before: Sequence[Record]) -> None:
        own: list[Record] = []
        exchanged: dict[int, Record] = {}
        # A long chain of extensions is held as one, so that each look-up is one step.
        if isinstance(before, Extension):
            own, exchanged, before = before.parts()
        self._before: Sequence[Record] = before
        self._own, self._exchanged = list(own), dict(exchanged)
        self._first = len(before)

    def parts(self) -> tuple[list[Record], dict[int, Record], Sequence[Record]]:
        """Records appended, records exchanged by place, and the other sequence."""
        return self._own, self._exchanged, self._before

    def __len__(self) -> int:
        """Count all records."""
        return self._first + len(self._own)

    def __iter__(self) -> Iterator[Record]:
        """Walk over all records."""
        for place, record in enumerate(self._before):
            yield self._exchanged.get(place, record)
        yield from self._own

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> list[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | list[Record]:
        """Record by its place in the whole; some as a list."""
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step == 1 and start >= self._first:
                return self._own[start - self._first : max(stop - self._first, 0)]
            return [self[at] for at in range(start, stop, step)]
        at = place + len(self) if place < 0 else place
        if at >= self._first:
            return self._own[at - self._first]
        if at < 0:
            message = "There is no record so far before the end."
            raise IndexError(message)
        return self._exchanged[at] if at in self._exchanged else self._before[at]

    @overload
    def __setitem__(self, place: int, record: Record) -> None: ...
    @overload
    def __setitem__(self, place: slice, record: Iterable[Record]) -> None: ...
    def __setitem__(
        self, place: int | slice, record: Record | Iterable[Record]
    ) -> None:
        """Put a record in the place of another."""
        if isinstance(place, slice):
            message = "Records are exchanged one by one."
            raise TypeError(message)
        if place >= self._first:
            self._own[place - self._first] = record  # type: ignore[assignment]
        else:
            self._exchanged[place] = record  # type: ignore[assignment]

    def insert(self, place: int, record: Record) -> None:
        """Append a record; no other place takes one."""
        if place < len(self):
            message = "Records are appended, not put between others."
            raise TypeError(message)
        self._own.append(record)

    def append(self, record: Record) -> None:
        """Append a record."""
        self._own.append(record)

    def __delitem__(self, place: int | slice) -> None:
        """Refuse: records keep their place."""
        message = "Records keep their place; none is taken out."
        raise TypeError(message)


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
