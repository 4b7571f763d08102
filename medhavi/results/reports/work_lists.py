"""Work lists of a plan: its exception messages, and findings by what they cost."""

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


_PARTS = ("code", "product", "location", "demand", "order")


def with_worth(plan: Plan, costs: Mapping[str, float]) -> pl.DataFrame:
    """Exceptions of a plan with `order_qty` and `worth`.

    Parameters
    ----------
    costs
        Unit cost by product [money a unit].

    Returns
    -------
    pl.DataFrame
        Rows of `exceptions`; worth is the value at unit cost of the quantity that they
        are about, of their order where they state none [money].
    """
    orders = plan.supplies.select(supply="id", order_qty=pl.col("qty"))
    cost = pl.col("product").replace_strict(costs, default=0.0, return_dtype=pl.Float64)
    amount = pl.coalesce("qty", "order_qty").fill_null(0.0)
    return plan.exceptions.join(
        orders, on="supply", how="left", maintain_order="left"
    ).with_columns(worth=amount * cost)


def exception_list(plan: Plan, costs: Mapping[str, float]) -> pl.DataFrame:
    """One row for each code, item, demand and order, those of most worth first.

    Parameters
    ----------
    costs
        As in `with_worth`.

    Returns
    -------
    pl.DataFrame
        exception (key that another plan gives to the same message), code, severity,
        product, location, demand, order (number), date (of the first), times (how
        often it stands in `exceptions`), worth (of the largest), message (of the
        first).
    """
    numbers = plan.supplies.select(supply="id", order="number")
    rows = with_worth(plan, costs).join(
        numbers, on="supply", how="left", maintain_order="left"
    )
    key = pl.concat_str([pl.col(part).fill_null("") for part in _PARTS], separator="|")
    return (
        rows.with_columns(exception=key)
        .sort("date", "exception", nulls_last=True, maintain_order=True)
        .group_by("exception", maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in ("code", "severity", *_PARTS[1:])),
            date=pl.col("date").first(),
            times=pl.len().cast(pl.Int64),
            worth=pl.col("worth").max(),
            message=pl.col("message").first(),
        )
        .sort("worth", "exception", descending=[True, False])
    )


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
