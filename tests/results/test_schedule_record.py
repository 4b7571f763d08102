"""Schedules, risk reports and problems as records: folders, fingerprints, words."""

from __future__ import annotations

import polars as pl
import pytest

import medhavi as mv
from medhavi.errors import UsageError
from medhavi.results.reports.risk import RiskReport
from medhavi.results.schedules.schedule import Schedule
from medhavi.schema.template import example_rows
from medhavi.snapshot import Snapshot
from tests.planners.workshop import order, solved, step, workshop


@pytest.fixture(scope="module")
def made():
    return solved(
        workshop(
            order(
                "A", step(1, ("M", 10), run_minutes_range=[9, 10, 12]), due_minutes=4
            ),
            order("B", step(1, ("M", 5))),
            objective=["late_orders", "makespan"],
        )
    )


@pytest.mark.parametrize("kind", ["parquet", "csv"])
@pytest.mark.req("SCH-22")
def test_a_schedule_comes_back_from_its_folder(made, tmp_path, kind):
    again = Schedule.from_folder(made.to_folder(tmp_path, kind))
    assert again.fingerprint == made.fingerprint
    assert again.run == made.run
    assert again.problem == made.problem
    assert again.objective == made.objective


def test_a_folder_that_holds_none_is_refused(tmp_path):
    with pytest.raises(UsageError, match="not a schedule"):
        Schedule.from_folder(tmp_path)
    with pytest.raises(UsageError, match="not a risk report"):
        RiskReport.from_folder(tmp_path)


def test_measurements_change_no_fingerprint(made):
    assert made.with_measured({"wall_s": 3}).fingerprint == made.fingerprint


def test_another_start_changes_the_fingerprint(made):
    moved = made.replace(
        operations=made.operations.with_columns(pl.col("start_minutes") + 1)
    )
    assert moved.fingerprint != made.fingerprint


def test_a_schedule_tells_its_late_orders(made):
    assert "A is 11 min late" in str(made)
    assert set(made.to_frames()) == set(made.tables)


def test_unknown_tables_and_columns_are_refused(made):
    with pytest.raises(ValueError, match="no table loads"):
        made.replace(loads=pl.DataFrame())
    with pytest.raises(ValueError, match="no column colour"):
        made.replace(orders=pl.DataFrame({"colour": ["red"]}))


def test_a_risk_report_comes_back_from_its_folder(made, tmp_path):
    report = mv.risk(made, scenarios=30)
    again = RiskReport.from_folder(report.to_folder(tmp_path))
    assert again.fingerprint == report.fingerprint
    assert str(again) == str(report)
    assert set(report.to_frames()) == {"figures", "orders", "scenarios", "drivers"}


def test_the_public_names_take_a_document_a_problem_and_a_schedule(made):
    document = made.problem.as_dict()
    assert mv.schedule(document).fingerprint == made.fingerprint
    assert mv.schedule(made.problem, objective="makespan").objective == {"makespan": 15}
    assert mv.schedule(document, effort=2.0).run.settings["effort"] == 2.0
    one = mv.risk(document, made, scenarios=20)
    assert one.fingerprint == mv.risk(made, scenarios=20).fingerprint


def test_calls_without_sense_are_refused(made):
    with pytest.raises(UsageError, match="needs a schedule"):
        mv.risk(made.problem)
    with pytest.raises(UsageError, match="spread"):
        mv.risk(made, spread=3.0)
    with pytest.raises(UsageError, match="needs its plan"):
        mv.risk(Snapshot.from_frames(example_rows()))  # type: ignore[call-overload]


def test_the_risk_of_a_plan_is_asked_as_that_of_a_schedule():
    snapshot = Snapshot.from_frames(example_rows())
    plan = mv.plan(snapshot)
    found = mv.risk(snapshot, plan, scenarios=20, seed=3)
    own = mv.plan_risk(plan, snapshot, scenarios=20, seed=3)
    assert found.fingerprint == own.fingerprint
    with pytest.raises(UsageError, match="schedules alone"):
        mv.risk(snapshot, plan, spread=0.1)  # type: ignore[call-overload]
    with pytest.raises(UsageError, match="needs the snapshot"):
        mv.risk(example_rows(), plan)  # type: ignore[call-overload]


def test_the_order_of_rows_is_no_part_of_a_problem(made):
    turned = made.problem.as_dict()
    turned["orders"] = turned["orders"][::-1]
    again = type(made.problem).from_dict(turned)
    assert again.fingerprint == made.problem.fingerprint
