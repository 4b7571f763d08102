"""When an option arrives, and how sure that is (rule 36).

Nothing uncertain: one date. One uncertain time: the chain is evaluated at its own
quantiles. Several: 512 fixed Sobol points (scrambled once, seed 7; Owen 1998,
doi:10.1006/jcom.1998.0487) are pushed through the chain that was found, in which orders
and shipments move with what they wait for; the option is then evaluated again at the
point that gives the quoted quantile, so that holds stand where the date is true.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.promising.lead_draws import LEVELS, LeadDraws

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.promising.book import Book
    from medhavi.planners.promising.delivery_search import DeliverySearch, Way
    from medhavi.planners.promising.lead_draws import Subject
    from medhavi.planners.promising.pieces import Evaluation, Piece
    from medhavi.planners.promising.walk_terms import Terms

POINTS = 512
SEED = 7


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
        evaluated = _at(book, search, way, terms, LeadDraws(book.times, level))
        found[name] = evaluated or base
    dates = {name: evaluation.date for name, evaluation in found.items()}
    date = dates[basis]
    limit = max(search.wanted.due, date)
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
        found = _at(book, search, way, terms, LeadDraws(book.times, middle))
        if found is not None and found.date <= limit:
            low = middle
        else:
            high = middle
    return round(high if high == 1.0 else (low + high) / 2, 3)


def _at(
    book: Book, search: DeliverySearch, way: Way, terms: Terms, draws: LeadDraws
) -> Evaluation | None:
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
    median = _at(book, search, way, terms, LeadDraws(book.times, LEVELS["p50"]))
    chain = median or found
    draws = _points(book, subjects)
    dates = [_pushed(book, chain, own) for own in draws]
    order = sorted(range(POINTS), key=lambda place: (dates[place], place))
    at = {name: order[_rank(level)] for name, level in LEVELS.items()}
    held = _at(book, search, way, terms, LeadDraws(book.times, 0.5, draws[at[basis]]))
    held = held or found
    date = held.date
    moved = date - dates[at[basis]]
    p50, p80, p95 = (dates[at[name]] + moved for name in LEVELS)
    limit = max(due, date)
    chance = sum(one + moved <= limit for one in dates) / POINTS
    return ArrivalTimes(date, p50, p80, p95, chance, held, tuple(subjects))


def _rank(level: float) -> int:
    return min(int(level * POINTS), POINTS - 1)


def _points(book: Book, subjects: Sequence[Subject]) -> list[dict[Subject, float]]:
    """Give the level of each subject at each point; a group shares one."""
    groups: dict[str, int] = {}
    places = []
    for subject in subjects:
        name = book.times.of(subject).group or "|".join(subject)
        places.append(groups.setdefault(name, len(groups)))
    table = _sobol(len(groups))
    return [
        {subject: row[place] for subject, place in zip(subjects, places, strict=True)}
        for row in table
    ]


@lru_cache(maxsize=64)
def _sobol(dimensions: int) -> list[list[float]]:
    """Draw the points once."""
    from scipy.stats import qmc

    sampler = qmc.Sobol(d=dimensions, scramble=True, rng=SEED)
    points: list[list[float]] = sampler.random(POINTS).tolist()
    return points


def _pushed(book: Book, chain: Evaluation, own: dict[Subject, float]) -> int:
    """Give the arrival of a chain whose parts move with what they wait for."""
    draws = LeadDraws(book.times, 0.5, own)
    last = 0
    for shipment in chain.shipments:
        behind = max(
            (_ready(book, use.piece, draws) - use.piece.ready for use in shipment.uses),
            default=0,
        )
        ready = max(shipment.ready + behind, book.now)
        if shipment.itinerary is not None:
            for leg in shipment.itinerary.legs:
                ready = book.stages.leg(leg.lane, ready, draws)
        last = max(last, ready)
    return last


def _ready(book: Book, piece: Piece, draws: LeadDraws) -> int:
    """Give when a piece is there with other times; orders keep their own length."""
    if piece.kind == "stock" or piece.source is None:
        return piece.ready
    if piece.kind == "buy":
        timing = draws.clock(piece.source).earliest(piece.begin, piece.order_steps)
        return piece.ready if timing is None else timing.finish
    if not piece.uses:
        return piece.ready
    planned = max(use.piece.ready for use in piece.uses)
    behind = max(_ready(book, use.piece, draws) for use in piece.uses) - planned
    if piece.kind == "make":
        return max(piece.ready + behind, book.now)
    return book.stages.leg(piece.source.source, max(planned + behind, book.now), draws)
