"""Keep what there is for the more important, until new supply could come (design 3.4).

Needs are met in sequence of their dates. Before the first moment at which a new order
could be there, what exists is all there is: a less important and earlier need would
leave a more important one late. Where they cannot all be served, what exists goes by
urgency instead, the latest that is still in time first, so that earlier needs find what
comes before.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from medhavi.planners.constrained.netting.way_chains import WayChains
from medhavi.planners.mrp.netting_state.state import URGENCY
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.planners.constrained.netting.dating import FeasibleRelease
    from medhavi.planners.mrp.netting_state.register import Register
    from medhavi.planners.mrp.netting_state.state import Need, Node, SupplyUnit
    from medhavi.providers.capacity.capacity import Capacity

_SEQUENCE = attrgetter("instant", "priority", "index")
BY_DATE = attrgetter("available", "index")


def keep_for_important(
    node: Node, release: FeasibleRelease, capacity: Capacity
) -> None:
    """Serve the needs before new supply by urgency, where they are in each other's way.

    Parameters
    ----------
    node
        All its needs are known, none is served by new supply.
    release
        Where what serves whom is written.
    capacity
        Times of routings; asked only where it decides.

    Notes
    -----
    What stands in for the product, or replaces it in a bill of materials, is not
    looked at: an important need that could have it keeps what it asked for.
    """
    pressed, units, soon = _pressed(node, release, capacity)
    latest = sorted(units, key=kept_first)
    earliest = sorted(units, key=BY_DATE)
    for need in sorted(pressed, key=URGENCY):
        serve_from(release, need, latest, need.instant)
        if not (need.alternatives or node.substitutes):
            serve_from(release, need, earliest, soon)


def is_kept(node: Node, release: FeasibleRelease, capacity: Capacity) -> bool:
    """Whether something is kept for more important needs of a node."""
    return bool(_pressed(node, release, capacity)[0])


def _pressed(
    node: Node, release: FeasibleRelease, capacity: Capacity
) -> tuple[list[Need], list[SupplyUnit], int]:
    """Needs that are in each other's way, what there is, and when more could be.

    No need: none lacks what a less important one takes.
    """
    if node.make_to_order or not _in_the_way(node):
        return [], [], NEVER
    if release.chains is None:
        release.chains = WayChains(release.model, release, capacity, ())
    soon = release.chains.anew(node)
    pressed = [need for need in node.needs if need.open > 0 and need.instant < soon]
    units = [u for u in node.units if u.free > 0 and u.available < soon]
    if not _differ(pressed) or not _hinder(pressed, units):
        return [], [], NEVER
    return pressed, units, soon


def _in_the_way(node: Node) -> bool:
    """Whether a need lacks what less important and earlier ones take."""
    units = [unit for unit in node.units if unit.free > 0]
    return bool(units) and _differ(node.needs) and _hinder(node.needs, units)


def _differ(needs: Iterable[Need]) -> bool:
    """Whether needs differ in priority."""
    return len({need.priority for need in needs if need.open > 0}) > 1


def _hinder(needs: Iterable[Need], units: Iterable[SupplyUnit]) -> bool:
    """Whether a need lacks what less important and earlier ones take."""
    arriving = sorted(units, key=BY_DATE, reverse=True)
    there, least = 0, None
    for need in sorted(needs, key=_SEQUENCE):
        if need.open == 0:
            continue
        while arriving and arriving[-1].available <= need.instant:
            there += arriving.pop().free
        there -= need.open
        if there < 0 and least is not None and least > need.priority:
            return True
        least = need.priority if least is None else max(least, need.priority)
    return False


def serve_from(
    register: Register, need: Need, units: list[SupplyUnit], until: int
) -> None:
    """Serve a need from units available by an instant, in their sequence."""
    for unit in units:
        if need.open == 0:
            return
        if unit.free > 0 and unit.available <= until and register.usable(unit, need):
            register.match(need, unit)


def kept_first(unit: SupplyUnit) -> tuple[int, int, int]:
    """Rank what dies first before what comes last."""
    return unit.expires, -unit.available, unit.index
