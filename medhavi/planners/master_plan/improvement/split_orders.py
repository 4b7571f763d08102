"""Lot splitting: a late order is cut into what is made in time and the rest.

An order serves when all of it is made, so one that ends late serves nothing in time,
where the program, which knows no orders, delivers a part. Of the demands that a plan
serves late from one last order the part that is done when it would be in time is wanted
by itself. What that costs more, set-ups and departures, the plan made so shows.
"""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.planners.constrained.deliveries import goes_whole
from medhavi.planners.constrained.netting.rationing import Slice
from medhavi.units import from_seconds, units_down

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from medhavi.planners.master_plan.statement import Statement
    from medhavi.results.plans.plan import Plan

    Row = dict[str, Any]


class LastOrder(NamedTuple):
    """New work order that a demand gets its last goods from.

    `share` is that of the demand, `moved` how long the goods travel after it.
    """

    supply: Row
    share: float
    moved: dt.timedelta


def split_demands(made: Plan, statement: Statement) -> dict[int, Sequence[Slice]]:
    """Slices of the demands of which a part could be in time, by their index.

    Not of those that go whole, nor of those with a firm peg to what goes into them.
    """
    run = statement.run
    demands = {
        one.demand: one
        for one in run.intake.demands
        if not goes_whole(one) and one.index not in run.pegged_below
    }
    late = made.fulfilment.filter(
        pl.col("status") == "late",
        pl.col("demand").is_in(list(demands)),
        pl.col("planned") == pl.col("qty"),
    )
    pegs = made.pegging.rows_by_key("demand", named=True, include_key=True)
    supplies = {row["id"]: row for row in made.supplies.iter_rows(named=True)}
    work = made.operations.rows_by_key("supply", named=True, include_key=True)
    found: dict[int, Sequence[Slice]] = {}
    for row in late.iter_rows(named=True):
        name = row["demand"]
        demand, last = demands[name], _last_order(pegs.get(name, ()), supplies)
        if last is None:
            continue
        limit = max(row["due"], from_seconds(run.as_of)) - last.moved
        done = _done_share(work.get(last.supply["id"], ()), limit)
        in_time = units_down(demand.qty * (1 - last.share * (1 - done)), Fraction(1))
        if 0 < done < 1 and 0 < in_time < demand.qty:
            date = max(demand.due, run.as_of)
            rest = demand.qty - in_time
            found[demand.index] = (Slice(in_time, date), Slice(rest, date))
    return found


def _last_order(pegs: Sequence[Row], supplies: Mapping[str, Row]) -> LastOrder | None:
    """Order that makes what comes last to a demand; None: that is not known.

    Goods that are moved are followed to where they are made, while one order alone
    brings what a move takes: pegs do not tell which of two it took from.
    """
    level, share, there = 0, 1.0, None
    while True:
        own = [one for one in pegs if one["level"] == level]
        orders = [supplies[one["supply"]] for one in own if one["supply"] in supplies]
        if not orders or (level and len(own) > 1):
            return None
        last = max(orders, key=lambda one: (one["finish"], one["id"]))
        if not level:
            taken = sum(one["qty"] for one in own if one["supply"] == last["id"])
            share = taken / sum(one["qty"] for one in own)
            there = last["finish"]
        if last["status"] != "planned":
            return None
        if last["kind"] == "make":
            return LastOrder(last, share, there - last["finish"])
        if last["kind"] != "move":
            return None
        level += 1


def _done_share(work: Sequence[Row], limit: dt.datetime) -> float:
    """Share of the last step of an order that is run by an instant."""
    last = max((one["step"] for one in work), default=None)
    ran = total = 0.0
    for one in work:
        if one["step"] != last:
            continue
        begin = one["start"] + dt.timedelta(minutes=one["setup_minutes"] or 0.0)
        span = (one["finish"] - begin).total_seconds()
        total += max(span, 0.0)
        ran += min(max((limit - begin).total_seconds(), 0.0), max(span, 0.0))
    return ran / total if total else 0.0
