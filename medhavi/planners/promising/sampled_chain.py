"""The arrival of a chain at many points at once: orders move with what they wait for.

The points are drawn once (512 of a scrambled Sobol sequence, seed 7; Owen 1998,
doi:10.1006/jcom.1998.0487). The time of a subject at each of them is looked up once and
kept, so a chain costs a few array operations and no search per point.

Delays of one request may have a common cause, see `sampled_times`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.promising.supply_search.lead_draws import LeadDraws
from medhavi.planners.sampled_times import (
    lead_seconds,
    leveled,
    transit_seconds,
    with_common_cause,
)
from medhavi.providers.transport.transport import BoundedTimes
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.supply_search.alternatives import (
        Evaluation,
        SupplyAllocation,
    )
    from medhavi.planners.promising.supply_search.lead_draws import Subject
    from medhavi.planners.sampled_times import Levels
    from medhavi.providers.lead_times import Quantiles
    from medhavi.providers.sources import Source

    Instants = npt.NDArray[np.int64]
    Waits = list[tuple[BoundedTimes, int]]
    """What a chain waits for, each with the time from it to the end [s]."""


SEED = 7
POINTS = 512
"""Of a sample, a power of two."""


@lru_cache(maxsize=64)
def sobol(dimensions: int, correlation: float = 0.0) -> tuple[Levels, ...]:
    """Draw the points once: levels between 0 and 1 for each dimension.

    Parameters
    ----------
    correlation
        Of the normal scores of any two dimensions, 0 to below 1.
    """
    from scipy.stats import qmc

    common = 1 if correlation else 0
    sampler = qmc.Sobol(d=dimensions + common, scramble=True, rng=SEED)
    points = sampler.random(POINTS)
    if common:
        points = with_common_cause(points, correlation)
    return tuple(leveled(points[:, place]) for place in range(dimensions))


def rank_at(level: float) -> int:
    """Place of a level among the points in order."""
    return min(int(level * POINTS), POINTS - 1)


class SampledChain:
    """Chains of one book whose times lie at the points.

    Parameters
    ----------
    book
        Times and clocks.
    subjects
        What is uncertain; subjects of a group share one dimension.
    """

    def __init__(self, book: PromiseLedger, subjects: Sequence[Subject]) -> None:
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
        """Level of each subject at a point."""
        table = self._table
        return {
            subject: table[place].levels[number]
            for subject, place in self._places.items()
        }

    def draws(self, number: int) -> LeadDraws:
        """Times of a point; those that were looked up are known."""
        leads: dict[Subject, int] = {}
        transits: dict[str, int | None] = {}
        columns, count = self._times.columns, len(self._table)
        all_known = True
        for subject, place in self._places.items():
            column = columns.get((subject, count, place))
            if column is None or isinstance(column.at, int):
                all_known = False
            elif subject[0] == "lane":
                transits[subject[1]] = column.at.item(number)
            else:
                leads[subject] = column.at.item(number)
        own = {} if all_known else self.point(number)
        return LeadDraws(self._times, 0.5, own, leads, transits)

    def arrivals(self, chain: Evaluation) -> Instants:
        """Arrival of the last shipment at each point [s].

        Returns
        -------
        numpy.ndarray
            Shape (512,), int64, UTC seconds.
        """
        sent: Waits = []
        for shipment in chain.shipments:
            waits: Waits = []
            floor = self._now
            for use in shipment.uses:
                after = shipment.ready - use.piece.ready
                floor = max(floor, self._gather(use.piece, after, waits))
            if not shipment.uses:
                floor = max(floor, shipment.ready)
            ready = _latest(floor, waits)
            if shipment.itinerary is not None:
                for leg in shipment.itinerary.legs:
                    ready = self._leg(leg.lane, ready)
            sent.append((ready, 0))
        last = _latest(0, sent).at
        return np.full(POINTS, last) if isinstance(last, int) else last

    def _gather(self, piece: SupplyAllocation, after: int, waits: Waits) -> int:
        """Add what a piece waits for; orders keep their own length.

        Parameters
        ----------
        after
            Time from the piece to the end [s].
        waits
            Takes what is uncertain.

        Returns
        -------
        int
            The end is never before it [s].
        """
        if piece.kind == "stock" or piece.source is None:
            return piece.ready + after
        if piece.kind == "buy":
            return self._bought(piece, after, waits)
        if not piece.uses:
            return piece.ready + after
        if piece.kind == "make":
            planned = max([use.piece.ready for use in piece.uses])
            floor, inner = self._now + after, after + piece.ready - planned
            for use in piece.uses:
                floor = max(floor, self._gather(use.piece, inner, waits))
            return floor
        begin = self._now
        brought: Waits = []
        for use in piece.uses:
            begin = max(begin, self._gather(use.piece, 0, brought))
        arrival = self._leg(piece.source.source, _latest(begin, brought))
        waits.append((arrival, after))
        return ALWAYS

    def _bought(self, piece: SupplyAllocation, after: int, waits: Waits) -> int:
        source = piece.source
        assert source is not None
        subject, quantiles, receipt = self._times.bought(source)
        place = self._places.get(subject)
        if quantiles is None or place is None:
            timing = self._median.timing(source, piece.begin, piece.order_steps)
            return after + (piece.ready if timing is None else timing.finish)
        if receipt is None:
            found = self._received(piece, source, (subject, quantiles, place))
            waits.append((found, after))
        else:
            leads = self._sampled(subject, quantiles, place, lead_seconds)
            waits.append((leads, piece.begin + receipt + after))
        return ALWAYS

    def _received(
        self,
        piece: SupplyAllocation,
        source: Source,
        drawn: tuple[Subject, Quantiles, int],
    ) -> BoundedTimes:
        """When a purchase is there at each point by the calendars [s]."""
        subject, quantiles, place = drawn
        key = (subject, piece.begin, len(self._table), place)
        found = self._times.columns.get(key)
        if found is None:
            suppliers = self._book.providers.suppliers
            leads = lead_seconds(quantiles, self._table[place])
            each = suppliers.receipts(source.row, source.location, piece.begin, leads)
            found = self._times.keep(key, each)
        if found.most < NEVER:
            return found
        return BoundedTimes.of(np.where(found.at == NEVER, piece.ready, found.at))

    def _leg(self, lane: str, ready: BoundedTimes) -> BoundedTimes:
        subject, quantiles = self._times.lane(lane)
        place = self._places.get(subject)
        if quantiles is None:
            transit = BoundedTimes.of(self._book.providers.transport.transit(lane))
        elif place is None:
            transit = BoundedTimes.of(int(quantiles.at(0.5)))
        else:
            transit = self._sampled(subject, quantiles, place, transit_seconds)
        return self._times.legs.arrivals(lane, ready, transit)

    def _sampled(
        self,
        subject: Subject,
        quantiles: Quantiles,
        place: int,
        seconds: Callable[[Quantiles, Levels], Instants],
    ) -> BoundedTimes:
        """Time at each point [s], rounded as `seconds` does."""
        count = len(self._table)
        known = self._times.column(subject, (count, place))
        if known is None:
            each = seconds(quantiles, self._table[place])
            known = self._times.keep((subject, count, place), each)
        return known


def _latest(floor: int, waits: Waits) -> BoundedTimes:
    """Latest at each point: of a fixed instant and of all that is waited for.

    What is nowhere the latest by its bounds is left out.
    """
    least = max([wait.least + after for wait, after in waits], default=floor)
    least = max(least, floor)
    late = [one for one in waits if one[0].most + one[1] > least]
    if not late:
        return BoundedTimes(least, least, least)
    most = max([wait.most + after for wait, after in late])
    wait, after = late[0]
    found = wait.at + after
    for wait, after in late[1:]:
        found = np.maximum(found, wait.at + after)
    if max([wait.least + after for wait, after in late]) < least:
        found = np.maximum(found, least)
    return BoundedTimes(found, least, most)
