"""Solve a scheduling problem: first solution, search, decode, check."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medhavi.errors import NotAvailable, VerificationFailed
from medhavi.findings import finding
from medhavi.optimize.cpsat import Effort
from medhavi.optimize.cpsat_goals import goal_value
from medhavi.optimize.cpsat_tasks import Goal
from medhavi.planners.scheduling.assignment_tables import shifted, tables_of
from medhavi.planners.scheduling.conflict import least_conflict
from medhavi.planners.scheduling.staged_search import staged_search
from medhavi.planners.scheduling.task_form import task_form
from medhavi.progress import Cancelled, Observe, Progress, unobserved
from medhavi.results.run_record import RunRecord, Status
from medhavi.results.schedules.problem import Objective
from medhavi.results.schedules.schedule import Schedule
from medhavi.results.schedules.tables import table_of
from medhavi.results.verify.check_schedule import verify_schedule
from medhavi.units import MINUTE, to_seconds
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from medhavi.findings import Finding
    from medhavi.optimize.cpsat_tasks import Assignment, GoalResult, Outcome
    from medhavi.planners.scheduling.task_form import TaskForm
    from medhavi.results.schedules.problem import ScheduleProblem

GOALS = {
    Objective.LATE_ORDERS: Goal.LATE_JOBS,
    Objective.WEIGHTED_TARDINESS: Goal.WEIGHTED_TARDINESS,
    Objective.MAX_TARDINESS: Goal.MAX_TARDINESS,
    Objective.MAKESPAN: Goal.MAKESPAN,
    Objective.SETUP: Goal.TRANSITIONS,
    Objective.COST: Goal.TRANSITION_COST,
    Objective.LOAD_BALANCE: Goal.SQUARED_LOAD,
}
SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How to look for a schedule.

    Parameters
    ----------
    seed
        Of the solver; equal seeds give equal schedules.
    cancelled
        Asked now and then; True keeps the best schedule so far.
    observe
        Told what begins.
    """

    seed: int = SEED
    cancelled: Cancelled | None = None
    observe: Observe | None = None


def solve(
    problem: ScheduleProblem,
    how: Search | None = None,
    findings: Sequence[Finding] = (),
) -> Schedule:
    """Schedule a problem; the answer is checked by code that shares nothing with this.

    Raises
    ------
    NotAvailable
        An objective asks for facts that the file cannot state (energy tariffs).
    VerificationFailed
        The schedule breaks a rule: a defect of this package.
    """
    how = how or Search()
    if Objective.ENERGY in problem.objective:
        message = (
            "objective energy needs tariffs, which a schedule file cannot state; "
            "choose another objective."
        )
        raise NotAvailable(message)
    say = how.observe or unobserved
    form = task_form(problem)
    goals = [*(GOALS[name] for name in problem.objective), Goal.STARTS]
    say(Progress(f"search: {len(form.steps):,} operations, effort {problem.effort:g}"))
    outcome = staged_search(
        form.tasks,
        goals,
        Effort(
            deterministic=problem.effort, seconds=problem.time_limit_s, seed=how.seed
        ),
        how.cancelled,
        lambda known: shifted(form, known),
        say,
    )
    found = tuple(findings) + _form_notes(form, outcome)
    if outcome.impossible:
        say(Progress("no schedule exists; looking for the reason"))
        conflict = least_conflict(problem, problem.effort, how.cancelled)
        record = _record(problem, how, outcome, Status.INFEASIBLE)
        reason = finding("SCHED050", rules="; ".join(conflict["text"]))
        return Schedule(
            problem=problem,
            run=record,
            tables={"conflict": conflict},
            findings=(*found, reason),
        )
    if outcome.assignment is None:
        status = Status.CANCELLED if outcome.interrupted else Status.ERROR
        reason = finding("SCHED051", effort=f"{problem.effort:g}")
        return Schedule(
            problem=problem,
            run=_record(problem, how, outcome, status),
            findings=(*found, reason),
        )
    made = _decoded(form, how, outcome, found)
    broken = verify_schedule(made, problem)
    if broken:
        lines = "\n".join(str(item) for item in broken[:20])
        message = f"The schedule breaks {len(broken)} rules of its problem.\n{lines}"
        raise VerificationFailed(message)
    return made


