"""What suppliers can still deliver, as far as a netting has ordered from them.

Orders are cut to it: one that is more than a window of its supplier holds would wait
whole until that window is over, and the placing moves orders but cuts none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.constrained.netting.rationing import lot_below

if TYPE_CHECKING:
    from medhavi.providers.sources import Source, Timing
    from medhavi.providers.sourcing.quotas import Quotas

TRIES = 1000
"""Windows of a supplier that are looked at for one order, at most."""


class SupplierRoom:
    """Room of suppliers, less what is ordered.

    Parameters
    ----------
    quotas
        Limits of suppliers; it is changed.
    """

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def limits(self, source: Source) -> bool:
        """Whether a source is a purchase from a supplier with limits."""
        return source.kind == "buy" and self._quotas.shared(source)

    def piece(self, source: Source, size: int, soonest: Timing, finish: int) -> int:
        """Cut an order to what its supplier has room for.

        Parameters
        ----------
        source
            A purchase from a supplier with limits.
        size
            What is wanted [steps].
        soonest
            The first order that could be made.
        finish
            Until when its goods are wanted [UTC seconds].

        Returns
        -------
        int
            The largest lot that comes in the last window with room before `finish`, or
            in the first one after it; `size` where there is none [steps].
        """
        at = self._moment(source, soonest, finish)
        room = None if at is None else self._quotas.room(source, at)
        if room is None or room >= size:
            return size
        return lot_below(source, room) or size

    def take(self, source: Source, size: int, soonest: Timing, finish: int) -> None:
        """Take note of an order; parameters as of `piece`."""
        at = self._moment(source, soonest, finish)
        if at is not None:
            self._quotas.take(source, size, at)

    def _moment(self, source: Source, soonest: Timing, finish: int) -> int | None:
        """When a least lot reaches the door: as late as may be, else soonest."""
        quotas, least = self._quotas, source.lot(1)
        first = quotas.door(source, soonest.finish)
        at = max(first, quotas.door(source, finish))
        for _ in range(TRIES):
            before = quotas.since(source, least, at)
            if before is None:
                return at
            if before < first:
                break
            at = before
        for _ in range(TRIES):
            later = quotas.until(source, least, at)
            if later is None:
                return at
            at = later
        return None
