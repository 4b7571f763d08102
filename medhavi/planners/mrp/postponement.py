"""Carry lateness upward, and supply anew what orders that waited take (rule 2).

Netting goes from the demand down and dates every order backward from its need. Only a
source that is valid later, or closed until later, makes supply come after its need.
What takes from it then moves forward, level by level, up to the demand: dates stay
what the goods allow. Receipts that exist do not; they get an exception (rule 3).

Netting dates an order before it is known that something of it comes late. Once the
order is moved behind that, a lot may be dead by its new date, and a line of its bill of
materials may have ended or begun. Then the order takes what holds at the new date, and
that is netted like any other need; what it no longer takes is free again.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from medhavi.planners.mrp.netting_state.state import Shortage, SupplyAlternative
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

    from medhavi.planners.mrp.netting import DatedNodeNetting
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import (
        ComponentRequirement,
        Need,
        Node,
        SupplyOrder,
        SupplyUnit,
    )
    from medhavi.providers.material.recipes import Recipe
    from medhavi.providers.sources import OrderTiming, Source


TRIES = 16
"""Closed time can move a use less than the start; then the start moves again."""


def is_new(order: SupplyOrder) -> bool:
    """Whether the run made the order."""
    return order.existing is None


def died(unit: SupplyUnit, need: Need) -> bool:
    """Whether a new order was moved past the life of what it takes."""
    return need.order is not None and is_new(need.order) and unit.expires < need.instant


def postpone(release: OrderCreation, rank: Mapping[int, int]) -> list[Shortage]:
    """Move new orders behind the late new supply that they take.

    Parameters
    ----------
    release
        Register of the finished netting; changed in place.
    rank
        Place of each node, by identity, in the order of planning.

    Returns
    -------
    list of Shortage
        What is too late for an order that no later start helps: it keeps its dates.

    Notes
    -----
    O(needs + matches) once, and a pass, nearly always two, over the orders above late
    supply. An order waits for a component no longer than the line holds that asks for
    it.
    """
    waits = _may_wait(release)
    if not waits:
        return []
    needs, given = _taken(release, waits)
    nodes = release.model.nodes
    lowest_first = sorted(
        (release.orders[index] for index in sorted(waits)),
        key=lambda order: -rank.get(id(nodes[order.node]), 0),
    )
    waiting_for = [
        (order, [(n, given[n.index]) for n in needs[order.index] if n.index in given])
        for order in lowest_first
    ]
    stuck: dict[int, Shortage] = {}
    # What falls out beside the main product can come from an order planned later, so
    # one pass may not reach all; each moves orders later only.
    for _ in range(TRIES):
        moved = False
        for order, taken_late in waiting_for:
            if not any(
                unit.arrives > need.instant
                for need, units in taken_late
                for unit in units
            ):
                continue
            waiting = {
                need.index: max(
                    (unit.arrives for unit in given[need.index]), default=ALWAYS
                )
                for need in needs[order.index]
            }
            late = [
                need
                for need in needs[order.index]
                if _lack(need, need.instant, waiting[need.index]) > 0
            ]
            if not late:
                continue
            worst = max(late, key=lambda need: waiting[need.index] - need.instant)
            slowest = max(given[worst.index], key=lambda unit: unit.arrives).order
            if slowest is not None:
                order.waits_for = slowest.waits_for or slowest.source_id
            if _move(release, order, needs[order.index], waiting):
                moved = True
                stuck.pop(order.index, None)
                continue
            # Nothing brings this in time, and no later start is valid.
            taken = min(worst.qty, sum(unit.qty for unit in given[worst.index]))
            stuck[order.index] = Shortage(need=worst, qty=taken)
        if not moved:
            break
    return list(stuck.values())


def _may_wait(release: OrderCreation) -> set[int]:
    """List the orders that lack late supply, and those above, by index.

    Nothing is late for the others, whenever these start.
    """
    needs, units = release.needs, release.units
    # From what comes late upward: who takes it, and all that take from those, may wait.
    above = [
        taker
        for need, unit in _matches(release)
        if units[unit].arrives > needs[need].instant
        for taker, giver in [(needs[need].order, units[unit].order)]
        if taker is not None and giver is not None and is_new(giver)
    ]
    found: set[int] = set()
    while above:
        order = above.pop()
        if order.index in found or not is_new(order):
            continue
        found.add(order.index)
        above += [
            need.order
            for unit in order.units
            for need, _ in unit.takers
            if need.order is not None
        ]
    return found


def _taken(
    release: OrderCreation, orders: Collection[int]
) -> tuple[dict[int, list[Need]], dict[int, list[SupplyUnit]]]:
    """Needs of orders, and what of new orders serves each need."""
    needs: dict[int, list[Need]] = defaultdict(list)
    for need in release.needs:
        if need.order is not None and need.order.index in orders:
            needs[need.order.index].append(need)
    taking = {need.index for own in needs.values() for need in own}
    given: dict[int, list[SupplyUnit]] = defaultdict(list)
    for need_index, unit_index in _matches(release):
        if need_index in taking:
            unit = release.units[unit_index]
            if unit.order is not None and is_new(unit.order):
                given[need_index].append(unit)
    return needs, given


def _matches(release: OrderCreation) -> Iterator[tuple[int, int]]:
    return zip(release.match_need, release.match_unit, strict=True)


def _move(
    release: OrderCreation,
    order: SupplyOrder,
    needs: list[Need],
    waiting: Mapping[int, int],
) -> bool:
    """Start an order so late that all it takes is there; False: it cannot."""
    found = timing_behind(release, order, needs, waiting)
    if found is None:
        return False
    order.timing, instants = found
    for need in needs:
        need.instant = instants[need.index]
    _arrive(release, order)
    return True


def timing_behind(
    release: OrderCreation,
    order: SupplyOrder,
    needs: list[Need],
    waiting: Mapping[int, int],
) -> tuple[OrderTiming, dict[int, int]] | None:
    """Earliest timing at which all that an order takes is there; None: never.

    Parameters
    ----------
    waiting
        When that is there, by index of the need [UTC seconds].

    Returns
    -------
    timing, instants
        The new timing, and when it takes each need, by index [UTC seconds].
    """
    source = order.source
    if source is None:
        return None
    # A source is listed once for each of its validities; moved later, the order may run
    # in any of them.
    windows = [
        window
        for other in release.model.node((source.product, source.location)).sources
        if (other.kind, other.source) == (source.kind, source.source)
        for window in other.windows
    ]
    whenever = source._replace(windows=tuple(sorted(windows)))
    moving = source.kind == "move"
    start = order.timing.ready if moving else order.timing.start
    instants = {need.index: need.instant for need in needs}
    timing = order.timing
    for _ in range(TRIES):
        lack = max(
            _lack(need, instants[need.index], waiting[need.index]) for need in needs
        )
        if lack <= 0:
            break
        start += lack
        found = whenever.earliest(start, order.steps)
        if found is None:
            return None
        timing = found
        # From where it begins, not from where it was asked to: closed time between
        # the two would swallow what is still lacking.
        start = timing.ready if moving else timing.start
        instants = {
            need.index: timing.ready if moving else _use(release, order, need, timing)
            for need in needs
        }
    else:
        return None
    return timing, instants


def _lack(need: Need, at: int, there: int) -> int:
    """How much later something is taken when it is there, or needed no more."""
    line = need.line
    if line is None or line.valid_to >= NEVER:
        return there - at
    return 0 if at >= line.valid_to else min(there, line.valid_to) - at


def _use(
    release: OrderCreation, order: SupplyOrder, need: Need, timing: OrderTiming
) -> int:
    line = need.line
    if line is None:
        return timing.steps[0].start if timing.steps else timing.start
    return release.use_instant(order, line, timing)


def _arrive(release: OrderCreation, order: SupplyOrder) -> None:
    """Date what an order gives by its new times; safety time is given up first."""
    source = order.source
    gains = {}
    if source is not None and source.kind == "make":
        gains = {
            id(node): (gain, plain)
            for node, gain, plain in SupplyAlternative(source, release.model).yields
        }
    for unit in order.units:
        gain, plain = gains.get(id(unit.node), (None, True))
        at = order.timing.finish
        if gain is not None and not plain:
            at = release.output_instant(order, gain)
        life = unit.node.shelf_life
        if life is not None:
            unit.expires += at - unit.arrives
        unit.arrives = at
        unit.available = max(unit.available, at)


ROUNDS = 12
"""Moving what waits and supplying anew what it takes then, in turn."""


def wait_and_resupply(
    release: OrderCreation,
    rank: Mapping[int, int],
    walks: Callable[[Node], list[DatedNodeNetting]],
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
            *recipes_anew(release),
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


def _mortal(release: OrderCreation) -> set[int]:
    """List the units that expire at all, by index."""
    return {unit.index for unit in release.units if unit.expires < NEVER}


def recipes_anew(release: OrderCreation) -> list[Need]:
    """Update the recipe lines of new orders to the dates they have now.

    Parameters
    ----------
    release
        Register of the run, changed in place.

    Returns
    -------
    list of Need
        What orders take that they did not take before; nothing serves it yet.

    Notes
    -----
    Looks only at orders of recipes with dated lines.
    """
    dated: dict[int, bool] = {}
    found: dict[int, tuple[SupplyOrder, Source]] = {}
    for order in release.orders:
        recipe, source = order.recipe, order.source
        if recipe is None or source is None or not is_new(order):
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
        for group in SupplyAlternative(source, release.model).intakes:
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
    release: OrderCreation,
    order: SupplyOrder,
    group: Sequence[ComponentRequirement],
    own: Sequence[Need],
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


def forget(release: OrderCreation, needs: Collection[Need]) -> None:
    """Cancel needs of orders, with their pegs."""
    if not needs:
        return
    gone = {need.index for need in needs}
    release.take_back(lambda _, need: need.index in gone)
    _find_again(release, gone)
    for need in needs:
        need.qty = need.open = 0
        release.covered.pop(need.index, None)


def _find_again(release: OrderCreation, needs: Collection[int]) -> None:
    """Strike what was written down as missing: it is looked for anew."""
    release.shortages = [s for s in release.shortages if s.need.index not in needs]


def supply_anew(
    release: OrderCreation,
    needs: Sequence[Need],
    walks: Callable[[Node], list[DatedNodeNetting]],
) -> None:
    """Serve needs after netting, with all that their new orders need in turn.

    Parameters
    ----------
    release
        Register of the run, changed in place.
    walks
        Gives the walks of the cluster of a node, anew.
    """
    _find_again(release, {need.index for need in needs})
    units: dict[int, list[SupplyUnit]] = defaultdict(list)
    seen = 0
    # Depth first: what a new order needs is served before the next need, as it may take
    # of the same goods.
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


def useless(release: OrderCreation, orders: Iterable[SupplyOrder]) -> set[int]:
    """Find new orders that nothing takes from any more, and what was made for them.

    Parameters
    ----------
    orders
        Orders that lost some of their takers.

    Returns
    -------
    set of int
        Their indexes; levels of stock keep an order.
    """
    givers: Mapping[int, list[SupplyOrder]] | None = None
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


def _givers(release: OrderCreation) -> dict[int, list[SupplyOrder]]:
    """List the orders that each order takes from, by its index."""
    found: dict[int, list[SupplyOrder]] = defaultdict(list)
    for need_index, unit_index in _matches(release):
        need, giver = release.needs[need_index], release.units[unit_index].order
        if need.order is not None and giver is not None:
            found[need.order.index].append(giver)
    return found
