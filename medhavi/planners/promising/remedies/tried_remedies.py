"""Changes that would help, each tried by a quote of its own (ATP-19).

A remedy names the rows it changes. Its date and cost are those of a quote on the tables
with these rows, so applying them gives exactly that answer. It improves the date or the
money, delivers at least `settings.remedies_min_share` of what is needed, and is never
the answer itself. Money is the cost of the answer with its lateness and the price of
what is not delivered, at the values of the request. Where no change alone makes
the answer be on time, pairs are tried: those that helped, the best first, with each
other and with those that did not help alone.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from medhavi.edits.remedy_changes import Proposal
from medhavi.planners.promising.ledger.what_if import asked_again, book_with
from medhavi.planners.promising.remedies.proposals import (
    joined,
    least_quantity,
    proposals,
)
from medhavi.results.limiter import RemedyKind
from medhavi.results.promises.promise import PromiseStatus, TriedRemedy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.promising.ledger.promise_ledger import PromiseLedger
    from medhavi.planners.promising.options.option_search import OptionSearch
    from medhavi.planners.promising.requests.policies import Policy
    from medhavi.planners.promising.requests.requests import Request
    from medhavi.results.promises.promise import Promise

    Ask = Callable[[PromiseLedger, Request], Promise]

MOST_REMEDIES = 6
LEAST = 0.005
"""Money below this is no difference (half a cent)."""
RANKS = {
    PromiseStatus.PROMISED: 0,
    PromiseStatus.PROMISED_LATE: 1,
    PromiseStatus.PARTIAL: 2,
    PromiseStatus.REJECTED: 3,
}
_ONCE = frozenset({RemedyKind.LATER_DATE, RemedyKind.SPLIT_DELIVERY})
"""Changes of what is asked for: the first that is on time will do."""
PAIRS_SHARE = 3
"""One of so many quotes is kept for pairs."""


class Remedies(NamedTuple):
    """What helps, which changes were tried, and whether none was left out."""

    found: tuple[TriedRemedy, ...]
    tried: tuple[str, ...]
    all_tried: bool


def remedies(search: OptionSearch, answer: Promise, ask: Ask) -> Remedies:
    """Try what the reasons of an answer suggest; keep what helps.

    Parameters
    ----------
    search
        The finished search.
    answer
        What it gave: late, in part or nothing.
    ask
        Gives the answer to a request on a book.

    Returns
    -------
    Remedies
        Those that save most money first; `remedy_tries` of the policy says how many
        were tried at most.
    """
    trials = _Trials(search, answer, ask)
    trials.singles()
    if not trials.timely:
        trials.pairs()
    return trials.told()


def asked_anew(
    search: OptionSearch, ask: Callable[[PromiseLedger, Request, Policy], Promise]
) -> tuple[TriedRemedy, ...]:
    """Ask once more where a provider failed: it may have been for a moment alone."""
    promise = ask(search.book, search.request, search.policy)
    kind = RemedyKind.ASK_AGAIN
    tried = _Tried(Proposal(kind, "ask again", {}), promise, kind.value)
    return _told([tried], 0.0)


class _Tried(NamedTuple):
    proposal: Proposal
    promise: Promise
    code: str


class _Trials:
    """Quotes with changes, as many as the policy permits."""

    def __init__(self, search: OptionSearch, answer: Promise, ask: Ask) -> None:
        self._quest = search
        self._answer = answer
        self._ask = ask
        self._left = search.policy.remedy_tries
        self._helped: list[_Tried] = []
        self._idle: list[Proposal] = []
        self._tried: list[str] = []
        self._all_tried = True
        # Taken before anything else is asked: a provider may fail at any later call.
        self._short_rate = search.book.costs.short_rate(search.request)
        self._before = self._money(answer)

    def singles(self) -> None:
        """Try each change alone."""
        kept = self._left // PAIRS_SHARE
        for proposal in proposals(self._quest, self._answer):
            if proposal.kind in _ONCE and self._has(proposal.kind):
                continue
            if not proposal.alone:
                self._idle.append(proposal)
                continue
            if self._left <= kept:
                self._all_tried = False
                return
            if not self._try(proposal, proposal.kind.value):
                self._idle.append(proposal)

    def pairs(self) -> None:
        """Try changes of supply two at a time, those that helped before others."""
        helped = [
            one.proposal for one in self._ranked() if one.proposal.kind not in _ONCE
        ]
        idle = [one for one in self._idle if one.kind not in _ONCE]
        for one, other in combinations([*helped, *idle], 2):
            both = joined(one, other, self._quest.policy)
            if both is None:
                continue
            if self._left <= 0:
                self._all_tried = False
                return
            code = f"{one.kind.value}+{other.kind.value}"
            if self._try(both, code, (one, other)) and self.timely:
                return

    @property
    def timely(self) -> bool:
        """Whether something but asking for less or later makes it be on time."""
        return any(
            one.promise.status is PromiseStatus.PROMISED
            and one.proposal.kind not in _ONCE
            for one in self._helped
        )

    def told(self) -> Remedies:
        """What helped, the best first."""
        ranked = self._ranked()[:MOST_REMEDIES]
        found = tuple(
            told
            for one in ranked
            for told in _told([one], self._before - self._money(one.promise))
        )
        return Remedies(found, tuple(self._tried), self._all_tried)

    def _money(self, promise: Promise) -> float:
        """Cost of an answer with what it does not deliver [base currency]."""
        missing = max(self._quest.request.qty - promise.qty, 0.0)
        return promise.cost.total + missing * self._short_rate

    def _ranked(self) -> list[_Tried]:
        return sorted(
            self._helped,
            key=lambda one: (
                self._money(one.promise),
                RANKS[one.promise.status],
                one.promise.date or 0,
                one.code,
            ),
        )

    def _improves(self, promise: Promise) -> bool:
        """Whether a quote is earlier or saves money; the answer itself does not."""
        answer = self._answer
        if (promise.date, promise.qty) == (answer.date, answer.qty):
            return False
        if answer.date is None or promise.date is None:
            return promise.date is not None
        return promise.date < answer.date or self._money(promise) < self._before - LEAST

    def _has(self, kind: RemedyKind) -> bool:
        return any(one.proposal.kind is kind for one in self._helped)

    def _try(
        self, proposal: Proposal, code: str, parts: Sequence[Proposal] = ()
    ) -> bool:
        """Quote a change; it helps where it is better than each part of it alone."""
        self._left -= 1
        self._tried.append(proposal.text)
        search = self._quest
        request = asked_again(search.request, proposal.rows)
        promise = self._ask(book_with(search.book, proposal.rows), request)
        alone = [one.promise for one in self._helped if one.proposal in parts]
        helps = (
            promise.date is not None
            and promise.qty >= least_quantity(search)
            and self._improves(promise)
            and all(
                _helps(promise, one, proposal.kind) for one in (self._answer, *alone)
            )
        )
        if helps:
            self._helped.append(_Tried(proposal, promise, code))
        return helps


def _told(tried: Sequence[_Tried], saved: float) -> tuple[TriedRemedy, ...]:
    return tuple(
        TriedRemedy(
            code=one.code,
            text=one.proposal.text,
            rows=one.proposal.rows,
            date=one.promise.date,
            cost=one.promise.cost.total,
            saved=saved,
            status=one.promise.status,
            qty=one.promise.qty,
            on_time_prob=one.promise.on_time_prob,
            date_prob=one.promise.date_prob,
        )
        for one in tried
        if one.promise.date is not None
    )


def _helps(promise: Promise, answer: Promise, kind: RemedyKind) -> bool:
    """Whether an answer is better: its status, else its quantity or its date."""
    if kind in _ONCE:
        return promise.status is PromiseStatus.PROMISED
    rank, before = RANKS[promise.status], RANKS[answer.status]
    if rank != before:
        return rank < before
    if promise.status is PromiseStatus.PARTIAL and promise.qty != answer.qty:
        return promise.qty > answer.qty
    return (
        promise.date is not None
        and answer.date is not None
        and promise.date < answer.date
    )
