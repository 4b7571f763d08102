"""The arrival of a chain at many points at once: orders move with what they wait for.

The points are drawn once (512 of a scrambled Sobol sequence, seed 7; Owen 1998,
doi:10.1006/jcom.1998.0487). The time of a subject at each of them is looked up once and
kept, so a chain costs a few array operations and no walk per point.

Delays of one request may have a common cause F: with correlation r a subject has the
normal score sqrt(r) F + sqrt(1 - r) E, its own part E independent of F (one-factor
Gaussian copula: Li, Journal of Fixed Income 9, 2000, doi:10.3905/jfi.2000.319253). What
one subject does alone stays as it is; F has a dimension of its own.
"""

from __future__ import annotations

from functools import lru_cache
from math import log, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.providers.lead_times import LEVELS as CURVE
from medhavi.providers.lead_times import STEEP
from medhavi.units import ALWAYS, DAY, seconds_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from medhavi.planners.promising.book import Book
    from medhavi.planners.promising.lead_draws import Subject
    from medhavi.planners.promising.pieces import Evaluation, Piece
    from medhavi.providers.lead_times import Quantiles

    Floats = npt.NDArray[np.float64]
    Instants = npt.NDArray[np.int64]
    When = int | Instants
    """The same instant at all points, or one for each [s]."""

POINTS = 512
SEED = 7
NEAR = 1e-4
"""Distance to a whole second within which floats are not trusted."""
_NONE = ALWAYS
"""Stands for a time that is never over."""


class _Levels(NamedTuple):
    """The levels of one dimension at all points, and where they lie on the curve.

    Parameters
    ----------
    levels
        Between 0 and 1.
    low
        Whether the lower of the two lines of a curve holds.
    share
        How far along that line.
    """

    levels: list[float]
    low: npt.NDArray[np.bool_]
    share: Floats


@lru_cache(maxsize=64)
def sobol(dimensions: int, correlation: float = 0.0) -> tuple[_Levels, ...]:
    """Draw the points once: levels between 0 and 1 for each dimension.

    Parameters
    ----------
    dimensions
        What is uncertain.
    correlation
        Of the normal scores of any two dimensions, 0 to below 1.
    """
    from scipy.stats import qmc

    common = 1 if correlation else 0
    sampler = qmc.Sobol(d=dimensions + common, scramble=True, rng=SEED)
    points = sampler.random(POINTS)
    if common:
        points = _with_common_cause(points, correlation)
    return tuple(_leveled(points[:, place]) for place in range(dimensions))


def _with_common_cause(points: Floats, correlation: float) -> Floats:
    """Mix the first dimension into all others; give these."""
    from scipy.special import ndtr, ndtri

    # The first coordinate may be 0 and no score; the middle of its cell stands for it.
    scores = ndtri(np.clip(points, 0.5 / POINTS**2, 1 - 0.5 / POINTS**2))
    own = sqrt(1 - correlation) * scores[:, 1:]
    found: Floats = ndtr(sqrt(correlation) * scores[:, :1] + own)
    return found


def _leveled(levels: Floats) -> _Levels:
    low = levels <= CURVE[1]
    begin = np.where(low, CURVE[0], CURVE[1])
    end = np.where(low, CURVE[1], CURVE[2])
    return _Levels(levels.tolist(), low, (levels - begin) / (end - begin))


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
        self._now = book.now
        self._times = book.times
        groups: dict[str, int] = {}
        self._places: dict[Subject, int] = {}
        for subject in subjects:
            name = book.times.of(subject).group or "|".join(subject)
            self._places[subject] = groups.setdefault(name, len(groups))
        correlation = book.snapshot.settings.delay_correlation
        self._table = sobol(len(groups), correlation if len(groups) > 1 else 0.0)
        self._median = book.times.at(0.5)

    def point(self, number: int) -> dict[Subject, float]:
        """Give the level of each subject at a point."""
        table = self._table
        return {
            subject: table[place].levels[number]
            for subject, place in self._places.items()
        }

    def arrivals(self, chain: Evaluation) -> Instants:
        """Give the arrival of the last shipment at each point [s].

        Returns
        -------
        numpy.ndarray
            Shape (512,), int64, UTC seconds.
        """
        now = self._now
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
        now = self._now
        if piece.kind == "make":
            return _later(piece.ready + behind, now)
        return self._leg(piece.source.source, _later(planned + behind, now))

    def _bought(self, piece: Piece) -> When:
        source = piece.source
        assert source is not None
        subject, quantiles, receipt = self._times.bought(source)
        place = self._places.get(subject)
        if quantiles is None or place is None:
            timing = self._median.timing(source, piece.begin, piece.order_steps)
            return piece.ready if timing is None else timing.finish
        begin = piece.begin
        if receipt is not None:
            return begin + receipt + self._leads(subject, quantiles, place)

        suppliers = self._book.providers.suppliers

        def finish(level: float) -> int:
            days = quantiles.at(level)
            clock = suppliers.clock_at(source.row, source.location, days)
            timing = clock.earliest(begin, piece.order_steps)
            return _NONE if timing is None else timing.finish

        key = (subject, begin, len(self._table), place)
        found = self._times.columns.get(key)
        if found is None:
            levels = self._table[place].levels
            found = np.array([finish(level) for level in levels], dtype=np.int64)
            self._times.keep(key, found)
        return np.where(found == _NONE, piece.ready, found)

    def _leg(self, lane: str, ready: When) -> When:
        subject, quantiles = self._times.lane(lane)
        place = self._places.get(subject)
        transit: When
        if quantiles is None:
            transit = self._book.providers.transport.transit(lane)
        elif place is None:
            transit = int(quantiles.at(0.5))
        else:
            transit = self._transits(subject, quantiles, place)
        return self._times.legs.arrivals(lane, ready, transit)

    def _leads(self, subject: Subject, quantiles: Quantiles, place: int) -> Instants:
        """Give the lead time at each point [s], rounded up."""
        key = (subject, len(self._table), place)
        known = self._times.columns.get(key)
        if known is None:
            drawn = self._table[place]
            floats = _times_at(quantiles, drawn) * DAY
            known = np.ceil(floats).astype(np.int64)
            for number in _unsure(floats):
                known[number] = seconds_up(quantiles.at(drawn.levels[number]), DAY)
            self._times.keep(key, known)
        return known

    def _transits(self, subject: Subject, quantiles: Quantiles, place: int) -> Instants:
        """Give the time of a lane at each point [s], rounded down."""
        key = (subject, len(self._table), place)
        known = self._times.columns.get(key)
        if known is None:
            drawn = self._table[place]
            floats = _times_at(quantiles, drawn)
            known = np.floor(floats).astype(np.int64)
            for number in _unsure(floats):
                known[number] = int(quantiles.at(drawn.levels[number]))
            self._times.keep(key, known)
        return known


def _times_at(quantiles: Quantiles, drawn: _Levels) -> Floats:
    """Give `Quantiles.at` of all levels, but for the last bits of its floats."""
    p50, p80, p95 = quantiles[:3]
    if p50 * STEEP <= p80 or p80 * STEEP <= p95:
        return quantiles.at_all(np.array(drawn.levels))
    first = np.where(drawn.low, p50, p80)
    growth = np.where(drawn.low, log(p80 / p50), log(p95 / p80))
    found: Floats = first * np.exp(growth * drawn.share)
    return found


def _unsure(floats: Floats) -> list[int]:
    """Give the points next to a whole number: there the last bits decide."""
    near: list[int] = np.flatnonzero(np.abs(floats - np.rint(floats)) < NEAR).tolist()
    return near


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
