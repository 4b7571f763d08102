"""Parts of the objective of a solution, in money; they sum to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.planners.master_plan.program_parts import GROUPS, Part
from medhavi.results.plan_locale import currency_of

if TYPE_CHECKING:
    from medhavi.optimize.solver import Solution
    from medhavi.planners.master_plan.build import Built


def contribution_rows(built: Built, solution: Solution) -> pl.DataFrame:
    """What each part adds to the objective; the values sum to it.

    Notes
    -----
    Of the linear program: weights are in the values, and whole lots are not.
    """
    currency = currency_of(built.statement.run.snapshot)
    parts = built.program.contributions(solution.values)
    rows = [
        (GROUPS[Part(name)], name, value, currency) for name, value in parts.items()
    ]
    return pl.DataFrame(
        rows,
        schema={
            "objective": pl.String,
            "part": pl.String,
            "value": pl.Float64,
            "unit": pl.String,
        },
        orient="row",
    )
