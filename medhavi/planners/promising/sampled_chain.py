"""The arrival of a chain at many points at once: orders move with what they wait for.

The points are drawn once (512 of a scrambled Sobol sequence, seed 7; Owen 1998,
doi:10.1006/jcom.1998.0487). The time of a subject at each of them is looked up once and
kept, so a chain costs a few array operations and no walk per point.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.promising.lead_draws import LeadDraws
from medhavi.providers.leg_arrays import arrivals
from medhavi.units import ALWAYS, DAY, seconds_up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from medhavi.planners.promising.book import Book
    from medhavi.planners.promising.lead_draws import Subject
    from medhavi.planners.promising.pieces import Evaluation, Piece

    Floats = npt.NDArray[np.float64]
    Instants = npt.NDArray[np.int64]
    Rough = Callable[[Floats], tuple[Callable[[Floats], Floats], Floats]]
    When = int | Instants
    """The same instant at all points, or one for each [s]."""

POINTS = 512
SEED = 7
NEAR = 1e-4
"""Distance to a whole second within which floats are not trusted."""
_NONE = ALWAYS
"""Stands for a time that is never over."""


@lru_cache(maxsize=64)
def sobol(dimensions: int) -> list[list[float]]:
    """Draw the points once: a level between 0 and 1 for each dimension."""
    from scipy.stats import qmc

    sampler = qmc.Sobol(d=dimensions, scramble=True, rng=SEED)
    points: list[list[float]] = sampler.random(POINTS).tolist()
    return points


class SampledChain:
    """Chains of one book whose times lie at the points.

    Parameters
    ----------
    book
        Times and clocks.
    subjects
        What is uncertain; subjects of a group share one dimension.
    """

    def __init__(self, book: Book, subjects: Sequence[Subject]) -> None:
        self._book = book
        self._times = book.times
        groups: dict[str, int] = {}
        self._places: dict[Subject, int] = {}
        for subject in subjects:
            name = book.times.of(subject).group or "|".join(subject)
            self._places[subject] = groups.setdefault(name, len(groups))
        self._table = sobol(len(groups))
        self._median = LeadDraws(book.times, 0.5)

    def point(self, number: int) -> dict[Subject, float]:
        """Give the level of each subject at a point."""
        row = self._table[number]
        return {subject: row[place] for subject, place in self._places.items()}

    def arrivals(self, chain: Evaluation) -> Instants:
        """Give the arrival of the last shipment at each point [s].

        Returns
        -------
        numpy.ndarray
            Shape (512,), int64, UTC seconds.
        """
        now = self._book.now
        last: When = 0
        for shipment in chain.shipments:
            behind = _latest(
                [self._ready(use.piece) - use.piece.ready for use in shipment.uses], 0
            )
            ready = _later(shipment.ready + behind, now)
            if shipment.itinerary is not None:
                for leg in shipment.itinerary.legs:
                    ready = self._leg(leg.lane, ready)
            last = _later(last, ready)
        return np.full(POINTS, last) if isinstance(last, int) else last

    def _ready(self, piece: Piece) -> When:
        """Give when a piece is there; orders keep their own length."""
        if piece.kind == "stock" or piece.source is None:
            return piece.ready
        if piece.kind == "buy":
            return self._bought(piece)
        if not piece.uses:
            return piece.ready
        planned = max(use.piece.ready for use in piece.uses)
        behind = _latest([self._ready(use.piece) for use in piece.uses]) - planned
        now = self._book.now
        if piece.kind == "make":
            return _later(piece.ready + behind, now)
        return self._leg(piece.source.source, _later(planned + behind, now))

    def _bought(self, piece: Piece) -> When:
        source = piece.source
        assert source is not None
        subject, quantiles = self._times.purchase(source)
        place = self._places.get(subject)
        if quantiles is None or place is None:
            timing = self._median.clock(source).earliest(piece.begin, piece.order_steps)
            return piece.ready if timing is None else timing.finish
        begin, suppliers = piece.begin, self._book.providers.suppliers
        receipt = suppliers.straight_receipt(source.row, source.location)
        if receipt is not None:
            lead = self._column(
                subject,
                place,
                lambda level: seconds_up(quantiles.at(level), DAY),
                lambda levels: (np.ceil, quantiles.at_all(levels) * DAY),
            )
            return begin + receipt + lead

        def finish(level: float) -> int:
            days = quantiles.at(level)
            clock = suppliers.clock_at(source.row, source.location, days)
            timing = clock.earliest(begin, piece.order_steps)
            return _NONE if timing is None else timing.finish

        found = self._column((*subject, begin), place, finish)
        return np.where(found == _NONE, piece.ready, found)

    def _leg(self, lane: str, ready: When) -> When:
        subject, quantiles = self._times.lane(lane)
        transport = self._book.providers.transport
        place = self._places.get(subject)
        transit: When = transport.transit(lane)
        if quantiles is not None and place is None:
            transit = int(quantiles.at(0.5))
        elif quantiles is not None and place is not None:
            known = quantiles
            transit = self._column(
                subject,
                place,
                lambda level: int(known.at(level)),
                lambda levels: (np.floor, known.at_all(levels)),
            )
        return arrivals(transport, lane, ready, transit)

    def _column(
        self,
        key: tuple[object, ...],
        place: int,
        value: Callable[[float], int],
        rough: Rough | None = None,
    ) -> Instants:
        """Give a whole number for the level at each point, worked out once.

        Parameters
        ----------
        key
            What the number is of.
        place
            Dimension of the points.
        value
            The number at a level.
        rough
            How the number is rounded, and from what, at many levels. Next to a whole
            number the last bits decide: there `value` is asked.
        """
        full = (*key, len(self._table[0]), place)
        known = self._times.columns.get(full)
        if known is None:
            levels = [row[place] for row in self._table]
            if rough is None:
                known = np.array([value(level) for level in levels], dtype=np.int64)
            else:
                rounded, floats = rough(np.array(levels))
                known = rounded(floats).astype(np.int64)
                for number in np.flatnonzero(np.abs(floats - np.rint(floats)) < NEAR):
                    known[number] = value(levels[number])
            self._times.keep(full, known)
        return known


def _later(one: When, other: When) -> When:
    if isinstance(one, int) and isinstance(other, int):
        return max(one, other)
    found: Instants = np.maximum(one, other)
    return found


def _latest(values: Sequence[When], default: int = ALWAYS) -> When:
    """Give the latest at each point; the default where there is none."""
    if not values:
        return default
    found = values[0]
    for value in values[1:]:
        found = _later(found, value)
    return found
