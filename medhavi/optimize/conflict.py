"""Budgets that cannot hold together, and the least that one of them has to give.

Budget after budget, the least value is found of what it limits while those before it
hold. Where that is above it, each of those is left out in turn: one without which the
value is still above is no part of the conflict (deletion filter, Chinneck 2008, ISBN
978-0387749310). Then each budget of the conflict alone is made as loose as it must be.
No program on the way is impossible: to show that one is took up to four times as long
(17.9 CPU s where 5.0 found a least value, demo company), and irreducible sets of
solvers took minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.optimize.problem import SolveStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from medhavi.optimize.problem import Floats, Session


SLACK = 1e-7
"""Room above a raised budget, of its size: an exact one is brittle."""


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

    def conflicts(self, point: Floats) -> tuple[Conflict, ...]:
        """Find conflicts until the budgets that are left hold; empty: all hold.

        Parameters
        ----------
        point
            Keeps all other rows, shape (n,): budgets that it keeps hold together.
        """
        found = list[Conflict]()
        held = [
            name
            for name, one in self._budgets.items()
            if one.weights @ point <= one.most
        ]
        for name in [one for one in self._budgets if one not in held]:
            if self._holds(name, held):
                held.append(name)
                continue
            names = list(held)
            for other in held:
                rest = [one for one in names if one != other]
                if not self._holds(name, rest):
                    names = rest
            clash = tuple(one for one in self._budgets if one in {*names, name})
            more = {one: self._more(one, clash) for one in clash}
            known = {one: room for one, room in more.items() if room is not None}
            found.append(Conflict(clash, known))
            held = [one for one in held if one not in names]
        self._limit(self._budgets)
        return tuple(found)

    def relax(self, conflicts: Iterable[Conflict]) -> None:
        """Raise of each conflict the budget that rises least, in shares of it."""
        for conflict in conflicts:
            rises = {
                name: more / (self._budgets[name].most or 1.0)
                for name, more in conflict.more.items()
            }
            if rises:
                name = min(rises, key=lambda one: (rises[one], one))
                most = self._budgets[name].most + conflict.more[name]
                self.allow(name, most + SLACK * max(1.0, abs(most)))

    def allow(self, name: str, most: float) -> None:
        """Change what a budget is at most, whatever was asked for."""
        self._session.set_row(self._rows[name], -np.inf, most)

    def _limit(self, names: Collection[str]) -> None:
        for name, row in self._rows.items():
            most = self._budgets[name].most if name in names else np.inf
            self._session.set_row(row, -np.inf, most)

    def _holds(self, name: str, held: Collection[str]) -> bool:
        """Whether a budget can be kept beside others, which can."""
        least, most = self._least(name, held), self._budgets[name].most
        return least is None or least <= most + SLACK * max(1.0, abs(most))

    def _least(self, name: str, held: Collection[str]) -> float | None:
        """Least value of what a budget limits, others held; None: it was not solved."""
        self._session.set_cost(self._budgets[name].weights)
        self._session.restart()
        self._limit(held)
        found = self._session.solve(cancelled=self._cancelled)
        return found.objective if found.outcome is SolveStatus.OPTIMAL else None

    def _more(self, name: str, conflict: Collection[str]) -> float | None:
        """Least rise of one budget, the others held: all, or those of its conflict."""
        for held in (self._budgets, conflict):
            least = self._least(name, [other for other in held if other != name])
            if least is not None:
                return max(0.0, least - self._budgets[name].most)
        return None
