"""Promise accepted lines anew beside all that stays as it is (ATP-28).

What is to change is asked again in the order of a file on tables without it, each line
seeing what those before it took. Who finds nothing that is good enough keeps what it
has, and then the others are asked again beside that, until all that change fit. Room
that a promise at risk could come with, though it is not changed, is left to it by those
that are less important.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medhavi.planners.promising.explain.one_quest import searched
from medhavi.planners.promising.ledger.book import Book
from medhavi.planners.promising.ledger.whole_orders import not_before
from medhavi.planners.promising.options.quest import Quest
from medhavi.planners.promising.standing.standing_promises import (
    accepted_promises,
    watching,
    without,
)
from medhavi.results.promises.promises_at_risk import chance_by

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from medhavi.planners.promising.requests.asking import Request
    from medhavi.planners.promising.standing.standing_promises import Promised
    from medhavi.results.promises.promise import Promise
    from medhavi.snapshot import Snapshot

_LEAST = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodEnough:
    """What a new answer must reach to be taken.

    Parameters
    ----------
    latest
        Date by which all of it comes [s]; None: whenever, and however much of it.
    earliest
        What comes earlier waits until then: its order comes together [s].
    most
        No more is asked for than the other lines of its order match [base units].
    """

    latest: int | None
    earliest: int | None = None
    most: float | None = None

    def asked(self, request: Request) -> Request:
        """What is asked for anew."""
        if self.most is None or self.most >= request.qty:
            return request
        return replace(request, qty=self.most)

    def holds(self, made: Promise, qty: float) -> bool:
        """Whether an answer is taken."""
        if made.date is None:
            return False
        if self.latest is None:
            return True
        return made.date <= self.latest and made.qty >= qty * (1 - _LEAST)


def promised_anew(
    snapshot: Snapshot,
    wanted: Mapping[str, GoodEnough],
    quantities: Mapping[str, float] | None = None,
    waiting: Collection[str] = (),
) -> dict[str, Promise]:
    """New answers of accepted promises that fit together and beside all others.

    Parameters
    ----------
    wanted
        Demands that are to change.
    waiting
        Demands that keep what they have, though it is not all that they need.
    quantities
        As in `standing_promises`.

    Returns
    -------
    dict of str to Promise
        By demand, the most important first; who is missing keeps what it has.
    """
    if not wanted:
        return {}
    known = accepted_promises(Book.from_snapshot(snapshot), quantities)
    asked = [one for one in known if one.request.demand in {*wanted, *waiting}]
    changing = set(wanted)
    while changing:
        found = _asked(snapshot, asked, {name: wanted[name] for name in changing})
        if len(found) == len(changing):
            return found
        changing = set(found)
    return {}


def _asked(
    snapshot: Snapshot, asked: list[Promised], wanted: Mapping[str, GoodEnough]
) -> dict[str, Promise]:
    """Ask all once; give the answers that are good enough."""
    book = Book.from_snapshot(without(snapshot, wanted))
    found = {}
    for one in asked:
        name = one.request.demand
        goal = wanted.get(name)
        request = one.request if goal is None else goal.asked(one.request)
        made = searched(Quest(book, request, watching(book, one)), "date")
        made = replace(made, on_time_prob=_by_due(made, one.due))
        if goal is None:
            if made.date is not None:
                book.take(_beside(made, f"{name}|anew"))
        elif goal.holds(made, request.qty):
            book.take(made)
            earliest = goal.earliest
            found[name] = made if earliest is None else not_before(made, earliest)
    return found


def _by_due(made: Promise, due: int) -> float | None:
    """P(the whole is there by the date that the customer asked for)."""
    return None if made.date is None else chance_by(made, due)


def _beside(made: Promise, name: str) -> Promise:
    """Answer under another name: what its line has stays taken beside it."""
    holds = tuple(hold._replace(demand=name) for hold in made.holds)
    return replace(made, demand={**made.demand, "demand": name}, holds=holds)