def _decoded(
    form: TaskForm, how: Search, outcome: Outcome, findings: tuple[Finding, ...]
) -> Schedule:
    problem = form.problem
    known = shifted(form, outcome.assignment)  # type: ignore[arg-type]
    results = _final_goals(form, known, outcome)
    proven = all(row.proven for row in results)
    status = Status.OPTIMAL if proven else Status.FEASIBLE
    if outcome.interrupted and not proven:
        status = Status.CANCELLED
    objectives = _objectives(form, results)
    record = _record(problem, how, outcome, status)
    binding = next(
        (r for r in objectives.iter_rows(named=True) if not r["proven"]), None
    )
    binding = binding or next(iter(objectives[-1].iter_rows(named=True)))
    return Schedule(
        problem=problem,
        run=replace(record, bound=binding["bound"], gap=binding["gap"]),
        tables={**tables_of(form, known), "objectives": objectives},
        findings=findings,
    )


def _final_goals(
    form: TaskForm, known: Assignment, outcome: Outcome
) -> list[GoalResult]:
    """Results of the stated goals for the schedule that is handed out.

    A later goal or the shift may have improved an earlier one that was not proven.
    """
    results = []
    for row in outcome.goals:
        if row.goal is Goal.STARTS:
            continue
        value = goal_value(form.tasks, row.goal, known)
        results.append(replace(row, value=value, bound=min(row.bound, value)))
    return results


def _objectives(form: TaskForm, results: list[GoalResult]) -> pl.DataFrame:
    names = {goal: name for name, goal in GOALS.items()}
    rows: list[dict[str, object]] = []
    for place, row in enumerate(results):
        scale = _scale(form, row.goal)
        value, bound = row.value * scale, row.bound * scale
        rows.append(
            {
                "place": place + 1,
                "objective": str(names[row.goal]),
                "value": value,
                "bound": bound,
                "gap": 0.0 if row.proven or not value else (value - bound) / value,
                "proven": row.proven,
            }
        )
    return table_of("objectives", rows)


def _scale(form: TaskForm, goal: Goal) -> float:
    """What one unit of a goal is in minutes, money or pieces."""
    tick = form.unit / MINUTE
    scales = {
        Goal.WEIGHTED_TARDINESS: tick / form.weight_scale,
        Goal.MAX_TARDINESS: tick,
        Goal.MAKESPAN: tick,
        Goal.TRANSITION_COST: 1 / form.cost_scale,
        Goal.SQUARED_LOAD: tick * tick,
    }
    return scales.get(goal, 1.0)


def _record(
    problem: ScheduleProblem, how: Search, outcome: Outcome, status: Status
) -> RunRecord:
    return RunRecord(
        planner="schedule",
        mode="cp-sat",
        package_version=__version__,
        snapshot_fingerprint=problem.fingerprint,
        as_of=to_seconds(problem.start),
        settings={
            "objective": [str(name) for name in problem.objective],
            "effort": problem.effort,
            "time_limit_s": problem.time_limit_s,
        },
        seed=how.seed,
        status=status,
        effort={
            "deterministic": round(outcome.effort, 6),
            "looks": float(str(outcome.notes.get("looks", 0))),
        },
        repeatable=not (outcome.timed_out or outcome.interrupted),
    )


def _form_notes(form: TaskForm, outcome: Outcome) -> tuple[Finding, ...]:
    """Where set-ups break the triangle inequality."""
    forms = outcome.notes.get("setups", {})
    names = {
        form.machines[machine][0]
        for machine, kind in dict(forms).items()  # type: ignore[call-overload]
        if kind == "circuit"
    }
    return tuple(
        finding("SCHED040", table="resources", column="changeover_matrix", value=name)
        for name in sorted(names)
    )
