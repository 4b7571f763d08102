"""Sequences and mappings that go on from others without copying them.

A plan on a kept run adds a few records to hundreds of thousands. Copies of all of them
would take most of its time, and the garbage collector would walk over each.

A plan on a kept run differs from its baseline in few rows. Those that stay are shown as
slices of what is there already.
"""

from __future__ import annotations

from collections.abc import MutableMapping, MutableSequence
from copy import copy
from typing import TYPE_CHECKING, TypeVar, overload

import numpy as np
import polars as pl

from medhavi.planners.mrp.netting_state.state import Need

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import SupportsIndex

    from numpy.typing import NDArray

    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import (
        Demand,
        Node,
        NodeKey,
        SupplyOrder,
        SupplyUnit,
    )

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


Record = TypeVar("Record")
Key = TypeVar("Key")
Value = TypeVar("Value")


class Extension(MutableSequence[Record]):
    """A sequence that goes on where another ends; that one stays as it is.

    Records that take the place of one of the other sequence are held beside it.
    Records are appended and exchanged one by one; none is taken out.
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


_FREE = frozenset({"qty", "due", "priority", "price"})
"""Cells of a demand that others name which may change; more would change the others."""


class Part(list[Record]):
    """Records of a part: walked over alone, asked for by their place in the whole."""

    def __init__(self, records: Iterable[Record], whole: Sequence[Record]) -> None:
        super().__init__(records)
        self._whole = whole

    def __getitem__(self, place: SupportsIndex | slice) -> Record:  # type: ignore[override]
        """Record of the whole by its index."""
        return self._whole[place]  # type: ignore[index, return-value]


def alike(old: Demand, new: Demand) -> bool:
    """Whether two demands ask for the same and are reported in the same way."""
    return (
        old.row == new.row
        and (old.qty, old.due) == (new.qty, new.due)
        and old.asks == new.asks
    )


def names_the_same(old: Demand, new: Demand) -> bool:
    """Whether a demand is unchanged in all that counts for its naming."""
    return all(
        value == new.row[name] for name, value in old.row.items() if name not in _FREE
    )


def need_of(demand: Demand, node: Node) -> Need:
    """Make the need of a demand, as `StateLoader.demand_needs` does."""
    need = Need(
        0, node, demand.due, demand.qty, demand.qty, demand.priority, demand.index
    )
    need.alive_until = demand.due + demand.min_shelf
    need.only_from = demand.ship_from
    need.asks = demand.asks
    return need


def copied(need: Need, node: Node) -> Need:
    """Need of another run to a node of this one, all of it open."""
    return Need(
        need.index,
        node,
        need.instant,
        need.qty,
        need.qty,
        need.priority,
        need.demand,
        need.order,
        need.alive_until,
        need.only_from,
        line=need.line,
        asks=need.asks,
    )


def unit_copy(unit: SupplyUnit, node: Node, index: int) -> SupplyUnit:
    """Unit to a node of another run, all of it free."""
    own = copy(unit)
    own.node, own.index, own.free, own.takers = node, index, unit.qty, []
    return own


def register_of(
    release: OrderCreation, orders: Iterable[SupplyOrder], since: tuple[int, int]
) -> OrderCreation:
    """Register that shows some orders, and the records from some places on.

    Parameters
    ----------
    since
        First unit and first need.
    """
    shown = copy(release)
    units, needs = since
    shown.orders = Part(orders, release.orders)
    shown.units = Part(release.units[units:], release.units)
    shown.needs = Part(
        (
            need
            for place, need in enumerate(release.needs[needs:], needs)
            if need.index == place
        ),
        release.needs,
    )
    return shown


MOST_RUNS = 150
"""Runs of rows that stay up to which slices take less than a copy."""
MOST_CHUNKS = 600
"""Pieces of a table from which it is put together again."""


class Exchange:
    """Rows of one table that stay, and what comes behind them.

    Parameters
    ----------
    gone
        Shape (n_rows,): rows that do not hold any more.
    """

    def __init__(self, gone: Flags) -> None:
        self._gone = gone
        # What is outside counts as gone, so edges come in pairs: begin and end of what
        # stays.
        edges = np.flatnonzero(np.diff(gone, prepend=True, append=True)).tolist()
        self._runs = list(zip(edges[::2], edges[1::2], strict=True))

    @property
    def places(self) -> Ints:
        """Rows that do not hold any more."""
        return np.flatnonzero(self._gone)

    def array(self, old: Ints, new: Ints) -> Ints:
        """Exchange entries of a column that is kept beside the table."""
        return np.concatenate([*(old[start:stop] for start, stop in self._runs), new])

    def frame(self, old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
        """Exchange rows; both have the columns of the table."""
        if len(self._runs) > MOST_RUNS:
            return pl.concat([old.filter(pl.Series(~self._gone)), new])
        parts = [old.slice(start, stop - start) for start, stop in self._runs]
        if new.height or not parts:
            parts.append(new)
        made = pl.concat(parts, rechunk=False)
        return made.rechunk() if made.n_chunks() > MOST_CHUNKS else made


def ranks_of(
    products: Sequence[str], locations: Sequence[str], rank: Mapping[NodeKey, int]
) -> Ints:
    """Place in the order of planning of each row; -1: it has none."""
    found = map(rank.get, zip(products, locations, strict=True))
    return np.array([-1 if at is None else at for at in found], dtype=np.int64)


def rows_by_rank(
    tables: Mapping[str, pl.DataFrame], rank: Mapping[NodeKey, int]
) -> dict[str, Ints]:
    """Rank of each row of the tables that are exchanged by place.

    Existing orders and their work stay whatever is netted: they have none.
    """
    supplies, operations, positions = (
        tables[name] for name in ("supplies", "operations", "positions")
    )
    of_order = supply_ranks(supplies, rank)
    by_id = dict(zip(supplies["id"].to_list(), of_order.tolist(), strict=True))
    return {
        "supplies": of_order,
        "operations": np.array(
            [by_id[name] for name in operations["supply"].to_list()], dtype=np.int64
        ),
        "positions": place_ranks(positions, rank),
    }


def place_ranks(rows: pl.DataFrame, rank: Mapping[NodeKey, int]) -> Ints:
    """Rank of the place of each row."""
    return ranks_of(rows["product"].to_list(), rows["location"].to_list(), rank)


def supply_ranks(rows: pl.DataFrame, rank: Mapping[NodeKey, int]) -> Ints:
    """Rank of each new order; -1 for those that exist."""
    new = (rows["status"] == "planned").to_numpy()
    return np.where(new, place_ranks(rows, rank), -1)
