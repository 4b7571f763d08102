"""Medhavi, a workbench for supply-chain planning.

    import medhavi as mv

    snapshot = mv.Snapshot.from_folder("tables")  # or mv.Workbench.current().snapshot()
    plan = mv.plan(snapshot, "constrained")
    print(plan, plan.explain("D-3"))

Tables     `Snapshot`: planning tables of one moment, checked. `Workbench`: an event
           store and a lake, with all decisions: promises, edits, published plans.
Plans      `plan` in mode mrp, constrained or optimize, a `Plan`; `plan_to_build_on`,
           `pareto`, `calibrate`, `replenish`, `safety_stock`.
Answers    `plan.explain`, `plan.chart`, `compare`, `verify`, `scorecard`,
           `time_phased`, `source_choices`, `remedies`, `plan_risk`.
Promises   `promise`; `Workbench.commit` makes them binding.
Schedules  `schedule_problem` of a plan, `schedule`, `risk`.
What if    `cost_of_change` of an order or the tables, `replan` after disruptions,
           `changes` as a study states them, `apply`, `run_study`, `run_hindsight`.
Data       `doubtful_values`, `likely_duplicates`, `backtest`, `backtest_rates`.

Time is in UTC, a duration in the unit that its name ends with, a quantity in the base
unit of its product, money in the base currency of the settings. What stops a call is a
`MedhaviError` that names the thing, the limit and the way out. Long calls take
`observe`, called with a `Progress`, and `cancelled`, which is asked whether to end.

Names resolve when they are first used (PEP 562): `import medhavi` costs next to nothing
and each heavy package loads where it works.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from medhavi.version import __version__

if TYPE_CHECKING:
    from medhavi.edits import apply, changes
    from medhavi.errors import MedhaviError
    from medhavi.planners.execution_risk.plan_risk import plan_risk
    from medhavi.planners.late_remedies.remedy_trials import remedies
    from medhavi.planners.master_plan.goals.calibration import calibrate
    from medhavi.planners.master_plan.trade_offs import pareto
    from medhavi.planners.pipeline import plan, plan_to_build_on
    from medhavi.planners.promising.promise_run import promise
    from medhavi.planners.replenishment.replenishing import replenish
    from medhavi.planners.replenishment.safety_stock import safety_stock
    from medhavi.planners.scheduling.plan_problem import schedule_problem
    from medhavi.planners.source_choices import source_choices
    from medhavi.predict.backtest import backtest
    from medhavi.predict.master_data.doubtful_values import doubtful_values
    from medhavi.predict.master_data.duplicates import likely_duplicates
    from medhavi.predict.reliability import backtest_rates
    from medhavi.progress import Progress
    from medhavi.results.difference import compare
    from medhavi.results.figures.scorecard import scorecard
    from medhavi.results.plans.plan import Plan
    from medhavi.results.reports.time_phased import time_phased
    from medhavi.results.verify import verify
    from medhavi.snapshot import Snapshot
    from medhavi.workbench import Workbench
    from medhavi.workbench.files.schedule_files import risk, schedule
    from medhavi.workbench.plan_effects import cost_of_change, replan
    from medhavi.workbench.studies.hindsight import run_hindsight
    from medhavi.workbench.studies.studies import run_study

__all__ = [
    "MedhaviError",
    "Plan",
    "Progress",
    "Snapshot",
    "Workbench",
    "__version__",
    "apply",
    "backtest",
    "backtest_rates",
    "calibrate",
    "changes",
    "compare",
    "cost_of_change",
    "doubtful_values",
    "likely_duplicates",
    "pareto",
    "plan",
    "plan_risk",
    "plan_to_build_on",
    "promise",
    "remedies",
    "replan",
    "replenish",
    "risk",
    "run_hindsight",
    "run_study",
    "safety_stock",
    "schedule",
    "schedule_problem",
    "scorecard",
    "source_choices",
    "time_phased",
    "verify",
]

_PLACES = {
    "MedhaviError": "medhavi.errors",
    "Plan": "medhavi.results.plans.plan",
    "Progress": "medhavi.progress",
    "Snapshot": "medhavi.snapshot",
    "Workbench": "medhavi.workbench",
    "apply": "medhavi.edits",
    "backtest": "medhavi.predict.backtest",
    "backtest_rates": "medhavi.predict.reliability",
    "calibrate": "medhavi.planners.master_plan.goals.calibration",
    "changes": "medhavi.edits",
    "compare": "medhavi.results.difference",
    "cost_of_change": "medhavi.workbench.plan_effects",
    "doubtful_values": "medhavi.predict.master_data.doubtful_values",
    "likely_duplicates": "medhavi.predict.master_data.duplicates",
    "pareto": "medhavi.planners.master_plan.trade_offs",
    "plan": "medhavi.planners.pipeline",
    "plan_risk": "medhavi.planners.execution_risk.plan_risk",
    "plan_to_build_on": "medhavi.planners.pipeline",
    "replan": "medhavi.workbench.plan_effects",
    "replenish": "medhavi.planners.replenishment.replenishing",
    "safety_stock": "medhavi.planners.replenishment.safety_stock",
    "remedies": "medhavi.planners.late_remedies.remedy_trials",
    "risk": "medhavi.workbench.files.schedule_files",
    "schedule": "medhavi.workbench.files.schedule_files",
    "schedule_problem": "medhavi.planners.scheduling.plan_problem",
    "promise": "medhavi.planners.promising.promise_run",
    "run_hindsight": "medhavi.workbench.studies.hindsight",
    "run_study": "medhavi.workbench.studies.studies",
    "scorecard": "medhavi.results.figures.scorecard",
    "source_choices": "medhavi.planners.source_choices",
    "time_phased": "medhavi.results.reports.time_phased",
    "verify": "medhavi.results.verify",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module."""
    if name not in _PLACES:
        message = f"module 'medhavi' has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names too, before they are loaded."""
    return sorted({*globals(), *__all__})
