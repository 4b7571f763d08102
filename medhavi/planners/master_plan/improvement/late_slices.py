"""Slices of demands that a plan serves late or dearly: what is in time, and the rest.

Whether one of them pays, set-ups and departures included, a plan made so shows.

Deliveries that the program has later, which saves what a plan pays a supplier for time:
netting buys from who delivers by the date of a need, whatever a day is worth; of goods
that are made or moved the search chooses the source by money and lateness. So of
demands that a solution serves later than a plan does, and for which that plan buys from
other suppliers than the solution, what is late is wanted when the solution has it. What
is made or moved is so all at once, when the last of it is there: its orders begin no
sooner than that asks, so what they take may be bought slowly too.

Lot splitting: an order serves when all of it is made, so one that ends late serves
nothing in time, where the program, which knows no orders, delivers a part. Of the
demands that a plan serves late from one last order the part that is done when it would
be in time is wanted by itself.

Dear goods: an order takes what goes into it when it begins. So where slow and cheap
suppliers come too late for its first part, all of it is bought from fast and dear ones;
the program, whose amounts are of a bucket each, buys for each bucket by itself.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.planners.constrained.deliveries import goes_whole
from medhavi.planners.constrained.netting.rationing import Slice
from medhavi.planners.master_plan import statement as names
from medhavi.results.figures.order_costs import new_orders
from medhavi.units import DAY, HOUR, from_seconds, units_down

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from medhavi.optimize.problem import Floats
    from medhavi.planners.master_plan.blocks import BuiltProgram
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.planners.mrp.netting_state.state import NodeKey
    from medhavi.results.plans.plan import Plan

    Bought = dict[NodeKey, dict[str, float]]
    Row = dict[str, Any]


_DUST = 1e-6
_HALF = 0.5
"""Quantity by which suppliers bring more in a plan than in a solution, at least."""


def late_deliveries(
    made: Plan, built: BuiltProgram, values: Floats
) -> dict[int, Sequence[Slice]]:
    """Slices of the demands that buy elsewhere in a plan to be earlier, by their index.

    Not in parts of those that go whole, nor of those with a firm peg to what goes into
    them.

    Parameters
    ----------
    made
        A plan of the tables of the program.
    values
        Solution, shape (n,).
    """
    buyers = _buyers_elsewhere(made, bought(built, values))
    if not buyers:
        return {}
    statement = built.statement
    run, wanted = statement.run, statement.wanted
    amounts = values[built.program.column_block(names.DELIVERIES).span]
    late = np.flatnonzero((amounts > _DUST) & (wanted.column_days > 0))
    columns: dict[int, list[int]] = {}
    for column in late[np.argsort(-wanted.column_days[late], kind="stable")].tolist():
        columns.setdefault(int(wanted.column_demand[column]), []).append(column)
    found: dict[int, Sequence[Slice]] = {}
    for index, own in columns.items():
        demand = run.intake.demands[index]
        hours = buyers.get(demand.demand)
        if hours is None or index in run.pegged_below:
            continue
        node = run.model.node(demand.node)
        made_or_moved = any(way.source.kind != "buy" for way in run.model.ways(node))
        latest = demand.due + round(float(wanted.column_days[own[0]]) * DAY)
        if latest <= demand.due + hours * HOUR:
            continue
        if made_or_moved:
            # An order serves when all of it is made.
            found[index] = [Slice(demand.qty, max(latest, run.as_of))]
            continue
        step = float(node.step)
        slices, rest = [], demand.qty
        for column in own:
            units = min(rest, round(float(amounts[column]) / step))
            date = demand.due + round(float(wanted.column_days[column]) * DAY)
            if units > 0:
                slices.append(Slice(units, max(date, run.as_of)))
                rest -= units
        if rest > 0:
            slices.append(Slice(rest, max(demand.due, run.as_of)))
        if len(slices) == 1 or not goes_whole(demand):
            found[index] = slices[::-1]
    return found


def bought(built: BuiltProgram, values: Floats) -> Bought:
    """What each supplier brings in a solution, of products that several of them sell.

    Of what is made or moved as well the search chooses.
    """
    statement = built.statement
    orders = values[built.program.column_block(names.ORDERS).span]
    found: Bought = {}
    others: set[NodeKey] = set()
    for plan in statement.plans:
        brought = float(orders[plan.first : plan.first + len(plan.times.start)].sum())
        source = plan.ways[0].source  # that of all ways, in its validities
        key = source.product, source.location
        if source.kind != "buy":
            others.add(key)
        own = found.setdefault(key, {})
        own[source.source] = own.get(source.source, 0.0) + brought
    return {
        key: own for key, own in found.items() if key not in others and len(own) > 1
    }


def _buyers_elsewhere(made: Plan, bought: Bought) -> dict[str, float]:
    """Lateness [h] of the demands of a plan that buys from others than a solution."""
    new = made.supplies.filter(
        pl.col("kind") == "buy", pl.col("status") == "planned"
    ).select("id", "product", "location", "source", "qty")
    planned: Bought = {}
    for _, product, location, source, qty in new.iter_rows():
        own = planned.setdefault((product, location), {})
        own[source] = own.get(source, 0.0) + qty
    more = {
        (key, source)
        for key, own in planned.items()
        for source, qty in own.items()
        if key in bought
        and qty > bought[key].get(source, 0.0) + _HALF
        and any(own.get(one, 0.0) < said - _HALF for one, said in bought[key].items())
    }
    orders = [
        name
        for name, product, location, source, _ in new.iter_rows()
        if ((product, location), source) in more
    ]
    if not orders:
        return {}
    pegs = made.pegging.filter(pl.col("supply").is_in(orders))
    rows = made.fulfilment.filter(
        pl.col("demand").is_in(pegs["demand"].to_list()),
        pl.col("lateness_h").is_not_null(),
    )
    return dict(rows.select("demand", "lateness_h").iter_rows())


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


LEAST_BOUGHT = 0.5
"""Quantity that a program buys of a product, at least."""


def dearer_purchases(made: Plan, built: BuiltProgram, values: Floats) -> float:
    """Money that a plan pays more than by the suppliers of a solution.

    Of what goes into products that are made, where several suppliers sell it and nobody
    makes or moves it, each by what is bought of it in the plan [base currency].
    """
    statement = built.statement
    costs = {
        (way.source.product, way.source.location, way.source.source): way.source.costs
        for plan in statement.plans
        for way in plan.ways
        if way.source.kind == "buy"
    }
    planned: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    new = new_orders(made, statement.run.stated).filter(pl.col("kind") == "buy")
    rows = new.select("product", "location", "qty", pl.col("cost").fill_null(0.0))
    for product, location, qty, cost in rows.iter_rows():
        own = planned[product, location]
        own[0] += qty
        own[1] += cost
    taken = {
        part.node.key
        for plan in statement.plans
        if plan.kind == "make"
        for part in plan.taken
    }
    more = 0.0
    for key, shares in bought(built, values).items():
        qty, cost = planned.get(key, (0.0, 0.0))
        total = sum(shares.values())
        if qty and total >= LEAST_BOUGHT and key in taken:
            said = (
                costs[*key, name].cost(qty * share / total)
                for name, share in shares.items()
            )
            more += max(0.0, cost - sum(said))
    return more
