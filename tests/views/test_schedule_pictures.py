"""Gantt and histogram: what they draw can be counted, in both themes."""

from __future__ import annotations

import re

import pytest

import medhavi as mv
from medhavi.views.pictures.operation_bars import due_rows, hue_words, order_hues
from medhavi.views.schedule_words import (
    gantt_chart,
    gantt_rows,
    risk_bars,
    risk_chart,
    risk_marks,
    risk_title,
)
from medhavi.views.theme import MODES, MOST_MARKS, inked, specification, title_of
from tests.api import Names
from tests.planners.workshop import changes, order, solved, step, workshop
from tests.views.mark_names import unnamed_marks


@pytest.fixture(scope="module")
def made():
    return solved(
        workshop(
            order("A", step(1, ("M", 90), name="fill", family="a")),
            order("B", step(1, ("M", 60), family="b"), due_minutes=30, product="Soap"),
            order("C", step(1, ("N", 50), splittable=True)),
            resources=[
                {"resource": "M", "name": "Filler", "changeover_matrix": "m"},
                {"resource": "N", "units": 2, "windows": [[0, 20], [60, 200]]},
            ],
            changeovers=changes(("*", "*", 15)),
            objective=["makespan"],
        )
    )


def test_a_set_up_is_a_bar_of_its_own_and_a_pause_is_a_gap(made):
    rows = gantt_rows(made)
    assert rows.filter(rows["part"] == "set-up").height == 1
    runs = rows.filter((rows["part"] == "run") & (rows["order"] == "C"))
    start = rows["x"].min()
    minutes = [
        ((a - start) // 60_000, (b - start) // 60_000)
        for a, b in runs["x", "x2"].rows()
    ]
    assert minutes == [(0, 20), (60, 90)]


def test_what_is_late_has_a_mark_a_hue_and_a_place(made):
    row = gantt_rows(made).filter(order="B", part="run").row(0, named=True)
    assert row["hue"] == "bad"
    assert row["text"] == "▲ B"
    assert row["label"] == "Filler"
    assert "Soap" in row["tip"]


def test_orders_have_the_hue_of_their_family_and_a_legend_names_it(made):
    hues = order_hues(made)
    assert hues["A"] == order_hues(made)["A"]
    words = hue_words(made)
    assert words[hues["A"]] == "a"
    assert hues["B"] != hues["A"]
    assert words[hues["C"]] == "without a changeover family"
    assert words["bad"] == "▲ late or short"
    assert all(words.values())
    assert "▲ late or short" in str(specification(gantt_chart(made)))


def test_due_dates_are_marked_in_the_row_of_the_last_operation(made):
    (row,) = due_rows(made, "UTC", Names()).to_dicts()
    bar = gantt_rows(made).filter(order="B", part="run").row(0, named=True)
    assert row["place"] == bar["place"]
    assert row["tip"].startswith("B, due ")
    assert row["x"] - gantt_rows(made)["x"].min() == 30 * 60_000
    assert unnamed_marks(gantt_chart(made)) == []


def test_times_are_those_of_the_zone(made):
    rome, utc = gantt_rows(made, "Europe/Rome"), gantt_rows(made)
    assert rome["x"].min() - utc["x"].min() == 3_600_000
    assert "07:00" in rome["tip"][0]


def test_the_working_axis_counts_hours(made):
    document = made.problem.as_dict() | {"time_axis": "working"}
    working = mv.schedule(document)
    assert gantt_rows(working)["x"].min() == 0
    assert "of working time" in title_of(gantt_chart(working))
    assert "hours of working time" in str(specification(gantt_chart(working)))


@pytest.mark.parametrize("mode", sorted(MODES))
def test_both_pictures_are_valid_charts_in_tokens(made, mode):
    report = mv.risk(made, spread=0.2, scenarios=500)
    for chart in (gantt_chart(made), risk_chart(report)):
        chart.to_dict(validate=True)
        assert not re.search(r"#[0-9a-fA-F]{6}", str(specification(chart)))
        assert "var(--mv" not in str(inked(specification(chart), mode))


def test_a_schedule_without_operations_has_no_picture():
    impossible = solved(
        workshop(
            order("A", step(1, ("M", 9))),
            resources=[{"resource": "M", "windows": [[0, 5]]}],
        )
    )
    assert gantt_chart(impossible) is None


def test_the_histogram_counts_every_scenario(made):
    report = mv.risk(made, spread=0.2, scenarios=700)
    bars = risk_bars(report)
    assert bars["scenarios"].sum() == 700
    assert bars.height <= 60 <= MOST_MARKS
    assert risk_marks(report)["x"].to_list()[0] == pytest.approx(165 / 60)
    assert "longer than the mean" in risk_title(report)


def test_a_sure_schedule_is_one_bar(made):
    report = mv.risk(made, spread=0.0, scenarios=10)
    bars = risk_bars(report)
    assert bars.filter(bars["scenarios"] > 0).height == 1
    assert risk_chart(report).to_dict(validate=True)
