"""Demands of a plan as rows of a grid, the costliest late ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.plans.lateness import WORDS, Verdict, tally, verdicts
from medhavi.views import grid_columns
from medhavi.views.names import wall_clock
from medhavi.views.order_grid import demand_words
from medhavi.views.pictures.lateness import (
    late_causes,
    late_demands,
    lateness_text,
    overdue_rows,
)
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.plans.plan import Plan
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
