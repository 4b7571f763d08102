"""What stands of products, and whom it is kept for, settled while a plant is read.

What is pegged to, or held for, a demand of the same product and place is given to it at
once, and so is what existing orders and negative stock take; the search wants what is
left. What is held for a demand that takes it by way of orders stays a supply of its
own, for that demand alone. Stock of customers serves their demands for it, or nobody.

Free stock of what may be delivered instead of a product is given to its demands, and
what stands of components that replace each other, and that nobody else wants, counts as
the one that orders take (rule 9).
"""

from __future__ import annotations

from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.netting.feasible_netting import (
    keep_for_important,
    kept_first,
)
from medhavi.planners.constrained.search.plant.sources import holds, line_taken
from medhavi.planners.mrp.hard_allocations import kept_by
from medhavi.planners.mrp.netting_state.state import (
    FIRST_AVAILABLE,
    NO_DEMAND,
    SEQUENCE,
    SupplyUnit,
    least_lost,
    no_more_asked,
    ratio,
)
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from fractions import Fraction

    from medhavi.planners.constrained.search.plant.sources import Sources
    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.mrp.hard_allocations import HardAllocation
    from medhavi.planners.mrp.netting_state.state import Need, Node, NodeKey
    from medhavi.planners.mrp.netting_state.stock_levels import StockLevels


class StandingSupply(NamedTuple):
    """Quantity of a unit that stands [units], and what keeps it for a demand.

    `pin` is None where any demand may take it. Where it stands in for the product that
    orders take, `qty` is that of the product, of which each unit takes `ratio` of it.
    `level` is the place of the stock level that keeps it until then, among those of its
    product; -1: it stands indeed.
    """

    unit: SupplyUnit
    qty: int
    pin: HardAllocation | None = None
    ratio: int = 0
    level: int = -1

    @property
    def demand(self) -> int:
        """The demand that alone may take it; `NO_DEMAND`: any."""
        if self.pin is not None:
            return self.pin.demand
        return self.unit.for_demand if self.unit.node.make_to_order else NO_DEMAND


def _may_be_taken(unit: SupplyUnit) -> bool:
    """Whether any demand may take a unit: made to order, it is for one or for none."""
    return unit.for_demand != NO_DEMAND or not unit.node.make_to_order


