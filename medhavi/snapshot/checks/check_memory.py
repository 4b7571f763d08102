"""What checks of a snapshot found, for the next snapshot that differs in few tables.

A check is asked again only where a table that it read is another one. Which it reads is
seen while it runs, so no list of tables can be out of date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import polars.selectors as cs

from medhavi.snapshot.tables import TableAccess

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from medhavi.findings import Finding
    from medhavi.snapshot.network.network import Network
    from medhavi.snapshot.tables import Settings

Answer = TypeVar("Answer")
Columns = tuple[str, ...]


class DistinctColumns(NamedTuple):
    """Columns of which only the distinct rows count, their numbers by sign alone."""

    columns: Columns

    def of(self, table: pl.DataFrame) -> pl.DataFrame:
        """Distinct rows of a table, in their sequence."""
        rows = table[list(self.columns)]
        if rows.is_empty():
            return rows
        signs = cs.numeric().sign()
        return (
            rows.lazy()
            .with_columns(signs)
            .unique(maintain_order=True)
            .collect(engine="in-memory")
        )


Narrow = Mapping[str, Columns | DistinctColumns]
"""Tables of which a check sees these columns alone."""
NETWORK = {
    "demands": DistinctColumns(("product", "location", "ship_from")),
    "stock": DistinctColumns(("product", "location", "qty")),
    "supply_orders": DistinctColumns(
        ("product", "location", "kind", "source", "status")
    ),
    "inventory_policies": DistinctColumns(("product", "location", "unlimited")),
}
"""What the network is made of, where that is not all of a table."""


class SharedTable(Protocol):
    """One table of a snapshot; snapshots that differ elsewhere share it."""

    @property
    def frame(self) -> pl.DataFrame:
        """The rows."""
        ...

    @property
    def rows(self) -> pl.Series:
        """The input row number of each row."""
        ...


class CachedAnswer(NamedTuple):
    """An answer and what it was read from: tables, their row numbers, the network."""

    parts: Mapping[str, SharedTable]
    numbered: frozenset[str]
    network: object
    answer: object


class Check(NamedTuple):
    """A check by its name; `narrow`: which columns of some tables it is shown."""

    name: str
    ask: Callable[[ReadTracker], list[Finding]]
    narrow: Narrow = MappingProxyType({})


class CheckedSnapshot(TableAccess, Protocol):
    """The snapshot that is checked."""

    @property
    def network(self) -> Network:
        """The network of the tables."""
        ...


@dataclass(frozen=True, slots=True)
class ReadTracker:
    """A snapshot that notes which of its tables are read.

    Parameters
    ----------
    narrow
        Tables of which some columns alone are shown.
    read
        Names of the tables that were read, added to.
    numbered
        Names of those whose row numbers were read.
    networks
        The network, each time that it was read.
    """

    source: CheckedSnapshot
    narrow: Narrow
    read: set[str] = field(default_factory=set)
    numbered: set[str] = field(default_factory=set)
    networks: list[object] = field(default_factory=list)

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Table by name."""
        self.read.add(name)
        columns = self.narrow.get(name)
        table = self.source[name]
        if isinstance(columns, DistinctColumns):
            return columns.of(table)
        return table if columns is None else table[list(columns)]

    def input_rows(self, name: str) -> pl.Series:
        """Input row number (from 1) of each row of a table."""
        self.read.add(name)
        self.numbered.add(name)
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
        """The network of the tables."""
        network = self.source.network
        self.networks.append(network)
        return network


NETWORK_NAME = "network"


class CheckMemory:
    """Answers of the checks of one snapshot, and of those it came from.

    Parameters
    ----------
    before
        What was told of the snapshot that this one was made from.
    """

    def __init__(self, before: CheckMemory | None = None) -> None:
        self._told: dict[str, CachedAnswer] = (
            {} if before is None else dict(before.told)
        )

    @property
    def told(self) -> Mapping[str, CachedAnswer]:
        """All answers by the name of their check."""
        return self._told

    def answer(
        self,
        name: str,
        ask: Callable[[ReadTracker], Answer],
        source: CheckedSnapshot,
        parts: Mapping[str, SharedTable],
        narrow: Narrow,
    ) -> Answer:
        """What a check says of a snapshot; asked where a table it read differs.

        Parameters
        ----------
        narrow
            Of which tables only some columns are shown to this check.
        """
        known = self._told.get(name)
        if (
            known is not None
            and all(
                _same(part, parts[table], narrow.get(table), table in known.numbered)
                for table, part in known.parts.items()
            )
            and (known.network is None or known.network is source.network)
        ):
            return known.answer  # type: ignore[return-value]
        watched = ReadTracker(source, narrow)
        found = ask(watched)
        self._told[name] = CachedAnswer(
            {table: parts[table] for table in watched.read},
            frozenset(watched.numbered),
            watched.networks[0] if watched.networks else None,
            found,
        )
        return found


def _same(
    old: SharedTable,
    new: SharedTable,
    columns: Columns | DistinctColumns | None,
    numbered: bool,  # noqa: FBT001 - whether the row numbers count too
) -> bool:
    """Whether a table is the same in all that counts."""
    if old is new:
        return True
    if columns is None:
        return False
    names = columns.columns if isinstance(columns, DistinctColumns) else columns
    alike = old.frame.height == new.frame.height and all(
        old.frame[name].equals(new.frame[name]) for name in names
    )
    if isinstance(columns, DistinctColumns):
        return alike or columns.of(old.frame).equals(columns.of(new.frame))
    return alike and (not numbered or old.rows.equals(new.rows))
