"""What checks of a snapshot found, for the next snapshot that differs in few tables.

A check is asked again only where a table that it read is another one. Which it reads is
seen while it runs, so no list of tables can be out of date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from medhavi.snapshot.table_access import TableAccess

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from medhavi.snapshot.network import Network
    from medhavi.snapshot.settings import Settings

Answer = TypeVar("Answer")
Narrow = Mapping[str, tuple[str, ...]]
"""Tables of which some columns alone count, and not in which row they came."""
NETWORK: Narrow = {"demands": ("product", "location", "ship_from")}
"""What the network is made of, where that is not all of a table."""


class Part(Protocol):
    """One table of a snapshot; snapshots that differ elsewhere share it."""

    @property
    def frame(self) -> pl.DataFrame:
        """The rows."""
        ...


class Told(NamedTuple):
    """An answer and the tables that it was read from."""

    parts: Mapping[str, Part]
    answer: object


class Source(TableAccess, Protocol):
    """The snapshot that is checked."""

    @property
    def network(self) -> Network:
        """The network of the tables."""
        ...


@dataclass(frozen=True, slots=True)
class Watched:
    """A snapshot that notes which of its tables are read.

    Parameters
    ----------
    source
        The snapshot itself.
    read
        Names of the tables that were read, added to.
    """

    source: Source
    read: set[str]

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Give a table by name."""
        self.read.add(name)
        return self.source[name]

    def input_rows(self, name: str) -> pl.Series:
        """Give the input row number (from 1) of each row of a table."""
        self.read.add(name)
        return self.source.input_rows(name)

    @property
    def settings(self) -> Settings:
        """The one row of settings."""
        self.read.add("settings")
        return self.source.settings

    @property
    def as_of(self) -> int:
        """Now of every planner [UTC seconds]."""
        self.read.add("settings")
        return self.source.as_of

    @property
    def network(self) -> Network:
        """The network of the tables; what it was read from counts as read."""
        self.read.add(NETWORK_NAME)
        return self.source.network


NETWORK_NAME = "network"


class CheckMemory:
    """Answers of the checks of one snapshot, and of those it came from.

    Parameters
    ----------
    before
        What was told of the snapshot that this one was made from.
    """

    def __init__(self, before: CheckMemory | None = None) -> None:
        self._told: dict[str, Told] = {} if before is None else dict(before.told)

    @property
    def told(self) -> Mapping[str, Told]:
        """All answers by the name of their check."""
        return self._told

    def answer(
        self,
        name: str,
        ask: Callable[[Watched], Answer],
        source: Source,
        parts: Mapping[str, Part],
        narrow: Narrow,
    ) -> Answer:
        """Give what a check says of a snapshot; asked where a table it read differs.

        Parameters
        ----------
        name
            Of the check.
        ask
            The check.
        source, parts
            The snapshot and its tables.
        narrow
            Of which tables only some columns count for this check.
        """
        known = self._told.get(name)
        if known is not None and all(
            _same(part, parts[table], narrow.get(table))
            for table, part in known.parts.items()
        ):
            return known.answer  # type: ignore[return-value]
        watched = Watched(source, set())
        found = ask(watched)
        read = {table: parts[table] for table in watched.read - {NETWORK_NAME}}
        if NETWORK_NAME in watched.read:
            read |= self._told[NETWORK_NAME].parts
        self._told[name] = Told(read, found)
        return found


def _same(old: Part, new: Part, columns: tuple[str, ...] | None) -> bool:
    """Tell whether a table is the same in all that counts."""
    if old is new:
        return True
    return columns is not None and old.frame.select(columns).equals(
        new.frame.select(columns)
    )
