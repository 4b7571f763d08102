"""Moves of critical tasks: never worse, never wrong, the same every time."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.optimize.cpsat import SolverEffort, search
from medhavi.optimize.cpsat_tasks import Goal
from medhavi.planners.scheduling.staged_search import first_solution, staged_search
from medhavi.planners.scheduling.tabu import (
    MachineSequences,
    SearchLimit,
    can_improve,
    improved,
)
from medhavi.planners.scheduling.task_form import task_form
from tests.api import read_problem, solve
from tests.examples import examples
from tests.planners.workshop import changes, order, step, workshop

GOALS = (Goal.MAKESPAN, Goal.STARTS)


def flexible(seed, *, setups=False, orders=4):
    """Make a flexible shop of three machines."""
    rng = random.Random(seed)
    rows = []
    for number in range(orders):
        steps = []
        for place in range(1, rng.randint(2, 4)):
            names = rng.sample(["K", "L", "M"], rng.randint(1, 3))
            options = [(name, rng.randint(1, 9)) for name in names]
            steps.append(step(place, *options, family=rng.choice("xyz")))
        rows.append(order(f"O{number}", *steps, release_minutes=rng.randint(0, 4)))
    matrix = {"changeover_matrix": "m"} if setups else {}
    return task_form(
        read_problem(
            workshop(
                *rows,
                resources=[{"resource": name, **matrix} for name in "KLM"],
                changeovers=changes(("*", "*", 3), ("x", "y", 1)) if setups else [],
            )
        ).problem
    ).tasks


def is_valid(problem, known):
    """Check order, releases, runs and set-ups of an assignment."""
    for task, row in enumerate(problem.tasks):
        assert known.starts[task] >= row.release
        assert (
            known.ends[task] - known.starts[task]
            == row.modes[known.modes[task]].duration
        )
        assert all(known.ends[before] <= known.starts[task] for before in row.after)
    for number, line in enumerate(MachineSequences(problem, known).lines):
        setups = problem.machines[number].setups
        for one, other in itertools.pairwise(line):
            wait = 0 if setups is None else setups.between(one, other)
            assert known.ends[one] + wait <= known.starts[other]


@given(st.integers(0, 10_000), st.booleans())
def test_moves_keep_every_rule_and_never_make_it_longer(seed, setups):
    problem = flexible(seed, setups=setups)
    first = first_solution(problem, GOALS)
    assert first is not None
    is_valid(problem, first)
    found = improved(problem, GOALS, first, SearchLimit(4000, seed))
    assert not found.stopped
    is_valid(problem, found.assignment)
    assert max(found.assignment.ends) <= max(first.ends)


def test_moves_find_the_proven_optimum_of_small_shops():
    hits, shops = 0, examples(5, 12)
    for seed in range(shops):
        problem = flexible(seed, orders=3)
        first = first_solution(problem, GOALS)
        best = search(problem, GOALS[:1], SolverEffort(deterministic=1.0)).goals[0]
        found = improved(problem, GOALS, first, SearchLimit(60_000)).assignment
        assert best.proven
        assert max(found.ends) >= best.value
        hits += max(found.ends) == best.value
    assert hits >= shops - 1


def test_equal_seeds_move_alike():
    problem = flexible(3, setups=True, orders=6)
    first = first_solution(problem, GOALS)
    one, other = (
        improved(problem, GOALS, first, SearchLimit(30_000, 7)) for _ in range(2)
    )
    assert one.assignment == other.assignment


def test_a_stop_keeps_the_best_so_far():
    problem = flexible(3, orders=6)
    first = first_solution(problem, GOALS)
    found = improved(problem, GOALS, first, SearchLimit(10**9, 1, lambda: True))
    assert found.stopped
    assert max(found.assignment.ends) <= max(first.ends)


def test_windows_are_left_to_the_solver():
    document = workshop(
        order("A", step(1, ("M", 5))),
        resources=[{"resource": "M", "windows": [[0, 9]]}],
    )
    problem = task_form(read_problem(document).problem).tasks
    assert not can_improve(problem, GOALS)
    assert not can_improve(flexible(1), (Goal.LATE_JOBS,))
    with pytest.raises(ValueError, match="windows"):
        improved(problem, GOALS, first_solution(problem, GOALS), SearchLimit(10))


def test_what_is_not_proven_at_once_is_improved_and_searched_again():
    problem = flexible(5, setups=True, orders=9)
    outcome = staged_search(problem, GOALS, SolverEffort(deterministic=0.02))
    assert outcome.assignment is not None
    is_valid(problem, outcome.assignment)
    assert outcome.notes.get("looks") == 40_000 or outcome.goals[0].proven
    assert outcome.goals[0].bound <= outcome.goals[0].value


def test_a_stop_during_the_moves_is_told():
    problem = flexible(5, setups=True, orders=9)
    asked = []

    def stop():
        asked.append(1)
        return len(asked) > 3

    outcome = staged_search(problem, GOALS, SolverEffort(deterministic=0.02), stop)
    assert outcome.interrupted or outcome.goals[0].proven
    assert outcome.assignment is not None


def press_ctrl_c(_text):
    raise KeyboardInterrupt


def test_ctrl_c_between_two_searches_keeps_the_first_solution():
    problem = flexible(5, orders=9)
    outcome = staged_search(problem, GOALS, SolverEffort(), observe=press_ctrl_c)
    assert outcome.interrupted
    assert outcome.assignment == first_solution(problem, GOALS)
    assert not outcome.goals[0].proven


def hard_to_begin():
    """Make a file: every rule begins with A, but Z must, for its fixed step."""
    return workshop(
        order(
            "Z",
            step(1, ("M", 5)),
            step(2, ("N", 4), start_minutes=5, resource="N", after=[1]),
        ),
        order(
            "A",
            step(1, ("M", 3)),
            step(2, ("K", 50), after=[1]),
            due_minutes=1,
            weight=9,
        ),
    )


def test_where_no_rule_finds_a_solution_the_solver_does():
    problem = read_problem(hard_to_begin()).problem
    assert first_solution(task_form(problem).tasks, GOALS) is None
    assert solve(problem).objective == {"makespan": 58}


def test_without_effort_and_solution_nothing_is_claimed():
    problem = replace(read_problem(hard_to_begin()).problem, effort=0.0)
    made = solve(problem)
    assert str(made.status) == "error"
    assert [row.code for row in made.findings] == ["SCHED051"]
    assert made.operations.is_empty()


def test_ctrl_c_before_any_solution_ends_the_call():
    problem = task_form(read_problem(hard_to_begin()).problem).tasks
    with pytest.raises(KeyboardInterrupt):
        staged_search(problem, GOALS, SolverEffort(), observe=press_ctrl_c)