def lend_to_demands(run: SearchableRun) -> None:
    """Serve demands from free stock of what may be delivered instead (rule 9).

    What stands of their own product comes before it, and so do the own needs of the
    other one that are earlier or as important. What orders take of it is not known yet:
    then nothing is lent.
    """
    replaced = _with_substitutes(run)
    taken = taken_by_orders(run) if replaced else set()
    for node in replaced:
        asked = [need for need in node.needs if need.demand != NO_DEMAND]
        for need, short in short_of(run, node, asked):
            left = short
            for other, each in run.release.stand_ins(need):
                if other.key in taken or run.intake.pins.get(other.key):
                    continue
                free = list(_free(run, other, need))
                most = sum(unit.free for unit in free) - _own_needs(run, other, need)
                # What is covered is rounded down, what is lent for it up: never less
                # than is needed.
                covered = min(left, most * each.denominator // each.numerator)
                lent = -(-covered * each.numerator // each.denominator)
                if lent > 0:
                    run.release.stand_in(need, other, lent, free, each)
                    left -= covered


def replaced_anew(run: SearchableRun) -> set[NodeKey]:
    """Products of which others come anew sooner than they, where that is late (rule 9).

    And those others: the run nets them together.
    """
    found: set[NodeKey] = set()
    release = run.release
    for node in _with_substitutes(run):
        asked = [need for need in node.needs if need.demand != NO_DEMAND]
        for need, short in short_of(run, node, asked):
            own = release.promised(node, need, need.instant, short)
            for other, each in release.stand_ins(need):
                lent = -(-short * each.numerator // each.denominator)
                ready = release.promised(other, need, need.instant, lent)
                if ready is not None and (own is None or ready < own):
                    found |= {node.key, other.key}
    return found


def _with_substitutes(run: SearchableRun) -> list[Node]:
    """Products of which others may be delivered instead."""
    return [node for (node,) in run.clusters if node.substitutes]


def taken_by_orders(run: SearchableRun) -> set[NodeKey]:
    """Products that orders may take, or move."""
    nodes = (node for (node,) in run.clusters)
    return {key for node in nodes for key in run.model.takes_from(node)}


def replacements(run: SearchableRun, last: int) -> dict[int, list[StandingSupply]]:
    """Stock that replaces components, by the identity of the one that orders take.

    That of products that nobody else wants, where all that takes the component may
    take them instead, in whole numbers for each.
    """
    takers: dict[int, list[dict[int, Fraction]]] = {}
    nodes = {id(node): node for cluster in run.clusters for node in cluster}
    known = run.facts(last).rivals
    for node in nodes.values():
        if node not in known:
            known[node] = list(_rivals(run, node, last))
    taken_by = [known[node] for node in nodes.values()]
    if not any(others for rivals in taken_by for _, others in rivals):
        return {}
    for taken, others in chain.from_iterable(taken_by):
        takers.setdefault(id(taken), []).append(others)
    found: dict[int, list[StandingSupply]] = {}
    lent: set[int] = set()
    for number, rivals in takers.items():
        own = nodes.get(number)  # None: it is for products that only hold stock
        if not rivals[0] or own is None or not _is_for_orders_alone(run, own):
            continue
        for other, each in rivals[0].items():
            same = each.denominator == 1 and all(
                one.get(other) == each for one in rivals
            )
            lender = nodes.get(other)
            if other in takers or other in lent or not same or lender is None:
                continue
            if not lender.units or not _is_for_orders_alone(run, lender):
                continue
            lent.add(other)
            found.setdefault(number, []).extend(_lent_of(run, lender, each.numerator))
    return found


def _rivals(
    run: SearchableRun, node: Node, last: int
) -> Iterator[tuple[Node, dict[int, Fraction]]]:
    """What orders for a product take, with what replaces that and at what ratio."""
    for way in run.model.ways(node):
        if way.origin is not None:
            yield way.origin, {}
        for group in way.intakes:
            main = line_taken(run, group, last)
            yield (
                main.node,
                {
                    id(one.node): ratio(main.component, one.component)
                    for one in group
                    if main.component.numerator
                    and one is not main
                    and holds(run, one, last)
                },
            )


def _is_for_orders_alone(run: SearchableRun, node: Node) -> bool:
    """Whether nothing but new orders may want a product."""
    plain = node.rules.is_plain and not node.make_to_order
    return plain and not node.needs and not run.intake.pins.get(node.key)


def _lent_of(run: SearchableRun, node: Node, each: int) -> Iterator[StandingSupply]:
    """What there is of a product now, in so many for one of another."""
    for unit in sorted(node.units, key=FIRST_AVAILABLE):
        if unit.is_ours and unit.available <= run.as_of and unit.free >= each:
            yield StandingSupply(unit, unit.free // each, None, each)


def short_of(
    run: SearchableRun, node: Node, needs: Iterable[Need]
) -> Iterator[tuple[Need, int]]:
    """Needs, in sequence, that what stands does not cover, and by how much [units]."""
    before = 0
    for need in sorted(needs, key=SEQUENCE):
        # Needs before this one take their part of the same units.
        there = sum(unit.free for unit in _free(run, node, need)) - before
        before += need.open
        if need.open > max(there, 0):
            yield need, need.open - max(there, 0)


def _free(run: SearchableRun, node: Node, need: Need) -> Iterator[SupplyUnit]:
    """Units of a product that a need may take in time, the first one first."""
    until = max(need.instant, run.as_of)
    for unit in sorted(node.units, key=FIRST_AVAILABLE):
        in_time = unit.free > 0 and unit.is_ours and unit.available <= until
        if in_time and not node.make_to_order and run.release.usable(unit, need):
            yield unit


def there_for_demands(run: SearchableRun) -> dict[int, int]:
    """When what demands were given already is there [s since now]."""
    release, found = run.release, dict[int, int]()
    for need, unit in zip(release.match_need, release.match_unit, strict=True):
        there = release.units[unit].arrives - run.as_of
        demand = release.needs[need].demand
        found[demand] = max(found.get(demand, 0), there)
    return found


class LevelRequirements(NamedTuple):
    """What stock levels of a product want, as far as the search can say it.

    `rises` are quantities [units] and from when on they have to be there [s since now],
    with what is wanted anew when goods of a level die; `falls` are quantities that are
    free again [units], since when [UTC s], and the place of their rise. `why` the run
    nets the product for what else is wanted; "": nothing is.
    """

    rises: Sequence[tuple[int, int]] = ()
    falls: Sequence[tuple[int, int, int]] = ()
    why: str = ""


def level_requirements(
    node: Node, levels: StockLevels, as_of: int
) -> LevelRequirements:
    """What stock levels want of a product: what comes last is free again first.

    `levels` are those of the product, `as_of` is now [UTC s].
    """
    rules = node.rules
    if rules.is_plain:
        return LevelRequirements()
    if rules.safety_days:
        # It is there so long before its needs.
        more = rules.safety_qty or rules.levels
        why = f"{node.key} has days of safety and a stock level"
        return LevelRequirements(why=why if more else "")
    moments = sorted(levels.moments())
    wanted = [levels.wanted(moment) for moment in moments]
    found: list[tuple[int, int]] = []
    falls: list[tuple[int, int, int]] = []
    free: list[tuple[int, int]] = []
    kept = 0
    for moment, level in zip(moments, wanted, strict=True):
        if level > kept:
            free.append((level - kept, len(found)))
            found.append((level - kept, moment - as_of))
        # Last in, first out: what came last is the freshest of what is free again.
        while level < kept:
            qty, place = free.pop()
            less = min(qty, kept - level)
            falls.append((less, moment, place))
            kept -= less
            if qty > less:
                free.append((qty - less, place))
        kept = level
    soonest = max(as_of, levels.first_repair)
    found += [
        (one.qty, max(one.instant, soonest) - as_of)
        for one in levels.replenishments
        if one.instant > as_of
    ]
    turn = sorted(range(len(found)), key=lambda place: found[place][1])
    now = {place: at for at, place in enumerate(turn)}
    falls = [(qty, since, now[place]) for qty, since, place in falls]
    return LevelRequirements([found[place] for place in turn], falls)


def freed_supplies(
    node: Node, wanted: LevelRequirements, as_of: int
) -> list[StandingSupply]:
    """Supplies of what levels keep until they fall, as of `level_requirements`.

    What came for a level is no older than that.
    """
    found = []
    for qty, since, place in wanted.falls:
        life, came = node.shelf_life, as_of + wanted.rises[place][1]
        unit = SupplyUnit(-1, node, qty, qty, since, since, "INV")
        unit.expires = NEVER if life is None else came + life
        # What dies before the level falls is no supply.
        if unit.expires > since:
            found.append(StandingSupply(unit, qty, level=place))
    return found


def _own_needs(run: SearchableRun, node: Node, other: Need) -> int:
    """What needs of a product want that go before a need for another [units].

    What nothing brings anew was shared out before: all of them go first.
    """
    ends = not run.model.ways(node)
    return sum(
        need.open
        for need in node.needs
        if ends
        or need.order is not None
        or need.demand == NO_DEMAND
        or need.priority <= other.priority
        or need.instant <= other.instant
    )


class StandingSupplies:
    """Settles what is kept, and lists what stands after that, product by product.

    Parameters
    ----------
    run
        A run that is built and not netted yet.
    last
        The last due date [UTC s].
    """

    def __init__(self, run: SearchableRun, offers: Sources, last: int) -> None:
        self._run = run
        self._offers = offers
        self._replace = replacements(run, last)
        self._release, self._name = run.release, run.unit_name
        self._left_of: dict[tuple[str, int], int] = {}
        """What is left of what existing orders took, by name and place [units]."""
        self._known_below: dict[NodeKey, set[int]] = {}

    def of(self, node: Node) -> list[StandingSupply]:
        """What the search may take of a product, by date; all else is matched."""
        for pin in self._run.intake.pins.get(node.key, ()):
            if pin.supply is not None and pin.label and not self._is_settled(pin):
                self._run.approximate(f"{node.key} is pegged to what is made of it")
        held = self._settle(node)
        self._keep_standing(self._standing(node), node, held)
        return self._left(node, held)

    def of_netted(self, node: Node, lead: int) -> list[StandingSupply]:
        """What the search may take of a product that the run nets after it, by date.

        Parameters
        ----------
        node
            Its demands are no part of the plant: what is there for them stays theirs.
        lead
            When new supply is there [UTC s]: what is wanted from then on can wait for
            it, and is netted with all else.
        """
        held = self._settle(node)
        standing = [need for need in self._standing(node) if need.instant < lead]
        self._keep_standing(standing, node, held)
        if self._run.keeps_for_important:
            keep_for_important(node, self._release, self._run.providers.capacity)
        asked = [need for need in node.needs if need.demand != NO_DEMAND]
        pressed = [need for need in asked if need.instant < lead]
        # What comes before is left for who is late anyway.
        self._keep(pressed, node.units, first=kept_first)
        return self._left(node, held)

    def _settle(self, node: Node) -> list[StandingSupply]:
        """Match what is pegged to, held for, or owned by those who ask for it.

        What is kept for those who take it by way of orders is left, apart. Holds get
        what is pegged so and not needed: then they are settled when the product is
        netted.
        """
        self._keep(filter(self._offers.restricted, node.needs), node.units)
        pins = self._run.intake.pins.get(node.key, ())
        later = [pin for pin in pins if not self._is_settled(pin)]
        if not all(pin.blocks for pin in later):
            later = [pin for pin in pins if pin.blocks or pin in later]
        self._run.settle_pins([pin for pin in pins if pin not in later])
        held: list[StandingSupply] = []
        for pin in later:
            for unit, qty in kept_by(pin, self._release, self._name):
                unit.free -= qty
                if pin.demand == NO_DEMAND:
                    self._run.set_aside.append((unit, qty))
                else:
                    held.append(StandingSupply(unit, qty, pin))
        owned = [unit for unit in node.units if not unit.is_ours]
        if owned:
            self._keep([one for one in node.needs if one.demand != NO_DEMAND], owned)
        return held

    def _left(self, node: Node, held: Sequence[StandingSupply]) -> list[StandingSupply]:
        """What is held for some, and what is left for all, by date."""
        free = [
            StandingSupply(unit, unit.free)
            for unit in node.units
            if unit.free > 0 and unit.is_ours and _may_be_taken(unit)
        ]
        found = sorted([*held, *free], key=lambda one: FIRST_AVAILABLE(one.unit))
        # What replaces the product is there now: it comes before receipts.
        now = sum(one.unit.available <= self._run.as_of for one in found)
        return [*found[:now], *self._replace.get(id(node), ()), *found[now:]]

    def lacking(self, node: Node) -> Iterator[Need]:
        """List what existing orders and negative stock lack."""
        return (need for need in self._standing(node) if need.open > 0)

    def _is_settled(self, pin: HardAllocation) -> bool:
        """Whether all needs of the owner of a pin are known before the search."""
        if pin.demand == NO_DEMAND:
            return True
        wanted = self._run.intake.demands[pin.demand].node
        return wanted == pin.node.key or id(pin.node) not in self._below(wanted)

    def _below(self, key: NodeKey) -> set[int]:
        """Products that orders for a product may take, however far below."""
        known = self._known_below.get(key)
        if known is not None:
            return known
        found = self._known_below[key] = set[int]()
        open_ = [self._run.model.node(key)]
        while open_:
            for way in self._run.model.ways(open_.pop()):
                taken = [line.node for group in way.intakes for line in group]
                taken += [] if way.origin is None else [way.origin]
                new = [node for node in taken if id(node) not in found]
                found |= {id(node) for node in new}
                open_ += new
        return found

    def _standing(self, node: Node) -> list[Need]:
        """Needs of existing orders and of negative stock."""
        bookings = self._run.intake.bookings
        return [
            need
            for need in node.needs
            if need.order is not None or need.index in bookings
        ]

    def _keep_standing(
        self, needs: Sequence[Need], node: Node, held: list[StandingSupply]
    ) -> None:
        """Match what existing orders need with what stands.

        They take what they took before, also of what is kept for the demands that they
        serve, and wait for what was planned for them and is planned still.
        """
        if not needs:
            return
        units = {self._name(unit): unit for unit in node.units}
        waits: dict[int, int] = {}
        for need in sorted(needs, key=SEQUENCE):
            name = "" if need.order is None else need.order.existing or ""
            for at, one in enumerate(self._run.earlier.takes.get(name, ())):
                unit, left = units.get(one.unit), self._left_of.get((name, at), one.qty)
                if not one.unit and one.node == node.key:
                    more = min(left, need.open - waits.get(need.index, 0))
                    waits[need.index] = waits.get(need.index, 0) + more
                elif unit is None or not self._release.usable(unit, need):
                    continue
                elif one.owner:
                    more = self._take_held(need, unit, held, (one.owner, left))
                else:
                    more = self._release.match(need, unit, left)
                self._left_of[name, at] = left - more
        # Those that come last leave the others to who wants them sooner.
        last = node.key in self._run.takes_last
        first = kept_first if last else FIRST_AVAILABLE
        self._keep(needs, node.units, waits, first)

    def _take_held(
        self,
        need: Need,
        unit: SupplyUnit,
        held: list[StandingSupply],
        most: tuple[str, int],
    ) -> int:
        """Match a need with what is kept of a unit for a demand, at most so much."""
        owner, qty = most
        for at, one in enumerate(held):
            if one.unit is not unit or one.pin is None or one.demand == NO_DEMAND:
                continue
            if self._run.intake.demands[one.demand].demand != owner:
                continue
            taken = min(one.qty, qty, need.open)
            # It was set aside when it was listed as held.
            unit.free += taken
            self._release.match(need, unit, taken)
            self._run.take_pinned(one.pin, taken)
            self._run.owners[need.index, unit.index] = owner
            held[at] = one._replace(qty=one.qty - taken)
            if taken == one.qty:
                del held[at]
            return taken
        return 0

    def _keep(
        self,
        needs: Iterable[Need],
        units: Iterable[SupplyUnit],
        waits: Mapping[int, int] = MappingProxyType({}),
        first: Callable[[SupplyUnit], tuple[int, ...]] = FIRST_AVAILABLE,
    ) -> None:
        """Match needs with what is there in time, the first need first.

        `waits`: what of a need is left open, by its index [units]; `first` ranks units.
        """
        release = self._release
        waiting = sorted(units, key=first)
        asks = waiting[0].node.asks() if waiting else {}
        for need in sorted(needs, key=SEQUENCE):
            later, before = waits.get(need.index, 0), need.open
            taken = least_lost(waiting, need, asks) if need.open > later else ()
            for unit in taken:
                in_time = unit.free > 0 and unit.available <= need.instant
                if in_time and need.open > later and release.usable(unit, need):
                    release.match(need, unit, need.open - later if later else None)
            no_more_asked(asks, need, before)
