"""The sequence that a schedule's search begins with, where a file states one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medhavi.optimize.cpsat import goal_value
from medhavi.optimize.cpsat_tasks import Goal
from medhavi.planners.scheduling.staged_search import (
    _SequenceDispatch,
    first_solution,
)
from medhavi.planners.scheduling.task_form import task_form
from tests.api import read_problem
from tests.planners.workshop import order, step, workshop


@pytest.mark.req("SCH-02")
def test_a_stated_sequence_is_what_the_search_begins_with():
    # A takes 4 and is due at 13, B 5 and 7, C 5 and 6: C, A, B makes B alone late.
    # Every priority rule makes two late.
    work = {"A": (4, 13, 5), "B": (5, 7, 9), "C": (5, 6, 0)}

    def late(*, stated: bool) -> int:
        document = workshop(
            *(
                order(
                    name,
                    step(
                        1,
                        ("M", run),
                        **({"initial_start_minutes": begin} if stated else {}),
                    ),
                    due_minutes=due,
                )
                for name, (run, due, begin) in work.items()
            )
        )
        form = task_form(read_problem(document).problem)
        found = first_solution(form.tasks, [Goal.LATE_JOBS], form.initial)
        assert found is not None
        return goal_value(form.tasks, Goal.LATE_JOBS, found)

    assert (late(stated=False), late(stated=True)) == (2, 1)


@pytest.mark.req("SCH-02")
def test_a_stated_sequence_keeps_its_machine_and_fixed_work():
    # On the slow machine behind work that is fixed, and no search at all.
    document = workshop(
        order(
            "A",
            step(
                1,
                ("FAST", 2),
                ("SLOW", 9),
                initial_start_minutes=10,
                initial_resource="SLOW",
            ),
        ),
        order("B", step(1, ("SLOW", 4), start_minutes=3, resource="SLOW")),
    )
    form = task_form(read_problem(document).problem)
    assert form.initial is not None
    found = _SequenceDispatch(form.tasks, form.initial).run()
    assert found is not None
    assert (found.starts, found.ends) == ((7, 3), (16, 7))
    # Before the fixed work it would leave that no room: there is no such sequence.
    first = replace(form.initial, starts=(0.0, 3.0))
    assert _SequenceDispatch(form.tasks, first).run() is None
