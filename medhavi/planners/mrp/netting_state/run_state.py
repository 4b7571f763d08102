"""Register of one run: needs, supply, matches, orders, and who stands behind them.

An order is a span over its outputs; who takes of it takes a slice, and a need of the
order is the same span stretched to the need's quantity. It is the way in which pegs are
traced (`kernels.peg_trace`), so that what is kept for a demand while quantities are
found is what the demand is pegged to in the end.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol

from medhavi.findings import BadData, finding
from medhavi.planners.mrp.netting_state.state import (
    NO_DEMAND,
    Need,
    Shortage,
    SupplyUnit,
)
from medhavi.units import INT64_MAX, NEVER

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Iterator,
        Mapping,
        MutableSequence,
        Sequence,
    )
    from fractions import Fraction

    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.state import Node, PegSource, SupplyOrder
    from medhavi.planners.mrp.netting_state.stock_levels import StockLevels


class PegSlice(NamedTuple):
    """A part of the span of an order that is for a demand [units]."""

    demand: int
    begin: int
    end: int


class DownstreamPegs:
    """Slices of the orders of a register, looked up when they are asked for."""

    def __init__(self) -> None:
        self._matches: tuple[list[int], list[int], list[int]] = ([], [], [])
        self._latest: dict[int, int] = {}
        """The last match of each need."""
        self._before = array("q")
        """By match: the one of the same need before it; -1: it is the first."""

    def see(
        self, match_need: list[int], match_unit: list[int], match_qty: list[int]
    ) -> None:
        """Look at the matches as they are now; those that were added are read."""
        read = len(self._before)
        # Another list, or a shorter one: matches were taken back, so all are read anew.
        if self._matches[0] is not match_need or read > len(match_need):
            self._latest, self._before, read = {}, array("q"), 0
        self._matches = (match_need, match_unit, match_qty)
        latest, before = self._latest, self._before
        for place in range(read, len(match_need)):
            need = match_need[place]
            before.append(latest.get(need, -1))
            latest[need] = place

    def of(self, order: SupplyOrder) -> list[PegSlice]:
        """Slices of an order, without recursion down long chains."""
        found: dict[int, list[PegSlice]] = {}
        # A by-product may go back into its own order: that adds nobody behind it.
        path: set[int] = set()
        stack = [order]
        while stack:
            current = stack[-1]
            if current.index in found:
                stack.pop()
                continue
            upper = {
                taker.order.index: taker.order
                for unit in current.units
                for taker, _ in unit.takers
                if taker.order is not None
                and taker.order.index not in found
                and taker.order.index not in path
                and taker.order is not current
            }
            if upper:
                path.add(current.index)
                stack += upper.values()
                continue
            found[current.index] = self._own(current, found)
            path.discard(current.index)
            stack.pop()
        return found[order.index]

    def _own(
        self, order: SupplyOrder, found: dict[int, list[PegSlice]]
    ) -> list[PegSlice]:
        slices: list[PegSlice] = []
        offset = 0
        for unit in order.units:
            at = offset
            met: dict[int, int] = {}
            for taker, taken in unit.takers:
                if taker.demand != NO_DEMAND:
                    slices.append(PegSlice(taker.demand, at, at + taken))
                elif taker.order is not None:
                    turn = met.get(taker.index, 0)
                    met[taker.index] = turn + 1
                    first = self._place(taker, unit, turn)
                    above = found.get(taker.order.index, ())
                    # What of the slice of a demand lies in the part of the need that
                    # this unit serves, moved to where that part begins in the unit.
                    for demand, begin, end in stretched(taker, above):
                        low = max(begin, first)
                        high = min(end, first + taken)
                        if low < high:
                            moved = at - first
                            slices.append(PegSlice(demand, low + moved, high + moved))
                at += taken
            offset += unit.qty
        return slices

    def _place(self, need: Need, unit: SupplyUnit, turn: int) -> int:
        """Where in a need its match number `turn` with a unit begins [units]."""
        _, units, quantities = self._matches
        first = 0
        for place in self._of_need(need):
            if units[place] == unit.index and quantities[place] > 0:
                if turn == 0:
                    break
                turn -= 1
            first += quantities[place]
        return first

    def _of_need(self, need: Need) -> list[int]:
        """List the matches of a need in sequence."""
        found = []
        place = self._latest.get(need.index, -1)
        while place >= 0:
            found.append(place)
            place = self._before[place]
        found.reverse()
        return found


def stretched(need: Need, slices: Sequence[PegSlice]) -> list[PegSlice]:
    """Interval slices of an order onto a need of it; ends round down."""
    if need.order is None:
        return []
    span = sum(unit.qty for unit in need.order.units)
    if not span:
        return []
    return [
        PegSlice(demand, begin * need.qty // span, end * need.qty // span)
        for demand, begin, end in slices
    ]


class NodeNetting(Protocol):
    """One node on its way through time; `at` is where it is [UTC seconds]."""

    at: int
    levels: StockLevels
    node: Node

    def add(self, unit: SupplyUnit) -> None:
        """Take note of supply."""

    def advance(self, instant: int) -> None:
        """Process receipts and expiries up to an instant."""

    def take(self, need: Need) -> None:
        """Serve a need from what is there."""

    def spare(self, priority: int) -> int:
        """Count what more important own needs leave over from now on."""


class NettingState:
    """All records of one run; their `index` is their place in its lists.

    Attributes
    ----------
    orders, units, needs
        In order of making.
    match_need, match_unit, match_qty
        Which need took how much of which unit, in sequence [units of the supplied
        product].
    shortages
        Needs that nothing can serve.
    covered
        Stand-in need to the quantity of the wanted product it covers [units].
    freed
        Orders whose supply was taken back from a need, by index.
    asked
        Node, instant and quantity of what netting asked for, before lots [units].
    demand_names, demand_customers
        Ids and customers of the planned demands.
    """

    def __init__(self, model: ItemLocationGraph) -> None:
        self.model = model
        self.orders: MutableSequence[SupplyOrder] = []
        self.units: MutableSequence[SupplyUnit] = []
        self.needs: MutableSequence[Need] = []
        self.match_need: list[int] = []
        self.match_unit: list[int] = []
        self.match_qty: list[int] = []
        self.shortages: list[Shortage] = []
        self.covered: dict[int, int] = {}
        self.freed: dict[int, SupplyOrder] = {}
        self.forgotten: list[SupplyOrder] = []
        """Orders that were dropped; they and what they gave point at each other."""
        self.asked: list[tuple[Node, int, int]] = []
        self.demand_names: MutableSequence[str] = []
        self.demand_customers: MutableSequence[str | None] = []
        self._walks: dict[int, NodeNetting] = {}
        self._behind = DownstreamPegs()

    # --- cluster -------------------------------------------------------------------
    def enter(self, walks: Sequence[NodeNetting]) -> None:
        """Take note of the walks of the cluster that is planned now."""
        self._walks = {id(walk.node): walk for walk in walks}

    def walk_of(self, node: Node) -> NodeNetting:
        """Walk of a node of the cluster."""
        return self._walks[id(node)]

    # --- matching ------------------------------------------------------------------
    def usable(self, unit: SupplyUnit, need: Need) -> bool:
        """Whether a unit may serve a need (rules 10, 11, 20 of ownership)."""
        if unit.only_need is not None and unit.only_need is not need:
            return False
        if unit.expires < NEVER and unit.expires < max(need.instant, need.alive_until):
            return False
        if not self.is_asked_for(unit, need):
            return False
        if unit.customer is not None:
            # Goods of a customer serve needs of that customer alone.
            owners = {self.demand_customers[demand] for demand in self.shares(need)}
            return owners == {unit.customer} and self._owners_part(need, unit) > 0
        if need.node.make_to_order and unit.only_need is None:
            owner = unit.for_demand
            return owner != NO_DEMAND and self.sole_demand(need) == owner
        return True

    def is_asked_for(self, unit: SupplyUnit, need: Need) -> bool:
        """Whether a unit comes from where it has to, with what a need asks."""
        origin = need.only_from
        return (origin is None or _comes_from(unit, origin)) and unit.meets(need.asks)

    def _owners_part(self, need: Need, unit: SupplyUnit) -> int:
        """What a need may still take of its customer's own units [units].

        The rest of an order that is larger than what the customer wants (safety stock,
        surplus of a lot) is not for that customer, nor is what others are pegged for.
        """
        taken = sum(
            qty
            for other in need.node.units
            if other.customer == unit.customer
            for taker, qty in other.takers
            if taker is need
        )
        pegged = sum(
            qty for other, _, qty in need.pins if other.customer != unit.customer
        )
        return sum(self.shares(need).values()) - taken - pegged

    def sole_demand(self, need: Need) -> int:
        """One demand behind a need; NO_DEMAND: none or several."""
        behind = self.shares(need)
        return next(iter(behind)) if len(behind) == 1 else NO_DEMAND

    def match(self, need: Need, unit: SupplyUnit, most: int | None = None) -> int:
        """Peg a need to a unit; returns how much [units]."""
        taken = min(unit.free, need.open)
        if unit.customer is not None:
            taken = min(taken, self._owners_part(need, unit))
            if most is None and need.order is not None:
                self._keep(need, unit, taken)
        if most is not None and most < taken:
            taken = most
        need.open -= taken
        unit.free -= taken
        unit.takers.append((need, taken))
        carrier = unit.order
        if carrier is not None and carrier.carried is not None:
            # What is moved keeps its expiry: the lot at the origin must last as long.
            lasting = max(need.instant, need.alive_until)
            carrier.carried.alive_until = max(carrier.carried.alive_until, lasting)
        self.match_need.append(need.index)
        self.match_unit.append(unit.index)
        self.match_qty.append(taken)
        return taken

    def _keep(self, need: Need, unit: SupplyUnit, qty: int) -> None:
        """Keep what an order takes of a customer's own for the demands behind it."""
        for demand, part in self.unserved(need).items():
            kept = min(part, qty)
            if kept > 0:
                need.pins += ((unit, demand, kept),)
                qty -= kept

    def give_up(self, need: Need) -> None:
        """Write down that nothing can serve the rest of a need."""
        self.shortages.append(Shortage(need=need, qty=need.open))

    def shares(self, need: Need) -> dict[int, int]:
        """Which demands stand behind a need, with their part [units].

        Parts are those that pegs will have; what no demand stands behind (safety stock,
        surplus) is in no part.
        """
        if need.demand != NO_DEMAND:
            return {need.demand: need.qty}
        if need.order is None:
            return {}
        self._behind.see(self.match_need, self.match_unit, self.match_qty)
        parts: dict[int, int] = {}
        for demand, begin, end in stretched(need, self._behind.of(need.order)):
            if end > begin:
                parts[demand] = parts.get(demand, 0) + end - begin
        return parts

    def unserved(self, need: Need) -> dict[int, int]:
        """`shares` less what is kept for each demand already [units]."""
        parts = self.shares(need)
        for _, demand, qty in need.pins:
            if demand in parts:
                parts[demand] = max(0, parts[demand] - qty)
        return parts

    # --- needs ---------------------------------------------------------------------
    def need(
        self,
        node: Node,
        instant: int,
        qty: int,
        priority: int,
        demand: int = NO_DEMAND,
        order: SupplyOrder | None = None,
    ) -> Need:
        """Register a need of a node.

        Raises
        ------
        BadData
            The quantity does not fit 64 bits (a finding, not a number).
        """
        if qty > INT64_MAX:
            self._refuse(node, qty)
        made = Need(len(self.needs), node, instant, qty, qty, priority, demand, order)
        self.needs.append(made)
        node.needs.append(made)
        return made

    def substitutes(self, need: Need) -> Iterator[tuple[Node, Fraction]]:
        """List who may serve instead, with units of theirs for one wanted.

        Substitutes are delivered instead of what was ordered. An order takes only what
        its bill of materials lets stand in for each other, a move only its own product;
        stock below zero is made up by what was booked.
        """
        for other, ratio in need.alternatives:
            # Those of an order that exists may be planned at another time.
            if id(other) in self._walks:
                yield other, ratio
        if need.order is not None or need.demand == NO_DEMAND:
            return
        for other, ratio, (begin, end) in need.node.substitutes:
            if begin <= need.instant < end:
                yield other, ratio

    def substitute_need(self, need: Need, other: Node, qty: int) -> Need:
        """Make a need of a stand-in for a part of another need."""
        stand_in = self.need(
            other, need.instant, qty, need.priority, need.demand, need.order
        )
        stand_in.alive_until = need.alive_until
        stand_in.asks = need.asks
        stand_in.line = need.line
        return stand_in

    def settle_substitute(self, need: Need, stand_in: Need, ratio: Fraction) -> None:
        """Credit what a stand-in got to the wanted product."""
        got = stand_in.qty - stand_in.open
        covered = min(need.open, got * ratio.denominator // ratio.numerator)
        stand_in.qty, stand_in.open = got, 0
        self.covered[stand_in.index] = covered
        need.open -= covered
        need.qty -= covered

    def unmatch(self, matches: Mapping[int, int]) -> None:
        """Take back a quantity of matches: their supply is free again.

        Parameters
        ----------
        matches
            Place among the matches to quantity [units of the supplied product].
        """
        for match, qty in matches.items():
            need = self.needs[self.match_need[match]]
            unit = self.units[self.match_unit[match]]
            self.match_qty[match] -= qty
            unit.free += qty
            for place, (taker, taken) in enumerate(unit.takers):
                if taker is need and taken >= qty:
                    unit.takers[place] = (taker, taken - qty)
                    break
            need.qty -= qty
        # Takers of nothing are left out at last: places among them were counted before.
        for unit in self.units:
            for one in unit.takers:
                if not one[1]:
                    unit.takers = [other for other in unit.takers if other[1]]
                    break

    def take_back(
        self,
        lost: Callable[[SupplyUnit, Need], bool],
        among: Collection[int] | None = None,
    ) -> list[Need]:
        """Undo the matches that are lost; gives the needs that are open again.

        Parameters
        ----------
        lost
            Tells it of a unit and a need that takes from it.
        among
            Units that may be lost, by index; None: any.
        """
        needs, units = self.needs, self.units
        keeps = [
            (among is not None and unit not in among)
            or not lost(units[unit], needs[need])
            for need, unit in zip(self.match_need, self.match_unit, strict=True)
        ]
        if all(keeps):
            return []
        found: dict[int, Need] = {}
        for match, keep in enumerate(keeps):
            if keep:
                continue
            need, unit = needs[self.match_need[match]], units[self.match_unit[match]]
            unit.free += self.match_qty[match]
            need.open += self.match_qty[match]
            unit.takers = [taker for taker in unit.takers if taker[0] is not need]
            found[need.index] = need
            if unit.order is not None:
                self.freed[unit.order.index] = unit.order
        self.match_need = list(compress(self.match_need, keeps))
        self.match_unit = list(compress(self.match_unit, keeps))
        self.match_qty = list(compress(self.match_qty, keeps))
        return [found[index] for index in sorted(found)]

    def drop(self, orders: Collection[int]) -> tuple[dict[int, int], dict[int, int]]:
        """Forget orders by index, with what they give and need.

        Who took from them must be forgotten too, or takes nothing any more; an order
        that exists stays and lacks what it took.

        Returns
        -------
        needs, units : dict of int to int
            New index of each need and unit that is left, by its old one.
        """
        # The places of all matches change.
        self._behind = DownstreamPegs()
        these = {id(order) for order in self.orders if order.index in orders}
        lacking = [id(need.order) in these for need in self.needs]
        giving = [id(unit.order) in these for unit in self.units]
        matches = zip(self.match_need, self.match_unit, strict=True)
        kept = [not (lacking[need] or giving[unit]) for need, unit in matches]
        for match in [match for match, stays in enumerate(kept) if not stays]:
            need = self.needs[self.match_need[match]]
            unit = self.units[self.match_unit[match]]
            unit.free += self.match_qty[match]
            unit.takers = [taker for taker in unit.takers if taker[0] is not need]
            taker = need.order
            if taker is not None and taker.existing is not None:
                need.open += self.match_qty[match]
                short = Shortage(need=need, qty=self.match_qty[match])
                self.shortages.append(short)
        self.match_qty = list(compress(self.match_qty, kept))
        self.forgotten += [one for one in self.orders if one.index in orders]
        self.orders = [order for order in self.orders if order.index not in orders]
        gone = list(compress(self.units, giving))
        lost = list(compress(self.needs, lacking))
        for unit in gone:
            unit.node.units = [other for other in unit.node.units if other is not unit]
        for need in lost:
            need.node.needs = [other for other in need.node.needs if other is not need]
        away = {id(record) for record in (*gone, *lost)}
        self.units = [unit for unit in self.units if id(unit) not in away]
        self.needs = [need for need in self.needs if id(need) not in away]
        self.shortages = [s for s in self.shortages if id(s.need) not in away]
        needs = {need.index: index for index, need in enumerate(self.needs)}
        units = {unit.index: index for index, unit in enumerate(self.units)}
        for need in self.needs:
            need.index = needs[need.index]
        for unit in self.units:
            unit.index = units[unit.index]
        for index, order in enumerate(self.orders):
            order.index = index
        self.match_need = [needs[old] for old in compress(self.match_need, kept)]
        self.match_unit = [units[old] for old in compress(self.match_unit, kept)]
        self.covered = {
            needs[old]: qty for old, qty in self.covered.items() if old in needs
        }
        return needs, units

    def dissolve(self) -> None:
        """Clear all references: records point at each other in circles.

        Without circles the interpreter frees them at once; a search for circles among
        hundreds of thousands of records takes as long as netting.
        """
        for unit in self.units:
            unit.takers.clear()
        for order in (*self.orders, *self.forgotten):
            for unit in order.units:
                unit.takers.clear()
            order.units.clear()
            order.carried = None
        for node in self.model.nodes.values():
            node.needs.clear()
            node.units.clear()
        self._walks.clear()

    # --- supply --------------------------------------------------------------------
    def unit(
        self,
        node: Node,
        qty: int,
        available: int,
        arrives: int,
        source: PegSource,
        order: SupplyOrder | None = None,
    ) -> SupplyUnit:
        """Register supply of a node; its shelf life counts from its arrival."""
        made = SupplyUnit(
            len(self.units), node, qty, qty, available, arrives, source, order
        )
        if node.shelf_life is not None and order is not None and order.kind != "move":
            made.expires = arrives + node.shelf_life
        if qty > INT64_MAX:
            self._refuse(node, qty)
        self.units.append(made)
        if order is not None:
            order.units.append(made)
        return made

    def _refuse(self, node: Node, qty: int) -> NoReturn:
        product, location = node.key
        found = finding(
            "PLAN001",
            table="bom_lines",
            column="qty_per",
            value=qty,
            product=product,
            location=location,
        )
        raise BadData([replace(found, subject=node.key)])

    def output_name(self, unit: SupplyUnit) -> str:
        """Name a further output of an order: its product, and once more its place."""
        product, location = unit.node.key
        order = unit.order
        if order is not None:
            for other in order.units:
                if other is unit:
                    break
                if other.node.key[0] == product and other.node.key != order.node:
                    return f"{product}|{location}"
        return product

    def announce(self, unit: SupplyUnit) -> None:
        """Hand supply of another node to its walk, if it is planned now."""
        walk = self._walks.get(id(unit.node))
        if walk is not None:
            walk.add(unit)


def _comes_from(unit: SupplyUnit, place: str) -> bool:
    """Whether a unit was shipped from a place, or lies there (ship_from)."""
    if unit.node.key[1] == place:
        return True
    order = unit.order
    if order is None or order.kind != "move":
        return False
    return place == (order.source.origin if order.source else order.source_id)
