"""Promise accepted lines anew beside all that stays as it is (ATP-28).

What is to change is asked again in the order of a file on tables without it, each line
seeing what those before it took. Who finds nothing that is good enough keeps what it
has, and then the others are asked again beside that, until all that change fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.planners.promising.book import Book
from medhavi.planners.promising.one_quest import searched
from medhavi.planners.promising.quest import Quest
from medhavi.planners.promising.standing_promises import (
    accepted_promises,
    watching,
    without,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.promising.standing_promises import Promised
    from medhavi.results.promise import Promise
    from medhavi.snapshot import Snapshot

_LEAST = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodEnough:
    """What a new answer must reach to be taken.

    Parameters
    ----------
    latest
        Date by which all of it comes [s]; None: whenever, and however much of it.
    """

    latest: int | None

    def holds(self, made: Promise, qty: float) -> bool:
        """Tell whether an answer is taken."""
        if made.date is None:
            return False
        if self.latest is None:
            return True
        return made.date <= self.latest and made.qty >= qty * (1 - _LEAST)


def promised_anew(
    snapshot: Snapshot,
    wanted: Mapping[str, GoodEnough],
    quantities: Mapping[str, float] | None = None,
) -> dict[str, Promise]:
    """Give new answers of accepted promises that fit together and beside all others.

    Parameters
    ----------
    wanted
        Demands that are to change.
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
    changing = [one for one in known if one.request.demand in wanted]
    while changing:
        found = _asked(snapshot, changing, wanted)
        if len(found) == len(changing):
            return found
        changing = [one for one in changing if one.request.demand in found]
    return {}


def _asked(
    snapshot: Snapshot, changing: list[Promised], wanted: Mapping[str, GoodEnough]
) -> dict[str, Promise]:
    """Ask all once; give the answers that are good enough."""
    names = [one.request.demand for one in changing]
    book = Book.from_snapshot(without(snapshot, names))
    found = {}
    for one in changing:
        made = searched(Quest(book, one.request, watching(book, one)), "date")
        if wanted[one.request.demand].holds(made, one.request.qty):
            book.take(made)
            found[one.request.demand] = made
    return found
