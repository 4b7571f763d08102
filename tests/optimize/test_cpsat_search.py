"""Sequencing by CP-SAT: forms of set-ups, goals, stops, the same answer every time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.optimize.cpsat import SolverEffort, feasible, goal_value, search, sequences
from medhavi.optimize.cpsat_model import setup_form, triangle_holds
from medhavi.optimize.cpsat_tasks import (
    Assignment,
    Goal,
    Job,
    Machine,
    Mode,
    Setups,
    Task,
    TaskProblem,
    earliest_fit,
    latest_fit,
    paused_end,
    run_starts,
)


def shop(durations, machines=2, **fields):
    """Make independent tasks that may run on every machine."""
    tasks = tuple(
        Task(modes=tuple(Mode(machine=m, duration=d) for m in range(machines)))
        for d in durations
    )
    return TaskProblem(
        tasks=tasks,
        machines=tuple(Machine(group=m) for m in range(machines)),
        jobs=tuple(Job(tasks=(t,)) for t in range(len(tasks))),
        horizon=sum(durations),
        **fields,
    )


def one_machine(times, durations, windows=None):
    """Make one machine with set-ups: a row per task before, the last for the first."""
    size = len(durations)
    zeros = np.zeros((size + 1, size), dtype=np.int64)
    setups = Setups(
        members=tuple(range(size)),
        times=np.array(times, dtype=np.int64),
        changes=zeros,
        costs=zeros,
    )
    return TaskProblem(
        tasks=tuple(Task(modes=(Mode(machine=0, duration=d),)) for d in durations),
        machines=(Machine(group=0, windows=windows, setups=setups),),
        jobs=tuple(Job(tasks=(t,)) for t in range(size)),
        horizon=sum(durations) + int(np.max(times)) * size + 200,
    )


def test_two_machines_share_the_work():
    outcome = search(shop([3, 3, 2, 2, 2]), [Goal.MAKESPAN])
    assert outcome.goals[0].value == 6
    assert outcome.goals[0].proven
    assert not outcome.impossible


@given(st.data())
def test_the_best_sequence_of_three_is_found_whatever_the_matrix(data):
    times = [[data.draw(st.integers(0, 9)) for _ in range(3)] for _ in range(4)]
    durations = [data.draw(st.integers(1, 4)) for _ in range(3)]
    problem = one_machine(times, durations)
    lengths = []
    for order in itertools.permutations(range(3)):
        work = times[3][order[0]] + sum(durations)
        lengths.append(work + sum(times[a][b] for a, b in itertools.pairwise(order)))
    outcome = search(problem, [Goal.MAKESPAN])
    assert outcome.goals[0].value == min(lengths)
    assert outcome.goals[0].proven


def test_the_form_follows_the_matrix():
    even = [[0, 4, 4], [4, 0, 4], [4, 4, 0], [0, 0, 0]]
    uneven = [[0, 4, 3], [4, 0, 4], [3, 4, 0], [0, 0, 0]]
    detour = [[0, 1, 30], [1, 0, 1], [1, 1, 0], [0, 0, 0]]
    runs = [2, 2, 2]
    assert setup_form(one_machine(even, runs), 0) == "uniform"
    assert setup_form(one_machine(uneven, runs), 0) == "pairs"
    assert setup_form(one_machine(detour, runs), 0) == "circuit"
    assert not triangle_holds(one_machine(detour, runs), 0)
    assert setup_form(shop([1, 2]), 0) == "none"


def test_between_windows_a_detour_must_hold_the_whole_set_up():
    # 6 = 3 + 0 + 3 fits when always open; no single stretch of the detour holds 6.
    times = [[0, 3, 6], [3, 0, 3], [6, 3, 0], [0, 0, 0]]
    assert triangle_holds(one_machine(times, [1, 1, 1]), 0)
    windows = ((0, 9), (20, 90))
    assert not triangle_holds(one_machine(times, [1, 1, 1], windows), 0)


def test_more_goals_never_spoil_the_first():
    problem = shop([5, 4, 3, 3, 2])
    alone = search(problem, [Goal.MAKESPAN])
    both = search(problem, [Goal.MAKESPAN, Goal.SQUARED_LOAD, Goal.STARTS])
    assert both.goals[0].value == alone.goals[0].value
    assert [row.goal for row in both.goals][2] is Goal.STARTS
    assert both.assignment is not None
    for row in both.goals:
        assert row.value == goal_value(problem, row.goal, both.assignment)
    assert sum(map(len, sequences(problem, both.assignment))) == 5


def test_a_task_without_a_machine_is_impossible():
    problem = TaskProblem(
        tasks=(Task(modes=()),),
        machines=(Machine(group=0),),
        jobs=(Job(tasks=(0,)),),
        horizon=10,
    )
    assert search(problem, [Goal.MAKESPAN]).impossible
    assert feasible(problem) is False
    assert feasible(shop([1])) is True


def test_a_stop_from_outside_keeps_the_first_solution():
    durations = [7, 9, 11, 13, 5, 3] * 6
    problem = shop(durations, machines=5)
    starts, free = [], 0
    for duration in durations:
        starts.append(free)
        free += duration
    serial = Assignment(
        starts=tuple(starts),
        modes=(0,) * len(durations),
        ends=tuple(a + d for a, d in zip(starts, durations, strict=True)),
    )
    outcome = search(
        problem,
        [Goal.SQUARED_LOAD],
        SolverEffort(deterministic=1e4),
        serial,
        lambda: True,
    )
    assert outcome.assignment is not None
    assert outcome.interrupted or outcome.goals[0].proven


def test_no_effort_keeps_the_hint_and_proves_nothing():
    hint = Assignment(starts=(0, 3), modes=(0, 0), ends=(3, 5))
    outcome = search(
        shop([3, 2]), [Goal.MAKESPAN], SolverEffort(deterministic=0.0), hint
    )
    assert outcome.assignment == hint
    assert outcome.goals[0].value == 5
    assert not outcome.goals[0].proven
    assert outcome.goals[0].bound == 0


def test_the_clock_as_a_stop_is_told():
    problem = shop([7, 9, 11, 13, 5, 3] * 8, machines=7)
    effort = SolverEffort(deterministic=1e4, seconds=0.001)
    outcome = search(problem, [Goal.SQUARED_LOAD, Goal.MAKESPAN], effort)
    assert outcome.timed_out


def test_a_search_repeats_to_the_last_start():
    problem = shop([7, 9, 11, 13, 5, 3] * 3, machines=4)
    effort = SolverEffort(deterministic=0.2)
    one, other = (search(problem, [Goal.MAKESPAN], effort) for _ in range(2))
    assert one.assignment == other.assignment
    assert one.effort == pytest.approx(other.effort)


WINDOWS = ((0, 10), (20, 40))


@pytest.mark.parametrize(
    ("instant", "length", "found"),
    [(0, 10, 0), (1, 10, 20), (35, 6, None), (12, 0, 12)],
)
def test_the_earliest_room_is_found(instant, length, found):
    assert earliest_fit(WINDOWS, instant, length) == found


@pytest.mark.parametrize(
    ("instant", "length", "found"), [(40, 5, 35), (24, 5, 5), (4, 5, None), (9, 0, 9)]
)
def test_the_latest_room_is_found(instant, length, found):
    assert latest_fit(WINDOWS, instant, length) == found


def test_runs_begin_inside_windows_or_pause_over_gaps():
    assert run_starts(None, 5, 2, 9) == [(2, 4)]
    assert run_starts(WINDOWS, 12, 0, 100) == [(20, 28)]
    assert paused_end(WINDOWS, 5, 10) == 25
    assert paused_end(WINDOWS, 5, 99) is None
    assert paused_end(None, 5, 99) == 104
