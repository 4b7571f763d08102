"""From a solution to exact orders: amounts per source and date, needs per delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.master_plan import program_parts as names
from medhavi.planners.master_plan.steering.steering import Allowance, Amount

if TYPE_CHECKING:
    from medhavi.optimize.problem import Floats
    from medhavi.planners.master_plan.build import Built
    from medhavi.planners.master_plan.steering.steered_run import SteeredRun
    from medhavi.planners.mrp.netting_state.state import NodeKey

DUST = 1e-6
"""Share of a step or of a quantity below which a value of the solver is nothing."""


def steer(run: SteeredRun, built: Built, values: Floats) -> None:
    """Hand the amounts and deliveries of a solution to a run that is built.

    Parameters
    ----------
    run
        Built from the same snapshot as the statement; not netted.
    built
        Program and its facts.
    values
        Solution, shape (n,).
    """
    _amounts(run, built, values)
    _deliveries(run, built, values)


def _amounts(run: SteeredRun, built: Built, values: Floats) -> None:
    statement = built.statement
    orders = values[built.program.column_block(names.ORDERS).span]
    edges = statement.grid.edges.tolist()
    found: dict[NodeKey, list[Allowance]] = {}
    for plan in statement.plans:
        step = float(plan.ways[0].source.step)
        times = plan.times
        part = orders[plan.first : plan.first + len(times.start)] / step
        for place in np.flatnonzero(part > DUST).tolist():
            edge = int(times.start[place])
            total = float(part[place])
            amount = Amount(
                begin=max(edges[edge], plan.ways[0].source.fence_start),
                until=edges[edge + 1],
                arrive=edges[int(times.arrive[place])],
                total=total,
                left=total,
            )
            for way in plan.ways:
                node = (way.source.product, way.source.location)
                twin = next(
                    own
                    for own in run.model.ways(run.model.node(node))
                    if _same(own, way)
                )
                found.setdefault(node, []).append(Allowance(twin, amount))
    for key, allowances in found.items():
        run.steered.allow(key, allowances)


def _same(one: Way, other: Way) -> bool:
    a, b = one.source, other.source
    return (a.kind, a.source, a.windows) == (b.kind, b.source, b.windows)


def _deliveries(run: SteeredRun, built: Built, values: Floats) -> None:
    """Split the need of each demand into what is delivered when."""
    statement = built.statement
    wanted, grid = statement.wanted, statement.grid
    amounts = values[built.program.column_block(names.DELIVERIES).span]
    edges = grid.starts.tolist()
    parts: dict[int, list[tuple[int, float]]] = {}
    for column in np.flatnonzero(amounts > 0).tolist():
        who, edge = int(wanted.column_demand[column]), int(wanted.column_edge[column])
        parts.setdefault(who, []).append((edges[edge], float(amounts[column])))
    needs = {need.demand: need for need in run.release.needs if need.demand >= 0}
    for demand in run.intake.demands:
        need = needs[demand.index]
        if wanted.node[demand.index] < 0:
            need.instant = max(demand.due, run.as_of)
            continue
        step = float(need.node.step)
        begin = max(demand.due, run.as_of)
        dated = [(begin, wanted.held[demand.index] / step)]
        for edge, qty in parts.get(demand.index, ()):
            dated.append((max(begin, edge), qty / step))
        whole = _whole(dated, demand.qty)
        need.instant, need.qty = whole[0] if whole else (begin, 0)
        need.open = need.qty
        for instant, qty in whole[1:]:
            other = run.release.need(
                need.node, instant, qty, need.priority, need.demand
            )
            other.only_from = need.only_from
            other.alive_until = need.alive_until - demand.due + instant
        need.alive_until += need.instant - demand.due


def _whole(dated: list[tuple[int, float]], most: int) -> list[tuple[int, int]]:
    """Round parts to whole steps, so that the parts up to each date round together.

    >>> _whole([(1, 2.5), (2, 2.5)], 5)
    [(1, 2), (2, 3)]
    """
    by_date: dict[int, float] = {}
    for instant, qty in dated:
        by_date[instant] = by_date.get(instant, 0.0) + qty
    found: list[tuple[int, int]] = []
    running, given = 0.0, 0
    for instant in sorted(by_date):
        running += by_date[instant]
        upto = min(most, int(running + 0.5 - DUST))
        if running >= most * (1 - DUST):
            upto = most
        if upto > given:
            found.append((instant, upto - given))
            given = upto
    return found


if TYPE_CHECKING:
    from medhavi.planners.mrp.netting_state.ways import Way
