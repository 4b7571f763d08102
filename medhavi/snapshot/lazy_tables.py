"""Tables of which some are made when they are first read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

Made = TypeVar("Made")


class LazyTables(Mapping[str, Made]):
    """Tables by name; those that change are made when they are first read.

    Parameters
    ----------
    known
        All tables as they are.
    changed
        Names of the tables that change.
    make
        Gives a changed table by its name; it is asked once.

    Examples
    --------
    >>> tables = LazyTables({"a": 1, "b": 2}, {"b"}, len)
    >>> dict(tables)
    {'a': 1, 'b': 1}
    """

    __slots__ = ("_changed", "_known", "_made", "_make")

    def __init__(
        self,
        known: Mapping[str, Made],
        changed: Collection[str],
        make: Callable[[str], Made],
    ) -> None:
        self._known = known
        self._changed = frozenset(changed)
        self._make = make
        self._made: dict[str, Made] = {}

    def __getitem__(self, name: str) -> Made:
        if name not in self._changed:
            return self._known[name]
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Walk over the names, in the order of the schema."""
        return iter(self._known)

    def __len__(self) -> int:
        """Count the tables."""
        return len(self._known)
