"""Budgets that cannot hold together, and the least that one of them has to give.

Of budgets that no point keeps, each is left out in turn: one without which the rest
still cannot hold is no part of the conflict (deletion filter, Chinneck 2008, ISBN
978-0387749310). Then each budget of the conflict alone is made as loose as it must be:
the least value of what it limits while the others hold. Both are solved from the last
basis; irreducible sets of solvers took minutes where this takes one solve a budget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.optimize.problem import SolveStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from medhavi.optimize.problem import Floats, Session


class Budget(NamedTuple):
    """Weights per column, and the most that they come to."""

    weights: Floats
    most: float


class Conflict(NamedTuple):
    """Budgets that cannot hold together.

    Parameters
    ----------
    names
        The budgets; leaving any one of them out lets the others hold.
    more
        By how much each has to rise, where it alone does.
    """

    names: tuple[str, ...]
    more: Mapping[str, float]


class Budgets:
    """Budgets on a program that is being solved.

    Parameters
    ----------
    session
        Program; its costs are changed where budgets conflict.
    budgets
        Weights per column and the most, by name.
    cancelled
        Polled; True ends the search for conflicts.
    """

    def __init__(
        self,
        session: Session,
        budgets: Mapping[str, Budget],
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self._session = session
        self._budgets = budgets
        self._cancelled = cancelled
        self._rows = {
            name: session.add_row(-np.inf, budget.most, budget.weights)
            for name, budget in budgets.items()
        }

    def conflicts(self) -> tuple[Conflict, ...]:
        """Find conflicts until the budgets that are left hold; empty: all hold."""
        left, found = list(self._budgets), list[Conflict]()
        while left and not self._hold(left):
            names = list(left)
            for name in left:
                rest = [other for other in names if other != name]
                if not self._hold(rest):
                    names = rest
            if not names:
                break
            more = {name: self._more(name, names) for name in names}
            known = {name: room for name, room in more.items() if room is not None}
            found.append(Conflict(tuple(names), known))
            left = [name for name in left if name not in names]
        self._limit(self._budgets)
        return tuple(found)

    def _limit(self, names: Collection[str]) -> None:
        for name, row in self._rows.items():
            most = self._budgets[name].most if name in names else np.inf
            self._session.set_row(row, -np.inf, most)

    def _hold(self, names: Collection[str]) -> bool:
        self._limit(names)
        found = self._session.solve(cancelled=self._cancelled)
        return found.outcome is not SolveStatus.INFEASIBLE

    def _more(self, name: str, conflict: Collection[str]) -> float | None:
        """Least rise of one budget, the others held: all, or those of its conflict."""
        self._session.set_cost(self._budgets[name].weights)
        self._session.restart()
        for held in (self._budgets, conflict):
            self._limit([other for other in held if other != name])
            found = self._session.solve(cancelled=self._cancelled)
            if found.outcome is SolveStatus.OPTIMAL:
                return max(0.0, found.objective - self._budgets[name].most)
        return None
