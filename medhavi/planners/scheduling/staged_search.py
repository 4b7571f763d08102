"""The whole search: exact first, moves of critical tasks, exact again from there.

Small problems are proven in the first look. What is left open is improved by tabu
search where it knows the rules, and the solver goes on from the better solution: alone,
each stops earlier (measured on the instances of Brandimarte, docs/performance.md).
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.optimize.cpsat import search
from medhavi.optimize.cpsat_goals import goal_value
from medhavi.optimize.cpsat_tasks import Goal, GoalResult, Outcome
from medhavi.planners.scheduling.dispatch import first_solution
from medhavi.planners.scheduling.tabu import Looks, can_improve, improved
from medhavi.progress import Progress, unobserved

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.optimize.cpsat import Effort
    from medhavi.optimize.cpsat_tasks import Assignment, TaskProblem
    from medhavi.progress import Cancelled, Observe

FIRST, SECOND = 0.15, 0.6
"""Parts of the effort for the solver before and after the moves."""
LOOKS = 2_000_000
"""Looks at tasks for one unit of effort: the rest of the effort, in time about."""


def staged_search(
    problem: TaskProblem,
    goals: Sequence[Goal],
    effort: Effort,
    cancelled: Cancelled | None = None,
    shift: Callable[[Assignment], Assignment] = lambda known: known,
    observe: Observe = unobserved,
) -> Outcome:
    """Minimise goals in their order.

    Parameters
    ----------
    problem
        Tasks, machines, jobs.
    goals
        First counts most.
    effort
        Deterministic effort of all stages together.
    cancelled
        Asked now and then; True ends the search with the best solution so far, as does
        Ctrl-C from the first solution on.
    shift
        Moves a first solution to its earliest starts.
    observe
        Told what begins.

    Returns
    -------
    Outcome
        The last stage's, with the work of all.
    """
    hint = first_solution(problem, goals)
    hint = None if hint is None else shift(hint)
    try:
        found = (
            "no first solution" if hint is None else "first solution found, searching"
        )
        observe(Progress(found))
        return _improve(problem, goals, effort, hint, cancelled)
    except KeyboardInterrupt:
        # Between two searches nobody listens; what the first rule found is kept.
        if hint is None:
            raise
        results = [_unproven(problem, goal, hint) for goal in goals]
        return Outcome(assignment=hint, goals=tuple(results), interrupted=True)


def _improve(
    problem: TaskProblem,
    goals: Sequence[Goal],
    effort: Effort,
    hint: Assignment | None,
    cancelled: Cancelled | None,
) -> Outcome:
    if not can_improve(problem, goals):
        return search(problem, goals, effort, hint, cancelled)
    begun = search(problem, goals, _part(effort, FIRST, 0.0), hint, cancelled)
    known = begun.assignment
    if known is None or _finished(begun):
        return begun
    # Seconds only ever end the moves early, and then the answer says so.
    started = time.monotonic()
    limit = math.inf if effort.seconds is None else effort.seconds - begun.seconds

    def stop() -> bool:
        late = time.monotonic() - started >= limit
        return late or (cancelled is not None and cancelled())

    looks = int(effort.deterministic * LOOKS)
    moved = improved(problem, goals, known, Looks(looks, effort.seed, stop))
    used = begun.seconds + time.monotonic() - started
    if moved.stopped:
        late = time.monotonic() - started >= limit
        return replace(
            begun,
            assignment=moved.assignment,
            goals=tuple(_valued(problem, row, moved.assignment) for row in begun.goals),
            interrupted=not late,
            timed_out=late,
        )
    ended = search(
        problem, goals, _part(effort, SECOND, used), moved.assignment, cancelled
    )
    return replace(
        ended,
        goals=(_stronger(ended.goals[0], begun.goals[0]), *ended.goals[1:]),
        effort=begun.effort + ended.effort,
        seconds=used + ended.seconds,
        notes={**ended.notes, "looks": looks},
    )


def _part(effort: Effort, share: float, used: float) -> Effort:
    """Part of the effort, and the seconds that are left."""
    left = None if effort.seconds is None else max(effort.seconds - used, 0.01)
    return replace(effort, deterministic=effort.deterministic * share, seconds=left)


def _finished(outcome: Outcome) -> bool:
    """Whether nothing is left to improve, or nothing may be."""
    if outcome.impossible or outcome.interrupted or outcome.timed_out:
        return True
    return all(row.proven for row in outcome.goals if row.goal is not Goal.STARTS)


def _stronger(late: GoalResult, early: GoalResult) -> GoalResult:
    """First goal's result with the better of two bounds.

    Only the first goal's bound holds whatever the other values are.
    """
    bound = min(max(late.bound, early.bound), float(late.value))
    return replace(late, bound=bound, proven=late.proven or bound >= late.value)


def _unproven(problem: TaskProblem, goal: Goal, known: Assignment) -> GoalResult:
    value = goal_value(problem, goal, known)
    return GoalResult(goal=goal, value=value, bound=0.0, proven=not value)


def _valued(problem: TaskProblem, row: GoalResult, known: Assignment) -> GoalResult:
    value = goal_value(problem, row.goal, known)
    return replace(row, value=value, bound=min(row.bound, float(value)))
