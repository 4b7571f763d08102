"""What stands of products, and whom it is kept for, settled while a plant is read.

What is pegged to, or held for, a demand of the same product and place is given to it at
once, and so is what existing orders and negative stock take; the search wants what is
left. What is held for a demand that takes it by way of orders stays a supply of its
own, for that demand alone. Stock of customers serves their demands for it, or nobody.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.search.plant_machines import refuse
from medhavi.planners.mrp.hard_allocations import kept_by
from medhavi.planners.mrp.netting_state.state import NO_DEMAND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from medhavi.planners.constrained.search.found_orders import SearchableRun
    from medhavi.planners.mrp.hard_allocations import HardAllocation
    from medhavi.planners.mrp.netting_state.state import (
        Need,
        Node,
        NodeKey,
        SupplyUnit,
    )
    from medhavi.providers.material.characteristics import Characteristics

_BY_ARRIVAL = attrgetter("available", "expires", "index")
_SEQUENCE = attrgetter("instant", "priority", "index")


class StandingSupply(NamedTuple):
    """Quantity of a unit that stands [units], and what keeps it for a demand.

    `pin` is None where any demand may take it.
    """

    unit: SupplyUnit
    qty: int
    pin: HardAllocation | None = None

    @property
    def demand(self) -> int:
        """The demand that alone may take it; `NO_DEMAND`: any."""
        if self.pin is not None:
            return self.pin.demand
        return self.unit.for_demand if self.unit.node.make_to_order else NO_DEMAND


def _may_be_taken(unit: SupplyUnit) -> bool:
    """Whether any demand may take a unit: made to order, it is for one or for none."""
    return unit.for_demand != NO_DEMAND or not unit.node.make_to_order


class StandingSupplies:
    """Settles what is kept, and lists what stands after that, product by product.

    Parameters
    ----------
    run
        A run that is built and not netted yet.
    """

    def __init__(self, run: SearchableRun) -> None:
        self._run = run
        self._release, self._name = run.release, run.unit_name
        self._known_below: dict[NodeKey, set[int]] = {}

    def of(self, node: Node) -> list[StandingSupply]:
        """What the search may take of a product, by date; all else is matched.

        Raises
        ------
        UnfitError
            A demand asks for what not all supply has, or a firm peg keeps something for
            a demand that takes it by way of orders.
        """
        for pin in self._run.intake.pins.get(node.key, ()):
            if pin.supply is not None and pin.label and not self._is_settled(pin):
                refuse(f"{node.key} is pegged to what is made of it")
        held = self._settle(node)
        self._keep(self._standing(node), node.units)
        return self._left(node, held)

    def of_netted(self, node: Node, lead: int) -> list[StandingSupply]:
        """What the search may take of a product that the run nets after it, by date.

        Parameters
        ----------
        node
            Its demands are no part of the plant: what is there for them stays theirs.
        lead
            When new supply is there [UTC s].
        """
        held = self._settle(node)
        self._keep(self._standing(node), node.units)
        asked = [need for need in node.needs if need.demand != NO_DEMAND]
        self._keep([need for need in asked if need.instant < lead], node.units)
        return self._left(node, held)

    def _settle(self, node: Node) -> list[StandingSupply]:
        """Match what is pegged to, held for, or owned by those who ask for it.

        What is kept for those who take it by way of orders is left, apart.
        """
        for need in node.needs:
            if need.alternatives:
                refuse(f"{node.key} has other needs")
            if need.asks is not None and not self._all_have(node, need.asks, set()):
                refuse(f"demand for {node.key} asks for a quality")
        pins = self._run.intake.pins.get(node.key, ())
        self._run.settle_pins([pin for pin in pins if self._is_settled(pin)])
        owned = [unit for unit in node.units if not unit.is_ours]
        if owned:
            self._keep([one for one in node.needs if one.demand != NO_DEMAND], owned)
        held: list[StandingSupply] = []
        for pin in pins:
            for unit, qty in () if self._is_settled(pin) else kept_by(pin, self._name):
                unit.free -= qty
                held.append(StandingSupply(unit, qty, pin))
        return held

    def _left(self, node: Node, held: Sequence[StandingSupply]) -> list[StandingSupply]:
        """What is held for some, and what is left for all, by date."""
        free = [
            StandingSupply(unit, unit.free)
            for unit in node.units
            if unit.free > 0 and unit.is_ours and _may_be_taken(unit)
        ]
        return sorted([*held, *free], key=lambda one: _BY_ARRIVAL(one.unit))

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

    def _standing(self, node: Node) -> Iterable[Need]:
        """Needs of existing orders and of negative stock."""
        bookings = self._run.intake.bookings
        return [
            need
            for need in node.needs
            if need.order is not None or need.index in bookings
        ]

    def _keep(self, needs: Iterable[Need], units: Iterable[SupplyUnit]) -> None:
        """Match needs with what is there in time, the first need first."""
        release, waiting = self._release, sorted(units, key=_BY_ARRIVAL)
        for need in sorted(needs, key=_SEQUENCE):
            for unit in waiting if need.open else ():
                in_time = unit.free > 0 and unit.available <= need.instant
                if in_time and need.open and release.usable(unit, need):
                    release.match(need, unit)

    def _all_have(
        self, node: Node, asks: Characteristics, seen: set[tuple[str, str]]
    ) -> bool:
        """Whether all that a product stands for and comes from has what is asked."""
        if node.key in seen:
            return True
        seen.add(node.key)
        return all(
            (unit.traits or node.traits).meets(asks) for unit in node.units
        ) and all(
            way.traits(node).meets(asks)
            if way.origin is None
            else self._all_have(way.origin, asks, seen)
            for way in self._run.model.ways(node)
        )
