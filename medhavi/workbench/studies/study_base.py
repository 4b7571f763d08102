"""Plans of scenarios and of studies on the plan of their base: netted anew, or resumed.

Which runs go this way depends on the study alone, not on which worker takes them or
what is finished already. Plans of mode mrp are those that planning everything gives.

The page that compares scenarios and the pages that show one have the same plan: it is
made once, on the plan in force, and kept in the cache.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING

from medhavi.edits.edit import apply, plain
from medhavi.findings import BadData
from medhavi.planners.parameters import STABILITY_SHARE, ConstrainedParameters
from medhavi.planners.pipeline import plan as make_plan
from medhavi.planners.pipeline import settings_from_nothing
from medhavi.results.figures.kpis import kpi_table
from medhavi.results.run_record import Status
from medhavi.scenarios import Outcome, PlannerChoice, StudyRun, compute
from medhavi.version import __version__
from medhavi.workbench.plan_in_force import cache_plan, cached_plan
from medhavi.workbench.runs import RENEWAL_SHARE, LastRun, nets_alone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.scenarios import Scenario
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
        own = settings_from_nothing(run.planner.settings)
        key = json.dumps([own, run.seed], sort_keys=True, default=str)
        if key not in self._plans:
            made = make_plan(self._snapshot, run.planner.mode, own, seed=run.seed)
            self._plans[key] = made.replace(kpis=kpi_table(made, self._snapshot))
        return self._plans[key]


def builds_on_base(choice: PlannerChoice) -> bool:
    """Whether the runs of a planner resume the plan of the unchanged tables."""
    return choice.mode != "mrp" and choice.settings.get("effort") == INCREMENTAL


def planner_of(plan: Plan) -> PlannerChoice:
    """How scenarios are planned: as the plan was, resumed where its mode can be.

    A constrained plan of another effort than the usual is planned from nothing with
    that effort, for a study cannot state two.
    """
    mode = plan.run.mode
    if mode != "constrained":
        return PlannerChoice(mode=mode)
    usual = ConstrainedParameters().as_dict()
    own = {
        name: value
        for name, value in plan.run.settings.items()
        if name in usual and value != usual[name]
    }
    how = {"effort": INCREMENTAL, STABILITY_SHARE: RENEWAL_SHARE}
    return PlannerChoice(mode=mode, settings={**how, **own})


def scenario_run(scenario: Scenario, plan: Plan) -> StudyRun:
    """Run of a study that plans a scenario beside a plan."""
    return StudyRun(
        scenario=scenario.name,
        point=MappingProxyType({}),
        changes=scenario.changes,
        planner=planner_of(plan),
        seed=0,
    )


def scenario_plan(scenario: Scenario, plan: str, facts: str, mode: str) -> Plan | None:
    """Plan of a scenario in the cache; None where none was made.

    Parameters
    ----------
    plan, facts
        Fingerprints of the plan in force and of its tables.
    """
    return cached_plan(_name(scenario, plan, facts, mode))


def scenario_outcome(
    scenario: Scenario,
    plan: Plan,
    snapshot: Snapshot,
    base: Callable[[], StudyBase],
    *,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> Outcome:
    """Plan a scenario beside the plan in force, or read the plan that was made.

    A plan that was stopped is kept until the scenario is planned again.

    Parameters
    ----------
    plan, snapshot
        The plan in force and its tables.
    base
        Base of a study of both; asked for where the scenario is planned.
    observe, cancelled
        As of `pipeline.plan`.

    Raises
    ------
    EnvironmentFailure
        The cache cannot be written.
    """
    name = _name(scenario, plan.fingerprint, snapshot.fingerprint, plan.run.mode)
    kept = cached_plan(name)
    if kept is not None and kept.run.status is not Status.CANCELLED:
        return Outcome(
            status=str(kept.run.status),
            plan=kept,
            snapshot_fingerprint=kept.run.snapshot_fingerprint,
        )
    run = scenario_run(scenario, plan)
    outcome = base().compute(
        run,
        on_kept_run=is_netted_alone(snapshot, run),
        observe=observe,
        cancelled=cancelled,
    )
    if outcome.plan is not None and not outcome.problem:
        cache_plan(outcome.plan, name)
    return outcome


def _name(scenario: Scenario, plan: str, facts: str, mode: str) -> str:
    changes = [plain(change.as_dict()) for change in scenario.changes]
    parts = json.dumps([plan, facts, mode, changes], sort_keys=True)
    told = hashlib.sha256(parts.encode()).hexdigest()[:40]
    return f"{told}-{mode}-{__version__}"
