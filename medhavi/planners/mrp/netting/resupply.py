"""Supply anew what orders take after they had to wait (rule 2).

Netting dates an order before it is known that something of it comes late. Once the
order is moved behind that, a lot may be dead by its new date, and a line of its bill of
materials may have ended or begun. Then the order takes what holds at the new date, and
that is netted like any other need; what it no longer takes is free again.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from medhavi.planners.mrp.netting.postponing import died, is_new, postpone
from medhavi.planners.mrp.netting_state.ways import Way
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from medhavi.planners.mrp.netting.netting import NodeWalk
    from medhavi.planners.mrp.netting_state.release import Release
    from medhavi.planners.mrp.netting_state.state import Need, Node, Order, SupplyUnit
    from medhavi.planners.mrp.netting_state.ways import Intake
    from medhavi.providers.material.recipes import Recipe
    from medhavi.providers.sources import Source


ROUNDS = 12
"""Moving what waits and supplying anew what it takes then, in turn."""


def wait_and_resupply(
    release: Release,
    rank: Mapping[int, int],
    walks: Callable[[Node], list[NodeWalk]],
) -> set[int]:
    """Move new orders behind late supply; what they take then is netted again.

    Parameters
    ----------
    release
        Register of the finished netting, changed in place.
    rank
        Place of each node, by identity, in the order of planning.
    walks
        Gives the walks of the cluster of a node, anew.

    Returns
    -------
    set of int
        Orders that nothing needs any more, by index.

    Notes
    -----
    Orders only move later, so each end or beginning of a line is crossed once; what is
    still dead or missing after all rounds stays missing.
    """
    for _ in range(ROUNDS):
        stuck = postpone(release, rank)
        wanted = [
            *release.take_back(died, _mortal(release)),
            *recipes_anew(release, is_new),
        ]
        if not wanted:
            release.shortages += [short for short in stuck if short.need.qty > 0]
            break
        supply_anew(release, wanted, walks)
    else:
        release.shortages += postpone(release, rank)
        for need in release.take_back(died, _mortal(release)):
            release.give_up(need)
    return useless(release, release.freed.values())


def _mortal(release: Release) -> set[int]:
    """List the units that expire at all, by index."""
    return {unit.index for unit in release.units if unit.expires < NEVER}


def recipes_anew(release: Release, movable: Callable[[Order], bool]) -> list[Need]:
    """Update the recipe lines of orders to the dates they have now.

    Parameters
    ----------
    release
        Register of the run, changed in place.
    movable
        Which orders may have moved.

    Returns
    -------
    list of Need
        What orders take that they did not take before; nothing serves it yet.

    Notes
    -----
    Looks only at orders of recipes with dated lines.
    """
    dated: dict[int, bool] = {}
    found: dict[int, tuple[Order, Source]] = {}
    for order in release.orders:
        recipe, source = order.recipe, order.source
        if recipe is None or source is None or not movable(order):
            continue
        if id(recipe) not in dated:
            dated[id(recipe)] = _is_dated(recipe)
        if dated[id(recipe)]:
            found[order.index] = (order, source)
    if not found:
        return []
    taken: dict[int, list[Need]] = defaultdict(list)
    for need in release.needs:
        if need.order is not None and need.line is not None and need.qty > 0:
            taken[need.order.index].append(need)
    gone: list[Need] = []
    made: list[Need] = []
    for index, (order, source) in found.items():
        for group in Way(source, release.model).intakes:
            lines = {intake.component.line for intake in group}
            own = [
                n for n in taken[index] if n.line is not None and n.line.line in lines
            ]
            if _holds(release, order, group, own):
                continue
            gone += own
            again = release.component_need(order, group)
            if again is not None:
                made.append(again)
    forget(release, gone)
    return made


def _is_dated(recipe: Recipe) -> bool:
    return any(
        line.valid_from > ALWAYS or line.valid_to < NEVER for line in recipe.components
    )


def _holds(
    release: Release, order: Order, group: Sequence[Intake], own: Sequence[Need]
) -> bool:
    """Whether what an order takes of a group is what holds at its dates."""
    if len(group) == 1 and group[0].plain:
        return True
    choices = [intake for intake, _ in release.choices(order, group)]
    if not choices or choices[0].component.steps(order.steps) <= 0:
        return not own
    nodes = {id(intake.node) for intake in choices}
    return bool(own) and all(
        need.line is choices[0].component and id(need.node) in nodes for need in own
    )


def forget(release: Release, needs: Collection[Need]) -> None:
    """Cancel needs of orders, with their pegs."""
    if not needs:
        return
    gone = {need.index for need in needs}
    release.take_back(lambda _, need: need.index in gone)
    _find_again(release, gone)
    for need in needs:
        need.qty = need.open = 0
        release.covered.pop(need.index, None)


def _find_again(release: Release, needs: Collection[int]) -> None:
    """Strike what was written down as missing: it is looked for anew."""
    release.shortages = [s for s in release.shortages if s.need.index not in needs]


def supply_anew(
    release: Release, needs: Sequence[Need], walks: Callable[[Node], list[NodeWalk]]
) -> None:
    """Serve needs after netting, with all that their new orders need in turn.

    Parameters
    ----------
    release
        Register of the run, changed in place.
    needs
        What is open.
    walks
        Gives the walks of the cluster of a node, anew.
    """
    _find_again(release, {need.index for need in needs})
    units: dict[int, list[SupplyUnit]] = defaultdict(list)
    seen = 0
    stack = list(reversed(needs))
    while stack:
        need = stack.pop()
        for unit in release.units[seen:]:
            units[id(unit.node)].append(unit)
        seen, known = len(release.units), len(release.needs)
        cluster = walks(need.node)
        release.enter(cluster)
        for walk in cluster:
            # All else is served: only this need asks, and whatever is free is for it.
            walk.needs = [need] if walk.node is need.node else []
            listed = {unit.index for unit in walk.node.units}
            for unit in units[id(walk.node)]:
                if unit.index not in listed:
                    walk.add(unit)
        for walk in cluster:
            if walk.node is need.node:
                walk.process(need.instant)
        stack += reversed([made for made in release.needs[known:] if made.open > 0])


def useless(release: Release, orders: Iterable[Order]) -> set[int]:
    """Find new orders that nothing takes from any more, and what was made for them.

    Parameters
    ----------
    release
        Register of the run.
    orders
        Orders that lost some of their takers.

    Returns
    -------
    set of int
        Their indexes; levels of stock keep an order.
    """
    givers: Mapping[int, list[Order]] | None = None
    gone: set[int] = set()
    stack = list(orders)
    while stack:
        order = stack.pop()
        used = any(
            taken and (need.order is None or need.order.index not in gone)
            for unit in order.units
            for need, taken in unit.takers
        )
        kept = any(not unit.node.rules.is_plain for unit in order.units)
        if used or kept or order.existing is not None or order.index in gone:
            continue
        gone.add(order.index)
        if givers is None:
            givers = _givers(release)
        stack += givers.get(order.index, ())
    return gone


def _givers(release: Release) -> dict[int, list[Order]]:
    """List the orders that each order takes from, by its index."""
    found: dict[int, list[Order]] = defaultdict(list)
    for need_index, unit_index in zip(
        release.match_need, release.match_unit, strict=True
    ):
        need, giver = release.needs[need_index], release.units[unit_index].order
        if need.order is not None and giver is not None:
            found[need.order.index].append(giver)
    return found
