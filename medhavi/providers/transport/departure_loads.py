"""What departures carry already, with a journal that undoes exactly (rule 31)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from medhavi.units import ceil_fraction, exact

if TYPE_CHECKING:
    from collections.abc import Iterable

    Departure = tuple[str, int]
    """Lane and instant [s]."""

MILLION: Final = 1_000_000


class Load(NamedTuple):
    """Weight [mg] and volume [cm3] as whole numbers, so that sums undo exactly."""

    weight: int = 0
    volume: int = 0


NOTHING: Final = Load()


@lru_cache(maxsize=65536)
def load_of(qty: float, weight_kg: float, volume_m3: float) -> Load:
    """Load of a quantity, rounded up.

    >>> load_of(2, 0.5, 0.0)
    Load(weight=1000000, volume=0)
    """
    count = exact(qty) * MILLION
    return Load(
        ceil_fraction(count * exact(weight_kg)),
        ceil_fraction(count * exact(volume_m3)),
    )


class DepartureLoads:
    """Loads by lane and departure; lanes that leave at any time keep none.

    Parameters
    ----------
    loads
        What is carried before anything is planned.

    Attributes
    ----------
    refused
        How often a search found that a first departure does not take its goods.
    """

    __slots__ = ("_journal", "_lent", "_loads", "_marked", "refused")

    def __init__(self, loads: Iterable[tuple[Departure, Load]] = ()) -> None:
        self.refused = 0
        self._loads: dict[str, dict[int, Load]] = {}
        self._lent: set[str] = set()
        """Lanes whose loads a copy may have too: who changes them has his own first."""
        self._journal: list[tuple[str, int, Load]] = []
        """Lane, departure, and what it carried before; kept from the first mark on."""
        self._marked = False
        for (lane, departure), load in loads:
            self.add(lane, departure, load)

    def copied(self) -> DepartureLoads:
        """Loads of their own that are the same now."""
        made = DepartureLoads()
        made._loads = dict(self._loads)
        self._lent, made._lent = set(made._loads), set(made._loads)
        return made

    def of_lane(self, lane: str) -> dict[int, Load] | None:
        """Loads of a lane by departure; `None`: there are none."""
        return self._loads.get(lane)

    def state(self) -> dict[str, dict[int, Load]]:
        """Copy of all loads, to compare two moments by `==`."""
        return {lane: dict(found) for lane, found in self._loads.items()}

    def add(self, lane: str, departure: int, load: Load) -> None:
        """Load a departure; a negative load unloads it."""
        found = self._loads.get(lane)
        old = NOTHING if found is None else found.get(departure, NOTHING)
        new = Load(old[0] + load[0], old[1] + load[1])
        if self._marked:
            self._journal.append((lane, departure, old))
        self._put(lane, departure, new)

    def settle(self) -> None:
        """Forget the journal: what was loaded stays, earlier marks are void."""
        self._journal.clear()

    def mark(self) -> int:
        """Mark to undo to; changes are noted from the first one on."""
        self._marked = True
        return len(self._journal)

    def undo(self, mark: int) -> None:
        """Take back every change since the mark.

        Raises
        ------
        ValueError
            The mark is not one of this journal, or not any more.
        """
        if not (self._marked and 0 <= mark <= len(self._journal)):
            message = f"nothing is marked {mark}: {len(self._journal)} loads are kept."
            raise ValueError(message)
        while len(self._journal) > mark:
            self._put(*self._journal.pop())

    def _put(self, lane: str, departure: int, load: Load) -> None:
        found = self._loads.get(lane)
        if found is not None and lane in self._lent:
            found = self._loads[lane] = dict(found)
        self._lent.discard(lane)
        if load[0] or load[1]:
            if found is None:
                found = self._loads[lane] = {}
            found[departure] = load
        elif found is not None:
            found.pop(departure, None)
            if not found:
                del self._loads[lane]
