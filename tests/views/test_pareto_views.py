"""How a trade-off looks: the knee, the picture, the tables."""

from __future__ import annotations

import dataclasses

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.results.pareto_front import OBJECTIVE, POINT, PROGRAM, ParetoFront
from medhavi.results.run_record import RunRecord
from medhavi.views.pictures.pareto import (
    budget_unit,
    budgets_words,
    changes_html,
    difference_html,
    front_chart,
    front_finding,
    front_words,
    objective_text,
    points_html,
)
from tests.views.mark_names import unnamed_marks


def front(*values: tuple[float, float]) -> ParetoFront:
    """A front of points by (cost, lateness)."""
    rows = [
        {
            "point": number,
            "cost": cost,
            "lateness": late,
            "co2": 5.0,
            "inventory": 7.0,
            "overtime": 0.0,
            "churn": None,
            "program": number,
            "late_demands": number,
            "on_time_in_full": 0.9,
        }
        for number, (cost, late) in enumerate(values, start=1)
    ]
    units = {"cost": "EUR", "co2": "kg"}
    return ParetoFront(
        points=pl.DataFrame(rows, schema=dict(POINT)),
        programs=pl.DataFrame(schema=dict(PROGRAM)),
        objectives=pl.DataFrame(
            [
                {
                    "objective": name,
                    "unit": units.get(name, "unit days"),
                    "chosen": True,
                }
                for name in ("cost", "lateness", "co2", "inventory")
            ],
            schema=dict(OBJECTIVE),
        ),
        run=RunRecord(
            planner="pareto",
            mode="optimize",
            package_version="1",
            snapshot_fingerprint="f",
        ),
    )


BENT = ((100.0, 50.0), (110.0, 10.0), (200.0, 0.0))


@pytest.mark.req("UI-07")
def test_the_knee_is_where_the_front_bends():
    assert front(*BENT).knee() == 2


@pytest.mark.req("UI-07")
def test_the_knee_is_of_what_is_traded():
    """By cost and lateness it is 3; cost and stock were traded, where 2 bends."""
    values = ((100.0, 50.0, 90.0), (110.0, 45.0, 5.0), (120.0, 5.0, 4.0))
    made = front(*((cost, late) for cost, late, _ in values), (200.0, 0.0))
    stock = pl.Series("inventory", [*(stock for *_, stock in values), 0.0])
    traded = pl.col("objective").is_in(["cost", "inventory"])
    made = dataclasses.replace(
        made,
        points=made.points.with_columns(stock),
        objectives=made.objectives.with_columns(chosen=traded),
    )
    assert (made.knee(), made.knee("cost", "lateness")) == (2, 3)
    assert "knee between cost and inventory: 2" in str(made)
    assert "2 ◆ knee" in points_html(made)


@pytest.mark.parametrize(
    "values",
    [
        (),
        ((1.0, 2.0), (2.0, 1.0)),
        ((1.0, 2.0), (1.0, 2.0), (1.0, 2.0)),
        ((1.0, 3.0), (2.0, 2.0), (3.0, 1.0)),
        ((1.0, 4.0), (2.5, 3.9), (3.0, 1.0)),
    ],
)
def test_a_straight_or_short_front_has_no_knee(values):
    assert front(*values).knee() is None


@given(st.floats(0.1, 100), st.floats(0.1, 100))
def test_the_knee_does_not_depend_on_the_units(wide, high):
    scaled = tuple((cost * wide, late * high) for cost, late in BENT)
    assert front(*scaled).knee() == 2


def test_the_picture_says_what_the_knee_brings():
    chart = front_chart(front(*BENT), brush=True)
    assert unnamed_marks(chart) == []
    assert chart is not None
    assert chart.to_dict()["title"]["text"] == (
        "Plan 2 has 80 % less lateness than the cheapest for 10 % more operating cost"
    )
    plain = front_chart(front((1.0, 2.0)))
    assert plain is not None
    assert "1 plan between" in plain.to_dict()["title"]["text"]
    assert front_chart(front()) is None


def test_programs_far_away_do_not_press_the_plans_together():
    """Plans cost 100 to 200: the axis has 15 % more, no program is drawn at 9,000."""
    program = {"program": 1, "cost": 9_000.0, "lateness": 10.0}
    near = {"program": 2, "cost": 110.0, "lateness": 20.0}
    crowd = dataclasses.replace(
        front(*BENT),
        programs=pl.DataFrame([program, near], schema=dict(PROGRAM)),
    )
    drawn = front_chart(crowd).to_dict()["layer"]
    axes = [one["encoding"]["x"]["scale"] for one in drawn[1:2]]
    assert axes == [{"domain": [85.0, 215.0], "nice": False, "zero": False}]
    (shown,) = drawn[0]["data"]["values"]
    assert (shown["program"], drawn[0]["mark"]["shape"]) == (2, "diamond")
    assert "Hollow diamonds are rough" in front_words(crowd, "cost", "lateness")
    # Words on marks that are not drawn: none.
    far = dataclasses.replace(crowd, programs=crowd.programs.head(1))
    assert "diamond" not in str(front_chart(far).to_dict())
    for one in (far, front(*BENT)):
        assert "diamond" not in front_words(one, "cost", "lateness")


