"""When an option arrives, and how sure that is (rule 36).

Nothing uncertain: one date. One uncertain time: the chain is evaluated at its own
quantiles. Several: fixed points are pushed through the chain that was found (see
`sampled_chain`); the option is then evaluated again at the point that gives the quoted
quantile, so that holds stand where the date is true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.promising.lead_draws import LEVELS, LeadDraws
from medhavi.planners.promising.sampled_chain import POINTS, SampledChain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.promising.book import Book
    from medhavi.planners.promising.delivery_search import DeliverySearch
    from medhavi.planners.promising.delivery_ways import Way
    from medhavi.planners.promising.lead_draws import Subject
    from medhavi.planners.promising.pieces import Evaluation
    from medhavi.planners.promising.sampled_chain import Instants
    from medhavi.planners.promising.walk_terms import Terms


class ArrivalTimes(NamedTuple):
    """Dates of an option [s] and the chance to arrive by the later of due and date.

    `evaluation` is the option as it is held; `subjects` are its uncertain times.
    """

    date: int
    p50: int
    p80: int
    p95: int
    on_time_prob: float
    evaluation: Evaluation
    subjects: tuple[Subject, ...] = ()

    def not_before(self, instant: int) -> ArrivalTimes:
        """Give the same option where nothing is delivered before an instant [s]."""
        date, p50, p80, p95 = (max(one, instant) for one in self[:4])
        return self._replace(date=date, p50=p50, p80=p80, p95=p95)


def arrivals(
    book: Book,
    search: DeliverySearch,
    way: Way,
    found: Evaluation,
    terms: Terms,
    basis: str,
) -> ArrivalTimes:
    """Give the dates of an option that was evaluated at the level of the basis."""
    subjects = uncertain(book, found) if book.times.anything else ()
    if not subjects:
        date = found.date
        return ArrivalTimes(date, date, date, date, 1.0, found)
    due = search.wanted.due
    if len(subjects) == 1:
        return _walked(book, search, way, found, terms, basis, subjects)
    return _sampled(book, search, way, found, terms, (basis, due), subjects)


def uncertain(book: Book, found: Evaluation) -> tuple[Subject, ...]:
    """Give the subjects whose times the option depends on, in a fixed order."""
    subjects = set()
    for piece in found.pieces():
        if piece.source is None or piece.kind == "make":
            continue
        asked = (
            book.times.purchase(piece.source)
            if piece.kind == "buy"
            else book.times.lane(piece.source.source)
        )
        if asked[1] is not None:
            subjects.add(asked[0])
    for shipment in found.shipments:
        if shipment.itinerary is None:
            continue
        for leg in shipment.itinerary.legs:
            subject, quantiles = book.times.lane(leg.lane)
            if quantiles is not None:
                subjects.add(subject)
    return tuple(sorted(subjects))


def _walked(
    book: Book,
    search: DeliverySearch,
    way: Way,
    base: Evaluation,
    terms: Terms,
    basis: str,
    subjects: Sequence[Subject],
) -> ArrivalTimes:
    """Evaluate at the quantiles of the one uncertain time."""
    found: dict[str, Evaluation] = {}
    for name, level in LEVELS.items():
        draws = book.times.at(level)
        if draws is book.stages.leads:
            found[name] = base
            continue
        found[name] = walked_at(book, search, way, terms, draws) or base
    dates = {name: evaluation.date for name, evaluation in found.items()}
    date = dates[basis]
    limit = max(search.wanted.due, date) + search.wanted.slack
    chance = _chance(book, search, way, terms, limit)
    return ArrivalTimes(
        date,
        dates["p50"],
        dates["p80"],
        dates["p95"],
        chance,
        found[basis],
        tuple(subjects),
    )


def _chance(
    book: Book, search: DeliverySearch, way: Way, terms: Terms, limit: int
) -> float:
    """Give the largest level at which the option is there by an instant."""
    low, high = 0.0, 1.0
    for _ in range(9):
        middle = (low + high) / 2
        found = walked_at(book, search, way, terms, LeadDraws(book.times, middle))
        if found is not None and found.date <= limit:
            low = middle
        else:
            high = middle
    return round(high if high == 1.0 else (low + high) / 2, 3)


def walked_at(
    book: Book, search: DeliverySearch, way: Way, terms: Terms, draws: LeadDraws
) -> Evaluation | None:
    """Evaluate a way once more with other times; its search counts nothing of it."""
    before = book.stages.leads
    counted = search.evaluations
    book.stages.leads = draws
    try:
        return search.evaluate(way, terms)
    finally:
        book.stages.leads = before
        search.evaluations = counted


# --------------------------------------------------------------------------- sampling
def _sampled(
    book: Book,
    search: DeliverySearch,
    way: Way,
    found: Evaluation,
    terms: Terms,
    asked: tuple[str, int],
    subjects: Sequence[Subject],
) -> ArrivalTimes:
    """Push fixed points through the chain; evaluate again at the quoted one."""
    basis, due = asked
    median = book.times.at(LEVELS["p50"])
    chain: Evaluation | None = found
    if median is not book.stages.leads:
        chain = walked_at(book, search, way, terms, median)
    points = SampledChain(book, subjects)
    dates = points.arrivals(chain or found)
    rising = np.sort(dates)
    at = {name: int(rising[rank_of(level)]) for name, level in LEVELS.items()}
    own = points.point(_place(dates, rising, rank_of(LEVELS[basis])))
    held = walked_at(book, search, way, terms, LeadDraws(book.times, 0.5, own))
    held = held or found
    date = held.date
    moved = date - at[basis]
    p50, p80, p95 = (at[name] + moved for name in LEVELS)
    limit = max(due, date) + search.wanted.slack
    chance = int(np.count_nonzero(dates <= limit - moved)) / POINTS
    return ArrivalTimes(date, p50, p80, p95, chance, held, tuple(subjects))


def _place(dates: Instants, rising: Instants, rank: int) -> int:
    """Give the point of a rank; of equal dates the earlier points come first."""
    date = rising[rank]
    before = int(np.searchsorted(rising, date))
    return int(np.flatnonzero(dates == date)[rank - before])


def rank_of(level: float) -> int:
    """Give the place of a level among the sorted points."""
    return min(int(level * POINTS), POINTS - 1)
