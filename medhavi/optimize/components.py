"""A program in components that share no row, each solved again only where it changed.

Two columns belong together where a row has both: connected components of the graph of
rows and columns. A company of plants that share no goods and no machines is
such a program; the sum of the components' optima is that of the whole.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.optimize.problem import Program, Solution, SolveStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.optimize.problem import Floats, Ints, Session

LEAST_COLUMNS = 1_000
"""Columns of a component that is solved apart; smaller ones are solved together."""


class ProgramComponent(NamedTuple):
    """Columns and rows of a component, rising places in the whole, and its program."""

    columns: Ints
    rows: Ints
    program: Program


def components_of(
    program: Program, least: int = LEAST_COLUMNS
) -> list[ProgramComponent]:
    """Cut a program into components that share no row.

    Parameters
    ----------
    program
        Without whole columns.
    least
        Columns of a component; what is smaller is put together in the last one.

    Returns
    -------
    list of ProgramComponent
        Fewer than two: it has no such components.
    """
    if program.n_columns < 2 * least:
        return []
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n, m = program.n_columns, program.n_rows
    of_entry = np.repeat(np.arange(m), np.diff(program.starts))
    ones = np.ones(len(program.indices), dtype=np.int8)
    # Nodes are the rows, then the columns; an entry joins its two.
    edges = csr_array((ones, (of_entry, m + program.indices)), shape=(m + n, m + n))
    count, label = connected_components(edges, directed=False)
    large = np.bincount(label[m:], minlength=count) >= least
    if int(large.sum()) < 2:
        return []
    # All small ones share the number behind those of the large ones.
    number = np.where(large, np.cumsum(large) - 1, int(large.sum()))[label]
    found = []
    for one in np.unique(number).tolist():
        rows, columns = (np.flatnonzero(own == one) for own in (number[:m], number[m:]))
        kept = number[of_entry] == one
        place = np.cumsum(number[m:] == one) - 1
        sizes = np.diff(program.starts)[rows]
        part = Program(
            column_blocks=(),
            row_blocks=(),
            column_lower=program.column_lower[columns],
            column_upper=program.column_upper[columns],
            row_lower=program.row_lower[rows],
            row_upper=program.row_upper[rows],
            starts=np.concatenate([[0], np.cumsum(sizes)]),
            indices=place[program.indices[kept]],
            values=program.values[kept],
            parts={name: cost[columns] for name, cost in program.parts.items()},
        )
        found.append(ProgramComponent(columns, rows, part))
    return found


class ComponentSession:
    """A program in components, each solved again only where it was changed.

    Parameters
    ----------
    components
        Its components, two at least.
    open_one
        Opens a program as one.
    """

    def __init__(
        self,
        program: Program,
        components: Sequence[ProgramComponent],
        open_one: Callable[[Program], Session],
    ) -> None:
        self.program = program
        self.components = len(components)
        self._pieces = components
        self._open_one = open_one
        self._sessions = [open_one(component.program) for component in components]
        self._known: list[Solution | None] = [None] * len(components)
        self._component_of = np.zeros(program.n_rows, dtype=np.int64)
        self._place = np.zeros(program.n_rows, dtype=np.int64)
        for number, component in enumerate(components):
            self._component_of[component.rows] = number
            self._place[component.rows] = np.arange(len(component.rows))
        self._cost = program.cost
        self._moved: dict[int, tuple[float, float]] = {}
        self._whole: Session | None = None

    def solve(self, *, cancelled: Callable[[], bool] | None = None) -> Solution:
        """Solve the components that changed; the first one without a point ends it."""
        if self._whole is not None:
            return self._whole.solve(cancelled=cancelled)
        steps = 0
        for number, session in enumerate(self._sessions):
            if self._known[number] is not None:
                continue
            found = session.solve(cancelled=cancelled)
            steps += found.iterations
            if found.outcome is not SolveStatus.OPTIMAL:
                return replace(found, iterations=steps)
            self._known[number] = found
        return self._together([one for one in self._known if one is not None], steps)

    def _together(self, known: Sequence[Solution], steps: int) -> Solution:
        values, reduced = np.zeros((2, self.program.n_columns))
        prices = np.zeros(self.program.n_rows)
        for component, one in zip(self._pieces, known, strict=True):
            values[component.columns] = one.values
            reduced[component.columns] = one.reduced_costs
            prices[component.rows] = one.row_prices
        objective = sum(one.objective for one in known)
        return Solution(
            outcome=SolveStatus.OPTIMAL,
            objective=objective,
            bound=sum(one.bound for one in known),
            values=values,
            row_prices=prices,
            reduced_costs=reduced,
            iterations=steps,
        )

    def basis(self) -> object:
        """Bases of all components, for `resume`."""
        return [session.basis() for session in self._open()]

    def resume(self, basis: object) -> None:
        """Go on from the bases of an earlier solve; no row was added since."""
        assert isinstance(basis, list)  # what `basis` gave
        for session, one in zip(self._open(), basis, strict=True):
            session.resume(one)

    def start(self, values: Floats) -> None:
        """Solve from a point that keeps all rows, shape (n,)."""
        if self._whole is not None:
            self._whole.start(values)
            return
        for component, session in zip(self._pieces, self._sessions, strict=True):
            session.start(values[component.columns])

    def _open(self) -> list[Session]:
        return self._sessions if self._whole is None else [self._whole]

    def set_cost(self, cost: Floats) -> None:
        """Change the cost of all columns, shape (n,)."""
        self._cost = cost
        if self._whole is not None:
            self._whole.set_cost(cost)
            return
        for component, session in zip(self._pieces, self._sessions, strict=True):
            session.set_cost(cost[component.columns])
        self._known = [None] * len(self._pieces)

    def set_row(self, row: int, lower: float, upper: float) -> None:
        """Change the bounds of a row."""
        if self._whole is not None:
            self._whole.set_row(row, lower, upper)
            return
        self._moved[row] = lower, upper
        number = int(self._component_of[row])
        self._sessions[number].set_row(int(self._place[row]), lower, upper)
        self._known[number] = None

    def add_row(self, lower: float, upper: float, weights: Floats) -> int:
        """Add a row with a weight per column; it joins all into one program."""
        if self._whole is None:
            self._whole = self._open_one(self.program)
            self._whole.set_cost(self._cost)
            for row, bounds in self._moved.items():
                self._whole.set_row(row, *bounds)
            self._sessions = []
        return self._whole.add_row(lower, upper, weights)
