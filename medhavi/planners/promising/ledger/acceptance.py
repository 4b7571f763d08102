"""What a book notes of a promise that it accepted, to give it back."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.promising.supply_search.stages import Bought, Freed
    from medhavi.providers.material.line import LineChange
    from medhavi.results.promises.promise import PlannedHold

NOTHING: Mapping[str, Any] = MappingProxyType({})


class PreemptedPromise(NamedTuple):
    """A line that gave way to the promise of a more important one.

    Parameters
    ----------
    demand
        The line.
    token
        Of what the book accepted for it instead.
    before
        What the book had accepted for it.
    until
        The last token that was given when all this was accepted.
    """

    demand: str
    token: int
    before: tuple[Undo, ...]
    until: int


class Undo(NamedTuple):
    """What accepting a promise took; `revert` gives it back.

    Parameters
    ----------
    token
        Which acceptance it is, counted up by the book.
    cells, date, qty
        The line as a row of `demands`, the date [s] and the quantity it was promised.
    replaced
        What the same demand had before.
    moved
        Less important lines that gave way.
    stands_for
        Tokens of the acceptances that it took the place of when its line gave way.
    """

    demand: str
    holds: tuple[PlannedHold, ...]
    shifts: tuple[LineChange, ...]
    bought: tuple[Bought, ...]
    expires_at: int | None
    freed: tuple[Freed, ...] = ()
    token: int = 0
    cells: Mapping[str, Any] = NOTHING
    date: int | None = None
    qty: float | None = None
    replaced: tuple[Undo, ...] = ()
    moved: tuple[PreemptedPromise, ...] = ()
    stands_for: frozenset[int] = frozenset()

    def all_moved(self) -> tuple[PreemptedPromise, ...]:
        """Lines that gave way to it and to what it replaced, in order."""
        earlier = [one for undo in self.replaced for one in undo.all_moved()]
        return (*earlier, *self.moved)
