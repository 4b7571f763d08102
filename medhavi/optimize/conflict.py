"""Budgets that cannot hold together, and the least that one of them has to give.

Budget after budget, the least value is found of what it limits while those before it
hold. Where that is above it, each of those is left out in turn: one without which the
value is still above is no part of the conflict (deletion filter, Chinneck 2008, ISBN
978-0387749310). Then each budget of the conflict alone is made as loose as it must be,
and the one that rises least stays so.
No program on the way is impossible: to show that one is took up to four times as long
(17.9 CPU s where 5.0 found a least value, demo company), and irreducible sets of
solvers took minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.optimize.problem import SolveStatus, inner

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

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
        By how much each has to rise above what was asked, where it alone does.
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
        self._most = {name: budget.most for name, budget in budgets.items()}
        self._rows = {
            name: session.add_row(-np.inf, budget.most, budget.weights)
            for name, budget in budgets.items()
        }

    def conflicts(self, point: Floats) -> tuple[Conflict, ...]:
        """Find conflicts until all budgets hold together; empty: they do as stated.

        Of each conflict the budget is raised that rises least, in shares of it, and
        stays so: what it clashes with beside is the next conflict.

        Parameters
        ----------
        point
            Keeps all other rows, shape (n,): budgets that it keeps hold together.
        """
        found = list[Conflict]()
        held = [
            name
            for name, one in self._budgets.items()
            if inner(one.weights, point) <= one.most
        ]
        for name in [one for one in self._budgets if one not in held]:
            while not self._holds(name, held):
                found.append(self._conflict(name, held))
                if not found[-1].more:
                    break
                self._raise(found[-1])
            held.append(name)
        self._limit(self._budgets)
        return tuple(found)

    def _conflict(self, name: str, held: Collection[str]) -> Conflict:
        """Budgets that do not let one hold, of some that hold, and that one."""
        names = list(held)
        for other in held:
            rest = [one for one in names if one != other]
            if not self._holds(name, rest):
                names = rest
        clash = tuple(one for one in self._budgets if one in {*names, name})
        more = {one: self._more(one, clash) for one in clash}
        known = {one: room for one, room in more.items() if room is not None}
        return Conflict(clash, known)

    def _raise(self, conflict: Conflict) -> None:
        """Raise the budget of a conflict that rises least, in shares of it."""
        rises = {
            name: more / (self._budgets[name].most or 1.0)
            for name, more in conflict.more.items()
        }
        name = min(rises, key=lambda one: (rises[one], one))
        most = self._budgets[name].most + conflict.more[name]
        self.allow(name, most + SLACK * max(1.0, abs(most)))

    def allow(self, name: str, most: float) -> None:
        """Change what a budget is at most, whatever was asked for."""
        self._most[name] = most
        self._session.set_row(self._rows[name], -np.inf, most)

    def _limit(self, names: Collection[str]) -> None:
        for name, row in self._rows.items():
            most = self._most[name] if name in names else np.inf
            self._session.set_row(row, -np.inf, most)

    def _holds(self, name: str, held: Collection[str]) -> bool:
        """Whether a budget can be kept beside others, which can."""
        least, most = self._least(name, held), self._most[name]
        return least is None or least <= most + SLACK * max(1.0, abs(most))

    def _least(self, name: str, held: Collection[str]) -> float | None:
        """Least value of what a budget limits, others held; None: it was not solved."""
        self._session.set_cost(self._budgets[name].weights)
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
