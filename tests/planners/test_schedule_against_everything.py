"""The search against trying everything, on small random workshops."""

from __future__ import annotations

import pytest

from medhavi.optimize.cpsat_model import setup_form
from medhavi.planners.scheduling.task_form import task_form
from tests.api import read_problem, solve
from tests.examples import some
from tests.planners.naive_schedule import best, random_document

SEEDS = range(60)


def compare(seed: int) -> None:
    made = solve(read_problem(random_document(seed)).problem)
    assert str(made.status) == "optimal"
    assert tuple(made.objective.values()) == pytest.approx(best(made.problem))


@pytest.mark.req("SCH-20")
@pytest.mark.parametrize("seed", some(SEEDS, 20))
def test_a_proven_schedule_is_the_best_of_all(seed):
    compare(seed)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(60, 1200))
def test_many_proven_schedules_are_the_best_of_all(seed):
    compare(seed)


def test_the_random_workshops_meet_every_form_of_set_ups():
    forms = set()
    for seed in SEEDS:
        form = task_form(read_problem(random_document(seed)).problem).tasks
        forms |= {setup_form(form, number) for number in range(len(form.machines))}
    assert forms == {"none", "uniform", "pairs", "circuit"}


@pytest.mark.parametrize("seed", some(range(40), 12))
def test_with_fixed_steps_both_find_the_same_or_nothing(seed):
    document = random_document(seed)
    first = document["orders"][0]["steps"][0]
    first["options"] = first["options"][:1]
    first |= {
        "start_minutes": 1 + seed % 7,
        "resource": first["options"][0]["resource"],
    }
    made = solve(read_problem(document).problem)
    expected = best(made.problem)
    if expected is None:
        assert str(made.status) == "infeasible"
        assert made.conflict.height
    else:
        assert tuple(made.objective.values()) == pytest.approx(expected)
