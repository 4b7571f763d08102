"""Net a few places anew, where the slices of some demands change.

What netting did there and below is undone, the demands are wanted as they are now, and
the places are netted again; all else stays. Afterwards the records stand in the
sequence that they would have, had all been netted so from the beginning.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from medhavi.planners.constrained.netting.feasible_netting import number
from medhavi.planners.constrained.netting.order_dates import is_scarce
from medhavi.planners.constrained.netting.rationing import Rationing
from medhavi.planners.mrp.netting_state.state import NO_DEMAND

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Iterable,
        Mapping,
        MutableSequence,
        Sequence,
    )

    from medhavi.planners.constrained.memory import Memory
    from medhavi.planners.constrained.netting.feasible_netting import SliceReader
    from medhavi.planners.constrained.netting.order_dates import FeasibleOrderCreation
    from medhavi.planners.constrained.netting.rationing import Slice
    from medhavi.planners.mrp.netting_state.run_state import NettingState
    from medhavi.planners.mrp.netting_state.state import (
        Need,
        Node,
        NodeKey,
        SupplyOrder,
        SupplyUnit,
    )
    from medhavi.planners.mrp.netting_state.stock_levels import StockLevels


Record = TypeVar("Record")
MOST_ANEW = 20
"""So often what is short is netted again by itself; then all is netted again."""


class Netting(NamedTuple):
    """A netting whose clusters are all walked, and nothing moved since.

    `rank` is the place of each node, by identity, among the `clusters`; `walk` nets
    one of them. `blocked` is what is kept of units, by index, `levels` are the stock
    levels by identity of the node.
    """

    release: FeasibleOrderCreation
    slicer: SliceReader
    rank: Mapping[int, int]
    clusters: Sequence[list[Node]]
    walk: Callable[[list[Node]], None]
    blocked: dict[int, int]
    levels: Mapping[int, StockLevels]

    def ration(self, memory: Memory) -> None:
        """Share out what is missing and net that again, as long as it is apart.

        Parameters
        ----------
        memory
            Gets the slices that are netted in the end, and what is missing for good.
        """
        for _ in range(MOST_ANEW):
            if not self.release.shortages:
                return
            rationing = Rationing(self.release, self.rank, self.levels)
            slices = rationing.slices(memory.slices, self.slicer.parts)
            if slices == memory.slices or rationing.lowered:
                return
            if not self.again(slices):
                return
            memory.share(slices, rationing)

    def again(self, slices: Mapping[int, Sequence[Slice]]) -> bool:
        """Net what other slices of demands reach; False: that is not to be told apart.

        Parameters
        ----------
        slices
            Slices of the demands by index; changed are those that differ from the
            slices of this netting.

        Notes
        -----
        Where goods stand in for each other, are planned together with others or kept
        for somebody, who took what depends on more than the places below: then nothing
        is done. Nor where orders for other places chose their source by what is left at
        these, or where suppliers have limits: what was ordered there before counts.
        """
        changed = {
            demand
            for demand, kept in slices.items()
            if self.slicer.slices.get(demand) != kept
        }
        demands = self.slicer.intake.demands
        model = self.release.model
        places = model.close(demands[index].node for index in changed)
        if not self._apart(places):
            return False
        gone = self._forget(places, changed)
        # All records from here on are new ones.
        made = _Counts.of(self.release)
        self.slicer.want(changed, slices)
        aside = _InterimNetting(self, places, made)
        for rank in sorted({self.rank[id(model.nodes[key])] for key in places}):
            aside.put_back(rank)
            self.walk(self.clusters[rank])
        aside.put_back(len(self.clusters))
        self._arrange(places, gone, made, aside.known)
        return True

    def _apart(self, places: set[NodeKey]) -> bool:
        nodes = self.release.model.nodes
        return not self._chosen_by(places) and not any(
            key in self.slicer.intake.pins
            or any(self.release.limits(source) for source in nodes[key].sources)
            or not self._together(nodes[key]) <= places
            or nodes[key].substitutes
            or any(need.alternatives for need in nodes[key].needs)
            or any(not unit.is_ours for unit in nodes[key].units)
            for key in places
        )

    def _together(self, node: Node) -> set[NodeKey]:
        """Places that are planned together with one, itself included."""
        return {other.key for other in self.clusters[self.rank[id(node)]]}

    def _chosen_by(self, places: Collection[NodeKey]) -> bool:
        """Whether orders for other places chose by what is left at these."""
        model = self.release.model
        scarce = {key for key in places if is_scarce(model.nodes[key])}
        if not scarce:
            return False
        wanted = {order.node for order in self.release.orders if not order.existing}
        wanted.update(short.need.node.key for short in self.release.shortages)
        for key in wanted.difference(places):
            node = model.nodes[key]
            if len(node.sources) < 2:
                continue
            ways = model.ways(node)
            parts = {group[0].node.key for way in ways for group in way.intakes}
            parts.update(way.origin.key for way in ways if way.origin is not None)
            if not scarce.isdisjoint(parts):
                return True
        return False

    def _forget(
        self, places: Collection[NodeKey], changed: Collection[int]
    ) -> _RemovedRecords:
        """Undo what netting did at places; the register keeps its numbers so far."""
        release = self.release
        orders = {
            id(order)
            for order in release.orders
            if order.existing is None and order.node in places
        }
        gone = _RemovedRecords(orders, changed)
        for key in places:
            node = release.model.nodes[key]
            node.units = [unit for unit in node.units if not gone.unit(unit)]
            node.needs = [need for need in node.needs if not gone.need(need)]
            for unit in node.units:
                unit.free = unit.qty
                unit.takers.clear()
            for need in node.needs:
                need.open = need.qty
        release.asked = [one for one in release.asked if one[0].key not in places]
        release.shortages = [
            one for one in release.shortages if one.need.node.key not in places
        ]
        return gone

    def _arrange(
        self,
        places: Collection[NodeKey],
        gone: _RemovedRecords,
        made: _Counts,
        known: Collection[int],
    ) -> None:
        """Leave out what is gone; bring what was made since into its sequence.

        What was `known` before, by identity, stays where it was.
        """
        release, intake = self.release, self.slicer.intake
        needs, units = release.needs, release.units
        # By record, as all get other numbers below.
        booked = [needs[index] for index in intake.bookings]
        covered = [(needs[index], qty) for index, qty in release.covered.items()]
        blocked = [(units[index], qty) for index, qty in self.blocked.items()]
        before, (orders, demands) = release.orders[: made.orders], gone
        release.forgotten += [one for one in before if id(one) in orders]
        release.orders = _merged(
            [one for one in before if id(one) not in orders],
            release.orders[made.orders :],
            self._made,
        )
        release.units = _merged(
            [one for one in units[: made.units] if id(one.order) not in orders],
            [one for one in units[made.units :] if id(one) not in known],
            self.given,
        )
        release.needs = _merged(
            [
                one
                for one in needs[: made.needs]
                if id(one.order) not in orders and one.demand not in demands
            ],
            [one for one in needs[made.needs :] if id(one) not in known],
            self.needed,
        )
        number(release.orders)
        number(release.units)
        number(release.needs)
        intake.bookings = {need.index for need in booked}
        release.covered = {need.index: qty for need, qty in covered}
        self.blocked.clear()
        self.blocked.update((unit.index, qty) for unit, qty in blocked)
        anew = {id(release.model.nodes[key]) for key in places}
        lost = [id(need.node) in anew for need in needs]
        taking, giving = release.match_need, release.match_unit
        matches = _merged(
            [match for match in range(made.matches) if not lost[taking[match]]],
            range(made.matches, len(taking)),
            lambda match: self.rank[id(needs[taking[match]].node)],
        )
        release.match_need = [needs[taking[match]].index for match in matches]
        release.match_unit = [units[giving[match]].index for match in matches]
        release.match_qty = [release.match_qty[match] for match in matches]

    def _made(self, order: SupplyOrder | None) -> int:
        """When a netting makes an order: what exists comes first."""
        if order is None or order.existing is not None:
            return -1
        return self.rank[id(self.release.model.nodes[order.node])]

    def given(self, unit: SupplyUnit) -> int:
        """When a netting makes a unit: what exists comes first."""
        return self._made(unit.order)

    def needed(self, need: Need) -> tuple[int, int]:
        """When a netting makes a need: those of the demands come first."""
        if need.order is None and need.demand != NO_DEMAND:
            return -2, need.demand
        return self._made(need.order), 0


class _Waiting(NamedTuple):
    """A record that stands aside: when it is made, all of its kind, its place."""

    made: int
    record: Any
    records: MutableSequence[Any]
    home: list[Any]


class _InterimNetting:
    """What some places want and have, until the orders that make it are netted.

    Who looks at a place before its turn then finds what a netting of all would have
    made by that time. With it a record gets the next number, so that of two at the same
    time the same one comes first.

    Parameters
    ----------
    netting, places
        The netting, and the places that are netted anew.
    made
        Records up to here were there before; needs behind them are wanted anew.

    Attributes
    ----------
    known
        What was there before, by identity.
    """

    def __init__(
        self, netting: Netting, places: Collection[NodeKey], made: _Counts
    ) -> None:
        release = netting.release
        nodes = [release.model.nodes[key] for key in places]
        needs = [need for node in nodes for need in node.needs]
        units = [unit for node in nodes for unit in node.units]
        self.known = {id(need) for need in needs if need.index < made.needs}
        self.known.update(map(id, units))
        for node in nodes:
            node.needs, node.units = [], []
        del release.needs[made.needs :]
        needs.sort(key=lambda need: (netting.needed(need), need.index))
        units.sort(key=lambda unit: (netting.given(unit), unit.index))
        self._waiting = [
            _Waiting(netting.needed(need)[0], need, release.needs, need.node.needs)
            for need in needs
        ]
        self._waiting += [
            _Waiting(netting.given(unit), unit, release.units, unit.node.units)
            for unit in units
        ]

    def put_back(self, rank: int) -> None:
        """Put back what is made before the cluster of a rank."""
        left = []
        for one in self._waiting:
            if one.made >= rank:
                left.append(one)
                continue
            one.record.index = len(one.records)
            one.records.append(one.record)
            one.home.append(one.record)
        self._waiting = left


class _RemovedRecords(NamedTuple):
    """Orders by identity, and demands, whose records are gone."""

    orders: Collection[int]
    demands: Collection[int]

    def unit(self, unit: SupplyUnit) -> bool:
        """Whether a unit is gone."""
        return id(unit.order) in self.orders

    def need(self, need: Need) -> bool:
        """Whether a need is gone."""
        return need.demand in self.demands or id(need.order) in self.orders


class _Counts(NamedTuple):
    """How many records there are."""

    orders: int
    units: int
    needs: int
    matches: int

    @classmethod
    def of(cls, release: NettingState) -> _Counts:
        """Count the records of a register."""
        return cls(
            len(release.orders),
            len(release.units),
            len(release.needs),
            len(release.match_qty),
        )


def _merged(
    known: list[Record], made: Iterable[Record], place: Callable[[Record], Any]
) -> list[Record]:
    """Put each of a few records behind those that come before it or with it."""
    for record in made:
        # Netting goes cluster by cluster, so what is known is in this sequence already;
        # of one cluster the new record comes last, as it was made last.
        insort(known, record, key=place)
    return known
