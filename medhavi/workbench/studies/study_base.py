"""Runs of a study on the plan of its base: netted on a kept run, or resumed.

Which runs go this way depends on the study alone, not on which worker takes them or
what is finished already. Plans of mode mrp are those that planning everything gives.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from medhavi.edits.change import apply
from medhavi.findings import BadData
from medhavi.planners.pipeline import plan as make_plan
from medhavi.results.figures.kpis import kpi_table
from medhavi.scenarios import compute
from medhavi.workbench.runs import LastRun, nets_alone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.scenarios import Outcome, PlannerChoice, StudyRun
    from medhavi.snapshot import Snapshot

INCREMENTAL = "incremental"
"""Effort of runs that resume the plan of the unchanged tables."""
LEAST_RUNS = 3
"""Keeping a run takes a third more than a plan; so few runs do not make up for it."""


def on_kept_runs(base: Snapshot, runs: Sequence[StudyRun]) -> frozenset[int]:
    """List the runs of a study, by number, that are netted on a kept run of its base.

    Parameters
    ----------
    base
        Tables of the study.
    runs
        All its runs, also those that are finished.

    Returns
    -------
    frozenset of int
        Runs in mode mrp whose changes are netted alone, where at least `LEAST_RUNS` of
        them have the same settings.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for number, run in enumerate(runs):
        if is_netted_alone(base, run):
            text = json.dumps(dict(run.planner.settings), sort_keys=True, default=str)
            groups[text].append(number)
    return frozenset(
        number
        for numbers in groups.values()
        if len(numbers) >= LEAST_RUNS
        for number in numbers
    )


def is_netted_alone(base: Snapshot, run: StudyRun) -> bool:
    """Whether the changes of a run are netted alone on a kept run of its base."""
    if run.planner.mode != "mrp":
        return False
    try:
        return nets_alone(base, apply(base, run.changes, "change"))
    except BadData:
        return False


class StudyBase:
    """Tables that a study changes, and the plans of them that its runs build on.

    Parameters
    ----------
    snapshot
        Tables of the study.
    plan
        Plan of them that runs with effort incremental build on;
        made when it is asked for first where there is none.
    """

    def __init__(self, snapshot: Snapshot, plan: Plan | None = None) -> None:
        self._snapshot = snapshot
        self._last = LastRun()
        self._plans: dict[str, Plan] = {}
        self._plan = plan

    def compute(
        self,
        run: StudyRun,
        *,
        on_kept_run: bool,
        observe: Observe | None = None,
        cancelled: Cancelled | None = None,
    ) -> Outcome:
        """Compute one run.

        Parameters
        ----------
        on_kept_run
            Whether it is netted on the run of the unchanged tables, which is made when
            it is asked for first.
        observe, cancelled
            As of `pipeline.plan`.
        """

        def planned_on(snapshot: Snapshot, run: StudyRun) -> Plan:
            choice = run.planner
            if on_kept_run:
                return self._last.netted(
                    self._snapshot, snapshot, choice.settings, run.seed
                )
            return make_plan(
                snapshot,
                choice.mode,
                dict(choice.settings),
                baseline=self._resumed(run) if builds_on_base(choice) else None,
                seed=run.seed,
                observe=observe,
                cancelled=cancelled,
            )

        return compute(self._snapshot, run, planned_on)

    def _resumed(self, run: StudyRun) -> Plan:
        """Plan of the unchanged tables that a run resumes."""
        if self._plan is not None:
            return self._plan
        own = {
            key: value
            for key, value in run.planner.settings.items()
            if key not in ("effort", "stability_price")
        }
        key = json.dumps([own, run.seed], sort_keys=True, default=str)
        if key not in self._plans:
            made = make_plan(self._snapshot, run.planner.mode, own, seed=run.seed)
            self._plans[key] = made.replace(kpis=kpi_table(made, self._snapshot))
        return self._plans[key]


def builds_on_base(choice: PlannerChoice) -> bool:
    """Whether the runs of a planner resume the plan of the unchanged tables."""
    return choice.mode != "mrp" and choice.settings.get("effort") == INCREMENTAL
