"""What changed between two plans, row by row and by id (design 3.1).

Ids are identity, not content: the same supply in both plans has the same id whatever
its quantity and dates, so "changed" is told apart from "removed and added".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.plans.tables import KEYS, SCHEMAS

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

_COMPARED = ("supplies", "operations", "pegging", "fulfilment", "kpis")
_LEFT_OUT = {"supplies": ("number", "content_hash")}
_LISTED = 3
CHANGES = {
    "id": pl.String(),
    "column": pl.String(),
    "old": pl.String(),
    "new": pl.String(),
}
"""Columns of a table of changes: a row per cell that differs, values as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDelta:
    """Difference of one table: rows added and removed, cells changed."""

    added: pl.DataFrame
    removed: pl.DataFrame
    changed: pl.DataFrame
    unchanged: int

    @property
    def changed_rows(self) -> int:
        """How many rows are in both plans with another content."""
        return self.changed["id"].n_unique()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDelta:
    """Difference of two plans by table.

    `stability` is the share of the old operations that stand unchanged in the new plan
    (KPI-08), None where there were none.
    """

    old: str
    new: str
    tables: Mapping[str, TableDelta]
    stability: float | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not any(
            delta.added.height or delta.removed.height or delta.changed.height
            for delta in self.tables.values()
        )

    def to_frames(self) -> dict[str, pl.DataFrame]:
        """`<table>_added`, `_removed` and `_changed` of every table."""
        return {
            f"{name}_{part}": getattr(delta, part)
            for name, delta in self.tables.items()
            for part in ("added", "removed", "changed")
        }

    def __str__(self) -> str:
        """Counts per table and the first changes of demands."""
        if self.is_empty:
            return "The plans are equal."
        lines = [
            f"{name}: {delta.added.height} added, {delta.removed.height} removed, "
            f"{delta.changed_rows} changed, {delta.unchanged} unchanged"
            for name, delta in self.tables.items()
            if delta.added.height or delta.removed.height or delta.changed.height
        ]
        if self.stability is not None:
            lines.append(f"stability of operations: {self.stability:.1%}")
        demands = self.tables["fulfilment"].changed.filter(pl.col("column") == "status")
        lines += [
            f"demand {row['id']}: {row['old']} → {row['new']}"
            for row in demands.head(_LISTED).iter_rows(named=True)
        ]
        return "\n".join(lines)


def compare(old: Plan, new: Plan) -> PlanDelta:
    """Compare two plans by the ids of their rows.

    Parameters
    ----------
    old, new
        Plans, usually of one company at two moments or with two settings.

    Returns
    -------
    PlanDelta
        Empty when the plans are equal but for run records.
    """
    tables = {name: _table_delta(name, old[name], new[name]) for name in _COMPARED}
    operations = tables["operations"]
    before = old.operations.height
    return PlanDelta(
        old=old.run.run_id,
        new=new.run.run_id,
        tables=MappingProxyType(tables),
        stability=operations.unchanged / before if before else None,
    )


def _table_delta(name: str, old: pl.DataFrame, new: pl.DataFrame) -> TableDelta:
    key = KEYS[name][0]
    columns = [
        column
        for column in SCHEMAS[name]
        if column != key and column not in _LEFT_OUT.get(name, ())
    ]
    both = old.join(new, on=key, how="inner", suffix="_new")
    parts = [
        both.filter(pl.col(column).ne_missing(pl.col(f"{column}_new"))).select(
            pl.col(key).alias("id"),
            pl.lit(column).alias("column"),
            _text(column, SCHEMAS[name][column]).alias("old"),
            _text(f"{column}_new", SCHEMAS[name][column]).alias("new"),
        )
        for column in columns
    ]
    changed = (
        pl.concat(parts).sort("id", "column") if parts else pl.DataFrame(schema=CHANGES)
    )
    return TableDelta(
        added=new.join(old, on=key, how="anti").sort(key),
        removed=old.join(new, on=key, how="anti").sort(key),
        changed=changed,
        unchanged=both.height - changed["id"].n_unique(),
    )


def _text(column: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        return pl.col(column).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return pl.col(column).cast(pl.String)
