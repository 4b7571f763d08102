"""The independent check of a schedule finds every broken rule and no other."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.results.verify.check_schedule import verify_schedule
from tests.planners.naive_schedule import random_document
from tests.planners.workshop import order, solved, step, workshop


@pytest.fixture(scope="module")
def made():
    """A on M then N, B on M with a set-up, fixed C on N; M closes between 30 and 40."""
    return solved(
        workshop(
            order(
                "A",
                step(1, ("M", 10), family="x"),
                step(2, ("N", 5), after=[1]),
                release_minutes=2,
            ),
            order("B", step(1, ("M", 8, 1), family="y"), due_minutes=5, min_yield=0.9),
            order("C", step(1, ("N", 3), ("M", 9), start_minutes=50, resource="N")),
            order("D", step(1, ("M", 20), family="y", splittable=True)),
            objective=["late_orders", "makespan", "setup"],
            resources=[
                {
                    "resource": "M",
                    "changeover_matrix": "m",
                    "windows": [[0, 30], [40, 100]],
                    "yield": 0.95,
                },
                {"resource": "N", "yield": 0.8},
            ],
            changeovers=[
                {
                    "matrix": "m",
                    "from_family": "*",
                    "to_family": "*",
                    "setup_minutes": 2,
                    "cost": 7,
                }
            ],
        )
    )


def codes(schedule, problem=None):
    return {row.code for row in verify_schedule(schedule, problem)}


def with_cells(schedule, name, where, **cells):
    """Change cells of one row of a table; instants follow the minutes."""
    start = schedule.problem.start
    for key in [key for key in cells if key.endswith("_minutes")]:
        column = key.removesuffix("_minutes")
        if column in {"start", "finish", "setup_start"} and column not in cells:
            cells[column] = start + timedelta(minutes=cells[key])
    frame = schedule[name]
    edited = frame.with_columns(
        pl.when(where).then(pl.lit(value)).otherwise(pl.col(key)).alias(key)
        for key, value in cells.items()
    )
    return schedule.replace(**{name: edited})


def operation(order_id, number=1):
    return (pl.col("sales_order") == order_id) & (pl.col("step") == number)


def test_what_the_planner_made_holds(made):
    assert verify_schedule(made) == []


def test_an_operation_that_is_missing_is_found(made):
    fewer = made.replace(operations=made.operations.filter(~operation("A", 2)))
    assert codes(fewer) == {"SCHED101"}


def test_an_operation_twice_is_found(made):
    more = pl.concat([made.operations, made.operations.filter(operation("A", 2))])
    assert codes(made.replace(operations=more)) == {"SCHED101"}


def test_an_operation_that_nobody_asked_for_is_found(made):
    assert "SCHED101" in codes(with_cells(made, "operations", operation("A"), step=9))


def test_an_operation_without_time_is_found(made):
    cut = with_cells(
        made, "operations", operation("A"), finish_minutes=None, finish=None
    )
    assert codes(cut) == {"SCHED101"}


def test_a_resource_that_is_no_option_is_found(made):
    moved = with_cells(made, "operations", operation("A"), resource="N")
    assert "SCHED102" in codes(moved)


def test_a_unit_that_is_not_there_is_found(made):
    assert "SCHED102" in codes(with_cells(made, "operations", operation("A"), unit=2))


def test_a_yield_below_the_asked_one_is_found(made):
    stricter = made.problem.as_dict()
    stricter["orders"][1]["min_yield"] = 0.99
    assert "SCHED102" in codes(made, type(made.problem).from_dict(stricter))


@pytest.mark.parametrize(
    "cells",
    [
        {"run_minutes": 9.0},
        {"setup_minutes": 50.0},
        {"changeover_minutes": 1.0},
        {"changeover_cost": 1.0},
    ],
    ids=lambda cells: next(iter(cells)),
)
def test_minutes_that_are_not_those_of_the_option_are_found(made, cells):
    assert "SCHED103" in codes(with_cells(made, "operations", operation("B"), **cells))


def test_a_run_that_is_cut_short_is_found(made):
    short = with_cells(made, "operations", operation("A", 2), finish_minutes=16.0)
    assert "SCHED103" in codes(short)


def move(made, order_id, by, number=1):
    row = made.operations.filter(operation(order_id, number)).row(0, named=True)
    keys = ("start_minutes", "finish_minutes", "setup_start_minutes")
    return with_cells(
        made,
        "operations",
        operation(order_id, number),
        **{k: row[k] + by for k in keys},
    )


def test_an_overlap_is_found(made):
    assert "SCHED104" in codes(move(made, "B", -1.0))


def test_a_set_up_over_another_run_is_found(made):
    row = made.operations.filter(operation("B")).row(0, named=True)
    early = row["setup_start_minutes"] - 1
    moved = with_cells(made, "operations", operation("B"), setup_start_minutes=early)
    assert "SCHED104" in codes(moved)


def test_a_run_outside_the_windows_is_found(made):
    moved = with_cells(
        made,
        "operations",
        operation("B"),
        start_minutes=28.0,
        finish_minutes=36.0,
        setup_start_minutes=25.0,
    )
    assert "SCHED105" in codes(moved)


def test_a_set_up_outside_the_windows_is_found(made):
    moved = with_cells(
        made,
        "operations",
        operation("B"),
        start_minutes=41.0,
        finish_minutes=49.0,
        setup_start_minutes=38.0,
    )
    assert "SCHED105" in codes(moved)


def test_a_splittable_run_that_begins_while_closed_is_found(made):
    moved = with_cells(
        made, "operations", operation("D"), start_minutes=35.0, finish_minutes=60.0
    )
    assert "SCHED105" in codes(moved)


def test_a_step_before_the_one_it_waits_for_is_found(made):
    assert "SCHED106" in codes(move(made, "A", -1.0, number=2))


def test_a_start_before_the_release_is_found(made):
    assert "SCHED107" in codes(move(made, "A", -100.0))


def test_a_fixed_step_that_moved_is_found(made):
    assert "SCHED108" in codes(move(made, "C", 1.0))


def test_a_set_up_before_minute_0_is_found(made):
    row = made.operations.sort("start_minutes").row(0, named=True)
    where = operation(row["sales_order"], row["step"])
    cells = {"setup_start_minutes": -3.0, "setup_minutes": 3.0}
    assert "SCHED109" in codes(with_cells(made, "operations", where, **cells))


@pytest.mark.parametrize(
    ("table", "key", "column"),
    [
        ("orders", ("order", "B"), "late_minutes"),
        ("orders", ("order", "B"), "finish_minutes"),
        ("resources", ("resource", "M"), "run_minutes"),
        ("resources", ("resource", "M"), "setup_minutes"),
        ("objectives", ("objective", "makespan"), "value"),
        ("objectives", ("objective", "late_orders"), "value"),
        ("objectives", ("objective", "setup"), "value"),
    ],
)
def test_a_wrong_summary_is_found(made, table, key, column):
    where = pl.col(key[0]) == key[1]
    assert "SCHED110" in codes(with_cells(made, table, where, **{column: 999.0}))


@pytest.mark.parametrize("table", ["orders", "resources"])
def test_a_summary_without_a_row_is_found(made, table):
    assert "SCHED110" in codes(made.replace(**{table: made[table].clear()}))


def test_an_instant_that_is_not_start_plus_minutes_is_found(made):
    wrong = with_cells(made, "operations", operation("A"), start=made.problem.start)
    assert codes(wrong) == {"SCHED111"}


@pytest.mark.parametrize(
    "cells", [{"bound": 1e6}, {"proven": False}, {"gap": 0.5}], ids=str
)
def test_a_claim_beyond_the_proof_is_found(made, cells):
    where = pl.col("objective") == "makespan"
    assert codes(with_cells(made, "objectives", where, **cells)) == {"SCHED112"}


def test_other_objectives_than_the_stated_are_found(made):
    fewer = made.replace(objectives=made["objectives"].head(1))
    assert "SCHED110" in codes(fewer)


@given(st.integers(0, 400), st.data())
def test_nothing_can_begin_earlier_without_being_found(seed, data):
    # Every operation stands at its earliest start: any step to the left breaks a rule.
    schedule = solved(random_document(seed))
    rows = schedule.operations.to_dicts()
    row = data.draw(st.sampled_from(rows))
    by = data.draw(st.integers(1, 3))
    moved = move(schedule, row["sales_order"], -float(by), row["step"])
    assert codes(moved) - {"SCHED110"}


@given(st.integers(0, 400))
def test_every_schedule_of_a_random_workshop_holds(seed):
    assert verify_schedule(solved(random_document(seed))) == []
