"""Rows of a schedule and of its risk: one an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.schedules.problem import TimeAxis
from medhavi.views import grid_columns
from medhavi.views.names import Names, wall_clock
from medhavi.views.schedule_words import hours_text, span_words
from medhavi.views.words import say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from medhavi.results.reports.risk import RiskReport
    from medhavi.results.schedules.problem import Order
    from medhavi.results.schedules.schedule import Schedule

_IDS = Names()


def order_rows(
    schedule: Schedule, zone: str = "UTC", names: Names = _IDS
) -> pl.DataFrame:
    """Orders of a schedule, the latest first.

    Returns
    -------
    pl.DataFrame
        Order, Item, Customer, Done, Due, Late (no word where nothing is due); Done and
        Due are wall clocks, or hours of working time in words. Item and Customer are
        missing where no order has one.
    """
    problem = schedule.problem
    ranked = schedule.orders.sort(
        "late_minutes", "finish_minutes", "order", descending=[True, False, False]
    )
    rows = [
        {
            grid_columns.ORDER: row["order"],
            grid_columns.ITEM: _item(problem.order_by_id[row["order"]], names),
            grid_columns.CUSTOMER: names.name(row["customer"])
            if row["customer"]
            else "",
            grid_columns.DONE: _moment(schedule, row, "finish", zone),
            grid_columns.DUE: _moment(schedule, row, "due", zone),
            grid_columns.LATE: _lateness(schedule, row),
        }
        for row in ranked.iter_rows(named=True)
    ]
    working = problem.time_axis is TimeAxis.WORKING
    clock = pl.String if working else pl.Datetime("us")
    texts = (grid_columns.ITEM, grid_columns.CUSTOMER, grid_columns.LATE)
    found = pl.DataFrame(
        rows,
        schema={
            grid_columns.ORDER: pl.String,
            grid_columns.ITEM: pl.String,
            grid_columns.CUSTOMER: pl.String,
            grid_columns.DONE: clock,
            grid_columns.DUE: clock,
            grid_columns.LATE: pl.String,
        },
    )
    return found.drop(one for one in texts[:2] if not (found[one] != "").any())


def _item(order: Order, names: Names) -> str:
    """Product of an order; none where the order is called by it."""
    product = order.product
    return names.name(product) if product and product != order.order else ""


def _lateness(schedule: Schedule, row: Mapping[str, Any]) -> str:
    if row["late_minutes"]:
        return f"▲ {span_words(schedule, row['late_minutes'])}"
    return "" if row["due_minutes"] is None else "● on time"


def _moment(
    schedule: Schedule, row: Mapping[str, Any], name: str, zone: str
) -> dt.datetime | str | None:
    """Wall clock, or hours where closed time is left out."""
    minutes = row[f"{name}_minutes"]
    if schedule.problem.time_axis is TimeAxis.WORKING:
        return "" if minutes is None else f"after {hours_text(minutes)}"
    return None if minutes is None else wall_clock(row[name], zone)


def risk_rows(report: RiskReport) -> pl.DataFrame:
    """Orders by how likely each is late, the likeliest first.

    Returns
    -------
    pl.DataFrame
        Order, Chance to be late [share], Done, P50 and Done, P95 [min].
    """
    ranked = report.orders.sort("prob_late", "order", descending=[True, False])
    return ranked.select(
        pl.col("order").alias(grid_columns.ORDER),
        pl.col("prob_late").alias(say("chance_to_be_late")),
        pl.col("finish_p50").alias(say("column_done_p50")),
        pl.col("finish_p95").alias(say("column_done_p95")),
    )
