"""Schedules and their risk from files: read, solve or simulate, write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, overload

from medhavi.errors import UsageError
from medhavi.planners.execution_risk.plan_risk import plan_risk
from medhavi.planners.scheduling.problem_file import (
    ProblemFile,
    chosen_objectives,
    read_problem,
)
from medhavi.planners.scheduling.risk import RiskParameters, simulate
from medhavi.planners.scheduling.solve import SEED, ScheduleSearch, solve
from medhavi.progress import unobserved
from medhavi.results.plans.plan import Plan
from medhavi.results.reports.risk import RISK_FILES
from medhavi.results.schedules.problem import ScheduleProblem
from medhavi.results.schedules.schedule import FILES, Schedule
from medhavi.snapshot import Snapshot
from medhavi.workbench.files.atomic_write import replaced_folder
from medhavi.workbench.files.tables_run import Measurement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.progress import Cancelled, Observe
    from medhavi.results.reports.plan_risk import PlanRisk
    from medhavi.results.reports.risk import RiskReport

    Source = str | Path | bytes | Mapping[str, object] | ScheduleProblem | ProblemFile
    """A schedule file, its content or document, or the problem that it states."""


def problem_of(
    source: Source,
) -> ProblemFile:
    """Read a problem from a file, a document or as it is.

    Raises
    ------
    UsageError
        The file is not there.
    BadData
        The file has errors; all are named.
    """
    if isinstance(source, ProblemFile):
        return source
    if isinstance(source, ScheduleProblem):
        return ProblemFile(problem=source)
    if not isinstance(source, (str, Path)):
        return read_problem(source)
    path = Path(source)
    try:
        text = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        message = f"{path}: there is no such file. Give a schedule file (JSON)."
        raise UsageError(message) from error
    return read_problem(text)


def schedule(
    source: Source,
    *,
    objective: Sequence[str] | str | None = None,
    effort: float | None = None,
    seed: int = SEED,
    cancelled: Cancelled | None = None,
    observe: Observe | None = None,
) -> Schedule:
    """Schedule a problem: a file, its document, or what `schedule_problem` returns.

    Parameters
    ----------
    objective
        Names in order of importance, or one text with commas; the file's own when not
        given.
    effort
        Deterministic effort of the search; the file's own when not given.
    cancelled
        Asked now and then; True keeps the best schedule so far.

    Returns
    -------
    Schedule
        Checked. An infeasible problem gives one without operations and with a conflict.

    Raises
    ------
    BadData
        The problem has errors; all are named.
    """
    measurement = Measurement()
    with measurement.phase("read"):
        read = problem_of(source)
        problem = read.problem
        if objective is not None:
            names = objective.split(",") if isinstance(objective, str) else objective
            stated = chosen_objectives([name.strip() for name in names])
            problem = replace(problem, objective=stated)
        if effort is not None:
            problem = replace(problem, effort=effort)
    with measurement.phase("schedule"):
        how = ScheduleSearch(seed=seed, cancelled=cancelled, observe=observe)
        made = solve(problem, how, read.findings)
    return made.with_measured(measurement.facts())


def write_schedule(made: Schedule, out: str | Path, file_format: str) -> None:
    """Write a schedule, whole or not at all."""
    with replaced_folder(out, FILES) as folder:
        made.to_folder(folder, "csv" if file_format == "csv" else "parquet")


@overload
def risk(
    source: Snapshot,
    made: Plan,
    *,
    scenarios: int = ...,
    seed: int = ...,
    observe: Observe | None = ...,
    cancelled: Cancelled | None = ...,
) -> PlanRisk: ...


@overload
def risk(
    source: Source | Schedule,
    made: Schedule | str | Path | None = ...,
    *,
    scenarios: int = ...,
    seed: int = ...,
    spread: float | None = ...,
    steps: str | None = ...,
    keep_starts: bool = ...,
    observe: Observe | None = ...,
    cancelled: Cancelled | None = ...,
) -> RiskReport: ...


def risk(  # noqa: PLR0913 - one keyword each
    source: Source | Schedule | Snapshot,
    made: Schedule | Plan | str | Path | None = None,
    *,
    scenarios: int = 10_000,
    seed: int = 1,
    spread: float | None = None,
    steps: str | None = None,
    keep_starts: bool = False,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> RiskReport | PlanRisk:
    """Simulate a fixed schedule with drawn run times, or a plan with drawn lead times.

    Parameters
    ----------
    source
        The schedule; or its problem (file, document, record), where ranges are read;
        or the snapshot of a plan.
    made
        The schedule or its folder, where `source` is a problem; or the plan.
    spread, steps
        Half width of runs, and the name of the steps it is for; see `RiskParameters`.
        Of schedules alone.
    keep_starts
        Nothing begins before its planned start; else everything moves left. Of
        schedules alone.
    observe, cancelled
        Called with the progress, and asked whether to end, before each operation or
        order.

    Returns
    -------
    RiskReport or PlanRisk
        Of a schedule; of a plan, see `medhavi.plan_risk`.

    Raises
    ------
    UsageError
        A parameter is out of its range.
    BadData
        The schedule does not fit the problem, or nothing is uncertain.
    LimitReached
        It was cancelled.
    """
    if isinstance(source, Snapshot):
        if not isinstance(made, Plan) or spread is not None or steps or keep_starts:
            message = (
                "risk of a snapshot needs its plan; spread, steps and keep_starts are "
                "of schedules alone."
            )
            raise UsageError(message)
        return plan_risk(
            made,
            source,
            scenarios=scenarios,
            seed=seed,
            observe=observe,
            cancelled=cancelled,
        )
    if isinstance(made, Plan):
        message = "risk of a plan needs the snapshot that was planned: give it first."
        raise UsageError(message)
    if isinstance(source, Schedule):
        fixed, problem = source, None
    elif made is None:
        message = "risk needs a schedule: give it, or the folder of schedule --out."
        raise UsageError(message)
    else:
        problem = problem_of(source).problem
        fixed = made if isinstance(made, Schedule) else Schedule.from_folder(made)
    parameters = RiskParameters(
        scenarios=scenarios,
        seed=seed,
        spread=spread,
        steps=steps,
        keep_starts=keep_starts,
    )
    return simulate(
        fixed,
        parameters,
        problem,
        observe=observe or unobserved,
        cancelled=cancelled,
    )


def write_risk(report: RiskReport, out: str | Path) -> None:
    """Write a risk report, whole or not at all."""
    with replaced_folder(out, RISK_FILES) as folder:
        report.to_folder(folder)
