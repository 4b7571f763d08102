"""Plans of a front, and its tables: points, programs that guide them, objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.optimize.pareto import nondominated
from medhavi.optimize.problem import inner
from medhavi.planners.master_plan.goals.staged_solve import unit_of
from medhavi.progress import Progress
from medhavi.results.pareto_front import OBJECTIVE, OBJECTIVES, POINT, PROGRAM
from medhavi.results.plans.lateness import tally
from medhavi.results.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.optimize.pareto import Point
    from medhavi.optimize.problem import Floats
    from medhavi.planners.constrained.netting.given_sources import Decisions
    from medhavi.progress import Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

DECIMALS = 2
"""Plans whose objectives are equal to so many decimals of their units are one."""


class Candidate(NamedTuple):
    """A plan with the program that guides it, and what it comes to by its scorecard.

    Without a baseline its churn is None. One that resumes a baseline has no decisions
    of its own.
    """

    program: int | None
    plan: Plan
    values: dict[str, float | None]
    amounts: dict[str, float]
    decisions: Decisions | None = None


def sound_plans(
    made: Iterable[Candidate],
    objectives: Sequence[str],
    snapshot: Snapshot,
    tell: Observe,
) -> list[Candidate]:
    """Plans as of `unbeaten_of`, of those that break no rule.

    One that breaks a rule beats no other one; who is beaten is not checked.
    """
    rest, sound = list(made), set[int]()
    while best := unbeaten_of(rest, objectives):
        asked = [one for one in best if id(one) not in sound]
        faults = {id(one): verify(one.plan, snapshot) for one in asked}
        for found in filter(None, faults.values()):
            tell(Progress(f"a plan is left out: {found[0]}"))
        rest = [one for one in rest if not faults.get(id(one))]
        if not any(faults.values()):
            return best
        sound |= faults.keys()
    return []


def unbeaten_of(
    made: Iterable[Candidate], objectives: Sequence[str], *, equals: bool = False
) -> list[Candidate]:
    """Plans that no other one beats in the chosen objectives, by the first of them.

    Of those that equal one another all (`equals`), else the first.
    """
    every = list(made)
    if not every:
        return []
    rows = np.array([[one.values[name] for name in objectives] for one in every], float)
    rounded = np.round(rows, DECIMALS)
    distinct, first, of = np.unique(
        rounded, axis=0, return_index=True, return_inverse=True
    )
    best = nondominated(distinct)
    if equals:
        return [one for one, row in zip(every, of.ravel(), strict=True) if best[row]]
    return [every[place] for place in first[best].tolist()]


def front_points(kept: Sequence[Candidate]) -> pl.DataFrame:
    """What the plans come to, by number."""
    counts = [tally(one.plan) for one in kept]
    rows = [
        {
            "point": number,
            **one.values,
            "program": one.program,
            "plan": one.plan.fingerprint,
            "late_demands": count.late,
            "on_time_in_full": count.share_on_time,
        }
        for number, (one, count) in enumerate(zip(kept, counts, strict=True), start=1)
    ]
    return pl.DataFrame(rows, schema=dict(POINT), orient="row")


def front_programs(
    found: Sequence[Point], vectors: Mapping[str, Floats]
) -> pl.DataFrame:
    """Values of the programs, by number."""
    rows = [
        {
            "program": number,
            **{
                n: inner(v, point.solution.values)
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
