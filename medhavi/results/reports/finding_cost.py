"""Lateness in money that hangs on the row of a finding, in a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi import schema
from medhavi.results.plans.lateness import not_kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.findings import Finding
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

_PEGGED = {
    "demand": ("demand",),
    "product": ("product",),
    "location": ("location",),
    "supply_order": ("supply", "number"),
    "supplier": ("source",),
    "routing": ("source",),
    "lane": ("lane",),
}
"""Columns of pegs and of their supplies that hold the ids of a key column."""


def row_of(snapshot: Snapshot, found: Finding) -> Mapping[str, Any] | None:
    """Row of the tables that a finding names; None where it names no row left there."""
    if found.table is None or found.row is None:
        return None
    rows = snapshot[found.table].filter(snapshot.input_rows(found.table) == found.row)
    return rows.row(0, named=True) if rows.height == 1 else None


def key_of(snapshot: Snapshot, found: Finding) -> dict[str, str]:
    """Key columns of the row of a finding that say something, with their values.

    A finding about an event names its object by the value alone.
    """
    if found.table is None or found.table not in schema.tables():
        return {}
    key = schema.tables()[found.table].key
    row = row_of(snapshot, found)
    if row is not None:
        return {name: str(row[name]) for name in key if row[name] is not None}
    if not key or found.row is not None or found.value is None:
        return {}
    of_log = found.source is not None and "," not in found.value
    known = of_log or found.value in snapshot[found.table][key[0]]
    return {key[0]: found.value} if known else {}


class FindingCost:
    """Lateness and shortage [money] of the demands that a row of the tables serves.

    Parameters
    ----------
    plan
        Plan of the tables, or of earlier ones.
    """

    def __init__(self, plan: Plan) -> None:
        cost = plan.causes.group_by("demand").agg(
            pl.col("money").fill_null(0.0).sum().alias("money")
        )
        late = not_kept(plan).select("demand").join(cost, on="demand")
        orders = plan.supplies.select(
            pl.col("id").alias("supply"), "number", pl.col("source"), "lane"
        )
        pegs = plan.pegging.select("demand", "supply", "product", "location")
        self._late = pegs.join(late, on="demand").join(
            orders, on="supply", how="left", maintain_order="left"
        )

    def of(self, key: Mapping[str, str]) -> float | None:
        """Money that hangs on the row of a key; None where no plan row names it."""
        fits = pl.lit(value=True)
        known = [name for name in key if name in _PEGGED]
        for name in known:
            either = (pl.col(column) == key[name] for column in _PEGGED[name])
            fits &= pl.any_horizontal(*either).fill_null(value=False)
        if not known:
            return None
        hit = self._late.filter(fits).unique("demand")
        return float(hit["money"].sum())
