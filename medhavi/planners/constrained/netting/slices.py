"""Demands of a constrained run: wanted by due, never before now, maybe in slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.constrained.netting.rationing import Slice
from medhavi.planners.mrp.state_loading import StateLoader
from medhavi.units import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from medhavi.planners.mrp.netting_state.state import Demand, Need


class SliceReader(StateLoader):
    """Reads the state tables; demands become needs slice by slice.

    Attributes
    ----------
    slices
        Slices by index of the demand; a demand that is not there is one slice, an empty
        list is nothing.
    parts
        Needs of the demands, and the slices they stand for.
    begun
        Some routing lets work have begun before now.
    """

    slices: Mapping[int, Sequence[Slice]] = {}
    begun = False

    def stock(self) -> None:
        """Read stock as mode mrp does; work that began before now found it there."""
        super().stock()
        if self.begun:
            for unit in self._release.units:
                if unit.available == ALWAYS:
                    unit.arrives = ALWAYS

    def demand_needs(self) -> None:
        """Register the needs of the demands; the graph is closed by now."""
        self.parts: list[tuple[Need, Slice]] = []
        for demand in self.intake.demands:
            self._need(demand)

    def _need(self, demand: Demand) -> None:
        for part in self.wanted(demand):
            need = self._release.need(
                self._model.node(demand.node),
                part.date,
                part.qty,
                demand.priority,
                demand.index,
            )
            need.alive_until = part.date + demand.min_shelf
            need.only_from = demand.ship_from
            need.asks = demand.asks
            self.parts.append((need, part))

    def want(
        self, changed: Collection[int], slices: Mapping[int, Sequence[Slice]]
    ) -> None:
        """Register the needs of some demands anew, in other slices."""
        self.slices = slices
        self.parts = [one for one in self.parts if one[0].demand not in changed]
        for index in sorted(changed):
            self._need(self.intake.demands[index])
        self.parts.sort(key=lambda one: one[0].demand)

    def wanted(self, demand: Demand) -> Sequence[Slice]:
        """Slices of a demand."""
        found = self.slices.get(demand.index)
        if found is not None:
            return found
        return (Slice(demand.qty, max(demand.due, self._as_of)),)
