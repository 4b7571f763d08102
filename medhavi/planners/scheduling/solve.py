"""Solve a scheduling problem: first solution, search, decode, check.

Orders are reduced to a least set that is impossible by itself, then their steps, then
the rules around them, by deletion: what can go without making it possible goes. The
rest is minimal: without any one of its members a schedule exists.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medhavi.errors import NotAvailable, VerificationFailed
from medhavi.findings import finding
from medhavi.optimize.cpsat import SolverEffort, feasible, goal_value
from medhavi.optimize.cpsat_tasks import Goal
from medhavi.planners.scheduling.assignment_tables import shifted, tables_of
from medhavi.planners.scheduling.staged_search import staged_search
from medhavi.planners.scheduling.task_form import Rule, task_form
from medhavi.progress import Cancelled, Observe, Progress, unobserved
from medhavi.results.run_record import RunRecord, Status, relative_gap
from medhavi.results.schedules.problem import Objective
from medhavi.results.schedules.schedule import Schedule, table_of
from medhavi.results.verify.check_schedule import verify_schedule
from medhavi.units import MINUTE, to_seconds
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from medhavi.findings import Finding
    from medhavi.optimize.cpsat_tasks import Assignment, GoalResult, SequencingResult
    from medhavi.planners.scheduling.task_form import TaskForm
    from medhavi.results.schedules.problem import ScheduleProblem


_SENTENCES = {
    "step": "step {step} of order {order} runs on {resource}",
    "fixed": "step {step} of order {order} starts at minute {start:g} on {resource}",
    "release": "order {order} is not begun before minute {release:g}",
    "min_yield": "order {order} asks for a yield of at least {least:g}",
    "windows": "{resource} is open only in its windows",
    "setup": "{resource} is set up before and between operations",
    "capacity": "{resource} runs {units} at once",
}


def least_conflict(
    problem: ScheduleProblem, effort: float, cancelled: Callable[[], bool] | None = None
) -> pl.DataFrame:
    """Rules that cannot all hold, as table `conflict`.

    Parameters
    ----------
    problem
        A problem that was proven to have no schedule.
    effort
        Deterministic effort of each attempt. An attempt without an answer counts as
        possible, so its rule stays: the set is then a conflict, though not the least.
    """
    stop = cancelled or (lambda: False)

    def impossible(without: Sequence[Rule]) -> bool:
        if stop():
            return False
        form = task_form(problem, without)
        return feasible(form.tasks, SolverEffort(deterministic=effort)) is False

    orders = [Rule("order", order=row.order) for row in problem.orders]
    orders.sort(key=lambda rule: str(rule.order))
    kept = _reduced(orders, [], impossible)
    gone = [rule for rule in orders if rule not in kept]
    steps = [
        Rule("step", rule.order, step.step)
        for rule in kept
        for step in problem.order_by_id[str(rule.order)].steps
    ]
    needed = _reduced(steps, gone, impossible)
    gone += [rule for rule in steps if rule not in needed]
    binding = _reduced(_rules_around(problem, needed), gone, impossible)
    rows = [_row(problem, rule) for rule in (*needed, *binding)]
    return table_of("conflict", rows)


def _reduced(
    rules: list[Rule], gone: list[Rule], impossible: Callable[[Sequence[Rule]], bool]
) -> list[Rule]:
    """Drop rules, halves first, while what is left stays impossible."""
    kept = list(rules)
    size = max(len(kept) // 2, 1)
    while kept:
        place = 0
        while place < len(kept):
            piece = kept[place : place + size]
            rest = [rule for rule in kept if rule not in piece]
            dropped = [rule for rule in rules if rule not in rest]
            if impossible([*gone, *dropped]):
                kept = rest
            else:
                place += size
        if size == 1:
            break
        size = max(size // 2, 1)
    return kept


def _rules_around(problem: ScheduleProblem, steps: list[Rule]) -> list[Rule]:
    """List the rules that touch some steps, in one order."""
    rules: set[Rule] = set()
    for _, name, number, _ in steps:
        order = problem.order_by_id[str(name)]
        step = order.step(int(number or 0))
        if step.start_minutes is not None:
            rules.add(Rule("fixed", order.order, step.step))
        if order.release_minutes:
            rules.add(Rule("release", order=order.order))
        if order.min_yield is not None:
            rules.add(Rule("min_yield", order=order.order))
        for option in step.options:
            rules.add(Rule("setup", resource=option.resource))
            rules.add(Rule("capacity", resource=option.resource))
            if problem.resource_by_id[option.resource].windows is not None:
                rules.add(Rule("windows", resource=option.resource))
    return sorted(
        rules, key=lambda r: (r.kind, r.order or "", r.step or 0, r.resource or "")
    )


def _row(problem: ScheduleProblem, rule: Rule) -> dict[str, object]:
    resource = rule.resource
    facts: dict[str, object] = {"order": rule.order, "step": rule.step}
    if rule.order is not None:
        order = problem.order_by_id[rule.order]
        facts |= {"release": order.release_minutes, "least": order.min_yield}
        if rule.step is not None:
            step = order.step(rule.step)
            facts |= {"start": step.start_minutes}
            names = sorted({option.resource for option in step.options})
            resource = step.resource or " or ".join(names)
    else:
        facts |= {"units": problem.resource_by_id[str(resource)].units}
    facts["resource"] = resource
    return {
        "kind": rule.kind,
        "order": rule.order,
        "step": rule.step,
        "resource": resource,
        "text": _SENTENCES[rule.kind].format(**facts),
    }


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
class ScheduleSearch:
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
    how: ScheduleSearch | None = None,
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
    how = how or ScheduleSearch()
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
        SolverEffort(
            deterministic=problem.effort, seconds=problem.time_limit_s, seed=how.seed
        ),
        how.cancelled,
        lambda known: shifted(form, known),
        say,
        form.initial,
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
    form: TaskForm,
    how: ScheduleSearch,
    outcome: SequencingResult,
    findings: tuple[Finding, ...],
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
    form: TaskForm, known: Assignment, outcome: SequencingResult
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
                "gap": 0.0 if row.proven else relative_gap(value, bound),
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
    problem: ScheduleProblem,
    how: ScheduleSearch,
    outcome: SequencingResult,
    status: Status,
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


def _form_notes(form: TaskForm, outcome: SequencingResult) -> tuple[Finding, ...]:
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
