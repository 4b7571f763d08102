"""Blocks of limits: hours of resources, loads of lanes, quantities of suppliers.

Agreed overtime is bought at its price; what lies beyond it is overload, at a price that
makes it the last resort, and every hour of it is named in the plan (rule 24).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.master_plan import statement as names
from medhavi.planners.master_plan.statement import ObjectivePart
from medhavi.units import DAY, seconds_up, to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from medhavi.optimize.problem import Block, Problem
    from medhavi.planners.master_plan.source_rates import SourceColumns
    from medhavi.planners.master_plan.statement import Statement

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


LEAST_OVERTIME = 1.0
"""Least price of an hour of overtime: free overload would be no overload."""


def add_capacity(problem: Problem, statement: Statement, orders: Block) -> Block:
    """Add a row per resource and bucket, resource first."""
    size, names_of = statement.grid.size, statement.resources
    place = {name: i for i, name in enumerate(names_of)}
    rows = problem.rows(
        names.CAPACITY, len(names_of) * size, upper=statement.free.ravel()
    )
    used = [
        (place[work.resource], plan.first, work)
        for plan in statement.plans
        for work in plan.occupied
        if work.resource in place
    ]
    if used:
        counts = [len(work.column) for _, _, work in used]
        resource = np.repeat(np.array([entry[0] for entry in used]), counts)
        first = np.repeat(np.array([entry[1] for entry in used]), counts)
        bucket = np.concatenate([work.bucket for _, _, work in used])
        column = np.concatenate([work.column for _, _, work in used])
        hours = np.concatenate([work.hours for _, _, work in used])
        problem.entries(
            rows.at(resource * size + bucket), orders.at(first + column), hours
        )
    _add_overtime(problem, statement, rows)
    if statement.parameters.overload:
        _add_overload(problem, statement, rows)
    return rows


def overtime_prices(statement: Statement) -> np.ndarray:
    """Price of an hour of overtime by resource, shape (R,)."""
    return np.array(
        [max(statement.rates[name].overtime, 0.0) for name in statement.resources],
        dtype=float,
    )


def _add_overtime(problem: Problem, statement: Statement, rows: Block) -> None:
    size = statement.grid.size
    agreed = statement.overtime.ravel()
    places = np.flatnonzero(agreed > 0)
    bought = problem.columns(names.OVERTIME, len(places), upper=agreed[places])
    every = np.arange(len(places))
    problem.entries(rows.at(places), bought.at(every), -1.0)
    prices = overtime_prices(statement)[places // max(size, 1)]
    weight = statement.parameters.cost_weight
    problem.cost(ObjectivePart.OVERTIME, bought.at(every), prices * weight)


def _add_overload(problem: Problem, statement: Statement, rows: Block) -> None:
    size = statement.grid.size
    every = np.arange(rows.size)
    bought = problem.columns(names.OVERLOAD, rows.size)
    problem.entries(rows.at(every), bought.at(every), -1.0)
    prices = np.maximum(overtime_prices(statement), LEAST_OVERTIME)
    factor = statement.parameters.overload_factor * statement.parameters.overload_weight
    problem.cost(
        ObjectivePart.OVERLOAD, bought.at(every), prices[every // max(size, 1)] * factor
    )


MOST_DEPARTURES = 100_000


class LimitRow(NamedTuple):
    """One limit: columns among the orders, their weights, the most."""

    subject: str
    instant: int
    columns: Ints
    weights: Floats
    most: float


class LimitRows(NamedTuple):
    """Rows of lanes and suppliers with what each is about: (subject, instant)."""

    lane: Block
    supplier: Block
    about: tuple[tuple[str, int], ...]


def add_limits(problem: Problem, statement: Statement, orders: Block) -> LimitRows:
    """Add a row per lane and decision, and per supplier and period or window."""
    lanes = list(_lane_limits(statement))
    suppliers = [*_period_limits(statement), *_window_limits(statement)]
    about = tuple((limit.subject, limit.instant) for limit in (*lanes, *suppliers))
    return LimitRows(
        _add(problem, names.LANE, lanes, orders),
        _add(problem, names.SUPPLIER, suppliers, orders),
        about,
    )


def _add(problem: Problem, name: str, found: list[LimitRow], orders: Block) -> Block:
    upper = np.array([limit.most for limit in found], dtype=float)
    rows = problem.rows(name, len(found), upper=upper)
    if found:
        counts = [len(limit.columns) for limit in found]
        problem.entries(
            rows.at(np.repeat(np.arange(len(found)), counts)),
            orders.at(np.concatenate([limit.columns for limit in found])),
            np.concatenate([limit.weights for limit in found]),
        )
    return rows


# --- lanes -------------------------------------------------------------------------
def _lane_limits(statement: Statement) -> Iterator[LimitRow]:
    """Limit what leaves on the departures of each bucket.

    A lane that leaves at any time has no limit: another departure is always there.
    """
    grouped: dict[str, list[SourceColumns]] = defaultdict(list)
    for plan in statement.plans:
        row = plan.ways[0].source.row
        if plan.kind == "move" and (
            row["capacity_kg"] is not None or row["capacity_m3"] is not None
        ):
            grouped[plan.ways[0].source.source].append(plan)
    facts = {
        row["product"]: (row["weight_kg"], row["volume_m3"])
        for row in statement.run.snapshot["products"].iter_rows(named=True)
    }
    for lane, plans in sorted(grouped.items()):
        departures = _departures(statement, plans[0])
        if departures is None:
            continue
        row = plans[0].ways[0].source.row
        for number, column in enumerate(("capacity_kg", "capacity_m3")):
            most = row[column]
            if not isinstance(most, float):
                continue
            weights = [facts[plan.ways[0].source.product][number] for plan in plans]
            yield from _by_bucket(statement, lane, plans, weights, departures * most)


def _by_bucket(
    statement: Statement,
    subject: str,
    plans: list[SourceColumns],
    weights: list[float],
    most: Floats,
) -> Iterator[LimitRow]:
    grid = statement.grid
    counts = [len(plan.times.start) for plan in plans]
    columns = np.concatenate(
        [plan.first + np.arange(len(plan.times.start)) for plan in plans]
    )
    left = np.concatenate([plan.times.begin for plan in plans])
    bucket = np.searchsorted(grid.edges, left, side="right") - 1
    weight = np.repeat(np.array(weights, dtype=float), counts)
    for k in np.unique(bucket[weight > 0]).tolist():
        chosen = (bucket == k) & (weight > 0)
        at = int(grid.edges[k])
        yield LimitRow(subject, at, columns[chosen], weight[chosen], float(most[k]))


def _departures(statement: Statement, plan: SourceColumns) -> Floats | None:
    """Count the departures of a lane in each bucket; None: it leaves at any time."""
    grid, clock = statement.grid, plan.ways[0].source.clock
    found = np.zeros(grid.size)
    moment, end = int(grid.edges[0]), int(grid.edges[-1])
    for _ in range(MOST_DEPARTURES):
        timing = clock.earliest(moment, 1)
        if timing is None or timing.departure is None or timing.departure >= end:
            return found
        again = clock.earliest(timing.ready + 1, 1)
        if again is not None and again.departure == timing.departure + 1:
            return None
        found[np.searchsorted(grid.edges, timing.departure, side="right") - 1] += 1
        moment = timing.ready + 1
    return found


# --- suppliers ---------------------------------------------------------------------
def _buys(statement: Statement) -> list[SourceColumns]:
    return [plan for plan in statement.plans if plan.kind == "buy"]


def _columns(plan: SourceColumns) -> Ints:
    found: Ints = plan.first + np.arange(len(plan.times.start))
    return found


def _period_limits(statement: Statement) -> Iterator[LimitRow]:
    """Limit what terms give per period; of a longer bucket the periods in it."""
    grouped: dict[tuple[str, str, str], list[SourceColumns]] = defaultdict(list)
    for plan in _buys(statement):
        row = plan.ways[0].source.row
        if isinstance(row["capacity_per_period"], float):
            key = (
                plan.ways[0].source.source,
                str(row["product"]),
                str(row["location"]),
            )
            grouped[key].append(plan)
    as_of, grid = statement.run.as_of, statement.grid
    for (supplier, _, _), plans in sorted(grouped.items()):
        row = plans[0].ways[0].source.row
        most, days = row["capacity_per_period"], row["period_days"]
        length = seconds_up(days, DAY)  # type: ignore[arg-type]
        columns = np.concatenate([_columns(plan) for plan in plans])
        arrive = np.concatenate([plan.times.arrive for plan in plans])
        periods = (grid.starts[arrive] - as_of) // length
        for period in np.unique(periods).tolist():
            chosen = periods == period
            edge = int(arrive[chosen].max())
            several = max(1.0, float(grid.lengths[edge]) / length)
            yield LimitRow(
                supplier,
                as_of + period * length,
                columns[chosen],
                np.ones(int(chosen.sum())),
                float(most) * several,  # type: ignore[arg-type]
            )


def _window_limits(statement: Statement) -> Iterator[LimitRow]:
    """Limit what arrives in the windows of supplier_capacity (rule 32)."""
    facts = statement.run.providers.facts
    for row in statement.run.snapshot["supplier_capacity"].iter_rows(named=True):
        low, high = to_seconds(row["valid_from"]), to_seconds(row["valid_to"])
        found: list[Ints] = []
        for plan in _buys(statement):
            source = plan.ways[0].source
            named = {"*", *facts.lineage(source.product)}
            if source.source == row["supplier"] and row["product"] in named:
                finish = plan.times.finish
                found.append(_columns(plan)[(finish >= low) & (finish < high)])
        columns = np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
        if len(columns):
            most = float(row["qty"])
            yield LimitRow(row["supplier"], low, columns, np.ones(len(columns)), most)
