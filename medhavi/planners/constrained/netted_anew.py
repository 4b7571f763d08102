"""Net a few places anew, where the slices of some demands change.

What netting did there and below is undone, the demands are wanted as they are now, and
the places are netted again; all else stays. Afterwards the records stand in the
sequence that they would have, had all been netted so from the beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.rationing import Rationing
from medhavi.planners.mrp.state import NO_DEMAND

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from medhavi.planners.constrained.rationing import Slice
    from medhavi.planners.constrained.round_memory import Memory
    from medhavi.planners.constrained.slices import SliceReader
    from medhavi.planners.mrp.release import Release
    from medhavi.planners.mrp.state import Need, Node, NodeKey, Order, SupplyUnit


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
        matches = self._forget(places, changed)
        self.slicer.want(changed, slices)
        self._arrange(matches)
        for rank in sorted({self.rank[id(model.nodes[key])] for key in places}):
            self.walk(self.clusters[rank])
        self._arrange(_matches(self.release))
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

    def _forget(self, places: Collection[NodeKey], changed: Collection[int]) -> Matches:
        """Undo what netting did at places; gives the matches that are left."""
        release = self.release
        kept = [m for m in _matches(release) if m[0].node.key not in places]
        gone = {
            id(order)
            for order in release.orders
            if order.existing is None and order.node in places
        }
        nodes = [release.model.nodes[key] for key in places]

        def stays(need: Need) -> bool:
            return id(need.order) not in gone and need.demand not in changed

        for node in nodes:
            node.units = [u for u in node.units if id(u.order) not in gone]
            node.needs = [need for need in node.needs if stays(need)]
            for unit in node.units:
                unit.free = unit.qty
                unit.takers.clear()
            for need in node.needs:
                need.open = need.qty
        release.orders = [o for o in release.orders if id(o) not in gone]
        release.units = [u for u in release.units if id(u.order) not in gone]
        release.needs = [need for need in release.needs if stays(need)]
        release.asked = [one for one in release.asked if one[0].key not in places]
        release.shortages = [
            one for one in release.shortages if one.need.node.key not in places
        ]
        return kept

    def _arrange(self, matches: Matches) -> None:
        """Bring all records into the sequence of a netting, the matches by them."""
        release, intake = self.release, self.slicer.intake
        booked = [need for need in release.needs if need.index in intake.bookings]
        release.orders.sort(key=self._made)
        release.units.sort(key=lambda unit: self._made(unit.order))
        release.needs.sort(key=self._needed)
        _number(release.orders)
        _number(release.units)
        _number(release.needs)
        intake.bookings = {need.index for need in booked}
        matches.sort(key=lambda match: self.rank[id(match[0].node)])
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


Matches = list[tuple["Need", "SupplyUnit", int]]


def _matches(release: Release) -> Matches:
    return [
        (release.needs[need], release.units[unit], qty)
        for need, unit, qty in zip(
            release.match_need, release.match_unit, release.match_qty, strict=True
        )
    ]


def _number(records: Iterable[Order | SupplyUnit | Need]) -> None:
    for index, record in enumerate(records):
        record.index = index
