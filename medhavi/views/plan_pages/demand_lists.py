"""Demands of a plan as rows: the costliest late ones first, and those at risk.

At risk is what a plan has on time, but not surely: what each may cost, and why.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import polars as pl

from medhavi.results.plans.lateness import WORDS, Verdict, late_demands, tally, verdicts
from medhavi.views import grid_columns, page
from medhavi.views.names import count, money, percent, wall_clock, when
from medhavi.views.order_grid import customer_link, demand_words, order_link
from medhavi.views.page import table_html
from medhavi.views.pictures.lateness import late_causes, lateness_text, overdue_rows
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.plans.plan import Plan
    from medhavi.results.reports.plan_risk import PlanRisk
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

ID = "Id"
"""Column with the id of the demand, which decisions need and nobody reads."""
CAUSES_LISTED = 2
"""Causes of a demand that a row holds; its pegging chain holds all."""
MOST_FIRST = 50
"""Demands whose supply should have begun before now that stand behind the late ones."""


def demand_rows(plan: Plan, demands: pl.DataFrame | None, names: Names) -> pl.DataFrame:
    """All demands of a plan: the late ones by their cost, those that begin too late.

    Parameters
    ----------
    demands
        Table of the snapshot: whose demand it is, and of what.

    Returns
    -------
    pl.DataFrame
        Id, Demand, Item, Customer, Due (wall clock of the place), Late, Late cost
        (null: none), Why (dearest causes), Location, Time zone.
    """
    late = {row["demand"]: row for row in late_demands(plan).iter_rows(named=True)}
    begun = overdue_rows(plan, names, MOST_FIRST)
    known = {row["demand"]: row for row in verdicts(plan).iter_rows(named=True)}
    order = dict.fromkeys([*late, *(begun["demand"] if begun.height else ()), *known])
    causes = late_causes(plan, list(late), names)
    rows = [
        _row(known[one], late.get(one), causes.get(one, ()), names) for one in order
    ]
    asked = pl.DataFrame(rows, schema=_SCHEMA).join(
        _asked(demands, names), on=ID, how="left", maintain_order="left"
    )
    return asked.select(
        ID,
        grid_columns.DEMAND,
        grid_columns.ITEM,
        grid_columns.CUSTOMER,
        grid_columns.DUE,
        grid_columns.LATE,
        grid_columns.LATE_COST,
        say("why"),
        grid_columns.LOCATION,
        grid_columns.ZONE,
    )


def demands_words(plan: Plan) -> str:
    """Demands that `demand_rows` lists: the late ones, the others, those left out.

    Those that are not planned for are counted apart, as the figures of a plan do.
    """
    counts = tally(plan)
    left_out = counts.by_verdict[Verdict.IGNORED]
    told = say("demands_listed", counts.not_kept, counts.live - counts.not_kept)
    return told + (say("lines_not_planned", f"{left_out:,}") if left_out else "") + "."


_SCHEMA: dict[str, type[pl.DataType] | pl.DataType] = {
    ID: pl.String,
    grid_columns.DEMAND: pl.String,
    grid_columns.DUE: pl.Datetime("us"),
    grid_columns.LATE: pl.String,
    grid_columns.LATE_COST: pl.Float64,
    say("why"): pl.String,
    grid_columns.ZONE: pl.String,
}
_ASKED = (grid_columns.ITEM, grid_columns.CUSTOMER, grid_columns.LOCATION)


def _row(
    row: Mapping[str, Any],
    late: Mapping[str, Any] | None,
    causes: tuple[str, ...] | list[str],
    names: Names,
) -> dict[str, object]:
    zone = names.zone_of(row["demand"])
    more = len(causes) - CAUSES_LISTED
    told = [*causes[:CAUSES_LISTED], *([say("and_more", more)] if more > 0 else [])]
    standing = WORDS[Verdict(str(row["verdict"]))]
    return {
        ID: row["demand"],
        grid_columns.DEMAND: demand_words(row["demand"], names),
        grid_columns.DUE: wall_clock(row["due"], zone),
        grid_columns.LATE: f"▲ {lateness_text(late)}" if late else standing,
        grid_columns.LATE_COST: (late["money"] or None) if late else None,
        say("why"): "; ".join(told),
        grid_columns.ZONE: zone,
    }


def _asked(demands: pl.DataFrame | None, names: Names) -> pl.DataFrame:
    """Item, customer (of a forecast its location) and location, by name."""
    if demands is None:
        return pl.DataFrame(schema=dict.fromkeys((ID, *_ASKED), pl.String))
    columns = ("demand", "product", "customer", "location")
    return pl.DataFrame(
        [
            (one, *map(names.name, (product, customer or location, location)))
            for one, product, customer, location in demands.select(columns).iter_rows()
        ],
        schema=dict.fromkeys((ID, *_ASKED), pl.String),
        orient="row",
    )


DATE_P80, EXPECTED = say("column_date_p80"), say("column_expected_cost")
DELAYED_BY = say("column_delayed_by")
RISK_COLUMNS = (
    grid_columns.DEMAND,
    grid_columns.CUSTOMER,
    grid_columns.ITEM,
    grid_columns.DUE,
    grid_columns.PROBABILITY,
    DATE_P80,
    EXPECTED,
    DELAYED_BY,
)
MOST_AT_RISK = 15
"""Rows that the page lists: it stays two screens high."""


def risky_rows(
    risk: PlanRisk, plan: Plan, snapshot: Snapshot, names: Names
) -> pl.DataFrame:
    """Demands at risk, the most expensive first.

    Returns
    -------
    pl.DataFrame
        Columns as in `RISK_COLUMNS`, dates on the wall clock of the place.
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
            for name in RISK_COLUMNS
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
        for row in found.head(MOST_AT_RISK).iter_rows(named=True)
    ]
    numbers = (grid_columns.PROBABILITY, EXPECTED)
    table = table_html(RISK_COLUMNS, rows, numbers, more=found.height - len(rows))
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
