"""Demands that a plan has on time, but not surely: what each may cost, and why."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

import polars as pl

from medhavi.views import grid_columns, page
from medhavi.views.names import count, money, percent, wall_clock, when
from medhavi.views.order_grid import customer_link, order_link
from medhavi.views.page import table_html
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.results.reports.plan_risk import PlanRisk
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

DATE_P80, EXPECTED = say("column_date_p80"), say("column_expected_cost")
DELAYED_BY = say("column_delayed_by")
COLUMNS = (
    grid_columns.DEMAND,
    grid_columns.CUSTOMER,
    grid_columns.ITEM,
    grid_columns.DUE,
    grid_columns.PROBABILITY,
    DATE_P80,
    EXPECTED,
    DELAYED_BY,
)
MOST = 15
"""Rows that the page lists: it stays two screens high."""


def risky_rows(
    risk: PlanRisk, plan: Plan, snapshot: Snapshot, names: Names
) -> pl.DataFrame:
    """Demands at risk, the most expensive first.

    Returns
    -------
    pl.DataFrame
        Columns as in `COLUMNS`, dates on the wall clock of the place.
    """
    rows = [
        {
            grid_columns.DEMAND: names.name(row["demand"]),
            grid_columns.CUSTOMER: names.name(row["customer"])
            if row["customer"]
            else "",
            grid_columns.ITEM: names.name(row["product"]),
            grid_columns.DUE: wall_clock(row["due"], names.zone_of(row["location"])),
            grid_columns.PROBABILITY: row["on_time_prob"],
            DATE_P80: wall_clock(row["p80"], names.zone_of(row["location"])),
            EXPECTED: row["expected_cost"],
            DELAYED_BY: row["number"] or "",
        }
        for row in _at_risk(risk, plan, snapshot).iter_rows(named=True)
    ]
    moments = (grid_columns.DUE, DATE_P80)
    numbers = (grid_columns.PROBABILITY, EXPECTED)
    return pl.DataFrame(
        rows,
        schema={
            name: pl.Datetime("us")
            if name in moments
            else pl.Float64
            if name in numbers
            else pl.String
            for name in COLUMNS
        },
    )


def risky_html(risk: PlanRisk, plan: Plan, snapshot: Snapshot, names: Names) -> str:
    """Demands at risk as a table with links to each demand and its order."""
    least = percent(snapshot.settings.min_on_time_prob)
    found = _at_risk(risk, plan, snapshot)
    if found.is_empty():
        return page.empty(say("no_demand_at_risk"), say("each_demand_is_sure", least))
    cost = money(float(found["expected_cost"].sum()), names.currency)
    told = say("demands_at_risk_words", least, count(found.height, "demand"), cost)
    rows = [
        (
            _demand_html(row["demand"], names),
            _customer_html(row["customer"], names),
            names.html(row["product"]),
            escape(when(row["due"], names.zone_of(row["location"]), ends=True)),
            percent(row["on_time_prob"]),
            escape(when(row["p80"], names.zone_of(row["location"]))),
            escape(money(row["expected_cost"], names.currency)),
            _order_html(row, names),
        )
        for row in found.head(MOST).iter_rows(named=True)
    ]
    numbers = (grid_columns.PROBABILITY, EXPECTED)
    table = table_html(COLUMNS, rows, numbers, more=found.height - len(rows))
    return f"<p>{escape(told)}</p>{table}"


def _demand_html(demand: str, names: Names) -> str:
    link = f'<a href="/demand/{quote(demand)}" target="_self">'
    return f"{link}{names.html(demand)}</a>"


def _customer_html(customer: str | None, names: Names) -> str:
    if not customer:
        return ""
    address = escape(customer_link(customer))
    return f'<a href="{address}" target="_self">{names.html(customer)}</a>'


def _at_risk(risk: PlanRisk, plan: Plan, snapshot: Snapshot) -> pl.DataFrame:
    """Demands at risk with what is wanted and the order that delays each."""
    orders = plan.supplies.select(
        "number", "source", "kind", order="id", made="product", at="location"
    )
    return (
        risk.at_risk(snapshot.settings.min_on_time_prob)
        .join(
            snapshot["demands"].select("demand", "customer", "product", "location"),
            on="demand",
            how="left",
            maintain_order="left",
        )
        .join(orders, on="order", how="left", maintain_order="left")
    )


def _order_html(row: dict[str, object], names: Names) -> str:
    """Link to the order, with what it brings from where; empty: the plan itself."""
    number = row["number"]
    if number is None:
        return ""
    told = say(
        "delayed_by",
        names.name(str(row["made"])),
        names.name(str(row["source"])) if row["source"] else "",
        percent(float(str(row["order_share"]))),
    )
    link = f'<a href="{escape(order_link(str(number)))}" target="_self" class="mv-in-text">'
    return f'{link}{escape(str(number))}</a> <span class="muted">{escape(told)}</span>'