def test_the_plan_in_force_stands_in_the_picture_or_is_told():
    """All plans beat it; it was in a table alone."""
    made, near = front(*BENT), {"cost": 210.0, "lateness": 60.0, "co2": 5.0}
    drawn = front_chart(made, before=near)
    assert unnamed_marks(drawn) == []
    text = str(drawn.to_dict())
    assert "The plan in force: operating cost € 210, lateness 60 unit days" in text
    # The axis takes it in, with 15 % of the span on both sides.
    assert "'domain': [83.5, 226.5]" in text
    assert "The square is the plan in force." in front_words(
        made, "cost", "lateness", near
    )
    far = {"cost": 5_000.0, "lateness": 60.0}
    assert "in force" not in str(front_chart(made, before=far).to_dict())
    assert front_words(made, "cost", "lateness", far).endswith(
        "The plan in force lies outside the picture: operating cost € 5k, lateness "
        "60 unit days."
    )


def test_a_front_is_told_in_a_line_by_the_ends_of_its_plans():
    assert front_finding(front(*BENT)) == (
        "3 efficient plans: operating cost from € 100 to € 200, lateness from "
        "0 unit days to 50 unit days"
    )
    one = front((12_400.0, 0.0))
    assert front_finding(one) == (
        "1 efficient plan: operating cost € 12.4k, lateness 0 unit days"
    )
    assert front_finding(front()) == "No plan keeps the budgets"


def test_axes_and_forms_have_the_sign_of_money_and_tonnes():
    text = str(front_chart(front(*BENT), "cost", "co2").to_dict())
    assert "operating cost [€]" in text
    assert "emissions [t]" in text
    assert "datum.value / 1000" in text
    assert (budget_unit("cost", "EUR"), budget_unit("co2", "EUR")) == ("€", "t")
    assert objective_text(front(*BENT), "co2", 65_950.0) == "66.0 t"


def test_points_are_listed_and_the_knee_is_marked():
    table = points_html(front(*BENT))
    assert "2 ◆ knee" in table
    assert "90 %" in table
    assert "1 ◆" not in points_html(front(*BENT), [1])
    assert "No plan is selected" in points_html(front(*BENT), [9])


def test_two_plans_stand_with_their_difference():
    table = difference_html(front(*BENT), 1, 2)
    assert "\N{MINUS SIGN}40 unit days" in table
    assert "equal" in table
    assert "Choose two plans" in difference_html(front(*BENT), 1, 9)


@pytest.mark.req("OMO-14", "UI-07")
def test_the_budgets_that_plans_keep_are_told():
    """Who comes back to the page finds an empty form."""
    made = front(*BENT)
    asked = {"budgets": {"cash": 800.0, "co2": 12_500.0, "cost": 950.0}}
    most = dataclasses.replace(made, run=dataclasses.replace(made.run, settings=asked))
    words = "Each plan has at most: cash € 800, emissions 12.5 t, operating cost € 950."
    assert budgets_words(most).strip() == words
    assert "budgets: at most cash 800 EUR, co2 12,500 kg, cost 950 EUR" in str(most)
    assert budgets_words(made) == ""
    assert "budgets" not in str(made)


def test_a_difference_below_what_tells_plans_apart_is_none():
    known = {"cost": 100.0 - 1e-10, "lateness": 50.0, "co2": 5.0, "inventory": 7.0}
    told = changes_html(front(BENT[0]), known)
    assert told.count("equal") == 4


def test_one_plan_that_is_left_has_no_difference():
    assert "Every other plan" in difference_html(front(BENT[0]), 1, 1)


def test_a_value_stands_with_its_unit():
    assert objective_text(front(*BENT), "co2", 12.0) == "12 kg"
    assert objective_text(front(*BENT), "cost", None) == "\N{EN DASH}"


def test_changed_orders_are_shown_without_programs():
    """A program decides amounts: on an axis of orders there is no diamond of it."""
    made = front((1.0, 9.0), (5.0, 2.0))
    points = made.points.with_columns(churn=pl.Series([4.0, 0.0]))
    made = dataclasses.replace(made, points=points)
    assert made.told[-1] == "churn"
    assert "overtime" not in made.told
    assert "changed orders" in str(front_chart(made, "cost", "churn").to_dict())
    assert "diamond" not in front_words(made, "cost", "churn")
    assert "Changed orders" in points_html(made)
