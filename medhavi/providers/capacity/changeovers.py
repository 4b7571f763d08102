"""Changeovers between set-up families: time, money, cleaning (rule 16).

A change takes time only where the resource has a matrix and the step a family; the
same family needs none, and nor does a pair that no row names. Of several rows the one
with fewer `*` counts, then the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.providers.capacity.network import minutes
from medhavi.units import ceil_fraction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.providers.table_rows import Rows

ANY = "*"


class Changeovers:
    """Changes of all matrices.

    Parameters
    ----------
    rows
        Table `changeovers`.
    states
        Family for which a resource is set up at as_of; without one its first set-up
        is free.
    """

    __slots__ = ("_known", "_priced", "_seconds", "states")

    def __init__(self, rows: Rows, states: Mapping[str, str]) -> None:
        self.states = states
        self._seconds: dict[tuple[str, str, str], int] = {}
        self._priced: dict[tuple[str, str, str], tuple[float, bool]] = {}
        self._known: dict[tuple[str, str, str], int] = {}
        for row in rows:
            key = (row["matrix"], row["from_family"], row["to_family"])
            self._seconds.setdefault(key, ceil_fraction(minutes(row["setup_minutes"])))
            self._priced.setdefault(key, (row["cost"], row["cleaning"]))

    def seconds(self, matrix: str, before: str | None, family: str) -> int:
        """Time of a change [s]; nothing before: it is free."""
        if before is None or before == family:
            return 0
        asked = matrix, before, family
        found = self._known.get(asked)
        if found is None:
            found = self._known[asked] = self._stated(*asked)
        return found

    def _stated(self, matrix: str, before: str, family: str) -> int:
        for pair in ((before, family), (before, ANY), (ANY, family), (ANY, ANY)):
            found = self._seconds.get((matrix, *pair))
            if found is not None:
                return found
        return 0

    def cost(self, matrix: str, before: str | None, family: str) -> float:
        """Money of a change besides its time [base currency]."""
        return self._row(matrix, before, family)[0]

    def cleans(self, matrix: str, before: str | None, family: str) -> bool:
        """Whether a change counts as a cleaning."""
        return self._row(matrix, before, family)[1]

    def _row(self, matrix: str, before: str | None, family: str) -> tuple[float, bool]:
        if before is None or before == family:
            return 0.0, False
        for pair in ((before, family), (before, ANY), (ANY, family), (ANY, ANY)):
            found = self._priced.get((matrix, *pair))
            if found is not None:
                return found
        return 0.0, False
