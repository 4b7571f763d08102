"""What a solver of linear programs answers, whoever it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from medhavi.optimize.problem import Floats

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.optimize.problem import Ints, Program


class Outcome(StrEnum):
    """What was shown about a program; nothing more is ever claimed."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    CANCELLED = "cancelled"
    UNSOLVED = "unsolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Answer to one program.

    Parameters
    ----------
    outcome
        What was shown.
    objective
        Cost of `values`; nan where there are none.
    bound
        No point costs less than this; equal to `objective` at an optimum.
    values
        One per column, shape (n,); empty without a point.
    row_prices
        Change of the objective per unit that a row's bound rises, shape (m,); of a
        minimum, so a bound that costs money has a positive price as a lower bound and
        a negative one as an upper bound. Empty where none were found.
    reduced_costs
        The same for the bounds of columns, shape (n,).
    iterations
        Deterministic effort: simplex iterations.
    """

    outcome: Outcome
    objective: float
    bound: float
    values: Floats
    row_prices: Floats
    reduced_costs: Floats
    iterations: int

    @property
    def gap(self) -> float:
        """Share of the objective that is not proven: 0 at an optimum."""
        if self.objective == self.bound:
            return 0.0
        return (self.objective - self.bound) / max(abs(self.objective), 1e-12)


class Session(Protocol):
    """A program held by a solver: changed a little, it is solved again from there."""

    program: Program

    def solve(self, *, cancelled: Callable[[], bool] | None = None) -> Solution:
        """Solve from where the last solve ended."""
        ...

    def restart(self) -> None:
        """Forget the basis: the next solve starts from nothing."""
        ...

    def set_cost(self, cost: Floats) -> None:
        """Change the cost of all columns, shape (n,)."""
        ...

    def set_row(self, row: int, lower: float, upper: float) -> None:
        """Change the bounds of a row."""
        ...

    def set_columns(self, columns: Ints, lower: Floats, upper: Floats) -> None:
        """Change the bounds of columns."""
        ...

    def add_row(self, lower: float, upper: float, weights: Floats) -> int:
        """Add a row with a weight per column, shape (n,); gives its place."""
        ...


class Solver(Protocol):
    """Takes programs."""

    def open(self, program: Program) -> Session:
        """Hold a program for solving."""
        ...
