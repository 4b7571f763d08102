"""The whole search: exact first, moves of critical tasks, exact again from there.

Small problems are proven in the first look. What is left open is improved by tabu
search where it knows the rules, and the solver goes on from the better solution: alone,
each stops earlier (measured on the instances of Brandimarte, docs/performance.md).

Eligible tasks are taken by a priority rule and inserted into the earliest gap of the
machine where they end first, set-ups on both sides kept (serial generation with
insertion; Kolisch and Hartmann, in: Project Scheduling, 1999, section 2). Several rules
are tried, the best solution by the goals in order is kept. Heuristic: it may find
nothing where windows or fixed tasks are tight.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from dataclasses import replace
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from medhavi.optimize.cpsat import goal_value, search
from medhavi.optimize.cpsat_model import topological
from medhavi.optimize.cpsat_tasks import (
    Assignment,
    Goal,
    GoalResult,
    SequencingResult,
    earliest_fit,
    paused_end,
    paused_start,
)
from medhavi.planners.scheduling.tabu import SearchLimit, can_improve, improved
from medhavi.progress import Progress, unobserved

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.optimize.cpsat import SolverEffort
    from medhavi.optimize.cpsat_tasks import InitialSequence, Machine, TaskProblem
    from medhavi.progress import Cancelled, Observe


Slot = tuple[int, int, int]
"""Start, end, task."""
Key = tuple[float, ...]


def first_solution(
    problem: TaskProblem,
    goals: Sequence[Goal],
    initial: InitialSequence | None = None,
) -> Assignment | None:
    """Best solution of all rules and a stated sequence; None where none finds one."""
    best: tuple[tuple[int, ...], Assignment] | None = None
    wanted = (*goals, Goal.STARTS)
    tries = [_Dispatch(problem, keys) for keys in _rules(problem)]
    if initial is not None:
        tries.append(_SequenceDispatch(problem, initial))
    for each in tries:
        found = each.run()
        if found is None:
            continue
        rank = tuple(goal_value(problem, goal, found) for goal in wanted)
        if best is None or rank < best[0]:
            best = (rank, found)
    return None if best is None else best[1]


def _rules(problem: TaskProblem) -> list[list[Key]]:
    """Keys of the tasks for every rule; the least key goes first."""
    tails = _tails(problem)
    due = _due_times(problem)
    least = [min((m.duration for m in t.modes), default=0) for t in problem.tasks]
    count = range(len(problem.tasks))
    weights = _weights(problem)
    slack = [due[t] - tails[t] for t in count]
    return [
        [(slack[t], -tails[t]) for t in count],
        [(due[t], -tails[t]) for t in count],
        [(-tails[t],) for t in count],
        [(-weights[t], slack[t]) for t in count],
        [(least[t], slack[t]) for t in count],
        [(problem.tasks[t].release, slack[t]) for t in count],
        [(float(t),) for t in count],
    ]


def _tails(problem: TaskProblem) -> list[int]:
    """Least work from the start of each task to the end of its job."""
    tails = [0] * len(problem.tasks)
    for task in reversed(topological(problem)):
        row = problem.tasks[task]
        tails[task] += min((mode.duration for mode in row.modes), default=0)
        for before in row.after:
            tails[before] = max(tails[before], tails[task])
    return tails


def _due_times(problem: TaskProblem) -> list[float]:
    found: list[float] = [problem.horizon * 2.0] * len(problem.tasks)
    for job in problem.jobs:
        for task in job.tasks:
            if job.due is not None:
                found[task] = job.due
    return found


def _weights(problem: TaskProblem) -> list[int]:
    found = [0] * len(problem.tasks)
    for job in problem.jobs:
        for task in job.tasks:
            found[task] = job.weight if job.due is not None else 0
    return found


class _Dispatch:
    """One pass with one rule."""

    inserts = True
    """Whether a task may go before those that a machine has already."""

    def __init__(self, problem: TaskProblem, keys: list[Key]) -> None:
        self.problem = problem
        self.keys = keys
        self.slots: list[list[Slot]] = [[] for _ in problem.machines]
        size = len(problem.tasks)
        self.starts, self.ends, self.modes = [0] * size, [0] * size, [0] * size
        self.followers: list[list[int]] = [[] for _ in range(size)]
        self.waiting = [len(row.after) for row in problem.tasks]
        for task, row in enumerate(problem.tasks):
            for before in row.after:
                self.followers[before].append(task)

    def run(self) -> Assignment | None:
        if not self._begin():
            return None
        eligible: list[tuple[Key, int]] = []
        for task, waits in enumerate(self.waiting):
            if not waits:
                heappush(eligible, (self.keys[task], task))
        while eligible:
            _, task = heappop(eligible)
            if not self._place(task):
                return None
            for follower in self.followers[task]:
                self.waiting[follower] -= 1
                if not self.waiting[follower]:
                    heappush(eligible, (self.keys[follower], follower))
        return Assignment(
            starts=tuple(self.starts), modes=tuple(self.modes), ends=tuple(self.ends)
        )

    def _begin(self) -> bool:
        """Put fixed tasks before all others; False where they have no room."""
        fixed = [
            t for t, r in enumerate(self.problem.tasks) if r.fixed_start is not None
        ]
        return all(
            self._put(task, self._fixed_start(task))
            for task in sorted(fixed, key=self._fixed_start)
        )

    def _fixed_start(self, task: int) -> int:
        return self.problem.tasks[task].fixed_start or 0

    def _ready(self, task: int) -> int:
        """When its release has come and all before it have ended."""
        row = self.problem.tasks[task]
        return max([row.release, *(self.ends[before] for before in row.after)])

    def _place(self, task: int) -> bool:
        ready = self._ready(task)
        if self.problem.tasks[task].fixed_start is not None:
            # It was put before all others: what it waits for may end too late.
            return self.starts[task] >= ready
        return self._put(task, ready)

    def _put(self, task: int, ready: int) -> bool:
        """Insert a task where it ends first; False where it fits nowhere."""
        row = self.problem.tasks[task]
        best: tuple[int, int, int, int] | None = None
        for place in self._modes(task):
            mode = row.modes[place]
            machine = self.problem.machines[mode.machine]
            fit = self._alone if machine.capacity == 1 else self._beside
            found = fit(mode.machine, task, mode.duration, ready)
            if found is not None and (
                best is None or (found[1], found[0], place) < best[:3]
            ):
                best = (found[1], found[0], place, mode.machine)
        if best is None:
            return False
        end, start, place, number = best
        if row.fixed_start is not None and start != row.fixed_start:
            return False
        self.starts[task], self.ends[task], self.modes[task] = start, end, place
        slots = self.slots[number]
        slots.insert(bisect_right(slots, (start, end, task)), (start, end, task))
        return True

    def _modes(self, task: int) -> Sequence[int]:
        """Places of the modes that a task may take."""
        return range(len(self.problem.tasks[task].modes))

    def _run(
        self, machine: Machine, task: int
    ) -> Callable[[int, int], tuple[int, int] | None]:
        """What finds start and end of a run from an instant on."""
        windows = machine.windows

        def whole(instant: int, length: int) -> tuple[int, int] | None:
            start = earliest_fit(windows, instant, length)
            return None if start is None else (start, start + length)

        def paused(instant: int, length: int) -> tuple[int, int] | None:
            start = paused_start(windows, instant)
            end = None if start is None else paused_end(windows, start, length)
            return None if start is None or end is None else (start, end)

        return paused if self.problem.tasks[task].pauses else whole

    def _alone(
        self, number: int, task: int, duration: int, ready: int
    ) -> tuple[int, int] | None:
        """Start and end in the first gap that holds run and set-ups."""
        machine = self.problem.machines[number]
        slots, setups, windows = self.slots[number], machine.setups, machine.windows
        run = self._run(machine, task)
        place = len(slots)
        if self.inserts:
            place = max(bisect_right(slots, (ready, -1, -1)) - 1, 0)
        for position in range(place, len(slots) + 1):
            before = slots[position - 1] if position else None
            free = before[1] if before else 0
            if setups is not None:
                setup = setups.between(before[2] if before else None, task)
                begin = earliest_fit(windows, free, setup)
                if begin is None:
                    return None
                free = begin + setup
            found = run(max(ready, free), duration)
            if found is None:
                return None
            if position == len(slots):
                return found
            following = slots[position]
            leave: int | None = found[1]
            if setups is not None:
                setup = setups.between(task, following[2])
                leave = earliest_fit(windows, found[1], setup)
                leave = None if leave is None else leave + setup
            if leave is not None and leave <= following[0]:
                return found
        return None

    def _beside(
        self, number: int, task: int, duration: int, ready: int
    ) -> tuple[int, int] | None:
        """Start and end where fewer tasks run than the machine holds."""
        machine = self.problem.machines[number]
        slots = self.slots[number]
        run = self._run(machine, task)
        # More is free only where a task ends.
        moments = sorted({ready, *(end for _, end, _ in slots if end > ready)})
        for moment in moments:
            found = run(moment, duration)
            if found is None:
                return None
            start, end = found
            # Most run together where one of them begins.
            edges = {start, *(s for s, _, _ in slots if start < s < end)}
            if all(
                sum(s <= edge < e for s, e, _ in slots) < machine.capacity
                for edge in edges
            ):
                return found
        return None


class _SequenceDispatch(_Dispatch):
    """One pass in a stated sequence: every task as early as that lets it.

    None is later than in any solution of that sequence on the same machines.
    """

    inserts = False

    def __init__(self, problem: TaskProblem, initial: InitialSequence) -> None:
        super().__init__(problem, [(start,) for start in initial.starts])
        self.initial = initial

    def _begin(self) -> bool:
        return True

    def _place(self, task: int) -> bool:
        return self._put(task, max(self._ready(task), self._fixed_start(task)))

    def _modes(self, task: int) -> Sequence[int]:
        return self.initial.modes[task]


FIRST, SECOND = 0.15, 0.6
"""Parts of the effort for the solver before and after the moves."""
LOOKS = 2_000_000
"""Looks at tasks for one unit of effort: the rest of the effort, in time about."""


def staged_search(
    problem: TaskProblem,
    goals: Sequence[Goal],
    effort: SolverEffort,
    cancelled: Cancelled | None = None,
    shift: Callable[[Assignment], Assignment] = lambda known: known,
    observe: Observe = unobserved,
    initial: InitialSequence | None = None,
) -> SequencingResult:
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
    initial
        Sequence that is one of the first solutions: nothing worse is handed out.

    Returns
    -------
    Outcome
        The last stage's, with the work of all.
    """
    hint = first_solution(problem, goals, initial)
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
        return SequencingResult(assignment=hint, goals=tuple(results), interrupted=True)


def _improve(
    problem: TaskProblem,
    goals: Sequence[Goal],
    effort: SolverEffort,
    hint: Assignment | None,
    cancelled: Cancelled | None,
) -> SequencingResult:
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
    moved = improved(problem, goals, known, SearchLimit(looks, effort.seed, stop))
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


def _part(effort: SolverEffort, share: float, used: float) -> SolverEffort:
    """Part of the effort, and the seconds that are left."""
    left = None if effort.seconds is None else max(effort.seconds - used, 0.01)
    return replace(effort, deterministic=effort.deterministic * share, seconds=left)


def _finished(outcome: SequencingResult) -> bool:
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
