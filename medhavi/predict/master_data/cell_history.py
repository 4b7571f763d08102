"""Earlier values of cells: what each said before, and how many were corrected."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from medhavi.predict.master_data.like_rows import like_rules, logarithms
from medhavi.schema import tables

if TYPE_CHECKING:
    from medhavi.predict.master_data.like_rows import Values
    from medhavi.snapshot import Snapshot

CHANGES = {
    "table": pl.String,
    "key": pl.String,
    "column": pl.String,
    "before": pl.Float64,
    "after": pl.Float64,
}
"""Columns of the changes of cells; the key cells are joined by |."""
_CORRECTED = 1.0
"""Change from which on the value before counts as wrong [natural logarithm]."""
_PRIOR_CELLS = 200.0
"""Cells that the share of wrong ones that is assumed weighs as much as."""


class CellHistory:
    """Changes of the cells of master data, in the order in which they came.

    Parameters
    ----------
    changes
        Columns of `CHANGES`, a row a change of a number to another.
    """

    def __init__(self, changes: pl.DataFrame) -> None:
        self.changes = changes.select(list(CHANGES))

    def earlier(self, snapshot: Snapshot, table: str, column: str) -> Values | None:
        """Logarithms of the values before the last change of each cell.

        None where no cell of the column was changed to what it says now.
        """
        told = self._of(table, column)
        if told.is_empty():
            return None
        known = {key: (old, new) for key, old, new in told.iter_rows()}
        frame = snapshot[table]
        before = [
            known[key][0] if key in known and known[key][1] == value else None
            for key, value in zip(
                map(key_text, frame.select(tables()[table].key).iter_rows()),
                frame[column],
                strict=True,
            )
        ]
        if not any(before):
            return None
        return logarithms(pl.Series(before, dtype=pl.Float64))

    def wrong_share(
        self, snapshot: Snapshot, table: str, column: str, assumed: float, enough: int
    ) -> float | None:
        """Share of wrong cells by the corrections of the past; None: too few are known.

        Parameters
        ----------
        assumed
            Share without corrections; it counts as much as 200 cells.
        enough
            Corrected cells from which on the column, else all columns, tell a share.
        """
        own = self._corrected.get((table, column), 0)
        if own >= enough:
            cells = int((snapshot[table][column] > 0).sum())
        elif sum(self._corrected.values()) >= enough:
            own = sum(self._corrected.values())
            cells = sum(
                int((snapshot[name][of] > 0).sum()) for name, of in self._numbers
            )
        else:
            return None
        return (own + _PRIOR_CELLS * assumed) / (cells + _PRIOR_CELLS)

    @cached_property
    def _corrected(self) -> dict[tuple[str, str], int]:
        """Number of cells of each column that were changed by much."""
        far = (pl.col("after") / pl.col("before")).log().abs() > _CORRECTED
        counted = (
            self.changes.filter(far & (pl.col("before") > 0) & (pl.col("after") > 0))
            .group_by("table", "column")
            .agg(pl.col("key").n_unique())
        )
        return {(table, column): n for table, column, n in counted.iter_rows()}

    @cached_property
    def _numbers(self) -> list[tuple[str, str]]:
        return [(table, column) for table, of in like_rules().items() for column in of]

    def _of(self, table: str, column: str) -> pl.DataFrame:
        of = (pl.col("table") == table) & (pl.col("column") == column)
        positive = (pl.col("before") > 0) & (pl.col("after") > 0)
        return self.changes.filter(of & positive).select("key", "before", "after")


def key_text(key: tuple[object, ...]) -> str:
    """Key cells as one text.

    >>> key_text(("S-1", None, 10))
    'S-1||10'
    """
    return "|".join("" if one is None else str(one) for one in key)
