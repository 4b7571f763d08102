"""Compute one run of a study: change the base, plan, verify, rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.edits.change import apply
from medhavi.errors import MedhaviError
from medhavi.findings import has_errors
from medhavi.planners.pipeline import plan as make_plan
from medhavi.results.figures.kpis import kpi_table
from medhavi.results.plans.plan import Plan
from medhavi.results.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.scenarios.study import StudyRun
    from medhavi.snapshot import Snapshot

    Planned = Callable[[Snapshot, StudyRun], Plan]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one run.

    `status` is the run's own (heuristic, optimal, …), or "refused" where the changed
    data has errors or the planner does not know what it holds, or "unverified" where
    the plan breaks its snapshot. `plan` is None when refused; `problem` says why.
    """

    status: str
    plan: Plan | None
    snapshot_fingerprint: str
    problem: str = ""


def planned(snapshot: Snapshot, run: StudyRun) -> Plan:
    """Plan the tables of a run from nothing."""
    choice = run.planner
    return make_plan(snapshot, choice.mode, dict(choice.settings), seed=run.seed)


def compute(base: Snapshot, run: StudyRun, planner: Planned = planned) -> Outcome:
    """Compute one run; what goes wrong is its outcome, so that others go on.

    Parameters
    ----------
    base, run
        Tables, and what the run changes in them.
    planner
        Plans the changed tables; whichever way, the plan is the same.
    """
    try:
        snapshot = apply(base, run.changes, "change")
        snapshot.require()
        made = planner(snapshot, run)
    except MedhaviError as error:
        return Outcome(
            status="refused", plan=None, snapshot_fingerprint="", problem=str(error)
        )
    broken = [found for found in verify(made, snapshot) if has_errors([found])]
    return Outcome(
        status="unverified" if broken else str(made.run.status),
        plan=made.replace(kpis=kpi_table(made, snapshot)),
        snapshot_fingerprint=snapshot.fingerprint,
        problem=str(broken[0]) if broken else "",
    )
