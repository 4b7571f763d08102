"""The events of a run per product and location: what the reports are made from."""

from __future__ import annotations

from array import array
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.planners.mrp.state import NO_DEMAND
from medhavi.planners.reporting import KINDS, Ledger
from medhavi.units import INT64_MAX, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
) -> Ledger:
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
    """
    nodes = list(release.model.nodes.values())
    return _framed(
        nodes,
        chain(
            _supply(release, as_of),
            _needs(release, intake, as_of, served),
            ((node, instant, "net", qty) for node, instant, qty in release.asked),
            (
                (release.units[index].node, as_of, "hold", qty)
                for index, qty in blocked.items()
            ),
            _levels(nodes, levels, as_of),
        ),
    )


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


def _needs(
    release: Release,
    intake: Intake,
    as_of: int,
    served: Mapping[int, Sequence[tuple[int, int]]] | None,
) -> Iterator[Event]:
    for need in release.needs:
        if need.qty == 0 or need.node.rules.unlimited:
            continue
        if need.index in intake.bookings:
            yield need.node, as_of, "stock", -need.qty
        elif served is not None and need.demand != NO_DEMAND:
            for instant, qty in served.get(need.index, ()):
                yield need.node, instant, "gross", qty
        else:
            yield need.node, need.instant, "gross", need.qty


def _levels(
    nodes: list[Node], levels: Mapping[int, Levels], as_of: int
) -> Iterator[Event]:
    for node in nodes:
        known = levels.get(id(node))
        if known is not None:
            for instant in sorted({as_of, *known.changes()}):
                yield node, instant, "safety", known.safety(instant)


def _framed(nodes: list[Node], events: Iterable[Event]) -> Ledger:
    row_of = {id(node): row for row, node in enumerate(nodes)}
    number = {kind: place for place, kind in enumerate(KINDS)}
    place, instants, kinds = array("q"), array("q"), array("q")
    steps = array("d")
    for node, instant, kind, qty in events:
        place.append(row_of[id(node)])
        instants.append(instant)
        kinds.append(number[kind])
        steps.append(qty)
    rows = np.array(place)
    upper = np.array([node.step.numerator for node in nodes], dtype=np.float64)
    lower = np.array([node.step.denominator for node in nodes], dtype=np.float64)
    return Ledger(
        places=pl.DataFrame(
            [node.key for node in nodes],
            schema={"product": pl.String, "location": pl.String},
            orient="row",
        ),
        place=rows,
        instant=np.array(instants),
        kind=np.array(kinds),
        qty=np.array(steps) * upper[rows] / lower[rows],
    )
