"""Orders from sources that a demand was given, and in the parts it was given.

What is given was found by plans that were made with it: see `diverting`, `dead_ends`
and `recutting`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.constrained.netting.ordered_parts import WHOLE
from medhavi.planners.constrained.netting.piece_queue import PieceQueue
from medhavi.planners.mrp.netting_state.release import Release
from medhavi.planners.mrp.netting_state.state import Portion
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.mrp.netting_state.model import Model
    from medhavi.planners.mrp.netting_state.release import Want
    from medhavi.planners.mrp.netting_state.state import (
        Diverted,
        Need,
        Node,
        NodeKey,
        SupplyUnit,
    )
    from medhavi.planners.mrp.netting_state.ways import Way


class GivenRelease(Release):
    """The register of a run in which demands may be given sources and parts.

    Parameters
    ----------
    model
        Graph of the run.
    as_of
        Now of the plan [UTC seconds].
    """

    def __init__(self, model: Model, as_of: int) -> None:
        super().__init__(model, as_of)
        self._queue = PieceQueue(model.providers.capacity)
        self.diverted: Diverted = {}
        self._pieces_taken: dict[tuple[NodeKey, str], int] = {}
        self.pieces = WHOLE
        self._asked_first: set[tuple[NodeKey, str]] = set()

    def given_source(self, node: Node, need: Need) -> str:
        """Name the one source that is used for the demand behind a need; "": any."""
        if not self.diverted:
            return ""
        cause = self.cause_of(need)
        given = self.diverted.get((node.key, cause), "")
        # Of what has a portion each demand is ordered for by itself.
        return given if isinstance(given, str) else f"{given.source} {cause}"

    def open_ways(self, want: Want) -> Sequence[Way]:
        """List the sources that may serve a want: the one that is given, if one is.

        Where it may not serve the want, the others stay.
        """
        ways = super().open_ways(want)
        if not self.diverted:
            return ways
        given = self.diverted.get((want.node.key, want.cause))
        if given is None or want.node.shared or isinstance(given, Portion):
            return ways
        return [way for way in ways if way.source.source == given] or ways

    def largest_part(self, want: Want) -> int | None:
        """Largest order for a want [steps]; None: as sources allow."""
        return self.pieces.largest.get((want.node.key, want.cause))

    def _order_from(
        self, ways: Sequence[Way], want: Want, wanted: int
    ) -> list[SupplyUnit]:
        """Order as in mode mrp; the next source may make the last pieces in time."""
        given = (
            self.diverted.get((want.node.key, want.cause)) if self.diverted else None
        )
        if isinstance(given, Portion) and not want.node.shared:
            return self._order_portion(given, ways, want, wanted)
        if self.pieces.first:
            made = self._order_ready_first(ways, want, wanted)
        else:
            made = super()._order_from(ways, want, wanted)
        self._queue.begin()
        return made

    def _order_portion(
        self, given: Portion, ways: Sequence[Way], want: Want, wanted: int
    ) -> list[SupplyUnit]:
        """Order pieces from one source until it ends, and the rest from the others."""
        place = want.node.key, want.cause
        own = [way for way in ways if way.source.source == given.source]
        others = [way for way in ways if way.source.source != given.source]
        made: list[SupplyUnit] = []
        brought = 0
        first = self._pieces_taken.get(place, 0)
        for size, instant in self._until_end(own, given.pieces)[first:]:
            if brought >= wanted:
                break
            alive = max(want.alive_until, want.instant)
            part = want._replace(instant=instant, alive_until=alive)
            units = super()._order_from(own, part, min(size, wanted - brought))
            self._queue.begin()
            self._pieces_taken[place] = self._pieces_taken.get(place, 0) + 1
            made += units
            brought += sum(unit.qty for unit in units if unit.node is want.node)
        # Pieces may be due after the need that they are for.
        self.has_late = self.has_late or bool(made)
        if others and brought < wanted:
            made += super()._order_from(others, want, wanted - brought)
            self._queue.begin()
        return made

    def _until_end(
        self, ways: Sequence[Way], pieces: Sequence[int]
    ) -> list[tuple[int, int]]:
        """Date pieces so that what they take may be made evenly until a source ends."""
        source = ways[-1].source if ways and pieces else None
        last = None if source is None else source.latest_valid(NEVER - 1)
        if source is None or last is None:
            return []
        timing = source.clock.earliest(last, max(pieces))
        if timing is None:
            return []
        length, whole, before = timing.finish - self.floor(source), sum(pieces), 0
        dated = []
        for size in pieces:
            before += size
            dated.append((size, timing.finish - length * (whole - before) // whole))
        return dated

    def _order_ready_first(
        self, ways: Sequence[Way], want: Want, wanted: int
    ) -> list[SupplyUnit]:
        """Order what lies ready at the source that is asked first, once."""
        made: list[SupplyUnit] = []
        place = want.node.key, want.cause
        name, most = self.pieces.first.get(place, ("", 0))
        own = [way for way in ways if way.source.source == name]
        if own and place not in self._asked_first:
            self._asked_first.add(place)
            made = super()._order_from(own, want, min(most, wanted))
            ways = [way for way in ways if way.source.source != name] or ways
            wanted -= sum(unit.qty for unit in made if unit.node is want.node)
        if wanted > 0:
            made += super()._order_from(ways, want, wanted)
        return made
