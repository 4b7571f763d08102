"""Plans of scenarios beside the plan in force, as every page shows them.

The page that compares scenarios and the pages that show one have the same plan: it is
made once, on the plan in force, and kept in the cache.
"""

from __future__ import annotations

import hashlib
import json
from types import MappingProxyType
from typing import TYPE_CHECKING

from medhavi.edits.edit import plain
from medhavi.planners.parameters import ConstrainedParameters
from medhavi.results.run_record import Status
from medhavi.scenarios import Outcome, PlannerChoice, StudyRun
from medhavi.version import __version__
from medhavi.workbench.plan_in_force import cache_plan, cached_plan
from medhavi.workbench.studies.study_base import INCREMENTAL, is_netted_alone

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.scenarios import Scenario
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.studies.study_base import StudyBase


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
    return PlannerChoice(mode=mode, settings={"effort": INCREMENTAL, **own})


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
