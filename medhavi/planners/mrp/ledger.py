"""The events of a run per product and location: what the reports are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.planners.mrp.state import NO_DEMAND
from medhavi.units import INT64_MAX, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.planners.mrp.intake import Intake
    from medhavi.planners.mrp.release import Release
    from medhavi.planners.mrp.state import Node
    from medhavi.planners.mrp.stock_levels import Levels

    Event = tuple[Node, int, str, int]
    """Place, instant [UTC seconds], kind and quantity [steps]."""


def ledger(
    release: Release,
    intake: Intake,
    levels: Mapping[int, Levels],
    blocked: Mapping[int, int],
    as_of: int,
    served: Mapping[int, Sequence[tuple[int, int]]] | None = None,
) -> pl.DataFrame:
    """List stock, needs, supply, holds and safety levels with their instants.

    Parameters
    ----------
    release, intake
        The finished run.
    levels
        Levels of the nodes that hold any, by identity of the node.
    blocked
        Unit index → quantity that a hold keeps from everyone [steps].
    as_of
        Now of the plan [UTC seconds].
    served
        For needs of demands, by index: when how much is taken, where that is not all of
        it at the instant of the need [UTC seconds, steps].

    Returns
    -------
    DataFrame
        Columns product, location, instant, kind, qty, as `planners.reporting` reads.
    """
    nodes = list(release.model.nodes.values())
    events = [*_supply(release, as_of)]
    for need in release.needs:
        if need.qty == 0 or need.node.rules.unlimited:
            continue
        if need.index in intake.bookings:
            events.append((need.node, as_of, "stock", -need.qty))
        elif served is not None and need.demand != NO_DEMAND:
            for instant, qty in served.get(need.index, ()):
                events.append((need.node, instant, "gross", qty))
        else:
            events.append((need.node, need.instant, "gross", need.qty))
    events += [(node, instant, "net", qty) for node, instant, qty in release.asked]
    for index, qty in blocked.items():
        events.append((release.units[index].node, as_of, "hold", qty))
    for node in nodes:
        known = levels.get(id(node))
        if known is not None:
            for instant in sorted({as_of, *known.changes()}):
                events.append((node, instant, "safety", known.safety(instant)))
    return _framed(nodes, events)


def _supply(release: Release, as_of: int) -> Iterator[Event]:
    for unit in release.units:
        if unit.order is None:
            if unit.qty < INT64_MAX:
                yield unit.node, as_of, "stock", unit.qty
        else:
            what = "receipt" if unit.order.existing is not None else "new"
            yield unit.node, unit.arrives, what, unit.qty
        if unit.free > 0 and as_of <= unit.expires < NEVER:
            yield unit.node, unit.expires, "waste", unit.free


def _framed(nodes: list[Node], events: list[Event]) -> pl.DataFrame:
    place = {id(node): i for i, node in enumerate(nodes)}
    facts = pl.DataFrame(
        {
            "product": [node.key[0] for node in nodes],
            "location": [node.key[1] for node in nodes],
            "upper": [float(node.step.numerator) for node in nodes],
            "lower": [float(node.step.denominator) for node in nodes],
        },
        schema={
            "product": pl.String,
            "location": pl.String,
            "upper": pl.Float64,
            "lower": pl.Float64,
        },
    )
    who = [place[id(event[0])] for event in events]
    picked = facts[pl.Series(who, dtype=pl.UInt32)]
    return picked.select(
        "product",
        "location",
        pl.Series("instant", [event[1] for event in events], dtype=pl.Int64),
        pl.Series("kind", [event[2] for event in events], dtype=pl.String),
        pl.Series("qty", [event[3] for event in events], dtype=pl.Float64)
        * pl.col("upper")
        / pl.col("lower"),
    )
