"""The events of a run per product and location: what the reports are made from."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.planners.reporting import KINDS, Ledger
from medhavi.units import INT64_MAX, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from medhavi.planners.mrp.intake import Intake
    from medhavi.planners.mrp.netting_state.release import Release
    from medhavi.planners.mrp.netting_state.state import Node
    from medhavi.planners.mrp.netting_state.stock_levels import Levels

    Event = tuple[Node, int, int, int]
    """Place, instant [UTC seconds], kind as in `KINDS` and quantity [steps]."""

STOCK, GROSS, RECEIPT, NEW, NET, HOLD, SAFETY, WASTE = map(
    KINDS.index,
    ("stock", "gross", "receipt", "new", "net", "hold", "safety", "waste"),
)


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
            ((node, instant, NET, qty) for node, instant, qty in release.asked),
            (
                (release.units[index].node, as_of, HOLD, qty)
                for index, qty in blocked.items()
            ),
            _levels(nodes, levels, as_of),
        ),
    )


def _supply(release: Release, as_of: int) -> Iterator[Event]:
    for unit in release.units:
        if unit.order is None:
            if unit.qty < INT64_MAX:
                yield unit.node, as_of, STOCK, unit.qty
        else:
            what = NEW if unit.order.existing is None else RECEIPT
            yield unit.node, unit.arrives, what, unit.qty
        if unit.free > 0 and as_of <= unit.expires < NEVER:
            yield unit.node, unit.expires, WASTE, unit.free


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
            yield need.node, as_of, STOCK, -need.qty
        elif served is not None and need.demand != NO_DEMAND:
            for instant, qty in served.get(need.index, ()):
                yield need.node, instant, GROSS, qty
        else:
            yield need.node, need.instant, GROSS, need.qty


def _levels(
    nodes: list[Node], levels: Mapping[int, Levels], as_of: int
) -> Iterator[Event]:
    for node in nodes:
        known = levels.get(id(node))
        if known is not None:
            for instant in sorted({as_of, *known.changes()}):
                yield node, instant, SAFETY, known.safety(instant)


def _framed(nodes: list[Node], events: Iterable[Event]) -> Ledger:
    row_of = {id(node): row for row, node in enumerate(nodes)}
    cells = np.fromiter(
        chain.from_iterable(
            (row_of[id(node)], instant, kind, qty)
            for node, instant, kind, qty in events
        ),
        np.int64,
    )
    rows, instants, kinds, steps = cells.reshape(-1, 4).T
    upper = np.array([node.step.numerator for node in nodes], dtype=np.float64)
    lower = np.array([node.step.denominator for node in nodes], dtype=np.float64)
    return Ledger(
        places=pl.DataFrame(
            [node.key for node in nodes],
            schema={"product": pl.String, "location": pl.String},
            orient="row",
        ),
        place=rows,
        instant=instants,
        kind=kinds,
        qty=steps * upper[rows] / lower[rows],
    )
