"""Orders of a chain at other times, placed by looking alone (see `compact_walk`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.promising.integer_model.compact_supply import compact_supply
from medhavi.planners.promising.integer_model.compact_walk import CompactWalk
from medhavi.planners.promising.supply_search.pieces import Piece, Use
from medhavi.units import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.promising.supply_search.stages import Stages
    from medhavi.planners.promising.supply_search.walk_terms import Terms
    from medhavi.providers.sources import Source
    from medhavi.providers.timing import Timing


class CompactReplay(CompactWalk):
    """A walk that places orders again whose sources and sizes are decided."""

    __slots__ = ()

    def placed(self, timing: Timing) -> None:
        """Reserve the resources of an order that stands."""
        self._orders.add(timing)

    def again(self, source: Source, piece: Piece, got: Sequence[Piece]) -> Piece | None:
        """Order as much as before, behind what goes into it now.

        Parameters
        ----------
        source
            Of the piece, which is bought or made.
        got
            What goes into it, a piece for each of its lines.

        Raises
        ------
        NotPlainError
            The source is not plain.
        """
        good = self._supply.good(source.product, source.location)
        known = self._known(good, source)
        if known.is_buy:
            return self._buy(known, piece.order_steps)
        latest = max([one.ready for one in got], default=ALWAYS)
        timing = self._placed(known, piece.order_steps, latest)
        if timing is None:
            return None
        first = timing.steps[0].start
        return Piece(
            "make",
            piece.product,
            piece.location,
            piece.steps,
            self._usable(known, timing),
            timing.start,
            source,
            piece.order_steps,
            timing,
            tuple([Use(first, one) for one in got]),
            piece.lines,
            piece.surplus,
        )


def compact_replay(stages: Stages, terms: Terms) -> CompactReplay | None:
    """Walk that places orders again; None: the terms ask for more than that."""
    if not terms.plain:
        return None
    return CompactReplay(compact_supply(stages, terms.now), terms, stages.placed)
