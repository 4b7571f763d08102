"""Probability of arrival by date, from one search of a request.

A quote keeps three quantiles. This searches once more, finds the option that was
chosen, and gives its arrival at many levels: one uncertain time is walked at each of
them, several are sampled at the fixed points of `sampled_chain`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.deep_calls import on_deep_stack
from medhavi.planners.promising.explain.answering import (
    PROVIDER_FAILURES,
    answered,
    failed,
)
from medhavi.planners.promising.ledger.sampled_chain import SampledChain, rank_at
from medhavi.planners.promising.options.quest import Quest
from medhavi.planners.promising.supply_search.lead_draws import LEVELS, LeadDraws

if TYPE_CHECKING:
    from medhavi.planners.promising.arrival_risk.arrival_risk import ArrivalTimes
    from medhavi.planners.promising.ledger.promise_ledger import PromiseLedger
    from medhavi.planners.promising.requests.asking import Request
    from medhavi.planners.promising.requests.rules_of_promise import Policy
    from medhavi.results.promises.promise import Promise


def searched(quest: Quest, detail: str, *, freed: bool = False) -> Promise:
    """Answer a request; the ledgers are as before after it.

    Parameters
    ----------
    quest
        The search, not begun.
    detail
        As in `quote`.
    freed
        The demand was given what it has already.
    """
    try:
        return _searched(quest, detail, freed=freed)
    except RecursionError:
        # A chain of more levels than the usual stack has room for.
        quest.begin_anew()
    try:
        return on_deep_stack(lambda: _searched(quest, detail, freed=freed))
    except RecursionError as failure:
        quest.broken = True
        return failed(quest, failure)


def _searched(quest: Quest, detail: str, *, freed: bool) -> Promise:
    book, request = quest.book, quest.request
    mark = book.stages.mark()
    level = LEVELS[quest.policy.risk_basis]
    book.stages.withheld = book.stages.spared = False
    book.stages.leads = book.times.at(level) if book.times.anything else None
    book.stages.level = level
    try:
        book.stages.begin()
        if not freed:
            book.free_for(request)
        quest.brief = detail != "full"
        quest.search()
        return answered(quest, detail)
    except PROVIDER_FAILURES as failure:
        quest.broken = True
        return failed(quest, failure)
    finally:
        quest.withheld = book.stages.withheld
        book.stages.undo(mark)
        book.stages.leads = book.stages.level = None


Curve = tuple[tuple[float, int], ...]
"""Levels from 0 to 1, rising, each with the instant [s] by which it is there."""
SHARES = tuple(percent / 100 for percent in range(1, 100))


def arrival_curve(
    book: PromiseLedger, request: Request, answer: Promise, policy: Policy | None = None
) -> Curve:
    """How likely an answer is there by which instant; nothing in the book changes.

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
    if chosen is None or chosen.times.chain is None:
        return ()
    mark = book.stages.mark()
    book.stages.leads = LeadDraws(book.times, 0.5)
    book.stages.level = LEVELS[quest.policy.risk_basis]
    try:
        book.free_for(request)
        found = _levels(book, chosen.times, quest.policy.risk_basis)
    finally:
        book.stages.undo(mark)
        book.stages.leads = book.stages.level = None
    return tuple(zip(SHARES, _rising(found), strict=True))


def _levels(book: PromiseLedger, times: ArrivalTimes, basis: str) -> list[int]:
    """Arrival at each of `SHARES` [s]."""
    chain = times.chain
    assert chain is not None
    if len(times.subjects) == 1:
        walked = [chain.at(LeadDraws(book.times, share)) for share in SHARES]
        return [times.date if one is None else one.date for one in walked]
    points = SampledChain(book, times.subjects)
    dates = np.sort(points.arrivals(chain.found))
    # The quoted date was walked; the points move with it, as in the quote itself.
    moved = times.date - int(dates[rank_at(LEVELS[basis])])
    return [int(dates[rank_at(share)]) + moved for share in SHARES]


def _rising(dates: list[int]) -> list[int]:
    """Make dates non-decreasing over the levels."""
    found = np.maximum.accumulate(np.array(dates, dtype=np.int64))
    return [int(date) for date in found]


def chance_by(curve: Curve, instant: int) -> float:
    """Chance that it is there by an instant: the highest level reached.

    >>> chance_by(((0.5, 100), (0.6, 200)), 150)
    0.5
    >>> chance_by(((0.5, 100),), 10)
    0.0
    """
    return max((share for share, date in curve if date <= instant), default=0.0)
