"""Orders that fit at no time: ways around them, and what their source still brings.

A source that ends may have no time for all that is wanted of it. What it takes is made
meanwhile; so much of the order as that allows by its end is a portion, the rest comes
from other sources. How much gets through is read off the plan in which the order did
not fit: what it takes and is there by then, and the share of what is half made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.constrained.improvement.diverting import (
    DeadEnd,
    other_sources,
    way_around,
)
from medhavi.planners.constrained.netting.rationing import lot_below, most_from
from medhavi.planners.constrained.orders.weighing import NEVER_FITS
from medhavi.planners.mrp.netting_state.order_creation import MOST_PARTS
from medhavi.planners.mrp.netting_state.state import SourceShare
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from medhavi.planners.constrained.netting.dating import FeasibleOrderCreation
    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.constrained.orders.weighing import Line
    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.state import (
        Diverted,
        Need,
        NodeKey,
        SupplyOrder,
        SupplyUnit,
    )

    Place = tuple[NodeKey, str]
    Taken = tuple[Need, Sequence[SupplyUnit]]

MOST_HALVED = 100
"""Nothing is halved below this part of a portion."""


def dead_ends(
    model: ItemLocationGraph, lines: Sequence[Line], jobs: Sequence[Job]
) -> dict[str, DeadEnd]:
    """Ways around orders that fit at no time, by the demand that lacks them.

    Parameters
    ----------
    model
        Graph of the run.
    lines
        What the demands get.
    jobs
        All orders as they are placed.
    """
    known = {job.order.index: job for job in jobs}
    orders = [(job.order, None if job.placed else _takes(job)) for job in jobs]
    found: dict[str, DeadEnd] = {}
    for line in lines:
        if line.refused != NEVER_FITS:
            continue
        name = line.demand.demand
        for part in line.dropped:
            order = part.unit.order
            job = None if order is None else known.get(order.index)
            if job is None or job.placed or name in found:
                continue
            path = _downward(job)
            around = way_around(model, name, path, path[-1])
            portion = _portion(around, path[-1].order, orders)
            if around or portion:
                found[name] = DeadEnd(around, portion)
    return found


def _downward(job: Job) -> list[Job]:
    """Orders from one that fits at no time down to the first of them."""
    path = [job]
    while True:
        below = [one for one in path[-1].before if not (one.placed or one in path)]
        if not below:
            return path
        path.append(below[0])


def _takes(job: Job) -> list[Taken]:
    return [(take.need, take.units) for take in job.takes]


def ended_sources(
    release: FeasibleOrderCreation, needs: Iterable[Need]
) -> dict[str, DeadEnd]:
    """Ways around sources that end before what their orders take is there.

    Parameters
    ----------
    release
        Register of the netting.
    needs
        What nothing serves.

    Returns
    -------
    mapping
        By the demand that an order is for first.
    """
    short = {
        need.order.index: need.order
        for need in needs
        if need.order is not None and _ends(need.order)
    }
    takes = _takes_of(release, short) if short else {}
    found: dict[str, DeadEnd] = {}
    for order in short.values():
        if order.cause in found:
            continue
        gone, node = {order.source_id}, release.model.node(order.node)
        around = other_sources(release.model, node, order.cause, gone, set(), ALWAYS)
        orders = [(one, takes.get(one.index)) for one in release.orders]
        end = DeadEnd(around or {}, _portion(around or {}, order, orders))
        if end.around or end.portion:
            found[order.cause] = end
    return found


def _ends(order: SupplyOrder) -> bool:
    """Whether a new order has a source that ends."""
    source = order.source if order.existing is None else None
    return source is not None and source.windows[-1][1] < NEVER


def _takes_of(
    release: FeasibleOrderCreation, orders: Collection[int]
) -> dict[int, list[Taken]]:
    """List what orders take and what serves it, by their index."""
    units: dict[int, list[SupplyUnit]] = {}
    found: dict[int, list[Taken]] = {index: [] for index in orders}
    for need in release.needs:
        if need.order is not None and need.order.index in orders:
            units[need.index] = []
            found[need.order.index].append((need, units[need.index]))
    for taker, unit in zip(release.match_need, release.match_unit, strict=True):
        if taker in units:
            units[taker].append(release.units[unit])
    return found


def halved(
    diverted: Diverted, orders: Sequence[SupplyOrder], unfit: Collection[int]
) -> Diverted:
    """Halve the pieces of portions that fit at no time; what is too small is left out.

    Parameters
    ----------
    diverted
        The sources of a plan.
    orders
        All its orders.
    unfit
        Those of them that fit at no time, by index.

    Returns
    -------
    mapping
        Equal to `diverted` where all pieces fit.
    """
    found = dict(diverted)
    for place, given in diverted.items():
        if not isinstance(given, SourceShare):
            continue
        own = [order for order in orders if _is_alike(order, place, given.source)]
        if not any(order.index in unfit for order in own):
            continue
        least = max(1, sum(given.pieces) // MOST_HALVED)
        pieces: list[int] = []
        for order in own:
            half = order.qty // 2
            if order.index not in unfit:
                pieces.append(order.qty)
            elif half >= least:
                pieces += [half, half]
        found[place] = SourceShare(given.source, tuple(pieces))
    return found


def _portion(
    around: Diverted,
    blamed: SupplyOrder,
    orders: Iterable[tuple[SupplyOrder, Sequence[Taken] | None]],
) -> Diverted:
    """What the source of an order brings before it ends; empty: nothing.

    All orders come with what they take, where they fit at no time.
    """
    place = blamed.node, blamed.cause
    if not _ends(blamed) or (around and place not in around):
        return {}
    most = sum(
        order.qty if takes is None else _in_time(order, takes)
        for order, takes in orders
        if _is_alike(order, place, blamed.source_id)
    )
    size = max(1, -(-most // MOST_PARTS))
    pieces = [min(size, most - before) for before in range(0, most, size)]
    return {place: SourceShare(blamed.source_id, tuple(pieces))} if pieces else {}


def _is_alike(order: SupplyOrder, place: Place, source: str) -> bool:
    """Whether a new order is for a demand at a place, from a source."""
    return (
        (order.node, order.cause) == place
        and order.source_id == source
        and order.existing is None
    )


def _in_time(order: SupplyOrder, takes: Sequence[Taken]) -> int:
    """How much an order could bring if it took no more than is there [units]."""
    source, timing = order.source, order.timing
    if source is None:
        return 0
    begin = timing.ready if order.kind == "move" else timing.start
    later = source.windows[-1][1] - 1 - begin
    most = min(
        (
            most_from(order, need, _there(need, units, need.instant + later))
            for need, units in takes
        ),
        default=order.steps,
    )
    if most == order.steps:
        # It is not for want of goods that it fits at no time.
        return 0
    size = lot_below(source, most)
    if order.recipe is None or size <= 0:
        return size
    gain = order.recipe.gain(*order.node)
    return 0 if gain is None else gain.good_steps(size, timing.finish)


def _there(need: Need, units: Iterable[SupplyUnit], instant: int) -> int:
    """Count what of a need is there at an instant, or made by then [units]."""
    found = 0
    for unit in units:
        qty = sum(part for taker, part in unit.takers if taker is need)
        found += qty if unit.arrives <= instant else _made(unit, qty, instant)
    return found


def _made(unit: SupplyUnit, qty: int, instant: int) -> int:
    """How much of a quantity is made by an instant, at an even pace [units]."""
    if unit.order is None or unit.order.kind != "make":
        return 0
    start = unit.order.timing.start
    done = max(0, instant - start)
    return qty * done // (unit.arrives - start) if unit.arrives > start else 0
