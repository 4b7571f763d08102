"""Net a few places anew, where the slices of some demands change.

What netting did there and below is undone, the demands are wanted as they are now, and
the places are netted again; all else stays. Afterwards the records stand in the
sequence that they would have, had all been netted so from the beginning.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from medhavi.planners.constrained.rationing import Rationing
from medhavi.planners.mrp.state import NO_DEMAND

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from medhavi.planners.constrained.rationing import Slice
    from medhavi.planners.constrained.round_memory import Memory
    from medhavi.planners.constrained.slices import SliceReader
    from medhavi.planners.mrp.release import Release
    from medhavi.planners.mrp.state import Need, Node, NodeKey, Order, SupplyUnit


Record = TypeVar("Record")
MOST_ANEW = 20
"""So often what is short is netted again by itself; then all is netted again."""


class Netting(NamedTuple):
    """A netting whose clusters are all walked, and nothing moved since.

    `rank` is the place of each node, by identity, among the `clusters`; `walk` nets
    one of them.
    """

    release: Release
    slicer: SliceReader
    rank: Mapping[int, int]
    clusters: Sequence[list[Node]]
    walk: Callable[[list[Node]], None]

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
            rationing = Rationing(self.release, self.rank)
            slices = rationing.slices(memory.slices, self.slicer.parts)
            if slices == memory.slices or not self.again(slices):
                return
            memory.slices = slices
            memory.missing.update(rationing.missing)

    def again(self, slices: Mapping[int, Sequence[Slice]]) -> bool:
        """Net what other slices of demands reach; False: that is not to be told apart.

        Parameters
        ----------
        slices
            Slices of the demands by index; changed are those that differ from the
            slices of this netting.

        Notes
        -----
        Where goods stand in for each other, or are kept for somebody, who took what
        depends on more than the places below: then nothing is done.
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
        made = _Counts.of(self.release)
        self.slicer.want(changed, slices)
        for rank in sorted({self.rank[id(model.nodes[key])] for key in places}):
            self.walk(self.clusters[rank])
        self._arrange(places, gone, made)
        return True

    def _apart(self, places: Collection[NodeKey]) -> bool:
        nodes = self.release.model.nodes
        return not any(
            key in self.slicer.intake.pins
            or nodes[key].substitutes
            or any(need.alternatives for need in nodes[key].needs)
            or any(not unit.is_ours for unit in nodes[key].units)
            for key in places
        )

    def _forget(self, places: Collection[NodeKey], changed: Collection[int]) -> _Gone:
        """Undo what netting did at places; the register keeps its numbers so far."""
        release = self.release
        orders = {
            id(order)
            for order in release.orders
            if order.existing is None and order.node in places
        }
        gone = _Gone(orders, changed)
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

    def _arrange(self, places: Collection[NodeKey], gone: _Gone, made: _Counts) -> None:
        """Leave out what is gone; bring what was made since into its sequence."""
        release, intake = self.release, self.slicer.intake
        needs, units = release.needs, release.units
        matches = [
            (needs[need], units[unit], qty)
            for need, unit, qty in zip(
                release.match_need, release.match_unit, release.match_qty, strict=True
            )
        ]
        booked = [needs[index] for index in intake.bookings]
        before = release.orders[: made.orders]
        release.forgotten += [one for one in before if id(one) in gone.orders]
        release.orders = _merged(
            [one for one in before if id(one) not in gone.orders],
            release.orders[made.orders :],
            self._made,
        )
        release.units = _merged(
            [one for one in units[: made.units] if not gone.unit(one)],
            units[made.units :],
            lambda unit: self._made(unit.order),
        )
        release.needs = _merged(
            [one for one in needs[: made.needs] if not gone.need(one)],
            needs[made.needs :],
            self._needed,
        )
        _number(release.orders)
        _number(release.units)
        _number(release.needs)
        intake.bookings = {need.index for need in booked}
        matches = _merged(
            [one for one in matches[: made.matches] if one[0].node.key not in places],
            matches[made.matches :],
            lambda match: self.rank[id(match[0].node)],
        )
        release.match_need = [need.index for need, _, _ in matches]
        release.match_unit = [unit.index for _, unit, _ in matches]
        release.match_qty = [qty for _, _, qty in matches]

    def _made(self, order: Order | None) -> int:
        """Give when a netting makes an order: what exists comes first."""
        if order is None or order.existing is not None:
            return -1
        return self.rank[id(self.release.model.nodes[order.node])]

    def _needed(self, need: Need) -> tuple[int, int]:
        """Give when a netting makes a need: those of the demands come first."""
        if need.order is None and need.demand != NO_DEMAND:
            return -2, need.demand
        return self._made(need.order), 0


class _Gone(NamedTuple):
    """Orders by identity, and demands, whose records are gone."""

    orders: Collection[int]
    demands: Collection[int]

    def unit(self, unit: SupplyUnit) -> bool:
        """Tell whether a unit is gone."""
        return id(unit.order) in self.orders

    def need(self, need: Need) -> bool:
        """Tell whether a need is gone."""
        return need.demand in self.demands or id(need.order) in self.orders


class _Counts(NamedTuple):
    """How many records there are."""

    orders: int
    units: int
    needs: int
    matches: int

    @classmethod
    def of(cls, release: Release) -> _Counts:
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
        insort(known, record, key=place)
    return known


def _number(records: Iterable[Order | SupplyUnit | Need]) -> None:
    for index, record in enumerate(records):
        record.index = index
