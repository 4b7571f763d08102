"""Changes that would help, each tried by a quote of its own (ATP-19).

A remedy names the rows it changes. Its date and cost are those of a quote on the tables
with these rows, so applying them gives exactly that answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.promising.proposals import proposals
from medhavi.planners.promising.what_if import asked_again, book_with
from medhavi.results.limiter import RemedyKind
from medhavi.results.promise import PromiseStatus, TriedRemedy

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.planners.promising.asking import Request
    from medhavi.planners.promising.book import Book
    from medhavi.planners.promising.quest import Quest
    from medhavi.results.promise import Promise

    Ask = Callable[[Book, Request], Promise]

MOST_REMEDIES = 6
MOST_TRIED = 16
"""Quotes for one late answer; changes of the request and the policy come first."""
RANKS = {
    PromiseStatus.PROMISED: 0,
    PromiseStatus.PROMISED_LATE: 1,
    PromiseStatus.PARTIAL: 2,
    PromiseStatus.REJECTED: 3,
}


_ONCE = frozenset({RemedyKind.LATER_DATE, RemedyKind.SPLIT_DELIVERY})
"""Changes of what is asked for: the first that is on time will do."""


class Remedies(NamedTuple):
    """What helps, how many changes were tried, and whether none was left out."""

    found: tuple[TriedRemedy, ...]
    tried: int
    all_tried: bool


class _Tried(NamedTuple):
    promise: Promise
    remedy: TriedRemedy


def remedies(quest: Quest, answer: Promise, ask: Ask) -> Remedies:
    """Try what the reasons of an answer suggest; keep what helps.

    Parameters
    ----------
    quest
        The finished search.
    answer
        What it gave: late, in part or nothing.
    ask
        Gives the answer to a request on a book.

    Returns
    -------
    Remedies
        On time first, then by date and cost; at most `MOST_TRIED` were tried.
    """
    tried: list[_Tried] = []
    count, all_tried = 0, True
    for proposal in proposals(quest, answer):
        if proposal.kind in _ONCE and any(
            one.remedy.code == proposal.kind.value for one in tried
        ):
            continue
        if count >= MOST_TRIED:
            all_tried = False
            break
        count += 1
        request = asked_again(quest.request, proposal.rows)
        promise = ask(book_with(quest.book, proposal.rows), request)
        if promise.date is None or not _helps(promise, answer, proposal.kind):
            continue
        remedy = TriedRemedy(
            code=proposal.kind.value,
            text=proposal.text,
            rows=proposal.rows,
            date=promise.date,
            cost=promise.cost.total,
        )
        tried.append(_Tried(promise, remedy))
    tried.sort(
        key=lambda one: (
            RANKS[one.promise.status],
            one.remedy.date,
            one.remedy.cost,
            one.remedy.code,
        )
    )
    found = tuple(one.remedy for one in tried[:MOST_REMEDIES])
    return Remedies(found, count, all_tried)


def _helps(promise: Promise, answer: Promise, kind: RemedyKind) -> bool:
    """Tell whether an answer is better: its status, else its date."""
    if kind in _ONCE:
        return promise.status is PromiseStatus.PROMISED
    rank, before = RANKS[promise.status], RANKS[answer.status]
    if rank != before:
        return rank < before
    return (
        promise.date is not None
        and answer.date is not None
        and promise.date < answer.date
    )
