"""Lots of an item in stock, and which demands the plan gives them to."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.views import grid_columns
from medhavi.views.names import NOTHING, quantity, when
from medhavi.views.order_grid import demand_link
from medhavi.views.page import empty, table_html
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

MOST_TAKERS = 6
"""Demands that a lot is named to go to."""


def takers(plan: Plan, product: str, location: str) -> dict[str, pl.DataFrame]:
    """Demands that take each lot of an item, with quantities, the most first.

    Returns
    -------
    dict
        Lot to a frame of demand and qty; stock without a lot has an empty one.
    """
    begin = f"{product}|{location}|"
    taken = (
        plan.pegging.filter(
            pl.col("supply").str.starts_with(begin), pl.col("demand").is_not_null()
        )
        .group_by(lot=pl.col("supply").str.strip_prefix(begin), demand="demand")
        .agg(pl.col("qty").sum())
        .sort("qty", "demand", descending=[True, False])
    )
    return {
        str(lot): rows.select("demand", "qty")
        for (lot,), rows in taken.group_by("lot", maintain_order=True)
    }


def lots_html(
    plan: Plan, snapshot: Snapshot, product: str, location: str, names: Names
) -> str:
    """Each lot with its status, what is taken of it, by whom, and what is free."""
    stock = snapshot["stock"].filter(product=product, location=location)
    if stock.is_empty():
        return empty(say("no_stock_here"), say("next_receipt_covers"))
    given = takers(plan, product, location)
    rows = [
        _lot(row, given.get(row["lot"] or ""), names)
        for row in stock.sort("expires_at", "lot", nulls_last=True).iter_rows(
            named=True
        )
    ]
    amounts = grid_columns.QUANTITY, say("column_taken"), say("column_free")
    columns = (
        say("column_lot"),
        grid_columns.STATUS,
        say("column_received"),
        say("column_expires"),
        *amounts,
        say("column_taken_by"),
    )
    return table_html(columns, rows, amounts)


def _lot(
    row: Mapping[str, Any], given: pl.DataFrame | None, names: Names
) -> tuple[str, ...]:
    zone, unit = names.zone_of(row["location"]), names.unit(row["product"])
    taken = 0.0 if given is None else float(given["qty"].sum())

    def moment(name: str) -> str:
        return escape(when(row[name], zone, year=True)) if row[name] else NOTHING

    return (
        escape(row["lot"] or say("without_a_lot")),
        escape(str(row["status"] or "").replace("_", " ")),
        moment("received_at"),
        moment("expires_at"),
        escape(quantity(row["qty"], unit)),
        escape(quantity(taken, unit)),
        escape(quantity(max(row["qty"] - taken, 0.0), unit)),
        NOTHING if given is None else _takers(given, unit, names),
    )


def _takers(given: pl.DataFrame, unit: str, names: Names) -> str:
    told = [
        f'<a href="{escape(demand_link(demand))}" target="_self">'
        f"{escape(names.name(demand))}</a> {escape(quantity(qty, unit))}"
        for demand, qty in given.head(MOST_TAKERS).iter_rows()
    ]
    more = given.height - len(told)
    return "<br>".join([*told, *([say("and_more", more)] if more > 0 else [])])
