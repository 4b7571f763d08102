"""The book of promises: a snapshot with ledgers that accepted promises change.

Quotes write and go back, so a book is as before after each. `apply` takes the holds of
a promise, `revert` gives them back in any order and restores the state, `expire` gives
back what was tentative for too long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from medhavi.errors import UsageError
from medhavi.planners.promising.holding import give_back, take_holds
from medhavi.planners.promising.option_cost import OptionCosts
from medhavi.planners.promising.reach import Reach
from medhavi.planners.promising.rules_of_promise import Policies
from medhavi.planners.promising.stages import Stages
from medhavi.providers import Providers
from medhavi.providers.table_rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.planners.promising.stages import Bought, Freed
    from medhavi.providers.material_line import Shift
    from medhavi.providers.table_rows import Row
    from medhavi.results.promise import PlannedHold, PlannedPurchase, Promise
    from medhavi.snapshot import Snapshot


class Undo(NamedTuple):
    """What accepting a promise took; `revert` gives it back."""

    demand: str
    holds: tuple[PlannedHold, ...]
    shifts: tuple[Shift, ...]
    bought: tuple[Bought, ...]
    expires_at: int | None
    freed: tuple[Freed, ...] = ()


class Book:
    """Master data and ledgers of one snapshot.

    Parameters
    ----------
    snapshot
        Planning tables without errors.
    stages
        Providers with their ledgers.

    Attributes
    ----------
    accepted
        Promises of this book by demand, in the order of acceptance.
    """

    def __init__(self, snapshot: Snapshot, stages: Stages) -> None:
        self.snapshot = snapshot
        self.stages = stages
        self.providers = stages.providers
        self.policies = Policies(snapshot)
        self.reach = Reach(self.providers)
        self.costs = OptionCosts(stages)
        self.times = stages.times
        self.accepted: dict[str, list[Undo]] = {}
        self.substitutes = _substitutes(self.providers)

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot) -> Self:
        """Open a book on a snapshot.

        Raises
        ------
        BadData
            The snapshot has errors.
        """
        snapshot.require()
        return cls(snapshot, Stages(Providers(snapshot)))

    @property
    def now(self) -> int:
        """Now of every quote [s]."""
        return int(self.snapshot.as_of)

    # --------------------------------------------------------------------- changes
    def take(self, promise: Promise) -> Undo:
        """Take the holds of a promise; those of the same demand before go back."""
        if not promise.holds and not promise.deliveries:
            message = (
                f"Request {promise.request} is rejected; there is nothing to apply."
            )
            raise UsageError(message)
        demand = str(promise.demand.get("demand", ""))
        for undo in list(self.accepted.get(demand, ())):
            self.give_back(undo)
        expires = promise.holds[0].expires_at if promise.holds else None
        bought = tuple(self._order(one) for one in promise.purchases)
        return self.take_again(Undo(demand, promise.holds, (), bought, expires))

    def _order(self, bought: PlannedPurchase) -> Bought:
        """Find the source of a purchase."""
        sources = self.stages.sources(bought.product, bought.location)
        source = next(
            one for one in sources if (one.kind, one.source) == ("buy", bought.supplier)
        )
        return source, bought.steps, bought.usable

    def take_again(self, undo: Undo) -> Undo:
        """Take the holds of a promise that another book accepted."""
        mark = self.stages.material.mark()
        # What the tables say the demand has is replaced by the promise (rule 29).
        freed = self.stages.held_by(undo.demand)
        self.stages.free(undo.demand)
        take_holds(self.stages, undo.holds)
        self.stages.buy_again(undo.bought)
        shifts = self.stages.material.since(mark)
        again = undo._replace(shifts=shifts, freed=freed)
        self.accepted.setdefault(undo.demand, []).append(again)
        self.stages.settle()
        return again

    def give_back(self, undo: Undo) -> None:
        """Give back what a promise took; once."""
        known = self.accepted.get(undo.demand, [])
        if all(one is not undo for one in known):
            message = f"The promise for {undo.demand} was given back before."
            raise UsageError(message)
        self.accepted[undo.demand] = [one for one in known if one is not undo]
        if not self.accepted[undo.demand]:
            del self.accepted[undo.demand]
        self._back(undo)
        self.stages.buy_again(undo.bought, -1)
        self.stages.settle()

    def ended(self, now: int) -> Iterable[Undo]:
        """Give the tentative promises whose time is over."""
        return [
            undo
            for undos in self.accepted.values()
            for undo in undos
            if undo.expires_at is not None and undo.expires_at <= now
        ]

    def free_own(self, demand: str) -> None:
        """Give a demand what it has, for one quote (rule 29); the journal undoes it."""
        for undo in self.accepted.get(demand, ()):
            self._back(undo)
        self.stages.free(demand)

    def _back(self, undo: Undo) -> None:
        give_back(self.stages, undo.holds, undo.shifts)
        self.stages.hold_again(undo.freed)


def apply(book: Book, promise: Promise) -> Undo:
    """Accept a promise: its holds bind the book.

    Raises
    ------
    UsageError
        The promise is a rejection.
    """
    return book.take(promise)


def revert(book: Book, undo: Undo) -> None:
    """Give back an accepted promise; the state is as if it had never been.

    Raises
    ------
    UsageError
        It was given back before.
    """
    book.give_back(undo)


def expire(book: Book, now: int) -> tuple[Undo, ...]:
    """Give back all tentative promises whose holds ended by `now` (rule 31).

    Returns
    -------
    tuple of Undo
        What was given back; a second call gives none.
    """
    ended = tuple(book.ended(now))
    for undo in ended:
        book.give_back(undo)
    return ended


def _substitutes(providers: Providers) -> dict[str, list[Row]]:
    """Collect what may be delivered instead, by product, the first choice first."""
    found: dict[str, list[Row]] = {}
    for row in Rows(providers.snapshot["substitutes"]):
        found.setdefault(row["product"], []).append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (row["priority"], row["substitute"]))
    return found
