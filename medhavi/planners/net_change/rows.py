"""Exchange some rows of a table of a plan for others; the rest is not copied.

A plan on a kept run differs from its baseline in few rows. Those that stay are shown as
slices of what is there already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from medhavi.planners.mrp.netting_state.state import NodeKey

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

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
