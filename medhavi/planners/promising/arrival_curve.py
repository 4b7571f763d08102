"""The whole distribution of an answer's arrival, for a picture of it (rule 36).

A quote keeps three quantiles. This searches once more, finds the option that was
chosen, and gives its arrival at many levels: one uncertain time is walked at each of
them, several are sampled at the fixed points of `sampled_chain`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.promising.arrival_risk import rank_of, uncertain, walked_at
from medhavi.planners.promising.lead_draws import LEVELS, LeadDraws
from medhavi.planners.promising.one_quest import searched
from medhavi.planners.promising.quest import Quest
from medhavi.planners.promising.sampled_chain import SampledChain

if TYPE_CHECKING:
    from medhavi.planners.promising.asking import Request
    from medhavi.planners.promising.book import Book
    from medhavi.planners.promising.offers import Offered
    from medhavi.planners.promising.rules_of_promise import Policy
    from medhavi.results.promise import Promise

Curve = tuple[tuple[float, int], ...]
"""Levels from 0 to 1, rising, each with the instant [s] by which it is there."""
SHARES = tuple(percent / 100 for percent in range(1, 100))


def arrival_curve(
    book: Book, request: Request, answer: Promise, policy: Policy | None = None
) -> Curve:
    """Give how likely an answer is there by which instant; nothing in the book changes.

    Parameters
    ----------
    request
        What was asked for.
    answer
        What was promised for it on this book.
    policy
        How it is promised; by default as the tables say for the request.

    Returns
    -------
    tuple of (float, int)
        Empty where nothing is promised, nothing is uncertain, or where the answer
        takes from others: then the options of a plain search are not its own.
    """
    if answer.date is None or answer.preempted:
        return ()
    quest = Quest(book, request, policy or book.policies.of(request))
    searched(quest, "date")
    known = (
        one
        for one in quest.offered
        if one.name == answer.option and one.times.date == answer.date
    )
    chosen = next(known, None)
    if chosen is None or not chosen.times.subjects:
        return ()
    mark = book.stages.mark()
    book.stages.leads = LeadDraws(book.times, 0.5)
    try:
        if request.known or request.demand in book.accepted:
            book.free_own(request.demand)
        found = _levels(book, chosen, quest.policy.risk_basis)
    finally:
        book.stages.undo(mark)
        book.stages.leads = None
    return tuple(zip(SHARES, _rising(found), strict=True))


def _levels(book: Book, chosen: Offered, basis: str) -> list[int]:
    """Give the arrival at each of `SHARES` [s]."""
    subjects = uncertain(book, chosen.times.evaluation)
    if len(subjects) == 1:
        return [_walked(book, chosen, share) for share in SHARES]
    median = walked_at(
        book, chosen.search, chosen.way, chosen.terms, LeadDraws(book.times, 0.5)
    )
    points = SampledChain(book, subjects)
    dates = np.sort(points.arrivals(median or chosen.times.evaluation))
    # The quoted date was walked; the points move with it, as in the quote itself.
    moved = chosen.times.date - int(dates[rank_of(LEVELS[basis])])
    return [int(dates[rank_of(share)]) + moved for share in SHARES]


def _walked(book: Book, chosen: Offered, share: float) -> int:
    draws = LeadDraws(book.times, share)
    found = walked_at(book, chosen.search, chosen.way, chosen.terms, draws)
    return chosen.times.date if found is None else found.date


def _rising(dates: list[int]) -> list[int]:
    """Let no level be there before a lower one."""
    found = np.maximum.accumulate(np.array(dates, dtype=np.int64))
    return [int(date) for date in found]


def chance_by(curve: Curve, instant: int) -> float:
    """Give the chance that it is there by an instant: the highest level reached.

    >>> chance_by(((0.5, 100), (0.6, 200)), 150)
    0.5
    >>> chance_by(((0.5, 100),), 10)
    0.0
    """
    return max((share for share, date in curve if date <= instant), default=0.0)
