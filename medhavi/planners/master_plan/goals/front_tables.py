"""Tables of a front: the programs that guide its plans, and its objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.planners.master_plan.goals.staged_solve import unit_of
from medhavi.results.pareto_front import OBJECTIVE, OBJECTIVES, PROGRAM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.optimize.pareto import Point
    from medhavi.optimize.problem import Floats


def front_programs(
    found: Sequence[Point], vectors: Mapping[str, Floats]
) -> pl.DataFrame:
    """Values of the programs, by number."""
    rows = [
        {
            "program": number,
            **{
                n: float(v @ point.solution.values)
                for n, v in vectors.items()
                if n in PROGRAM
            },
            **dict(zip(("limited", "limit"), point.limited or (), strict=False)),
        }
        for number, point in enumerate(found, start=1)
    ]
    return pl.DataFrame(rows, schema=dict(PROGRAM), orient="row")


def front_objectives(
    table: pl.DataFrame, chosen: Sequence[str], currency: str
) -> pl.DataFrame:
    """Best and worst value of each objective among the points of a table."""
    rows = [
        {
            "objective": name,
            "unit": unit_of(name, currency),
            "meaning": meaning,
            "best": table[name].min(),
            "worst": table[name].max(),
            "chosen": name in chosen,
        }
        for name, meaning in OBJECTIVES.items()
    ]
    return pl.DataFrame(rows, schema=dict(OBJECTIVE), orient="row")
