"""Take from less important lines what a late request needs (rule 35, ATP-09).

What rivals have is freed in the ledgers, the request is answered on that, takes what it
found, and each line that gave way is answered again, without such rights of its own, on
what is left. All of it is undone: a quote changes nothing. Only as many give way as are
needed, and only those that can be promised their whole quantity again within their own
rules: a promise moves, it never vanishes.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from medhavi.planners.promising.explain.one_quest import searched
from medhavi.planners.promising.ledger.holding import take_holds
from medhavi.planners.promising.options.quest import Quest
from medhavi.planners.promising.preemption.least_set import least_set
from medhavi.planners.promising.preemption.rivals import rivals
from medhavi.planners.promising.remedies.tried_remedies import RANKS
from medhavi.results.promises.promise import Preempted, PromiseStatus, iso
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.planners.promising.preemption.rivals import Rival
    from medhavi.results.promises.promise import Promise

MOST_RIVALS = 200
"""Lines that may give way to one request, the least important first."""
MOST_QUOTES = 80
"""Quotes in the search for those that do; a search that is not through takes none."""
OPTION = "preempt:"
"""How an option begins that takes from others."""
_LEAST = 1e-9


class _EnoughError(Exception):
    """The quotes are used up."""


def with_preemption(quest: Quest, before: Promise, detail: str) -> Promise:
    """Answer that takes from less important lines, where it is better.

    Parameters
    ----------
    quest
        The search without it, finished.
    before
        Its answer: late, in part or nothing.
    detail
        As in `quote`.
    """
    candidates = list(rivals(quest.book, quest.request)[:MOST_RIVALS])
    tries = _Tries(quest, before)
    try:
        while candidates:
            goal = tries.answer(candidates)
            if standing(goal) >= standing(before):
                break
            needed = least_set(candidates, partial(tries.reaches, goal))
            made, refused = tries.settled(needed, detail)
            if not refused:
                better = standing(made) < standing(before)
                return _told(made, before, detail) if better else before
            candidates = [one for one in candidates if one not in refused]
    except _EnoughError:
        return _noted(before, tries.asked, "SearchTimeout", detail)
    return _noted(before, tries.asked, "nothing gained", detail)


def standing(promise: Promise) -> tuple[int, float, float]:
    """Rank an answer: its status, then how much, then when; less is better."""
    date = float("inf") if promise.date is None else float(promise.date)
    return RANKS[promise.status], -promise.qty, date


class _Tries:
    """Answers to one request with some lines out of the way."""

    def __init__(self, quest: Quest, before: Promise) -> None:
        self._book = quest.book
        self._request = quest.request
        self._policy = quest.policy
        self._known: dict[frozenset[str], Promise] = {frozenset(): before}
        self.asked = 0

    def answer(self, gone: Sequence[Rival]) -> Promise:
        """Answer the request without what these lines have."""
        key = frozenset(one.request.demand for one in gone)
        if key not in self._known:
            if self.asked >= MOST_QUOTES:
                raise _EnoughError
            self.asked += 1
            mark = self._book.stages.mark()
            try:
                self._free(gone)
                self._known[key] = searched(self._quest(), "date")
            finally:
                self._book.stages.undo(mark)
        return self._known[key]

    def reaches(self, goal: Promise, gone: Sequence[Rival]) -> bool:
        """Whether it comes as far without these as without all of them."""
        found = self.answer(gone)
        return found.on_time if goal.on_time else standing(found) <= standing(goal)

    def settled(
        self, gone: Sequence[Rival], detail: str
    ) -> tuple[Promise, tuple[Rival, ...]]:
        """Answer the request and then the lines that gave way, on what is left.

        Returns
        -------
        tuple of (Promise, tuple of Rival)
            The answer with its `preempted`, and lines that cannot be promised again.
        """
        book, request = self._book, self._request
        mark = book.stages.mark()
        moved: list[Preempted] = []
        try:
            self._free(gone)
            made = searched(self._quest(), detail)
            book.free_for(request)
            self._take(made)
            for rival in sorted(gone, key=_importance):
                policy = replace(book.policies.of(rival.request), preempt=False)
                found = searched(Quest(book, rival.request, policy), "date", freed=True)
                if not _is_whole(found, rival):
                    return made, (rival,)
                self._take(found)
                moved.append(self._moved(rival, found))
        finally:
            book.stages.undo(mark)
        return replace(made, preempted=tuple(moved)), ()

    def _quest(self) -> Quest:
        return Quest(self._book, self._request, self._policy)

    def _free(self, gone: Sequence[Rival]) -> None:
        for rival in gone:
            self._book.free_own(rival.request.demand)

    def _take(self, made: Promise) -> None:
        """Take holds for the rest of the quote; the journals undo it."""
        stages = self._book.stages
        take_holds(stages, made.holds, made.demand)
        stages.buy_again([stages.order(one) for one in made.purchases])

    def _moved(self, rival: Rival, found: Promise) -> Preempted:
        request = rival.request
        assert found.date is not None
        due = request.due
        was = due if rival.date is None else max(rival.date, due)
        late = max(max(found.date, due) - was, 0) / DAY
        return Preempted(
            demand=request.demand,
            sales_order=request.sales_order,
            line=request.line,
            customer=request.customer,
            tier=self._book.policies.tier(request),
            priority=request.priority,
            product=request.product,
            location=request.location,
            qty=found.qty,
            previous=rival.date,
            date=found.date,
            cost=late * found.qty * self._book.costs.late_rate(request),
            promise=found,
        )


def _importance(rival: Rival) -> tuple[int, int, str]:
    """Order as requests of a file are answered (rule 29)."""
    return rival.request.priority, rival.request.due, rival.request.demand


def _is_whole(found: Promise, rival: Rival) -> bool:
    return found.status is not PromiseStatus.REJECTED and found.qty >= rival.qty * (
        1 - _LEAST
    )


def _told(made: Promise, before: Promise, detail: str) -> Promise:
    """Put the price of those who gave way, and who they are, into the answer."""
    lateness = made.cost.lateness + sum(one.cost for one in made.preempted)
    cost = replace(made.cost, lateness=lateness)
    named = replace(
        made, cost=cost, option=f"{OPTION}{made.option}", exact=False, remedies=()
    )
    if detail != "full":
        return named
    chosen = [
        replace(one, option=f"{OPTION}{one.option}", cost=cost.total, score=None)
        for one in made.options
        if one.why_not is None
    ]
    worse = "less of it" if before.qty < made.qty else "later"
    others = [replace(one, why_not=one.why_not or worse) for one in before.options]
    return replace(
        named,
        options=(*chosen, *others),
        trace=(*made.trace, *(_entry(one) for one in made.preempted)),
    )


def _entry(one: Preempted) -> Mapping[str, object]:
    return {
        "stage": "preempt",
        "demand": one.demand,
        "priority": one.priority,
        "tier": one.tier,
        "qty": one.qty,
        "previous": None if one.previous is None else iso(one.previous),
        "date": iso(one.date),
        "cost": one.cost,
    }


def _noted(before: Promise, quotes: int, note: str, detail: str) -> Promise:
    """Record in the trace the attempt to take from others, and its result."""
    if detail != "full" or not quotes:
        return before
    entry = {"stage": "preempt", "quotes": quotes, "note": note}
    return replace(before, trace=(*before.trace, entry))
