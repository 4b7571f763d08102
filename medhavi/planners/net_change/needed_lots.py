"""Lots of products by what a schedule needs of them: cheapest where hours are no limit.

No program is solved: the needs of a product are those that its orders serve, and an
order covers those by which it costs least with what is held (Wagner and Whitin 1958, as
of `mrp.lot_sizing`).
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from medhavi.planners.master_plan.lots.lot_planning import begins
from medhavi.planners.mrp.lot_sizing import (
    NetNeed,
    covered_by_wagner_whitin,
    order_price,
)

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    import polars as pl

    from medhavi.planners.master_plan.statement import ProgramRun
    from medhavi.planners.mrp.netting_state.state import Node, NodeKey


def needed_lots(
    run: ProgramRun, schedule: pl.DataFrame, places: Container[NodeKey]
) -> dict[NodeKey, tuple[int, ...]]:
    """Lots of products at some places, as of `Decisions`.

    None of a place whose orders the schedule does not know: what is bought is netted.

    Parameters
    ----------
    run
        Built: its sources say what an order costs.
    schedule
        As of `schedule_of`.
    """
    return {
        key: _lots(run, run.model.node(key), needs)
        for key, needs in _needs(schedule).items()
        if key in places
    }


def _needs(schedule: pl.DataFrame) -> dict[NodeKey, list[NetNeed]]:
    """What the orders of each product at a place serve, by when it is taken [UTC s].

    A step takes of the one before it: that is within an order.
    """
    names = ("items", "item", "late_start", "due", "giver", "taker", "amount")
    items, item, starts, due, *pegs = (schedule[name][0].to_list() for name in names)
    made = [tuple(items[one].split("\x1f")) for one in item]
    found: dict[NodeKey, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for giver, taker, qty in zip(*pegs, strict=True):
        if giver < 0 or not qty:
            continue
        product, place, *_ = made[giver]
        if taker >= len(made):
            found[product, place][due[taker - len(made)]] += qty
        elif made[taker][:3] != made[giver][:3]:
            found[product, place][starts[taker]] += qty
    return {
        key: [NetNeed(at, qty, at) for at, qty in sorted(needs.items())]
        for key, needs in found.items()
    }


def _lots(run: ProgramRun, node: Node, needs: Sequence[NetNeed]) -> tuple[int, ...]:
    """Instants at which the cheapest lots of a product begin."""
    price = order_price(
        min((way.source.own_fixed_cost for way in run.model.ways(node)), default=0.0),
        node.rules.holding_rate,
        run.model.unit_cost(node.key[0]),
        node.step,
    )
    covered, edges = covered_by_wagner_whitin(needs, price), [0]
    while edges[-1] < len(needs):
        edges.append(covered[edges[-1]])
    return begins(
        [
            (needs[first].instant, needs[end - 1].instant)
            for first, end in pairwise(edges)
        ]
    )
